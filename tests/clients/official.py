# ruff: noqa: N802, N803 - ibapi calls these methods, under these names
"""
What the official `ibapi` reads back from a gateway and does there, printed as JSON.

    PYTHON-WITH-IBAPI tests/clients/official.py HOST PORT CLIENT_ID CON_ID

Nothing but ibapi and the standard library: it runs in an environment of its own.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

TIMEOUT_S = 30.0
DETAILS, EXECUTIONS, QUOTE, SUMMARY = 9001, 9002, 9003, 9004
Row = dict[str, Any]


class Client(EWrapper, EClient):
    """Every callback that counts is a row in `heard`, in the order of arrival."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, wrapper=self)
        self.heard: queue.Queue[Row] = queue.Queue()

    def say(self, what: str, **fields: Any) -> None:
        self.heard.put({"what": what, **fields})

    def take(self, done: Callable[[Row], bool]) -> list[Row]:
        """What is heard up to and with the row that ends the wait."""
        rows: list[Row] = []
        while not rows or not done(rows[-1]):
            rows.append(self.heard.get(timeout=TIMEOUT_S))
        return rows

    def until(self, what: str) -> list[Row]:
        return self.take(lambda row: row["what"] == what)

    def nextValidId(self, orderId: int) -> None:
        self.say("next_id", id=orderId)

    def managedAccounts(self, accountsList: str) -> None:
        self.say("accounts", accounts=accountsList)

    def currentTime(self, time: int) -> None:
        self.say("time", time=time)

    def openOrder(self, orderId: int, contract: Contract, order: Order, orderState: Any) -> None:
        self.say("open", **terms(contract, order), status=orderState.status)

    def orderStatus(self, orderId: int, status: str, filled: float, *rest: Any) -> None:
        _remaining, average, perm_id = rest[:3]
        self.say("status", order_id=orderId, perm_id=perm_id, status=status, filled=filled, average=average)

    def openOrderEnd(self) -> None:
        self.say("open_end")

    def completedOrder(self, contract: Contract, order: Order, orderState: Any) -> None:
        self.say("completed", **terms(contract, order), status=orderState.status, filled=order.filledQuantity)

    def completedOrdersEnd(self) -> None:
        self.say("completed_end")

    def execDetails(self, reqId: int, contract: Contract, execution: Any) -> None:
        self.say(
            "execution", exec_id=execution.execId, perm_id=execution.permId, symbol=contract.symbol,
            side=execution.side, quantity=execution.shares, price=execution.price,
        )  # fmt: skip

    def execDetailsEnd(self, reqId: int) -> None:
        self.say("executions_end")

    def commissionReport(self, commissionReport: Any) -> None:
        self.say("commission", exec_id=commissionReport.execId, amount=commissionReport.commission)

    def position(self, account: str, contract: Contract, position: float, avgCost: float) -> None:
        self.say("position", account=account, symbol=contract.symbol, quantity=position, average_cost=avgCost)

    def positionEnd(self) -> None:
        self.say("positions_end")

    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        self.say("value", tag=tag, value=value)

    def accountSummaryEnd(self, reqId: int) -> None:
        self.say("values_end")

    def contractDetails(self, reqId: int, contractDetails: Any) -> None:
        found = contractDetails.contract
        self.say("details", found=[found.conId, contractDetails.minTick, contractDetails.contractMonth])

    def contractDetailsEnd(self, reqId: int) -> None:
        self.say("details_end")

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        self.say("tick", tick=[tickType, price])

    def tickSnapshotEnd(self, reqId: int) -> None:
        self.say("ticks_end")


def terms(contract: Contract, order: Order) -> Row:
    return {
        "perm_id": order.permId,
        "order_id": order.orderId,
        "client_id": order.clientId,
        "order_ref": order.orderRef,
        "symbol": contract.symbol,
        "side": order.action,
        "quantity": order.totalQuantity,
        "order_type": order.orderType,
        "limit_price": order.lmtPrice,
        "stop_price": order.auxPrice,
        "tif": order.tif,
    }


def rows(heard: list[Row], what: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "what"} for row in heard if row["what"] == what]


