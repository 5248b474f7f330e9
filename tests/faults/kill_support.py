"""Commands killed or failed at their n-th point (tieout.failpoints), in processes of their own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

from cli_process import WAIT_S, Outcome
from cli_support import Content, Workplace

SEED = int(os.environ.get("TIEOUT_FAULT_SEED", "7"))
SOAK = os.environ.get("TIEOUT_SOAK") == "1"
SAMPLE = 12
"""How many points a short run tries; `make soak` tries all of them."""

STATES = ("orders", "executions", "order_audit", "applied_plans", "book_meta")


def points_of(place: Workplace, *words: str) -> int:
    """How many points the command reaches when nothing stops it."""
    told = place.root / "points.txt"
    outcome = faulty(place, words, TIEOUT_POINTS=str(told))
    assert outcome.code in {0, 3}, outcome
    return len(told.read_text(encoding="utf-8").splitlines())


def chosen(count: int) -> list[int]:
    """The points to try: all in a soak, else a seeded sample with the first and the last."""
    every = range(1, count + 1)
    if SOAK or count <= SAMPLE:
        return list(every)
    return sorted({1, count, *random.Random(SEED).sample(every, SAMPLE - 2)})


def killed(place: Workplace, words: tuple[str, ...], at: int) -> Outcome:
    """The command, killed with SIGKILL at that point."""
    outcome = faulty(place, words, TIEOUT_KILL_AT=str(at))
    assert outcome.code == -signal.SIGKILL, outcome
    return outcome


def faulty(place: Workplace, words: tuple[str, ...], **armed: str) -> Outcome:
    """The command with points armed."""
    command = [sys.executable, "-m", "tieout", *words]
    done = subprocess.run(
        command, cwd=place.root, env={**os.environ, **armed}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=WAIT_S, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def book_state(place: Workplace) -> Content:
    """The rows that a plan changes, and the proof of it."""
    content = place.content()
    return {name: content[name] for name in STATES}


def row_count(state: Content) -> dict[str, int]:
    """How many rows there are in each table: equal before and after a kill that changed nothing."""
    return {name: len(rows) for name, rows in state.items()}
