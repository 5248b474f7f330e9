"""What a sink was given and has not written: bounded, accounted for, and handed to one writer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class SinkStats:
    """
    A sink's account since its start, in ticks.

    Attributes:
        taken: given to it.
        written: in a whole file.
        waiting: not yet.
        lost: given up, because too many waited or the sink was closed over a disk that took nothing.
        lost_by: the same by the instrument's number.
        failing: why nothing is written now; None while all is well.
    """

    taken: int
    written: int
    waiting: int
    lost: int
    lost_by: dict[int, int]
    failing: str | None = None

    @property
    def balances(self) -> bool:
        """Whether every tick is accounted for."""
        return self.taken == self.written + self.waiting + self.lost


class Waiting:
    """
    Ticks between the thread that takes and the thread that writes.

    1. taken = written + waiting + lost, at any time.
    2. At most `limit` wait; what comes beyond is lost, and counted by instrument.

    Args:
        limit: ticks, 1 or more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._state = threading.Condition()
        self._batches: list[pl.DataFrame] = []
        self._oldest_s = 0.0
        self._taken = self._written = self._lost = 0
        self._lost_by: Counter[int] = Counter()
        self._closed = False

    def put(self, ticks: pl.DataFrame) -> None:
        """Take a batch; never waits."""
        with self._state:
            room = 0 if self._closed else max(self._limit - self._waiting, 0)
            self._taken += ticks.height
            if ticks.height > room:
                self._lose(ticks.slice(room))
                ticks = ticks.head(room)
            if not ticks.height:
                return
            first = not self._batches
            if first:
                self._oldest_s = time.monotonic()
            self._batches.append(ticks)
            if first or self._waiting >= self._limit // 2:
                self._state.notify()

    def get(self, *, after_s: float, within_s: float) -> list[pl.DataFrame]:
        """
        The batches that are due: the oldest is `after_s` old, half of the limit waits, or the end has come.

        They still count as waiting until `wrote` or `lose`. None are due within `within_s`: an empty answer.
        """
        until = time.monotonic() + within_s
        with self._state:
            while not self._is_due(after_s) and not self._closed and (left := until - time.monotonic()) > 0:
                due_s = self._oldest_s + after_s - time.monotonic() if self._batches else left
                self._state.wait(max(min(left, due_s), 0.001))
            if not (self._closed or self._is_due(after_s)):
                return []
            found, self._batches = self._batches, []
            return found

    def wrote(self, count: int) -> None:
        """So many are in a whole file."""
        with self._state:
            self._written += count

    def lose(self, ticks: pl.DataFrame) -> None:
        """These are given up."""
        with self._state:
            self._lose(ticks)

    def pause(self, wait_s: float) -> None:
        """Wait, but not beyond the end."""
        with self._state:
            self._state.wait_for(lambda: self._closed, wait_s)

    def close(self) -> None:
        """Nothing more is taken: what comes is lost."""
        with self._state:
            self._closed = True
            self._state.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the end has come."""
        return self._closed

    def stats(self, failing: str | None = None) -> SinkStats:
        """The account."""
        with self._state:
            lost_by = dict(sorted(self._lost_by.items()))
            return SinkStats(self._taken, self._written, self._waiting, self._lost, lost_by, failing)

    @property
    def _waiting(self) -> int:
        return self._taken - self._written - self._lost

    def _is_due(self, after_s: float) -> bool:
        if not self._batches:
            return False
        return time.monotonic() - self._oldest_s >= after_s or self._waiting >= self._limit // 2

    def _lose(self, ticks: pl.DataFrame) -> None:
        self._lost += ticks.height
        self._lost_by.update(dict(ticks["instrument"].value_counts().iter_rows()))
