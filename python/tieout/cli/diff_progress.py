"""A progress bar for work of more than two seconds: on a terminal, on stderr, with rate and time left."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

AFTER_S: Final = 2.0
"""Work that is done sooner shows no bar."""


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """What a diff tells its progress to; nothing is shown with --quiet, or where stderr is no terminal."""
    stream = sys.stderr
    if quiet or not stream.isatty():
        yield _nothing
        return
    shown = _Shown(stream, time.monotonic())
    try:
        yield shown.tell
    finally:
        shown.close()


def _nothing(_what: str, _done: int, _total: int | None) -> None:
    """Nobody looks."""


def line_of(what: str) -> str:
    """The line of a phase: a side is dealt out in the line in which it was read; all parts have one."""
    first, _, rest = what.partition(" ")
    return rest if first in {"reading", "partitioning"} else first


class _Shown:
    """The bar, once it is worth one."""

    def __init__(self, stream: TextIO, started: float) -> None:
        self._stream = stream
        self._started = started
        self._bar: Bar | None = None
        self._tasks: dict[str, TaskID] = {}

    def tell(self, what: str, done: int, total: int | None) -> None:
        """So many rows of that are done."""
        if self._bar is None and time.monotonic() - self._started < AFTER_S:
            return
        bar = self._bar or self._start()
        line = line_of(what)
        if line not in self._tasks:
            self._tasks[line] = bar.add_task(what, total=total)
        # an estimate that was too low grows, so that the bar never claims to be done before it is
        whole = None if total is None else max(total, done)
        bar.update(self._tasks[line], description=what, completed=done, total=whole)

    def close(self) -> None:
        """The bar goes; the summary takes its place."""
        if self._bar is not None:
            self._bar.stop()

    def _start(self) -> Bar:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        from tieout.cli.diff_rate import RateColumn

        self._bar = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=20),
            RateColumn(),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        self._bar.start()
        return self._bar
