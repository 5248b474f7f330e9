"""What the gate makes of an order that the gateway took and never sent on, and of two permIds under one order id."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from bot_support import SCENARIO
from gate_support import BUY, ES, at_sim
from tieout.clock import NS_PER_S
from tieout.gate.settle import ABSENCE_GAP_NS

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.model import Snapshot

MORE = replace(BUY, quantity=Decimal(2))


def scenario(folder: Path, conduct: str) -> Path:
    """A gateway without orders, of that conduct."""
    path = folder / "scenario.yml"
    path.write_text(f"{SCENARIO}fault: {{{conduct}: true}}\n", encoding="utf-8")
    return path


def later(snapshot: Snapshot) -> Snapshot:
    """The same answer, given as much later as a second proof of absence has to be."""
    by_ns = ABSENCE_GAP_NS + NS_PER_S
    parts = {name: replace(part, asked_at_ns=part.asked_at_ns + by_ns) for name, part in snapshot.parts.items()}
    return replace(snapshot, parts=parts, taken_at_ns=snapshot.taken_at_ns + by_ns)


def test_an_order_that_nobody_at_the_broker_confirmed_is_absent_by_two_complete_answers(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w", scenario(tmp_path, "keep_orders")) as (place, sim):
        told = place.gate.submit(ES, BUY, intent_id="a")
        assert (told.state, told.status, told.perm_id) == ("ACKED", "PendingSubmit", None)
        snapshot = place.broker.snapshot()
        for _ in range(2):
            place.gate.settle(snapshot)
            assert place.states() == {"a": "ACKED"}
        place.gate.settle(later(snapshot))
        assert place.states() == {"a": "ABSENT"}
        assert sim.gateway.world.orders == []


def test_a_change_of_an_order_that_is_not_there_is_absent_too(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w", scenario(tmp_path, "keep_orders")) as (place, _):
        place.gate.submit(ES, BUY, intent_id="a")
        assert place.gate.modify("a", MORE, change_id="b").status == "PendingSubmit"
        snapshot = place.broker.snapshot()
        place.gate.settle(snapshot)
        place.gate.settle(later(snapshot))
        assert place.states() == {"a": "ABSENT", "b": "ABSENT"}
        found = place.gate.outcome("b")
        assert found is not None
        assert found.reason == "the broker does not hold its order, in two complete snapshots"


def test_a_forked_perm_id_disturbs_unasked_and_not_in_the_answer_that_shows_both(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w", scenario(tmp_path, "fork_perm_id")) as (place, sim):
        place.gate.submit(ES, BUY, intent_id="a")
        place.gate.modify("a", MORE, change_id="b")
        disturbed = place.gate.disturbed
        assert disturbed is not None
        assert disturbed.what.endswith("was told under another perm_id")
        snapshot = place.broker.snapshot()
        place.gate.hear(answers=True)
        assert sorted(snapshot.open_orders["perm_id"]) == [one.perm_id for one in sim.gateway.world.orders]
        assert place.gate.disturbed == disturbed
