"""What waits for the strategy's thread: calls, of which none is lost, and behind them the market, of which some may."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.bot.backlog import Backlog, What

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

CALLS_MAX: Final = 100_000
MARKET_EVERY_S: Final = 0.02
"""The market is taken at most so often: after a quiet moment at once, in a stream what came meanwhile together."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a strategy's method; what it returns may be awaitable."""

    method: str
    make: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame of ticks or of bars; `behind` says that so many ticks wait still that the strategy does not keep up."""

    what: What
    frame: pl.DataFrame
    behind: bool


class Mailbox:
    """Any thread may post; one thread takes."""

    def __init__(self, backlog: Backlog | None = None) -> None:
        self._changed = threading.Condition()
        self._calls: deque[Call] = deque()
        self._backlog = Backlog() if backlog is None else backlog
        self._market_due = 0.0
        self._ended = False

    def post(self, call: Call) -> bool:
        """Whether there was room for it; after `end` there is room and nobody who takes it."""
        with self._changed:
            if len(self._calls) >= CALLS_MAX:
                return False
            if not self._ended:
                self._calls.append(call)
                self._changed.notify()
            return True

    def post_market(self, what: What, frame: pl.DataFrame) -> None:
        """The newest of the market; makes room for itself."""
        with self._changed:
            if not self._ended:
                self._backlog.put(what, frame)
                self._changed.notify()

    def end(self) -> None:
        """What waits is not wanted any more: `take` answers None from now on."""
        with self._changed:
            self._ended = True
            self._calls.clear()
            self._backlog.clear()
            self._changed.notify()

    def wait(self) -> None:
        """Until there is something to take, or it is the end."""
        with self._changed:
            while not self.ready:
                left_s = self._market_due - time.monotonic() if self._backlog else None
                self._changed.wait(left_s)

    def take(self) -> Call | Piece | None:
        """The next, calls first; None where nothing waits, and at the end."""
        with self._changed:
            if self._ended or not self.ready:
                return None
            if self._calls:
                return self._calls.popleft()
            what, frame = self._backlog.pop()
            self._market_due = 0.0 if self._backlog else time.monotonic() + MARKET_EVERY_S
            return Piece(what, frame, behind=self._backlog.behind)

    def take_call(self) -> Call | None:
        """The next call, if one waits."""
        with self._changed:
            return self._calls.popleft() if self._calls else None

    @property
    def ready(self) -> bool:
        """Whether there is something to take, or it is the end."""
        if self._ended or self._calls:
            return True
        return bool(self._backlog) and time.monotonic() >= self._market_due

    @property
    def ended(self) -> bool:
        """Whether it is the end."""
        return self._ended

    def lost(self) -> dict[int, int]:
        """Instrument -> ticks that were lost for want of room."""
        with self._changed:
            return dict(self._backlog.lost)

    def counts(self) -> dict[str, int]:
        """The market's account; see `Backlog.counts`."""
        with self._changed:
            return self._backlog.counts()
