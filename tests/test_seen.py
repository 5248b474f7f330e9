"""The executions that a strategy was told of: exact, bounded by age, and on the disk after SIGKILL and a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from cli_process import ENVIRONMENT
from gate_support import BUY, ES, WAIT_S, gate_at, workplace
from tieout.errors import BookUnusable
from tieout.schema import EXECUTION
from tieout.sim import SimOptions, run_in_thread
from tieout.store import engine
from tieout.store.intents import IntentStore
from tieout.store.kept_fills import KeptFills
from tieout.store.own_file import OwnFile
from tieout.store.seen import AGE_NS, SeenExecutions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tieout.gate.update import OrderUpdate

NOW_NS = 1_800_000_000_000_000_000


def execution(exec_id: str, **other: object) -> dict[str, object]:
    return {**dict.fromkeys(EXECUTION), "account": "DU1", "exec_id": exec_id, "price_e8": 100, **other}


def test_exactly_what_was_noted_is_known(tmp_path: Path) -> None:
    with SeenExecutions(tmp_path / "seen.db") as seen:
        assert not seen.has("broker", execution("a.01"))
        seen.note("broker", execution("a.01"), now_ns=NOW_NS)
        assert seen.has("broker", execution("a.01"))
        for other in ("a.02", "A.01", "a.01 ", ""):
            assert not seen.has("broker", execution(other))
        assert not seen.has("sim", execution("a.01"))
        assert not seen.has("broker", execution("a.01", account="DU2"))
        assert not seen.has("broker", execution("a.01", price_e8=101))
        seen.note("broker", execution("a.01", price_e8=101), now_ns=NOW_NS)
        assert seen.has("broker", execution("a.01", price_e8=101))
        assert not seen.has("broker", execution("a.01"))
    with SeenExecutions(tmp_path / "seen.db") as again:
        assert again.has("broker", execution("a.01", price_e8=101))


def test_what_is_too_old_is_forgotten(tmp_path: Path) -> None:
    with SeenExecutions(tmp_path / "seen.db") as seen:
        seen.note("broker", execution("old"), now_ns=NOW_NS)
        seen.note("broker", execution("kept"), now_ns=NOW_NS + 1)
        seen.note("broker", execution("new"), now_ns=NOW_NS + AGE_NS)
        assert seen.has("broker", execution("old"))
        seen.note("broker", execution("newer"), now_ns=NOW_NS + AGE_NS + 1)
        assert [seen.has("broker", execution(one)) for one in ("old", "kept", "new", "newer")] == [
            False,
            True,
            True,
            True,
        ]


class Told(RuleBasedStateMachine):
    """The set beside a plain one, opened anew at any time."""

    path: Path

    @initialize()
    def fresh(self) -> None:
        self.path.unlink(missing_ok=True)
        self.seen = SeenExecutions(self.path)
        self.model: dict[tuple[str, str], tuple[int, int]] = {}
        self.now_ns = NOW_NS

    @rule(realm=st.sampled_from(["broker", "sim"]), exec_id=st.sampled_from("abc"), price=st.integers(0, 2))
    def note(self, realm: str, exec_id: str, price: int) -> None:
        self.seen.note(realm, execution(exec_id, price_e8=price), now_ns=self.now_ns)
        self.model = {key: one for key, one in self.model.items() if one[1] >= self.now_ns - AGE_NS}
        self.model[realm, exec_id] = (price, self.now_ns)

    @rule(realm=st.sampled_from(["broker", "sim"]), exec_id=st.sampled_from("abc"), price=st.integers(0, 2))
    def ask(self, realm: str, exec_id: str, price: int) -> None:
        known = self.model.get((realm, exec_id), (None, 0))[0] == price
        assert self.seen.has(realm, execution(exec_id, price_e8=price)) == known

    @rule(by=st.sampled_from([1, AGE_NS // 2, AGE_NS]))
    def wait(self, by: int) -> None:
        self.now_ns += by

    @rule()
    def restart(self) -> None:
        self.seen.close()
        self.seen = SeenExecutions(self.path)

    def teardown(self) -> None:
        if hasattr(self, "seen"):
            self.seen.close()


def test_it_is_a_set_whatever_happens(tmp_path: Path) -> None:
    class Here(Told):
        path = tmp_path / "seen.db"

    health = [HealthCheck.too_slow]
    run_state_machine_as_test(
        Here, settings=settings(max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=health)
    )


CHILD = """
import sys
from pathlib import Path
from tieout.schema import EXECUTION
from tieout.store.seen import SeenExecutions
with SeenExecutions(Path(sys.argv[1])) as seen:
    for n in range(int(sys.argv[2]), 1_000_000):
        row = {**dict.fromkeys(EXECUTION), "account": "DU1", "exec_id": f"{n}.01", "price_e8": 100}
        seen.note("broker", row, now_ns=1_800_000_000_000_000_000)
        print(n, flush=True)
