"""Invariant 1 of the gate: killed anywhere, it never sends again; what cannot be proven stays UNKNOWN until it can."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import tieout
from broker_support import PLACE, ScriptedGateway
from gate_support import AAPL, BUY, ES, at_broker, gate_at, workplace
from tieout.broker import OrderSpec
from tieout.model import Snapshot
from tieout.sim import SimOptions, run_in_thread

CHILD = Path(__file__).parent / "gate_child.py"
FOLDERS = os.pathsep.join([str(Path(tieout.__file__).parents[1]), str(CHILD.parent)])
ENVIRONMENT = {**os.environ, "PYTHONPATH": FOLDERS, "PYTHONWARNINGS": "error"}
WAIT_S = 60.0
POINTS = ("intent: reserved", "intent: sending is durable", "intent: sent", "intent: acked")
GAP_NS = 31_000_000_000


def start(root: Path, port: int, **armed: str) -> subprocess.Popen[str]:
    environment = {**ENVIRONMENT, **armed}
    command = [sys.executable, str(CHILD), str(root), str(port), "a"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=WAIT_S)
    return process.returncode, out.strip(), err


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Which number each of the gate's points has in a run that nothing stops."""
    root = tmp_path_factory.mktemp("points")
    told = root / "points.txt"
    with run_in_thread(SimOptions()) as sim:
        workplace(root / "w")
        code, out, err = ended(start(root / "w", sim.port, TIEOUT_POINTS=str(told)))
    assert (code, out) == (0, "ACKED"), err
    lines = told.read_text().splitlines()
    return {name: int(number) for number, _, name in (line.partition(" ") for line in lines) if name in POINTS}


AFTER = {
    "intent: reserved": ("NOT_SENT", 0),
    "intent: sending is durable": ("UNKNOWN", 0),
    "intent: sent": ("UNKNOWN", 1),
    "intent: acked": ("ACKED", 1),
}


@pytest.mark.parametrize("point", POINTS)
def test_after_sigkill_the_restart_never_sends_again(tmp_path: Path, numbers: dict[str, int], point: str) -> None:
    state, sent = AFTER[point]
    work = workplace(tmp_path / "w")
    with run_in_thread(SimOptions()) as sim:
        code, out, err = ended(start(work.root, sim.port, TIEOUT_KILL_AT=str(numbers[point])))
        assert (code, out) == (-signal.SIGKILL, ""), err
        assert len(at_broker(sim)) == sent
        with gate_at(work, sim.port) as place:
            again = place.gate.submit(ES, BUY, intent_id="a")
            assert (again.state, again.duplicate) == (state, True)
            assert len(at_broker(sim)) == sent
            other = place.gate.submit(ES, replace(BUY, limit_price=Decimal(7)), intent_id="b")
            elsewhere = place.gate.submit(AAPL, BUY, intent_id="c")
            assert elsewhere.state == "ACKED"
            assert place.alerts().count("order_outcome_unknown") == (state == "UNKNOWN")
            if state == "UNKNOWN" and not sent:
                assert (other.state, other.reason) == (
                    "BLOCKED", "intent a on this instrument is UNKNOWN: `tieout intents settle`",
                )  # fmt: skip
                settled_by_evidence(place.broker.snapshot(), place.gate)
                assert place.states()["a"] == "ABSENT"
                assert place.gate.why_closed(ES) == []
            else:
                assert other.state == "ACKED"  # the gateway lists our own open orders before the first one goes out
                assert place.states()["a"] == ("ACKED" if sent else state)
            assert [one.order_ref for one in at_broker(sim)].count(str(again.order_ref)) == sent


def settled_by_evidence(snapshot: Snapshot, gate: object) -> None:
    """Absence settles only in a second complete snapshot, late enough."""
    settle = gate.settle  # type: ignore[attr-defined]
    hole = replace(snapshot.parts["executions"], why="cut off")
    for partial in (later(snapshot, 0), later(snapshot, GAP_NS)):
        assert len(settle(replace(partial, parts={**partial.parts, "executions": hole}))) == 1
    assert len(settle(snapshot)) == 1
    assert len(settle(later(snapshot, 1_000_000_000))) == 1
    assert len(settle(replace(later(snapshot, GAP_NS), parts={}))) == 1
    assert settle(later(snapshot, GAP_NS)) == []


def later(snapshot: Snapshot, by_ns: int) -> Snapshot:
    parts = {
        name: replace(part, asked_at_ns=part.asked_at_ns + by_ns, answered_at_ns=(part.answered_at_ns or 0) + by_ns)
        for name, part in snapshot.parts.items()
    }
    return replace(snapshot, parts=parts, taken_at_ns=snapshot.taken_at_ns + by_ns)


