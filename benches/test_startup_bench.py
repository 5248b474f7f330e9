"""`tieout --help` beside a bare Typer app with as many commands, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench_report import ratio_in_pairs, tell

PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, add_completion=False)
for number in range({count}):
    app.command(f"command-{{number}}")(lambda name: None)
app()
"""


def help_of(*command: str) -> str:
    """What the program says of itself."""
    done = subprocess.run([sys.executable, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.benchmark(group="start-up")
def test_help_beside_a_bare_typer_app(tmp_path: Path) -> None:
    ours = help_of("-m", "tieout")
    commands = [line.split()[0] for line in ours.partition("Commands:\n")[2].splitlines() if line.startswith("  ")]
    assert {"adopt", "stage", "show", "confirm", "status"} <= set(commands)
    bare = tmp_path / "bare.py"
    bare.write_text(BARE.format(count=len(commands)))
    assert "command-0" in help_of(str(bare))
    figures = ratio_in_pairs(lambda: help_of("-m", "tieout"), lambda: help_of(str(bare)), pairs=PAIRS)
    tell("tieout --help", "bare Typer app", figures)