"""


def test_what_was_noted_survives_sigkill(tmp_path: Path) -> None:
    """Killed twice while it notes one after the other: what it said is noted is there, and at most one more."""
    path = tmp_path / "seen.db"
    first = 0
    for _ in range(2):
        command = [sys.executable, "-c", CHILD, str(path), str(first)]
        child = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(5)]
        os.kill(child.pid, signal.SIGKILL)
        told += [int(line) for line in child.stdout.read().splitlines()]
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()
        with SeenExecutions(path) as seen:
            assert all(seen.has("broker", execution(f"{n}.01")) for n in range(told[-1] + 1))
            assert not seen.has("broker", execution(f"{told[-1] + 2}.01"))
        first = told[-1] + 1


def fills(told: list[OrderUpdate], kind: str) -> list[tuple[str, bool]]:
    return [(update.fill.exec_id, update.again) for update in told if update.kind == kind and update.fill is not None]


def test_after_a_restart_a_fill_that_is_told_again_says_so(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    path = work.root / "data" / "seen.db"
    market = replace(BUY, order_type="MKT", limit_price=None)
    told: list[OrderUpdate] = []
    later: list[OrderUpdate] = []
    with run_in_thread(SimOptions()) as sim:
        with SeenExecutions(path) as seen, gate_at(work, sim.port, seen=seen, subscriber=told.append) as place:
            assert place.gate.submit(ES, market, intent_id="a").state in {"ACKED", "DONE"}
            listen(place.gate.listen, lambda: fills(told, "commission"))
            place.broker.snapshot()  # asks for the day's executions
            place.gate.listen(wait_s=0.1)
            assert [again for _, again in fills(told, "fill")] == [False]
        with SeenExecutions(path) as seen, gate_at(work, sim.port, seen=seen, subscriber=later.append) as place:
            place.broker.snapshot()
            listen(place.gate.listen, lambda: fills(later, "commission"))
    assert fills(later, "fill") == [(exec_id, True) for exec_id, _ in fills(told, "fill")]
    assert {again for _, again in fills(later, "commission")} == {True}


def listen(hear: Callable[..., object], wanted: Callable[[], object]) -> None:
    while not wanted():
        assert hear(wait_s=WAIT_S) != []


STORES: list[Callable[[Path], OwnFile]] = [IntentStore, lambda path: KeptFills(path, realm="sim"), SeenExecutions]


@pytest.mark.parametrize("store", STORES)
def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path, store: Callable[[Path], OwnFile]) -> None:
    path = tmp_path / "own.db"
    store(path).close()
    with engine.connect(path) as connection:
        connection.exec_driver_sql("PRAGMA user_version=9")
        connection.commit()
    with pytest.raises(BookUnusable, match="is of version 9, this tieout knows 1"):
        store(path)


@pytest.mark.parametrize("store", STORES)
def test_what_is_no_sqlite_is_named(tmp_path: Path, store: Callable[[Path], OwnFile]) -> None:
    path = tmp_path / "own.db"
    path.write_text(
        "these are no tables, and there are more than a hundred bytes of them, so that it is looked at " * 2
    )
    with pytest.raises(BookUnusable, match="is not an SQLite database"):
        store(path)
