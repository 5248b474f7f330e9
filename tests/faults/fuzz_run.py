"""One seed from its first life to the comparison: the bot and the operator are processes, the gateway is a thread."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fuzz_plan import Story, story_of
from fuzz_truth import compare
from fuzz_world import SCENARIO, get_well, happen, misbehave

from cli_process import ENVIRONMENT
from cli_support import Workplace
from gate_support import workplace
from tieout.clock import NS_PER_S, from_iso
from tieout.sim import SimOptions, run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tieout.sim import RunningSim

NOON_NS: Final = from_iso("2099-03-04T12:00:00Z")
ABSENCE_S: Final = 31
FAULTY_TIMEOUT_S: Final = 0.25
HEALTHY_TIMEOUT_S: Final = 20
DELAYS_OVER_S: Final = 0.2
"""Longer than any message is held back."""
ROUNDS_MAX: Final = 8
OK, WAITS, AMBIGUOUS, UNKNOWN = 0, 3, 14, 17
LOOKS: Final = [["jump", 0], ["look", 0]]
"""The start reads the account too: two complete answers, the second late enough to prove an absence."""


@dataclass
class Result:
    """What a seed came to: `wrong` is empty where everything holds; `counts` is for the table."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    trace: list[Any] = field(default_factory=list)
    seconds: float = 0.0


