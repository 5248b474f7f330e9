"""Faults of the gateway's conduct, seen by a raw client or by the real adapter."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from broker_support import CLIENT
from sim_support import NOON_NS, RawClient, noon, sim_of
from story_support import heard
from tieout.broker import BrokerSettings, ContractSpec, OrderSpec, open_broker
from tieout.errors import BrokerError, ScenarioError
from tieout.sim.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tieout.broker.port import Broker
    from tieout.sim import RunningSim

WORLD = """accounts: [DU1]
next_order_id: 100
prices: {ES: 6100}
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, exchange: CME, multiplier: "50", min_tick: 0.25}
live_orders:
  - {contract: ES, perm_id: 901, client_id: 7, order_id: 150, side: BUY, quantity: 2, order_type: LMT,
     limit_price: 6000}
  - {contract: ES, perm_id: 902, side: BUY, quantity: 1, order_type: LMT, limit_price: 6000}
completed_orders:
  - {contract: ES, perm_id: 903, client_id: 7, order_id: 9, side: BUY, quantity: 1, order_type: MKT, status: Filled,
     filled: 1, ended_at: -5m}
executions:
  - {contract: ES, exec_id: a.b.01.01, perm_id: 903, client_id: 7, order_id: 9, side: BUY, quantity: 1, price: 6100,
     executed_at: -5m, commission: 2.05}
