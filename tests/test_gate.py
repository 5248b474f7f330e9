"""The gate's door: what is sent, once; what is blocked, and why; the book beside it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gate_support import AAPL, BUY, CLIENT_ID, ES, Place, at_broker, at_sim, gate_at, listen_until, workplace
from tieout.broker import ContractSpec, OrderSpec
from tieout.clock import now_ns
from tieout.errors import IntentConflict, OrderInvalid
from tieout.gate.pacing import MESSAGES_MAX, Pace
from tieout.sim import SimOptions, run_in_thread

MARKET = OrderSpec(side="BUY", quantity=Decimal(2), order_type="MKT")


def test_an_order_goes_out_once_with_its_intent_in_its_order_ref(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        first = place.gate.submit(ES, BUY, intent_id="trend-1", strategy="trend")
        again = place.gate.submit(ES, BUY, intent_id="trend-1", strategy="trend")
        sent = at_broker(sim)

        assert first.state == "ACKED"
        assert [(o.order_id, o.order_ref, o.quantity) for o in sent] == [(100, first.order_ref, Decimal(1))]
        assert again == replace(first, status="Submitted", perm_id=sent[0].perm_id, duplicate=True)
        assert place.alerts() == ["duplicate_submission_blocked"]
        assert place.orders() == [(100, first.order_ref, "Submitted", "0", None, "gate")]


def test_the_same_id_for_another_order_is_an_error(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.gate.submit(ES, BUY, intent_id="a")
        with pytest.raises(IntentConflict, match="intent a was used before"):
            place.gate.submit(ES, replace(BUY, limit_price=Decimal(101)), intent_id="a")
        assert len(at_broker(sim)) == 1


def test_without_an_id_an_equal_order_within_the_window_is_the_same(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        first = place.gate.submit(ES, BUY)
        second = place.gate.submit(ES, replace(BUY, quantity=Decimal("1.0")))
        other = place.gate.submit(ES, replace(BUY, limit_price=Decimal(99)))
        place.desk.now = lambda: now_ns() + 61_000_000_000
        place.set_ready()
        later = place.gate.submit(ES, BUY)

        assert (second.intent_id, second.duplicate) == (first.intent_id, True)
        assert first.order_id == 100 < int(other.order_id or 0) < int(later.order_id or 0)
        assert len({one.order_ref for one in at_broker(sim)}) == 3


def test_a_dry_run_sends_nothing_and_uses_up_no_id(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.work.flags(dry_run=True)
        told = place.gate.submit(ES, BUY, intent_id="a")
        assert (told.state, told.reason) == ("SIMULATED", "DRY_RUN is true: orders are simulated, none is sent")
        assert place.gate.submit(ES, BUY, intent_id="a").duplicate
        assert place.gate.cancel("a").state == "SIMULATED"
        assert at_broker(sim) == []
        place.work.flags()
        assert place.gate.submit(ES, BUY, intent_id="a").state == "ACKED"
        assert len(at_broker(sim)) == 1


def latch(place: Place) -> None:
    place.desk.latch(by="a test", reason="because")


CLOSED = {
    "SAFE_MODE is true: read-only": lambda p: p.work.flags(safe_mode=True),
    "the safe-mode latch is on: read-only until `tieout safe-mode off --reason TEXT` (because)": latch,
    "not reconciled yet": lambda p: p.set_ready(reconciled_ns=None),
    "2 ambiguous match(es) wait for the operator: `tieout show`": lambda p: p.set_ready(ambiguous=2),
    "plan 0123456789ab waits with actions: `tieout show`": lambda p: p.set_ready(waiting="0123456789abcdef"),
    "the gateway restarts soon": lambda p: p.set_ready(restart="the gateway restarts soon"),
}


@pytest.mark.parametrize("reason", CLOSED)
def test_a_closed_gate_sends_nothing_and_says_why(tmp_path: Path, reason: str) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        CLOSED[reason](place)
        told = place.gate.submit(ES, BUY, intent_id="a")

        assert (told.state, told.reason) == ("BLOCKED", reason)
        assert place.alerts() == ["order_blocked_safe_mode"]
        assert place.reasons() == [reason]
        assert at_broker(sim) == []
        assert place.states() == {}


def test_settings_that_cannot_be_read_close_the_gate(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.work.set(SAFE_MODE='"no"')
        told = place.gate.submit(ES, BUY)
        assert told.state == "BLOCKED"
        assert str(told.reason).startswith("the settings cannot be used: ")
        assert place.alerts() == ["settings_invalid", "order_blocked_safe_mode"]
        assert at_broker(sim) == []


def test_a_live_account_needs_allow_live(tmp_path: Path) -> None:
    scenario = tmp_path / "live.yml"
    scenario.write_text(
        "accounts: [U1234567]\nnext_order_id: 5\ncontracts:\n  ES: {con_id: 637533641, symbol: ES, sec_type: FUT, "
        'exchange: CME, expiry: "20261218", multiplier: "50"}\n'
    )
    with at_sim(tmp_path / "w", scenario) as (place, sim):
        told = place.gate.submit(ES, BUY)
        assert told.reason == "U1234567 is not a paper account and ALLOW_LIVE is false"
        assert at_broker(sim) == []
        config = place.work.config
        config.write_text(config.read_text().replace("ALLOW_LIVE: false", "ALLOW_LIVE: true"))
        assert place.gate.submit(ES, BUY).state == "ACKED"


def test_a_flag_set_between_reservation_and_socket_still_counts(tmp_path: Path) -> None:
    """Invariant 2: the latch falls while the gate paces itself, after the reservation."""
    with at_sim(tmp_path / "w") as (place, sim):
        place.gate._sender._pace = LatchingPace(lambda: latch(place))
        told = place.gate.submit(ES, BUY, intent_id="a")
        assert told.state == "BLOCKED"
        assert at_broker(sim) == []
        assert place.states() == {"a": "NOT_SENT"}


class LatchingPace(Pace):
    def __init__(self, act: Any) -> None:
        super().__init__()
        self._act = act

    def take(self, messages: int) -> None:
        self._act()


def test_a_gateway_that_is_not_there_blocks(tmp_path: Path) -> None:
    with run_in_thread(SimOptions()) as sim:
        port = sim.port
    with gate_at(workplace(tmp_path / "w"), port) as place:
        told = place.gate.submit(ES, BUY)
        assert told.state == "BLOCKED"
        assert str(told.reason).startswith("the link is not proven: ")


def test_a_lost_connection_closes_the_gate_until_a_reconcile(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.gate.submit(ES, BUY, intent_id="a")
        sim.call(lambda gateway: [s.writer.close() for s in gateway.sessions.values()])
        told = place.gate.submit(ES, BUY, intent_id="b")
        assert told.state == "BLOCKED"
        assert str(told.reason).startswith("not reconciled since the connection was lost")
        place.set_ready(reconciled_ns=now_ns() + 1_000_000)
        assert place.gate.submit(ES, BUY, intent_id="b").state == "ACKED"
        assert len(at_broker(sim)) == 2


def test_fills_and_commissions_reach_the_book_as_they_come(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, _sim):
        place.gate.submit(ES, MARKET, intent_id="m")
        listen_until(place, "SELECT status, filled_quantity, avg_fill_price, commission, con_id, quantity FROM orders",
                     [("Filled", "2", "6600.25", "4.1", ES.con_id, "2")])  # fmt: skip
        fills = place.work.ask("SELECT order_row, quantity, price, commission, active, origin FROM executions")
        assert fills == [(1, "2", "6600.25", "4.1", 1, "gate")]
        told = place.gate.outcome("m")
        assert told is not None
        assert (told.state, told.status) == ("DONE", "Filled")


def test_modify_and_cancel(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.gate.submit(ES, BUY, intent_id="a")
        changed = replace(BUY, limit_price=Decimal(90))
        told = place.gate.modify("a", changed, change_id="a/1")
        again = place.gate.modify("a", changed, change_id="a/1")
        assert (told.state, told.order_id, again.duplicate) == ("ACKED", 100, True)
        assert [(o.order_id, o.limit_price) for o in at_broker(sim)] == [(100, Decimal(90))]
        assert place.work.ask("SELECT limit_price FROM orders") == [("90",)]
        place.gate.settle(place.broker.snapshot())
        assert place.states() == {"a": "ACKED", "a/1": "DONE"}
        cancelled = place.gate.cancel("a")
        assert (cancelled.state, cancelled.status) == ("DONE", "Cancelled")
        assert place.gate.cancel("a") == cancelled
        assert place.orders()[0][2] == "Cancelled"
        with pytest.raises(OrderInvalid, match="the order of intent a is Cancelled"):
            place.gate.modify("a", BUY)
        with pytest.raises(OrderInvalid, match="there is no order of intent 'b'"):
            place.gate.cancel("b")


def test_a_rejected_order_is_told_as_the_broker_told_it(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, _sim):
        told = place.gate.submit(ContractSpec(con_id=1), BUY, intent_id="a")
        assert (told.state, told.status) == ("ACKED", None)
        assert told.reason == "the broker said 200: No security definition has been found for the request"


def test_order_ids_are_never_used_again(tmp_path: Path) -> None:
    """The gateway forgets, the book knows less: the high-water mark stays."""
    work = workplace(tmp_path / "w")
    for expected in (100, 101):
        with run_in_thread(SimOptions()) as sim, gate_at(work, sim.port) as place:
            assert place.gate.submit(ES, BUY, intent_id=f"at {expected}").order_id == expected
            assert [one.order_id for one in at_broker(sim)] == [expected]
    work.change(f"INSERT INTO orders (account, client_id, order_id, symbol, side, quantity, order_type, status) "
                f"VALUES ('DU1234567', {CLIENT_ID}, 500, 'ES', 'BUY', '1', 'MKT', 'Filled')")  # fmt: skip
    with run_in_thread(SimOptions()) as sim, gate_at(work, sim.port) as place:
        assert place.gate.submit(ES, BUY, intent_id="third").order_id == 501


def test_twenty_active_orders_are_the_most(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        waited: list[float] = []
        place.gate._sender._pace = Pace(now=lambda: sum(int(s * 1e9) for s in waited), wait=waited.append)
        for number in range(20):
            assert place.gate.submit(ES, BUY, intent_id=str(number)).state == "ACKED"
        refused = place.gate.submit(ES, BUY, intent_id="one more")
        assert (refused.state, refused.reason) == (
            "REFUSED", "20 BUY orders are active on this contract; IB takes at most 20: cancel one first",
        )  # fmt: skip
        assert place.gate.submit(AAPL, BUY, intent_id="another contract").state == "ACKED"
        other_side = replace(BUY, side="SELL", limit_price=Decimal(9000))
        assert place.gate.submit(ES, other_side, intent_id="s").state == "ACKED"
        place.gate.cancel("3")
        assert place.gate.submit(ES, BUY, intent_id="one more").state == "ACKED"
        assert sum(one.live for one in at_broker(sim)) == 22
        assert waited != []


def test_pacing_never_passes_its_limit() -> None:
    clock = [0]
    stamps: list[int] = []
    pace = Pace(now=lambda: clock[0], wait=lambda s: clock.__setitem__(0, clock[0] + int(s * 1e9)))
    for _ in range(200):
        pace.take(3)
        stamps += [clock[0]] * 3
        clock[0] += 1_000_000
    assert max(sum(1 for t in stamps if start <= t < start + 10**9) for start in stamps) == MESSAGES_MAX // 3 * 3
