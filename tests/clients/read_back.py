"""
Reads back, through a client library's own IB().connect(), what a gateway holds, and prints it as JSON.

    python tests/clients/read_back.py HOST PORT ib_async|ib_insync [CLIENT_ID]
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

TIMEOUT_S = 20
COMMISSION_ROUNDS_MAX = 100
ROUND_S = 0.2


def main(host: str, port: int, library: str, client_id: int) -> None:
    """Connect, ask for everything, print one JSON object."""
    module = importlib.import_module(library)
    ib = module.IB()
    ib.connect(host, port, clientId=client_id, timeout=TIMEOUT_S)
    try:
        print(json.dumps(read(ib), sort_keys=True))
    finally:
        ib.disconnect()


def read(ib: Any) -> dict[str, list[dict[str, Any]]]:
    """Open orders, completed orders, executions with their commission, and positions."""
    opened = [trade(t) | {"filled": t.orderStatus.filled} for t in ib.reqAllOpenOrders()]
    completed = [trade(t) | {"filled": t.order.filledQuantity} for t in ib.reqCompletedOrders(False)]
    fills = ib.reqExecutions()
    for _ in range(COMMISSION_ROUNDS_MAX):  # commissions come after the list's end, each by itself
        if all(fill.commissionReport.execId for fill in ib.fills()):
            break
        ib.waitOnUpdate(timeout=ROUND_S)  # short: an update can slip in before it listens
    known = {fill.execution.execId: fill.commissionReport for fill in ib.fills()}
    return {
        "open_orders": in_order(opened),
        "completed_orders": in_order(completed),
        "executions": sorted(
            (
                {
                    "exec_id": fill.execution.execId,
                    "perm_id": fill.execution.permId,
                    "symbol": fill.contract.symbol,
                    "side": fill.execution.side,
                    "quantity": fill.execution.shares,
                    "price": fill.execution.price,
                    "commission": known[fill.execution.execId].commission,
                }
                for fill in fills
            ),
            key=lambda row: row["exec_id"],
        ),
        "positions": sorted(
            (
                {
                    "account": held.account,
                    "symbol": held.contract.symbol,
                    "quantity": held.position,
                    "average_cost": held.avgCost,
                }
                for held in ib.positions()
            ),
            key=lambda row: row["symbol"],
        ),
    }


def trade(found: Any) -> dict[str, Any]:
    """The fields of a Trade that a scenario sets."""
    order = found.order
    return {
        "perm_id": order.permId,
        "order_id": order.orderId,
        "client_id": order.clientId,
        "order_ref": order.orderRef,
        "symbol": found.contract.symbol,
        "side": order.action,
        "quantity": order.totalQuantity,
        "order_type": order.orderType,
        "limit_price": order.lmtPrice,
        "stop_price": order.auxPrice,
        "tif": order.tif,
        "status": found.orderStatus.status,
    }


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By perm_id, which every order has."""
    return sorted(rows, key=lambda row: row["perm_id"])


if __name__ == "__main__":
    if len(sys.argv) not in {4, 5}:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]) if len(sys.argv) == 5 else 91)
