"""Real IB clients on the simulated gateway: connect(), several at once, orders; test_sim_agreement has the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim_support import RawClient
from tieout.sim import RunningSim, run_in_thread

LIBRARY = "ib_async" if find_spec("ib_async") else "ib_insync"
"""Each brings its own eventkit, so an environment holds one of them."""
READ_BACK = Path(__file__).parent / "clients" / "read_back.py"
CLIENT_TIMEOUT_S = 60
ES = 637533641


def run_client(code: str, sim: RunningSim) -> Any:
    """What a script with a connected `ib` prints as JSON; `lib` is the client library."""
    head = (
        f"import json, {LIBRARY} as lib; ib = lib.IB(); ib.connect('127.0.0.1', {sim.port}, clientId=7, timeout=20)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + code + "\nib.disconnect()"],
        capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def read_back(sim: RunningSim, client_id: int) -> dict[str, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, str(READ_BACK), "127.0.0.1", str(sim.port), LIBRARY, str(client_id)],
        capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def test_several_clients_read_the_same_at_once() -> None:
    with run_in_thread() as sim, RawClient(sim.port) as idle:
        idle.start(5)
        clients = [
            subprocess.Popen(
                [sys.executable, str(READ_BACK), "127.0.0.1", str(sim.port), LIBRARY, str(client_id)],
                stdout=subprocess.PIPE, text=True,
            )
            for client_id in (20, 21)
        ]  # fmt: skip
        answers = [client.communicate(timeout=CLIENT_TIMEOUT_S)[0] for client in clients]
    assert answers[0] == answers[1]
    assert len(json.loads(answers[0])["open_orders"]) == 3


def test_connect_fills_in_account_values_and_portfolio() -> None:
    code = """
print(json.dumps([
    sorted((v.tag, v.value) for v in ib.accountValues()),
    sorted((p.contract.symbol, p.position, p.marketPrice, p.unrealizedPNL) for p in ib.portfolio()),
    sorted((v.tag, v.value) for v in ib.accountSummary() if v.tag == "NetLiquidation"),
    ib.managedAccounts(), ib.client.getReqId() >= 100,
    [(d.contract.conId, d.minTick, d.contractMonth) for d in ib.reqContractDetails(lib.Future("ES", "202612", "CME"))],
    [trade.order.orderId for trade in ib.reqOpenOrders()],
]))
"""
    with run_in_thread() as sim:
        told = run_client(code, sim)
    assert told == [
        [["GrossPositionValue", "23172.60"], ["NetLiquidation", "246447.83"], ["TotalCashValue", "269339.33"]],
        [["AAPL", -110.0, 201.5, 42.126799], ["ES", 4.0, 6600.25, 2712.5]],
        [["NetLiquidation", "246447.83"]],
        ["DU1234567"],
        True,
        [[ES, 0.25, "202612"]],
        [11, 12],
    ]


PLACE = f"""
def wait(done):
    for _ in range(100):  # an update can slip in before waitOnUpdate listens, so look again now and then
        if done():
            return
        ib.waitOnUpdate(timeout=0.2)
    raise TimeoutError

es = lib.Contract(conId={ES}, exchange="CME")
def place(order):
    return ib.placeOrder(es, order)
"""


def test_orders_fill_rest_change_and_are_cancelled() -> None:
    code = (
        PLACE
        + """
market = place(lib.MarketOrder("BUY", 2))
wait(lambda: market.fills and market.fills[0].commissionReport.execId)
crossing = place(lib.LimitOrder("SELL", 1, 6599.0))
wait(crossing.isDone)
resting = place(lib.LimitOrder("BUY", 1, 6000.0))
stop = place(lib.StopOrder("SELL", 1, 5000.0))
wait(lambda: resting.orderStatus.status == "Submitted" and stop.orderStatus.status == "PreSubmitted")
resting.order.lmtPrice = 6001.5
place(resting.order)
wait(lambda: resting.orderStatus.status == "Submitted")
changed = sorted({t.order.lmtPrice for t in ib.reqAllOpenOrders() if t.order.permId == resting.order.permId})
ib.cancelOrder(stop.order)
wait(stop.isDone)
print(json.dumps([
    [market.orderStatus.status, market.fills[0].execution.price, market.fills[0].commissionReport.commission],
    [crossing.orderStatus.status, crossing.orderStatus.avgFillPrice],
    [resting.orderStatus.status, changed, stop.orderStatus.status],
]))
"""
    )
    with run_in_thread() as sim:
        told = run_client(code, sim)
        es = [held.quantity for held in sim.gateway.world.positions if held.contract.con_id == ES]
    assert told == [["Filled", 6600.25, 4.1], ["Filled", 6600.25], ["Submitted", [6001.5], "Cancelled"]]
    assert es == [5]


def test_a_what_if_order_is_not_placed() -> None:
    code = (
        PLACE
        + """
state = ib.whatIfOrder(es, lib.MarketOrder("BUY", 2))
print(json.dumps([state.status, len(ib.reqAllOpenOrders())]))
"""
    )
    with run_in_thread() as sim:
        assert run_client(code, sim) == ["PreSubmitted", 3]
        assert [order.order_id for order in sim.gateway.world.live_orders()] == [11, 12, 0]
