"""The command line: `tieout`. One file per command; what they share is in program, arguments, console, desk."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code (tieout.errors)."""
    from tieout.cli.program import run

    return run(argv)
