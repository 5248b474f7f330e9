"""The first command on a fresh clone names a missing or too old tool in one line, before anything is built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tools" / "preflight.sh"
PYTHON_RUNS = f'exec "{sys.executable}" "$@"'
OLD_PYTHON = 'case "$2" in *version_info\\[:2]*) echo 3.9 ;; *version_info*) exit 1 ;; esac'
NO_VENV = f'case "$2" in *ensurepip*) exit 1 ;; *) exec "{sys.executable}" "$@" ;; esac'
CARGO = "echo 'cargo 1.99.0 (abc 2026-01-01)'"


def preflight(folder: Path, tools: dict[str, str]) -> tuple[int, str]:
    """Run it with just these tools on the path, each a line of shell; the exit code and what it said."""
    for needed in ("sh", "sed"):
        (folder / needed).symlink_to(str(shutil.which(needed)))
    for name, line in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    done = subprocess.run(
        [str(SCRIPT), "python3"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_nothing_is_said_when_everything_is_there(tmp_path: Path) -> None:
    assert preflight(tmp_path, {"python3": PYTHON_RUNS, "cc": "", "cargo": CARGO}) == (0, "")


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        (
            {"cc": "", "cargo": CARGO},
            "there is no python3; install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3",
        ),
        (
            {"python3": OLD_PYTHON, "cc": "", "cargo": CARGO},
            "python3 is Python 3.9; 3.11 or newer is needed, name it: make PYTHON=/path/to/python3",
        ),
        (
            {"python3": "exit 1", "cc": "", "cargo": CARGO},
            "python3 does not run; install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3",
        ),
        (
            {"python3": NO_VENV, "cc": "", "cargo": CARGO},
            "python3 has no venv and ensurepip modules; install them (Debian and Ubuntu: python3-venv)",
        ),
        (
            {"python3": PYTHON_RUNS, "cargo": CARGO},
            "there is no C compiler (cc); install one (Debian and Ubuntu: build-essential)",
        ),
        (
            {"python3": PYTHON_RUNS, "cc": ""},
            "there is no cargo; install Rust 1.95 or newer (rustup is the usual way)",
        ),
        (
            {"python3": PYTHON_RUNS, "cc": "", "cargo": "exit 1"},
            "cargo does not run; rust-toolchain.toml asks for a toolchain that could not be had: see `cargo --version`",
        ),
        (
            {"python3": PYTHON_RUNS, "cc": "", "cargo": "echo cargo 1.84.1"},
            "cargo is version 1.84; 1.95 or newer is needed (rustup update)",
        ),
    ],
    ids=["no python", "old python", "broken python", "no venv", "no cc", "no cargo", "broken cargo", "old cargo"],
)
def test_what_is_missing_is_named_in_one_line(tmp_path: Path, tools: dict[str, str], expected: str) -> None:
    assert preflight(tmp_path, tools) == (1, f"tieout: {expected}\n")
