"""Orders on the simulated gateway: IB's error codes, who may do what, and the matching rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_support import RawClient, sim_of
from tieout.sim import RunningSim
from tieout.sim.matching import accept, cancel, fills_at, move_price
from tieout.sim.world import Contract, Order, World

SCENARIO = """
accounts: [DU1]
next_order_id: 100
commission_per_unit: 2.05
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20260320", multiplier: "50", local_symbol: ESH6}
  ESM: {con_id: 6, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20260618", multiplier: "50", local_symbol: ESM6}
prices: {ES: 6600.25}
live_orders:
  - {contract: ES, perm_id: 901, client_id: 7, order_id: 11, side: BUY, quantity: 2, order_type: LMT, limit_price: 6500}
  - {contract: ES, perm_id: 902, client_id: 8, order_id: 12, side: BUY, quantity: 2, order_type: LMT, limit_price: 6501}
  - {contract: ES, perm_id: 903, side: SELL, quantity: 1, order_type: LMT, limit_price: 6700}
completed_orders:
  - {contract: ES, perm_id: 904, client_id: 7, order_id: 9, side: BUY, quantity: 1, order_type: MKT, status: Filled,
     filled: 1, ended_at: "2026-03-04T11:00:00Z"}
"""


def order_fields(order_id: int, **values: object) -> list[object]:
    """placeOrder at server version 178, with the groups that an ordinary order leaves out left out."""
    have = {
        "con_id": 5, "symbol": "", "side": "BUY", "quantity": 1, "order_type": "LMT", "limit": 6000, "stop": "",
        "account": "", "transmit": 1, "what_if": 0,
    } | values  # fmt: skip
    contract = [have["con_id"], have["symbol"], "", "", 0, "", "", "CME", "", "USD", "", ""]
    head = [3, order_id, *contract, "", "", have["side"], have["quantity"], have["order_type"], have["limit"]]
    head += [have["stop"], "DAY", "", have["account"], "", 0, "ref", have["transmit"], 0, 0, 0, "", 0, 0, 0]
    tail = ["", "", "", "", "", "", ""]  # shares allocation ... faPercentage
    tail += ["", 0, "", -1, 0, "", "", 0, "", "", 0, 0, "", 0, "", "", "", "", "", 0, "", "", "", ""]
    tail += [0, "", "", "", "", "", "", "", "", "", "", 0, "", "", 0, 0, "", "", have["what_if"], "", 0, 0, 0, 0]
    return [*head, *tail]


@contextmanager
def connected(tmp_path: Path, client_id: int = 7) -> Iterator[tuple[RunningSim, RawClient]]:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(client_id)
        yield sim, client


@pytest.mark.parametrize(
    ("order_id", "values", "code"),
    [
        (9, {}, 104),
        (99, {}, 103),
        (5, {}, 103),
        (100, {"con_id": 0, "symbol": "NQ"}, 200),
        (100, {"con_id": 0, "symbol": "ES"}, 200),
        (100, {"con_id": 0, "symbol": ""}, 200),
        (100, {"quantity": 0}, 321),
        (100, {"side": "HOLD"}, 321),
        (100, {"account": "DU9"}, 321),
        (100, {"limit": ""}, 321),
        (100, {"order_type": "STP", "limit": 0, "stop": ""}, 321),
        (0, {}, 321),
        (11, {"side": "SELL"}, 201),
    ],
)
def test_a_bad_order_gets_its_error_and_nothing_else(
    order_id: int, values: dict[str, object], code: int, tmp_path: Path
) -> None:
    with connected(tmp_path) as (sim, client):
        client.send(*order_fields(order_id, **values))
        said = client.ask(49, 1, until="49")
        assert [message[2:4] for message in said[:-1]] == [[str(order_id), str(code)]]
        assert [order.perm_id for order in sim.gateway.world.live_orders()] == [901, 902, 903]


def test_the_clients_own_order_is_cancelled_with_202(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client):
        client.send(4, 1, 11, "")
        said = client.ask(49, 1, until="49")
        assert [message[:4] for message in said[:-1]] == [["3", "11", "Cancelled", "0"], ["4", "2", "11", "202"]]
        completed = client.ask(99, 0, until="102")
        assert [message[23] for message in completed[:-1]] == ["901", "904"]


@pytest.mark.parametrize(("order_id", "code"), [(12, 10147), (77, 10147), (0, 10147), (9, 10148)])
def test_what_cannot_be_cancelled_says_why(order_id: int, code: int, tmp_path: Path) -> None:
    with connected(tmp_path) as (sim, client):
        client.send(4, 1, order_id, "")
        said = client.ask(49, 1, until="49")
        assert [message[2:4] for message in said[:-1]] == [[str(order_id), str(code)]]
        assert len(sim.gateway.world.live_orders()) == 3


def test_a_global_cancel_takes_every_clients_orders(tmp_path: Path) -> None:
    with connected(tmp_path) as (sim, client), RawClient(sim.port) as other:
        other.start(8)
        client.send(58, 1)
        assert client.read_until("4")[0][:3] == ["3", "11", "Cancelled"]
        assert other.read_until("4")[-1][2:4] == ["12", "202"]
        assert client.ask(49, 1, until="49")[-1][0] == "49"  # the whole request is done by then
        assert sim.gateway.world.live_orders() == []


def test_open_orders_are_the_clients_own_and_all_are_everyones(tmp_path: Path) -> None:
    with connected(tmp_path, client_id=8) as (_, client):
        own, every = client.ask(5, 1, until="53"), client.ask(16, 1, until="53")
    assert [message[1] for message in own if message[0] == "5"] == ["12"]
    assert [message[1] for message in every if message[0] == "5"] == ["11", "12", "0"]


def test_client_zero_binds_manual_orders(tmp_path: Path) -> None:
    with connected(tmp_path, client_id=0) as (_, client):
        said = client.ask(5, 1, until="53")
    assert said[0] == ["100", "903", "0", "-1"]
    assert [message[1] for message in said if message[0] == "5"] == ["-1"]


def test_only_client_zero_may_bind_by_itself(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client):
        client.send(15, 1, 1)
        assert client.ask(49, 1, until="49")[0][3] == "321"


def test_api_only_completed_orders_leave_manual_ones_out(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client):
        assert [m[0] for m in client.ask(99, 1, until="102")] == ["101", "102"]


def test_a_fill_is_told_in_ibs_order(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client):
        client.send(*order_fields(100, order_type="MKT", limit=0, quantity=2))
        said = client.ask(49, 1, until="49")[:-1]
    assert [message[0] for message in said] == ["5", "3", "11", "5", "3", "59"]
    assert [message[2] for message in said if message[0] == "3"] == ["Submitted", "Filled"]
    assert said[-1][3] == "4.1"


def test_an_order_that_is_not_transmitted_waits(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, client):
        client.send(*order_fields(100, order_type="MKT", limit=0, transmit=0))
        assert [m[2] for m in client.ask(49, 1, until="49") if m[0] == "3"] == ["ApiPending"]
        client.send(*order_fields(100, order_type="MKT", limit=0))
        assert [m[2] for m in client.ask(49, 1, until="49") if m[0] == "3"] == ["Submitted", "Filled"]


def test_a_resting_order_fills_when_the_price_comes(tmp_path: Path) -> None:
    with connected(tmp_path) as (sim, client):
        sim.set_price(5, Decimal("6500"))
        said = client.ask(49, 1, until="49")[:-1]
        assert [message[0] for message in said] == ["11", "5", "3", "59"]
        assert [order.perm_id for order in sim.gateway.world.live_orders()] == [903]


ES = Contract(5, "ES", "FUT", "CME", multiplier="50")
PRICES = st.decimals(min_value=1, max_value=10_000, places=2)


def an_order(side: str, order_type: str, limit: Decimal | None, stop: Decimal | None) -> Order:
    return Order("DU1", 1, 7, 11, ES, side, Decimal(3), order_type, limit_price=limit, stop_price=stop)


@given(side=st.sampled_from(["BUY", "SELL"]), limit=PRICES, price=PRICES)
def test_a_limit_never_fills_worse_than_its_price(side: str, limit: Decimal, price: Decimal) -> None:
    good = price <= limit if side == "BUY" else price >= limit
    assert fills_at(an_order(side, "LMT", limit, None), price) is good


@given(side=st.sampled_from(["BUY", "SELL"]), stop=PRICES, price=PRICES)
def test_a_stop_fills_only_beyond_its_trigger(side: str, stop: Decimal, price: Decimal) -> None:
    reached = price >= stop if side == "BUY" else price <= stop
    assert fills_at(an_order(side, "STP", None, stop), price) is reached


@given(
    prices=st.lists(PRICES, min_size=1, max_size=8),
    sides=st.lists(st.sampled_from(["BUY", "SELL"]), min_size=8, max_size=8),
)
def test_the_position_is_the_sum_of_the_fills(prices: list[Decimal], sides: list[str]) -> None:
    world = World(accounts=["DU1"])
    for number, price in enumerate(prices):
        move_price(world, 5, price, now_ns=number)
        order = world.add_order(an_order(sides[number], "MKT", None, None))
        accept(world, order, number)
        assert (order.status, order.filled, order.average_price) == ("Filled", 3, price)
    signed = sum(fill.quantity if fill.side == "BUY" else -fill.quantity for fill in world.executions)
    assert sum(held.quantity for held in world.positions) == signed
    assert len({fill.exec_id for fill in world.executions}) == len(prices)


def test_a_cancelled_order_is_no_longer_live() -> None:
    order = an_order("BUY", "LMT", Decimal(1), None)
    cancel(order, 5)
    assert (order.live, order.status, order.ended_ns) == (False, "Cancelled", 5)
