"""Brackets and OCA groups through the gate: all legs or none, once, and the links kept by us."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gate_support import BUY, ES, Place, at_broker, at_sim, gate_at, listen_until, workplace
from tieout.broker import OrderSpec
from tieout.errors import IntentConflict, OrderInvalid
from tieout.gate import BracketOutcome
from tieout.sim import SimOptions, run_in_thread

PROFIT = OrderSpec(side="SELL", quantity=Decimal(1), order_type="LMT", limit_price=Decimal(110), tif="GTC")
STOP = OrderSpec(side="SELL", quantity=Decimal(1), order_type="STP", stop_price=Decimal(90), tif="GTC")
STATUSES = "SELECT order_id, status FROM orders ORDER BY order_id"


def bracket(place: Place, **changes: Any) -> BracketOutcome:
    asked: dict[str, Any] = {"intent_id": "b", "take_profit": PROFIT, "stop_loss": STOP, **changes}
    return place.gate.submit_bracket(ES, BUY, **asked)


def test_a_bracket_is_held_until_its_last_leg_and_its_links_are_kept(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        told = bracket(place)
        again = bracket(place)

        assert told.complete
        assert [leg.intent_id for leg in told.legs] == ["b/entry", "b/take_profit", "b/stop_loss"]
        assert [leg.order_id for leg in told.legs] == [100, 101, 102]
        sent = at_broker(sim)
        assert [(o.order_id, o.parent_id, o.oca_group, o.status) for o in sent] == [
            (100, 0, "", "Submitted"), (101, 100, "b/oca", "PreSubmitted"), (102, 100, "b/oca", "PreSubmitted"),
        ]  # fmt: skip
        assert place.work.ask("SELECT order_id, parent_id, oca_group, status FROM orders") == [
            (100, None, None, "Submitted"), (101, 100, "b/oca", "PreSubmitted"), (102, 100, "b/oca", "PreSubmitted"),
        ]  # fmt: skip
        intents = place.store.listed(everything=True)
        assert [one.target for one in intents] == [None, intents[0].row, intents[0].row]
        assert [leg.duplicate for leg in again.legs] == [True, True, True]
        assert len(at_broker(sim)) == 3
        assert place.alerts() == ["duplicate_submission_blocked"]


def test_the_entry_fills_then_one_exit_cancels_the_other(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        bracket(place)
        sim.set_price(ES.con_id or 0, Decimal(89))
        listen_until(place, STATUSES, [(100, "Filled"), (101, "Cancelled"), (102, "Filled")])
        assert [o.status for o in at_broker(sim)] == ["Filled", "Cancelled", "Filled"]
        assert place.states() == dict.fromkeys(("b/entry", "b/take_profit", "b/stop_loss"), "DONE")


def test_a_cancelled_entry_takes_its_protection_along(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        bracket(place)
        assert place.gate.cancel("b/entry").status == "Cancelled"
        listen_until(place, STATUSES, [(100, "Cancelled"), (101, "Cancelled"), (102, "Cancelled")])
        assert [o.status for o in at_broker(sim)] == ["Cancelled"] * 3


def test_one_of_an_oca_group_cancels_the_others(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        for number, price in enumerate((100, 95)):
            order = replace(BUY, limit_price=Decimal(price), oca_group="either")
            assert place.gate.submit(ES, order, intent_id=f"oca/{number}").state == "ACKED"
        sim.set_price(ES.con_id or 0, Decimal(99))
        listen_until(place, STATUSES, [(100, "Filled"), (101, "Cancelled")])
        assert place.work.ask("SELECT DISTINCT oca_group FROM orders") == [("either",)]


def test_what_is_no_bracket_is_refused(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        with pytest.raises(OrderInvalid, match="neither take_profit nor stop_loss"):
            bracket(place, take_profit=None, stop_loss=None)
        with pytest.raises(OrderInvalid, match="take_profit is a BUY like the entry"):
            bracket(place, take_profit=BUY)
        with pytest.raises(OrderInvalid, match="stop_loss is for 2, expected at most the entry's 1"):
            bracket(place, stop_loss=replace(STOP, quantity=Decimal(2)))
        with pytest.raises(OrderInvalid, match="stop_loss brings parent_id or transmit"):
            bracket(place, stop_loss=replace(STOP, transmit=False))
        assert place.states() == {}
        bracket(place)
        with pytest.raises(IntentConflict, match="intent b/stop_loss was used before"):
            bracket(place, stop_loss=replace(STOP, stop_price=Decimal(80)))
        assert len(at_broker(sim)) == 3


def test_a_dry_run_and_a_closed_gate_send_no_leg(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.work.flags(dry_run=True)
        assert {leg.state for leg in bracket(place).legs} == {"SIMULATED"}
        place.work.flags(safe_mode=True)
        told = bracket(place, intent_id="c")
        assert [(leg.state, leg.reason) for leg in told.legs] == [("BLOCKED", "SAFE_MODE is true: read-only")] * 3
        assert at_broker(sim) == []


def test_a_leg_that_the_broker_refuses_is_told_and_alarms(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        told = bracket(place, stop_loss=replace(STOP, stop_price=None))
        assert not told.complete
        assert told.stop_loss is not None
        assert str(told.stop_loss.reason).startswith("the broker said 321")
        assert place.alerts() == ["bracket_incomplete"]
        assert [o.status for o in at_broker(sim)] == ["ApiPending", "ApiPending"]  # never transmitted


CHILD = """
import sys
from decimal import Decimal
from pathlib import Path
from cli_support import Workplace
from gate_support import gate_at
from test_gate_bracket import bracket
with gate_at(Workplace(Path(sys.argv[1])), int(sys.argv[2])) as place:
    print(bracket(place).complete)
"""
POINTS = {"intent: group is reserved": ("NOT_SENT", 0), "intent: group is durable": ("UNKNOWN", 0),
          "intent: group is sent": ("UNKNOWN", 3)}  # fmt: skip


def child(root: Path, port: int, **armed: str) -> subprocess.CompletedProcess[str]:
    import sys

    folders = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(root), str(port)], env={**os.environ, "PYTHONPATH": folders, **armed},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_no_leg_is_ever_sent_again(tmp_path: Path, point: str) -> None:
    state, sent = POINTS[point]
    told = tmp_path / "points.txt"
    with run_in_thread(SimOptions()) as sim:
        done = child(workplace(tmp_path / "first").root, sim.port, TIEOUT_POINTS=str(told))
        assert done.stdout == "True\n", done.stderr
    number = next(line.split(" ")[0] for line in told.read_text("utf-8").splitlines() if line.endswith(point))
    work = workplace(tmp_path / "w")
    with run_in_thread(SimOptions()) as sim:
        assert child(work.root, sim.port, TIEOUT_KILL_AT=number).returncode == -signal.SIGKILL
        assert len(at_broker(sim)) == sent
        with gate_at(work, sim.port) as place:
            place.gate.start()
            assert {one.state for one in place.store.listed(everything=True)} <= {state, "ACKED"}
            assert all(leg.duplicate for leg in bracket(place).legs)
            assert len(at_broker(sim)) == sent
            place.gate.settle(place.broker.snapshot())
            assert set(place.states().values()) == ({"ACKED"} if sent else {state})
