"""What a command says: a result for a person or one JSON object for a program, prose beside it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tieout.errors import TieoutError

COLOURS: Final = {
    "+": "32",
    "~": "33",
    "-": "31",
    "?": "35",
    "!": "31;1",
    "ok": "32",
    "head": "1",
    "dim": "2",
}


@dataclass(slots=True)
class Console:
    """
    Where a command writes. With `as_json` stdout carries exactly one JSON object, and everything else goes to
    stderr.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    workspace: Path | None = None
    config: Path | None = None
    _answered: bool = False

    def say(self, text: str = "", *, style: str | None = None) -> None:
        """A line of prose; none with --quiet."""
        if not self.quiet:
            stream = sys.stderr if self.as_json else sys.stdout
            # In one piece, since a strategy may print meanwhile; at once, so that a pipe shows a live bot's lines too.
            print(f"{_styled(text, style, stream.isatty())}\n", end="", file=stream, flush=True)

    def detail(self, text: str) -> None:
        """A line of prose that only --verbose shows."""
        if self.verbose:
            self.say(text, style="dim")

    def result(self, value: dict[str, Any]) -> None:
        """The result for a program; nothing without --json, and nothing after the first (a live bot has many)."""
        if self.as_json and not self._answered:
            self._answered = True
            print(json.dumps(value, ensure_ascii=False), file=sys.stdout, flush=True)

    def error(self, error: TieoutError) -> None:
        """An error: what was found, what to do. With --json as `{"error": ...}` on stdout."""
        if self.as_json:
            told = {"code": error.code, "message": error.message, "hint": error.hint}
            print(json.dumps({"error": told}, ensure_ascii=False), file=sys.stdout, flush=True)
            return
        tty = sys.stderr.isatty()
        print(_styled(f"error: {error.message}", "!", tty), file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)


def _styled(text: str, style: str | None, tty: bool) -> str:
    if style is None or not tty or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLOURS[style]}m{text}\x1b[0m"
