"""
What ib_async or ib_insync reads back from a gateway and does there, printed as JSON in the words of `official.py`.

    python tests/clients/take_part.py HOST PORT ib_async|ib_insync CLIENT_ID CON_ID
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

from read_back import TIMEOUT_S, read

ROUNDS_MAX = 100
ROUND_S = 0.2
TAGS = {"NetLiquidation", "TotalCashValue", "GrossPositionValue"}


def main(host: str, port: int, library: str, *, client_id: int, con_id: int) -> None:
    """Connect, read, trade, print one JSON object."""
    module = importlib.import_module(library)
    ib = module.IB()
    ib.connect(host, port, clientId=client_id, timeout=TIMEOUT_S)
    try:
        es = module.Contract(conId=con_id, exchange="CME")
        found = {"server_version": ib.client.serverVersion(), "accounts": ",".join(ib.managedAccounts())}
        found |= read(ib) | look(ib, es) | trade(module, ib, es)
        print(json.dumps(found, sort_keys=True))
    finally:
        ib.disconnect()


def look(ib: Any, es: Any) -> dict[str, Any]:
    """Account values, contract details, and one snapshot of the prices."""
    ticker = ib.reqMktData(es, snapshot=True)
    wait(ib, lambda: ticker.bid == ticker.bid and ticker.ask == ticker.ask and ticker.last == ticker.last)  # not NaN
    return {
        "values": {one.tag: one.value for one in ib.accountSummary() if one.tag in TAGS},
        "details": [[one.contract.conId, one.minTick, one.contractMonth] for one in ib.reqContractDetails(es)],
        "ticks": {"1": ticker.bid, "2": ticker.ask, "4": ticker.last},
    }


def trade(module: Any, ib: Any, es: Any) -> dict[str, Any]:
    """A market order that fills; a limit order that rests, is changed and cancelled."""
    market = ib.placeOrder(es, module.MarketOrder("BUY", 2))
    wait(ib, lambda: market.fills and market.fills[0].commissionReport.execId)
    (fill,) = market.fills
    resting = ib.placeOrder(es, module.LimitOrder("BUY", 1, 6000.0))
    wait(ib, lambda: resting.orderStatus.status == "Submitted")
    resting.order.lmtPrice = 6001.5
    ib.placeOrder(es, resting.order)
    wait(ib, lambda: resting.orderStatus.status == "Submitted" and len(resting.log) > 2)
    same = [one for one in ib.reqAllOpenOrders() if one.order.permId == resting.order.permId]
    changed = sorted({one.order.lmtPrice for one in same})
    ib.cancelOrder(resting.order)
    wait(ib, resting.isDone)
    return {
        "filled": [fill.execution.price, fill.execution.shares, fill.commissionReport.commission],
        "changed": changed,
        "cancelled": resting.orderStatus.status,
    }


def wait(ib: Any, done: Callable[[], Any]) -> None:
    """Until it is done; an update can slip in before waitOnUpdate listens, so look again now and then."""
    for _ in range(ROUNDS_MAX):
        if done():
            return
        ib.waitOnUpdate(timeout=ROUND_S)
    raise TimeoutError


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], client_id=int(sys.argv[4]), con_id=int(sys.argv[5]))
