"""SIGKILL at every write, sync, rename and commit, and at any time: before or after, and the next run goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from kill_cases import BOTH_SIDES, CASES, Ready, seeded, tell
from kill_support import SOAK, chosen, faulty, killed, points_of

from cli_support import Workplace, copied, tied_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from kill_cases import Side

ANY_TIME = 1_600 if SOAK else 3
"""Kills at a random time, of each command; with the points, `make soak` makes more than 10,000 kills."""


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workspace that was tied out once."""
    return tied_workspace(tmp_path_factory.mktemp("tied"))


@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_any_point_leaves_before_or_after(name: str, tied: Workplace, tmp_path: Path) -> None:
    with CASES[name](tied, tmp_path) as ready:
        points = chosen(points_of(copied(ready.place, tmp_path / "count"), *ready.words))
        sides = []
        for at in points:
            run = copied(ready.place, tmp_path / "run")
            killed(run, ready.words, at)
            sides.append(_judged(ready, run, f"{name} killed at point {at}"))
    assert set(sides) == ({"before", "after"} if name in BOTH_SIDES else {"before"})
    tell(name, sides, how="at its points")


@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_any_time_leaves_before_or_after(name: str, tied: Workplace, tmp_path: Path) -> None:
    with CASES[name](tied, tmp_path) as ready:
        begun = time.monotonic()
        assert faulty(copied(ready.place, tmp_path / "whole-run"), ready.words).code in {0, 3}
        lasts_s = time.monotonic() - begun
        chance = seeded(name)
        sides = []
        for _ in range(ANY_TIME):
            after_s = chance.uniform(0, lasts_s)
            run = copied(ready.place, tmp_path / "run")
            _kill_after(run, ready.words, after_s)
            sides.append(_judged(ready, run, f"{name} killed after {after_s:.3f} s"))
    tell(name, sides, how="at random times")


def _kill_after(run: Workplace, words: tuple[str, ...], after_s: float) -> None:
    """Start the command and kill it then; one that was quicker has done all of it, which is a side as well."""
    with run.start(*words) as process:
        try:
            process.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def _judged(ready: Ready, run: Workplace, what: str) -> Side:
    """The side that the kill left; the failure names the kill. The copy is removed: a soak makes thousands."""
    try:
        side = ready.judge(run)
    except AssertionError as error:
        error.add_note(what)
        raise
    shutil.rmtree(run.root)
    return side
