"""The progress bar of long work: on a terminal only, with its rate and the time left, gone before the summary."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

import tieout
from cli_process import ENVIRONMENT
from diff_support import LEFT, RIGHT, spilled, tieout_diff, write
from tieout.cli import diff_progress
from tieout.cli.diff_rate import short

if TYPE_CHECKING:
    from pathlib import Path

BAR = re.compile(r"(reading (?:left|right)) +[━╸╺ ]+(\d\S*) of (\d\S*) rows")


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("number", "text"), [
    (0, "0"), (950, "950"), (1234, "1.2k"), (47_000, "47k"), (3_100_000, "3.1M"), (2e9, "2.0G"),
])  # fmt: skip
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text


def test_progress_counts_every_row_of_both_sides() -> None:
    left, right = pl.DataFrame({"id": range(600_000)}), pl.DataFrame({"id": range(300_000)})
    told: list[tuple[str, int, int | None]] = []
    tieout.diff(left, right, on="id", progress=lambda *one: told.append(one))
    assert told[0] == ("reading left", 0, 600_000)
    assert ("reading left", 600_000, 600_000) in told
    assert ("reading right", 300_000, 300_000) in told
    assert told[-1] == ("comparing", 900_000, None)
    assert [done for what, done, _ in told if what == "reading left"] == sorted(
        done for what, done, _ in told if what == "reading left"
    )


@pytest.mark.parametrize(("quiet", "after_s", "shown"), [(False, 0.0, True), (True, 0.0, False), (False, 1e9, False)])
def test_a_bar_is_for_long_work_that_is_watched(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, after_s: float, shown: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(diff_progress, "AFTER_S", after_s)
    with diff_progress.progress_bar(quiet=quiet) as progress:
        progress("reading left", 0, 10)
        progress("reading left", 25, 10)  # the estimate was too low
    assert ("reading left" in terminal.getvalue()) is shown
    assert ("25 of 25 rows" in terminal.getvalue()) is shown


def test_a_diff_that_spills_has_a_line_for_each_side_and_one_for_its_parts(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    frame = pl.DataFrame({"id": range(1000)})
    with spilled(50_000):
        tieout.diff(frame, frame, on="id", spill_dir=tmp_path, progress=lambda *one: told.append(one))
    phases = list(dict.fromkeys(what for what, _, _ in told))
    parts = len(phases) - 3
    assert phases == ["reading left", "partitioning left", "partitioning right",
                      *(f"comparing {n}/{parts}" for n in range(1, parts + 1))]  # fmt: skip
    assert told[-1] == (f"comparing {parts}/{parts}", 2000, 2000)
    assert {diff_progress.line_of(what) for what in phases} == {"left", "right", "comparing"}


def test_a_pipe_sees_no_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(diff_progress, "AFTER_S", 0.0)
    done = tieout_diff(write(LEFT, tmp_path / "a.csv"), write(RIGHT, tmp_path / "b.csv"), "--key", "perm_id")
    assert (done.code, done.err) == (3, "")


def test_a_terminal_sees_the_bar_and_then_the_summary(tmp_path: Path) -> None:
    write(LEFT, tmp_path / "a.csv")
    write(RIGHT, tmp_path / "b.csv")
    code = (
        "import sys\nfrom tieout.cli import diff_progress, main\ndiff_progress.AFTER_S = 0.0\n"
        "sys.exit(main(['diff', 'a.csv', 'b.csv', '--key', 'perm_id']))"
    )
    shown, code_found = in_terminal([sys.executable, "-c", code], tmp_path)
    assert code_found == 3
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert BAR.findall(plain), plain
    assert plain.rstrip().splitlines()[-1].strip() == "different: 3 of 5 keys"


def in_terminal(command: list[str], folder: Path) -> tuple[str, int]:
    """What a command shows on a terminal of its own, and how it ended."""
    screen, inside = pty.openpty()
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "80"}
    child = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    os.close(inside)
    found = bytearray()
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        found += piece
    os.close(screen)
    return found.decode(), child.wait()