def test_killed_between_the_socket_and_the_first_word(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    arrived = threading.Event()

    def swallow(_fields: list[str]) -> list[object]:
        arrived.set()
        return []

    with ScriptedGateway({PLACE: [swallow]}) as gateway:
        child = start(work.root, gateway.port)
        assert arrived.wait(WAIT_S)
        os.kill(child.pid, signal.SIGKILL)
        assert ended(child)[0] == -signal.SIGKILL
        with gate_at(work, gateway.port) as place:
            again = place.gate.submit(ES, BUY, intent_id="a")
            assert (again.state, again.duplicate) == ("UNKNOWN", True)
        assert gateway.kinds().count(PLACE) == 1


def test_an_order_that_is_not_acknowledged_is_unknown_and_never_sent_again(tmp_path: Path) -> None:
    """Invariant 3; the gate is closed for everything until the next reconcile, then for the instrument."""
    work = workplace(tmp_path / "w")
    with ScriptedGateway({PLACE: [[]]}) as gateway, gate_at(work, gateway.port, timeout_s=0.2) as place:
        told = place.gate.submit(ES, BUY, intent_id="a")
        assert told.state == "UNKNOWN"
        assert told.may_be_live
        assert place.gate.submit(ES, BUY, intent_id="a").state == "UNKNOWN"
        blocked = place.gate.submit(AAPL, BUY, intent_id="b")
        assert "intent a became UNKNOWN" in str(blocked.reason) or "connection was lost" in str(blocked.reason)
        place.set_ready()
        assert place.gate.why_closed(ES)[-1] == "intent a on this instrument is UNKNOWN: `tieout intents settle`"
        assert place.alerts() == ["order_outcome_unknown", "duplicate_submission_blocked", "order_blocked_safe_mode"]
        assert gateway.kinds().count(PLACE) == 1


def test_two_reservations_of_one_id_at_once_are_one(tmp_path: Path) -> None:
    """The UNIQUE reservation, across processes: four programs with four client ids want the same intent."""
    work = workplace(tmp_path / "w")
    with run_in_thread(SimOptions()) as sim:
        script = (
            "import sys; from pathlib import Path; from cli_support import Workplace; "
            "from gate_support import BUY, ES, gate_at\n"
            "with gate_at(Workplace(Path(sys.argv[1])), int(sys.argv[2]), client_id=int(sys.argv[3])) as place:\n"
            "    print(place.gate.submit(ES, BUY, intent_id='a').duplicate)"
        )
        racers = [
            subprocess.Popen([sys.executable, "-c", script, str(work.root), str(sim.port), str(client)],
                             env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for client in range(21, 25)
        ]  # fmt: skip
        told = sorted(ended(racer)[1] for racer in racers)
        assert told == ["False", "True", "True", "True"]
        refs: list[str | None] = []
        sim.call(lambda gateway: refs.extend(o.order_ref for o in gateway.world.orders if o.client_id > 20))
        assert len(refs) == 1


def test_a_second_order_under_one_order_ref_is_for_the_operator(tmp_path: Path) -> None:
    with run_in_thread(SimOptions()) as sim, gate_at(workplace(tmp_path / "w"), sim.port) as place:
        told = place.gate.submit(ES, BUY, intent_id="a")

        def copy(gateway: object) -> None:
            world = gateway.world  # type: ignore[attr-defined]
            mine = next(one for one in world.orders if one.order_ref == told.order_ref)
            world.add_order(replace(mine, perm_id=world.take_perm_id(), order_id=900))

        sim.call(copy)
        place.gate.settle(place.broker.snapshot())
        assert place.states() == {"a": "ACKED"}
        assert place.alerts() == ["order_outcome_unknown"]


def test_a_market_order_filled_while_we_were_dead_is_done(tmp_path: Path, numbers: dict[str, int]) -> None:
    work = workplace(tmp_path / "w")
    with run_in_thread(SimOptions()) as sim:
        ended(start(work.root, sim.port, TIEOUT_KILL_AT=str(numbers["intent: sent"])))
        sim.set_price(ES.con_id or 0, Decimal(99))
        with gate_at(work, sim.port) as place:
            assert [one.state for one in place.gate.start()] == ["UNKNOWN"]
            assert place.gate.settle(place.broker.snapshot()) == []
            found = place.gate.outcome("a")
            assert found is not None
            assert (found.state, found.status) == ("DONE", "Filled")
            assert place.gate.submit(ES, OrderSpec(**ORDER), intent_id="a").duplicate
        assert len(at_broker(sim)) == 1


ORDER = {"side": BUY.side, "quantity": BUY.quantity, "order_type": BUY.order_type, "limit_price": BUY.limit_price,
         "tif": BUY.tif}  # fmt: skip