"""
EXECUTIONS = (7, 3, 1, 0, "", "", "", "", "", "")
FUTURE = ContractSpec(con_id=5, exchange="CME")
MARKET = OrderSpec(side="BUY", quantity=Decimal(2), order_type="MKT")
RESTING = OrderSpec(side="BUY", quantity=Decimal(2), order_type="LMT", limit_price=Decimal(6000))


@contextmanager
def raw(fault: str, folder: Path, client_id: int = 7) -> Iterator[tuple[RunningSim, RawClient, list[list[str]]]]:
    """A gateway with that fault, a client that has logged on, and what it heard."""
    with sim_of(f"{WORLD}fault: {fault}\n", folder, now_ns=noon) as sim, RawClient(sim.port) as client:
        yield sim, client, client.start(client_id)


@contextmanager
def adapter(fault: str, folder: Path, client_id: int = 7) -> Iterator[tuple[RunningSim, Broker]]:
    """The same with the real adapter."""
    with sim_of(f"{WORLD}fault: {fault}\n", folder, now_ns=noon) as sim:
        settings = BrokerSettings(client=CLIENT, host="127.0.0.1", port=sim.port, client_id=client_id)  # type: ignore[arg-type]
        with open_broker(settings) as broker:
            yield sim, broker


def test_next_valid_id_rolls_back_and_the_id_is_refused(tmp_path: Path) -> None:
    with adapter("{next_id: 150}", tmp_path) as (_, broker):
        assert broker.next_order_id() == 150
        other = OrderSpec(side="SELL", quantity=Decimal(2), order_type="MKT")
        refused = broker.place(FUTURE, other, order_id=149)
    assert refused.code == 103


def test_an_id_of_an_earlier_connection_is_a_new_order(tmp_path: Path) -> None:
    with adapter("{reuse_ids: true, next_id: 150}", tmp_path) as (sim, broker):
        placed = broker.place(FUTURE, RESTING, order_id=broker.next_order_id())
        held = [(o.perm_id, o.order_id) for o in sim.gateway.world.live_orders() if o.client_id == 7]
    assert held == [(901, 150), (placed.perm_id, 150)]


def test_a_change_forks_the_perm_id(tmp_path: Path) -> None:
    with adapter("fork_perm_id", tmp_path) as (sim, broker):
        order_id = broker.next_order_id()
        first = broker.place(FUTURE, RESTING, order_id=order_id)
        changed = OrderSpec(side="BUY", quantity=Decimal(3), order_type="LMT", limit_price=Decimal(6010))
        second = broker.place(FUTURE, changed, order_id=order_id)
        live = [
            (o.perm_id, o.quantity, o.limit_price) for o in sim.gateway.world.live_orders() if o.order_id == order_id
        ]
    assert first.perm_id != second.perm_id
    assert live == [(first.perm_id, Decimal(2), Decimal(6000)), (second.perm_id, Decimal(3), Decimal(6010))]


def test_manual_orders_are_bound_after_the_first_list(tmp_path: Path) -> None:
    with raw("bind_manual", tmp_path) as (_, client, _logon):
        ids = [[one[1] for one in client.ask(16, 1, until="53") if one[0] == "5"] for _ in range(2)]
    assert ids == [["150", "0"], ["150", "-1"]]


def test_an_order_is_accepted_and_never_sent_on(tmp_path: Path) -> None:
    with adapter("keep_orders", tmp_path) as (sim, broker):
        placed = broker.place(FUTURE, MARKET, order_id=broker.next_order_id())
        after = broker.snapshot()
        assert len(sim.gateway.world.orders) == 3
    assert (placed.status, placed.perm_id) == ("PendingSubmit", None)
    assert (after.complete, after.open_orders["perm_id"].to_list()) == (True, [901, 902])


def test_fills_are_told_before_their_order(tmp_path: Path) -> None:
    with adapter("execution_first", tmp_path) as (_, broker):
        broker.place(FUTURE, MARKET, order_id=broker.next_order_id())
        told = [event.kind for event in heard(broker, lambda one: one.kind == "status") if event.kind != "message"]
    assert told[:2] == ["execution", "status"]


def test_a_correction_follows_each_fill(tmp_path: Path) -> None:
    with adapter("correct_fills", tmp_path) as (sim, broker):
        broker.place(FUTURE, MARKET, order_id=broker.next_order_id())
        first, second = sim.gateway.world.executions[1:]
        (held,) = sim.gateway.world.positions
    assert (first.exec_id[:-2], first.exec_id[-2:], second.exec_id[-2:]) == (second.exec_id[:-2], "01", "02")
    assert (second.price - first.price, second.cumulative, second.quantity) == (
        Decimal("0.25"),
        Decimal(2),
        Decimal(2),
    )
    assert held.quantity == 2


@pytest.mark.parametrize(("conduct", "told"), [("at_once", [1, 1]), ("late", [0, 1]), ("never", [0, 0])])
def test_commissions_come_when_the_scenario_says(conduct: str, told: list[int], tmp_path: Path) -> None:
    with raw(f"{{commissions: {conduct}}}", tmp_path) as (_, client, _logon):
        heard = []
        for _ in range(2):
            client.send(*EXECUTIONS)
            heard.append(sum(one[0] == "59" for one in client.ask(49, 1, until="49")))
    assert heard == told


def test_a_read_only_gateway_refuses_orders_and_questions_about_them(tmp_path: Path) -> None:
    with raw("read_only", tmp_path) as (_, client, _logon):
        refusals = []
        for fields in ((16, 1), (99, 0), (4, 1, 150), (58, 1)):
            client.send(*fields)
            refusals += [one[3] for one in client.ask(49, 1, until="49") if one[0] == "4"]
    assert refusals == ["321"] * 4


def test_a_read_only_gateway_gives_no_absence(tmp_path: Path) -> None:
    with adapter("read_only", tmp_path) as (sim, broker):
        told = broker.snapshot()
        placed = broker.place(FUTURE, MARKET, order_id=broker.next_order_id())
        assert len(sim.gateway.world.orders) == 3
    assert [part.name for part in told.missing()] == ["open_orders", "completed_orders"]
    assert placed.code == 321


def test_a_client_id_that_is_in_use_is_refused(tmp_path: Path) -> None:
    with (
        adapter("{busy_client_ids: [7]}", tmp_path) as (_, broker),
        pytest.raises(BrokerError, match="already has a client with id 7"),
    ):
        broker.connect()


def test_a_restart_cuts_everybody_off_and_forgets_ids_not_orders(tmp_path: Path) -> None:
    with raw("{late_reports: 2}", tmp_path) as (sim, client, logon):
        sim.call(lambda gateway: gateway.restart())
        assert client.read() == []
        with RawClient(sim.port) as again:
            later = again.start(7)
            open_ids = [one[1] for one in again.ask(16, 1, until="53") if one[0] == "5"]
            reports = [len(again.ask(99, 0, until="102")), len(again.ask(*EXECUTIONS, until="55"))]
            reports += [len(again.ask(99, 0, until="102")), len(again.ask(*EXECUTIONS, until="55"))]
    assert ([one for one in logon if one[0] == "9"], [one for one in later if one[0] == "9"]) == (
        [["9", "1", "151"]],
        [["9", "1", "100"]],
    )
    assert open_ids == ["150", "0"]
    assert reports == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("{next_id: 0}", "fault.next_id: Input should be greater than or equal to 1"),
        ("{commissions: soon}", "fault.commissions: Input should be 'at_once', 'late' or 'never'"),
        ("{busy_client_ids: 7}", "fault.busy_client_ids: Input should be a valid list"),
        ("{late_reports: -1}", "fault.late_reports: Input should be greater than or equal to 0"),
        ("{read_only: 1}", "fault.read_only: Input should be a valid boolean"),
    ],
)
def test_a_wrong_conduct_names_its_line_and_key(fault: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(f"{WORLD}fault: {fault}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, now_ns=NOON_NS)
    assert caught.value.message.startswith(f"{path}:{WORLD.count(chr(10)) + 1}: ")
    assert words in caught.value.message