def read(app: Client, con_id: int) -> Row:
    """Everything that a gateway can be asked for here."""
    app.reqAllOpenOrders()
    told = app.until("open_end")
    filled = {row["perm_id"]: row["filled"] for row in rows(told, "status")}
    opened = [row | {"filled": filled[row["perm_id"]]} for row in rows(told, "open")]
    app.reqCompletedOrders(False)
    completed = rows(app.until("completed_end"), "completed")
    app.reqExecutions(EXECUTIONS, ExecutionFilter())
    told = app.until("executions_end")
    fills = rows(told, "execution")
    reports = {row["exec_id"]: row["amount"] for row in rows(told, "commission")}
    while len(reports) < len(fills):  # the End does not wait for them
        reports |= {row["exec_id"]: row["amount"] for row in rows(app.until("commission"), "commission")}
    app.reqPositions()
    positions = rows(app.until("positions_end"), "position")
    app.cancelPositions()
    app.reqAccountSummary(SUMMARY, "All", "NetLiquidation,TotalCashValue,GrossPositionValue")
    values = {row["tag"]: row["value"] for row in rows(app.until("values_end"), "value")}
    future = Contract()
    future.conId = con_id
    app.reqContractDetails(DETAILS, future)
    details = [row["found"] for row in rows(app.until("details_end"), "details")]
    app.reqMktData(QUOTE, venue(con_id), "", True, False, [])
    ticks = {str(row["tick"][0]): row["tick"][1] for row in rows(app.until("ticks_end"), "tick")}
    return {
        "open_orders": sorted(opened, key=lambda row: row["perm_id"]),
        "completed_orders": sorted(completed, key=lambda row: row["perm_id"]),
        "executions": sorted(
            (fill | {"commission": reports[fill["exec_id"]]} for fill in fills), key=lambda row: row["exec_id"]
        ),
        "positions": sorted(positions, key=lambda row: row["symbol"]),
        "values": values,
        "details": details,
        "ticks": ticks,
    }


def trade(app: Client, con_id: int, first_id: int) -> Row:
    """A market order that fills; a limit order that rests, is changed and cancelled."""
    es = venue(con_id)
    app.placeOrder(first_id, es, ticket("BUY", 2, "MKT"))
    told = app.take(lambda row: row["what"] == "commission")
    (fill,), (report,) = rows(told, "execution"), rows(told, "commission")
    resting = ticket("BUY", 1, "LMT", 6000.0)
    app.placeOrder(first_id + 1, es, resting)
    app.take(lambda row: row["what"] == "status" and (row["order_id"], row["status"]) == (first_id + 1, "Submitted"))
    resting.lmtPrice = 6001.5
    app.placeOrder(first_id + 1, es, resting)
    app.take(lambda row: row["what"] == "status" and row["order_id"] == first_id + 1)
    app.reqAllOpenOrders()
    changed = [row["limit_price"] for row in rows(app.until("open_end"), "open") if row["order_id"] == first_id + 1]
    app.cancelOrder(first_id + 1)
    told = app.take(
        lambda row: row["what"] == "status" and (row["order_id"], row["status"]) == (first_id + 1, "Cancelled")
    )
    return {
        "filled": [fill["price"], fill["quantity"], report["amount"]],
        "changed": changed,
        "cancelled": told[-1]["status"],
    }


def venue(con_id: int) -> Contract:
    found = Contract()
    found.conId, found.exchange = con_id, "CME"
    return found


def ticket(side: str, quantity: float, order_type: str, limit: float | None = None) -> Order:
    order = Order()
    order.action, order.totalQuantity, order.orderType = side, quantity, order_type
    if limit is not None:
        order.lmtPrice = limit
    return order


def main(host: str, port: int, client_id: int, con_id: int) -> None:
    app = Client()
    app.connect(host, port, client_id)
    loop = threading.Thread(target=app.run)
    loop.start()
    try:
        logon = app.until("next_id")
        found = {"server_version": app.serverVersion(), "accounts": rows(logon, "accounts")[0]["accounts"]}
        found |= read(app, con_id)
        found |= trade(app, con_id, rows(logon, "next_id")[0]["id"])
        print(json.dumps(found, sort_keys=True))
    finally:
        app.disconnect()
        loop.join(TIMEOUT_S)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:]))
