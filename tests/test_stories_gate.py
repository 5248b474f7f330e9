"""What went wrong for others, as far as it is the gate's: nothing is sent twice, and no id is used again."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gate_support import at_broker, gate_at, workplace
from sim_support import RawClient, make_book
from story_support import BOT, DESK, ES, SCENARIOS, mine
from tieout.broker import ContractSpec, OrderSpec
from tieout.clock import NS_PER_S
from tieout.gate.settle import ABSENCE_GAP_NS
from tieout.sim import SimOptions, run_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_support import Workplace
    from tieout.model import Snapshot
    from tieout.sim import RunningSim

FUTURE = ContractSpec(con_id=ES, exchange="CME")
BUY = OrderSpec(side="BUY", quantity=Decimal(1), order_type="LMT", limit_price=Decimal(5900), tif="GTC")


@contextmanager
def gateway_of(number: str) -> Iterator[RunningSim]:
    """That story's gateway, by the clock that the gate has."""
    (path,) = SCENARIOS.glob(f"story_{number}_*.yml")
    with run_in_thread(SimOptions(scenario=path)) as sim:
        yield sim


def later(snapshot: Snapshot) -> Snapshot:
    """The same answer, given as much later as a second proof of absence has to be."""
    by_ns = ABSENCE_GAP_NS + NS_PER_S
    parts = {name: replace(part, asked_at_ns=part.asked_at_ns + by_ns) for name, part in snapshot.parts.items()}
    return replace(snapshot, parts=parts, taken_at_ns=snapshot.taken_at_ns + by_ns)


def ids_at(sim: RunningSim) -> list[int]:
    """The order ids of the bot's orders at the broker."""
    return [order.order_id for order in at_broker(sim)]


def booked(root: Path, order_id: int) -> Workplace:
    """A workspace whose book has one order of the bot, under that id."""
    place = workplace(root)
    place.book.unlink()
    make_book(place.book, [mine(1, order_id=order_id)])
    return place


def test_story_2_an_id_that_the_gateway_hands_out_again_is_never_used(tmp_path: Path) -> None:
    work = booked(tmp_path / "w", 38103)
    with gateway_of("02") as sim:
        with RawClient(sim.port) as raw:
            assert raw.start(BOT)[1] == ["9", "1", "38099"]
        for intent_id, expected in (("a", 38104), ("b", 38105)):
            with gate_at(work, sim.port) as place:  # each a program of its own, told 38099 again
                told = place.gate.submit(FUTURE, BUY, intent_id=intent_id)
                assert (told.state, told.order_id) == ("ACKED", expected)
        sim.set_price(ES, Decimal(5900))
        assert ids_at(sim) == [38103, 38103, 38104, 38105]
        with gate_at(work, sim.port) as place:
            place.gate.start()
            place.gate.settle(place.broker.snapshot())
            assert place.states() == {"a": "DONE", "b": "DONE"}


def test_story_6_what_was_sent_before_a_restart_is_not_sent_anew(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    with gateway_of("06") as sim:
        with gate_at(work, sim.port) as place:
            first = place.gate.submit(FUTURE, BUY, intent_id="a")
            place.broker.snapshot()  # the gateway restarts behind it
        assert "the gateway restarted" in sim.gateway.notes
        with gate_at(work, sim.port) as place:
            again = place.gate.submit(FUTURE, BUY, intent_id="a")
            assert (again.state, again.duplicate, again.perm_id) == ("ACKED", True, first.perm_id)
            new = place.gate.submit(FUTURE, replace(BUY, limit_price=Decimal(5800)), intent_id="b")
        assert new.order_id == (first.order_id or 0) + 1
        assert ids_at(sim) == [1, 2, first.order_id, new.order_id]


def test_story_8_yesterdays_order_is_cancelled_through_the_gate_after_a_restart(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    with gateway_of("08") as sim:
        with gate_at(work, sim.port) as place:
            sent = place.gate.submit(FUTURE, BUY, intent_id="a")
            place.broker.snapshot()  # the gateway restarts behind it, and forgets which ids were used
        assert "the gateway restarted" in sim.gateway.notes
        with gate_at(work, sim.port) as place:
            told = place.gate.cancel("a")
            assert (told.state, told.status) == ("DONE", "Cancelled")
        found = [(order.order_id, order.status) for order in at_broker(sim)]
        assert found == [(1, "Submitted"), (sent.order_id, "Cancelled")]
    assert [(row[0], row[2]) for row in place.orders()] == [(sent.order_id, "Cancelled")]


def test_story_15_an_order_that_is_not_acknowledged_is_found_and_never_sent_again(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    with gateway_of("15") as sim:
        with gate_at(work, sim.port, timeout_s=0.3) as place:
            assert place.gate.submit(FUTURE, BUY, intent_id="a").state == "UNKNOWN"
        with gate_at(work, sim.port) as place:
            again = place.gate.submit(FUTURE, BUY, intent_id="a")
            assert (again.duplicate, ids_at(sim)) == (True, [100])
            assert place.gate.settle(place.broker.snapshot()) == []
            assert place.states() == {"a": "ACKED"}
            assert place.gate.submit(FUTURE, BUY, intent_id="a").perm_id == at_broker(sim)[0].perm_id
        assert ids_at(sim) == [100]


def test_story_15_an_order_that_never_arrived_is_absent_only_by_two_complete_answers(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    with gateway_of("15") as sim, gate_at(work, sim.port, timeout_s=0.3, client_id=DESK) as place:
        assert place.gate.submit(FUTURE, BUY, intent_id="a").state == "UNKNOWN"
        snapshot = place.broker.snapshot()
        assert snapshot.complete
        assert [one.intent_id for one in place.gate.settle(snapshot)] == ["a"]
        assert [one.intent_id for one in place.gate.settle(snapshot)] == ["a"]
        assert place.gate.settle(later(snapshot)) == []
        again = place.gate.submit(FUTURE, BUY, intent_id="a")
        assert (again.state, again.duplicate) == ("ABSENT", True)
        assert sim.gateway.world.orders == []