class Clock:
    """The one clock of a crew: noon of a day to come, going on as ours does, and jumping where it is told to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset_ns = 0
        self.set(NOON_NS)

    def set(self, now_ns: int) -> None:
        self._offset_ns = now_ns - time.monotonic_ns()
        with self._path.open("wb" if not self._path.exists() else "r+b") as file:
            file.write(self._offset_ns.to_bytes(8, "little", signed=True))

    def now_ns(self) -> int:
        return (time.monotonic_ns() + self._offset_ns) // 1_000_000 * 1_000_000

    def jump(self, seconds: int) -> None:
        self.set(self.now_ns() + seconds * NS_PER_S)


class Loaded:
    """A `fuzz_child.py`."""

    def __init__(self, clock_file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fuzz_child.py")), str(clock_file)],
            env={**ENVIRONMENT, "POLARS_MAX_THREADS": "1", "PYTHONWARNINGS": "default"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, request: dict[str, Any], world: Callable[[list[Any]], None] | None = None) -> dict[str, Any]:
        """One life or command; what it wants to happen meanwhile is done by `world`."""
        self._write(json.dumps(request))
        ended = {"ended": None, "out": "", "err": "it ended without a word", "trace": []}
        while not (told := self._read()).get("over"):
            if "world" in told:
                assert world is not None
                world(told["world"])
                self._write("done")
            else:
                ended = told
        return ended

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "fuzz_child.py is gone"
        told: dict[str, Any] = json.loads(line)
        return told


@dataclass
class Crew:
    """The two programs, loaded, and their clock."""

    bot: Loaded
    operator: Loaded
    clock: Clock


@contextmanager
def crew(folder: Path) -> Iterator[Crew]:
    """Both, until the end of the block."""
    clock_file = folder / "clock.bin"
    clock = Clock(clock_file)
    bot, operator = Loaded(clock_file), Loaded(clock_file)
    try:
        yield Crew(bot, operator, clock)
    finally:
        for one in (bot, operator):
            one.process.stdin.close()  # type: ignore[union-attr]
            one.process.wait()
            one.process.stdout.close()  # type: ignore[union-attr]


class Run:
    """One seed."""

    def __init__(self, made: Crew, place: Workplace, sim: RunningSim, story: Story) -> None:
        self.crew, self.place, self.sim, self.story = made, place, sim, story
        self.result = Result(story.seed)

    def all(self) -> Result:
        for number, life in enumerate(self.story.lives):
            self.sim.call(lambda gateway, life=life: misbehave(gateway, life.faults))  # type: ignore[misc]
            self.place.set(BROKER__timeout_seconds=FAULTY_TIMEOUT_S)
            told = self._live([list(step) for step in life.steps], life.kill)
            self._count("killed", told["ended"] == -9)
            self.result.trace.append([f"life {number}", life.faults, told["ended"], told["trace"], told["err"]])
            self._unlatch()
        self._let_delays_end()
        self.sim.call(get_well)
        self.place.set(BROKER__timeout_seconds=HEALTHY_TIMEOUT_S)
        told = self._live(list(LOOKS), None)
        self.result.trace.append(["well again", told["ended"], told["trace"], told["out"], told["err"]])
        if told["ended"] != OK:
            self.result.wrong.append(f"the bot ended with {told['ended']}: {told['err']}")
        self._tie_out()
        told = self._live([["look", 0]], None)
        self.result.trace.append(["tied out", told["ended"], told["trace"], told["out"], told["err"]])
        if told["ended"] != OK or told["trace"][-1][-1] != []:
            self.result.wrong.append(f"the gate is still closed: {told['trace'][-1:]} {told['err']}")
        self.result.wrong += compare(self.place, self.sim, self.result.counts)
        return self.result

    def _live(self, steps: list[list[Any]], kill: tuple[str, int] | None) -> dict[str, Any]:
        return self.crew.bot.ask({"argv": self._argv("run"), "script": steps, "kill": kill}, self._world)

    def _world(self, step: list[Any]) -> None:
        self._count(step[0])
        if step[0] in {"wait", "jump"}:
            if step[0] == "wait":
                self._let_delays_end()
            self.crew.clock.jump(ABSENCE_S)
        elif step[0] == "operator":
            self._unlatch()
            self._stage()
        else:
            self.sim.call(lambda gateway: happen(gateway, step))

    def _let_delays_end(self) -> None:
        """What the gateway holds back for some milliseconds is let go before the clock jumps past it."""
        over = threading.Event()
        self.sim.call(lambda _: self.sim._loop.call_later(DELAYS_OVER_S, over.set))
        assert over.wait(60)

    def _operator(self, *words: str) -> dict[str, Any]:
        return self.crew.operator.ask({"argv": self._argv(*words)})

    def _argv(self, *words: str) -> list[str]:
        return ["--workspace", str(self.place.root), *words]

    def _unlatch(self) -> None:
        if self.place.latch_file.exists():
            self._count("latched")
            self._operator("safe-mode", "off", "--reason", "looked at")

    def _tie_out(self) -> None:
        """Stage, decide, confirm, until nothing is left to do."""
        for _ in range(ROUNDS_MAX):
            self._unlatch()
            self._count("rounds")
            code = self._stage()
            if code == OK:
                return
            if code == AMBIGUOUS:
                self._decide()
            elif code == UNKNOWN:
                self.crew.clock.jump(ABSENCE_S)
                done = self._operator("--json", "intents", "settle")
                self.result.trace.append(["settled", done["ended"], done["out"], done["err"]])
            elif code != WAITS:
                break
        self.result.wrong.append(f"not tied out: {self.result.trace[-1]}")

    def _stage(self) -> int:
        """Stage, and confirm what then waits."""
        staged = self._operator("--json", "stage")
        self.result.trace.append(["staged", staged["ended"], staged["out"], staged["err"]])
        if staged["ended"] == WAITS:
            self.place.flags(confirm=True)
            done = self._operator("--json", "confirm", json.loads(staged["out"])["plan_id"])
            self.place.flags()
            self._count(f"confirm {done['ended']}")
            self.result.trace.append(["confirmed", done["ended"], done["out"], done["err"]])
        return int(staged["ended"])

    def _decide(self) -> None:
        """The operator knows which is which: a pair by perm_id where there is one, else they are strangers."""
        for match in self.place.ambiguous()["ambiguous_matches"]:
            done = self._operator("resolve", match["match_id"], "--none", "--by", "ann", "--reason", "looked at in TWS")
            self.result.trace.append(["decided", match, done["ended"], done["err"]])
            self._count("decided")

    def _count(self, name: str, yes: bool = True) -> None:
        self.result.counts[name] = self.result.counts.get(name, 0) + yes


def run_seed(made: Crew, folder: Path, seed: int) -> Result:
    """That seed, in a workspace of its own in the folder."""
    began = time.monotonic()
    place = workplace(folder / f"seed{seed}")
    place.set(
        LIVE_DATA__base_delay=0.3, LIVE_DATA__max_delay=0.3, LIVE_DATA__reconnect_max_retries=2,
        GATEWAY_RESTART__read_again_seconds=0.02, BACKUP_KEEP__last=2,
    )  # fmt: skip
    scenario = place.root / "scenario.yml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    made.clock.set(NOON_NS)
    with run_in_thread(SimOptions(scenario=scenario, now_ns=made.clock.now_ns)) as sim:
        place.set(BROKER__port=sim.port)
        result = Run(made, place, sim, story_of(seed)).all()
    if not result.wrong:
        shutil.rmtree(place.root)
    result.seconds = time.monotonic() - began
    return result


def main(folder: Path, seeds: list[int]) -> None:
    """python fuzz_run.py FOLDER FIRST LAST: for whoever mends something."""
    with crew(folder) as made:
        for seed in seeds:
            result = run_seed(made, folder, seed)
            print(seed, f"{result.seconds:.1f}s", str(result.wrong or "ok")[:1500], result.counts, flush=True)
            if result.wrong:
                (folder / f"seed{seed}.trace").write_text("\n".join(map(str, result.trace)), encoding="utf-8")


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)  # noqa: PTH103
    main(Path(sys.argv[1]), list(range(int(sys.argv[2]), int(sys.argv[3]))))
