"""What waits for the strategy's thread: calls, of which none is lost, and behind them the market, of which some may."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.bot.backlog import Backlog, What

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

CALLS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a strategy's method; what it returns may be awaitable."""

    method: str
    make: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame of ticks or of bars; `behind` says that newer ones wait already."""

    what: What
    frame: pl.DataFrame
    behind: bool


class Mailbox:
    """Any thread may post; one thread takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: deque[Call] = deque()
        self._backlog = Backlog()
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
            self._changed.wait_for(lambda: self.ready)

    def take(self) -> Call | Piece | None:
        """The next, calls first; None where nothing waits, and at the end."""
        with self._changed:
            if self._ended or not self.ready:
                return None
            if self._calls:
                return self._calls.popleft()
            what, frame = self._backlog.pop()
            return Piece(what, frame, behind=bool(self._backlog))

    def take_call(self) -> Call | None:
        """The next call, if one waits."""
        with self._changed:
            return self._calls.popleft() if self._calls else None

    @property
    def ready(self) -> bool:
        """Whether there is something to take, or it is the end."""
        return self._ended or bool(self._calls) or bool(self._backlog)

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
