"""A real terminal before a `tieout` process: a pseudo-terminal, and answers typed when it asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli_support import Workplace

WAIT_S = 60.0


class Terminal:
    """A `tieout` process that believes that a person sits before it."""

    def __init__(self, place: Workplace, *words: str, term: str = "dumb") -> None:
        self._ours, theirs = pty.openpty()
        env = os.environ | {"TERM": term, "NO_COLOR": "1", "COLUMNS": "200"}
        command = [sys.executable, "-m", "tieout", *words]
        self._child = subprocess.Popen(
            command, cwd=place.root, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.seen = ""
        self._at = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._ours)

    def wait_for(self, text: str) -> None:
        """Read until that stands there, after what was waited for before."""
        while text not in self.seen[self._at :]:
            assert self._read(), f"ended before {text!r}: {self.seen}"
        self._at = self.seen.index(text, self._at) + len(text)

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def answer(self, question: str, line: str) -> None:
        self.wait_for(question)
        self.type(line)

    def ended(self) -> int:
        """The exit code, with everything read that was said before."""
        while self._read():
            continue
        return self._child.wait(timeout=WAIT_S)

    def _read(self) -> bool:
        """Some more of what it says; false once it has ended."""
        deadline = time.monotonic() + WAIT_S
        ready, _, _ = select.select([self._ours], [], [], deadline - time.monotonic())
        assert ready, f"nothing was said for {WAIT_S} s: {self.seen}"
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        self.seen += data.decode().replace("\r\n", "\n")
        return bool(data)
