"""What came of each instrument, counted beside the other consumers: how many, when last, and how late."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.clock import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable

FOLD_ROWS: Final = 200_000
"""Ticks that may wait to be counted: counting many at once costs as much as counting few."""


@dataclass(frozen=True, slots=True)
class Count:
    """
    One instrument's: ticks since the start, the last one's time of receipt, and how long they were on their way.

    `lag_ns` is the least of received - exchange since the last reading, None where no tick told the exchange's time.
    The exchange's times are often whole seconds, rounded down, so that the least is the nearest to the truth; the two
    clocks are not the same one.
    """

    ticks: int
    last_ns: int
    lag_ns: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All of them, and the longest that a tick waited until its batch was taken, since the last reading."""

    counts: dict[int, Count]
    drain_lag_ns: int | None


class Tally:
    """A `Consumer` that counts. `read` may be called from any thread."""

    def __init__(self, now: Callable[[], int] = now_ns) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._counts: dict[int, Count] = {}
        self._drain_lag_ns: int | None = None

    def take(self, ticks: pl.DataFrame) -> None:
        """Keep the columns that are counted; the counting itself is done for many batches at once."""
        lag_ns = max(self._now() - int(ticks["received_ns"][0]), 0)
        with self._lock:
            self._frames.append(ticks.select("instrument", "received_ns", "exchange_ns"))
            self._rows += ticks.height
            self._drain_lag_ns = max(self._drain_lag_ns or 0, lag_ns)
            if self._rows >= FOLD_ROWS:
                self._fold()

    def idle(self, now_ns: int) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read(self) -> Reading:
        """The counts so far; lags begin anew."""
        with self._lock:
            self._fold()
            found = Reading(dict(self._counts), self._drain_lag_ns)
            self._drain_lag_ns = None
            self._counts = {number: Count(one.ticks, one.last_ns, None) for number, one in self._counts.items()}
            return found

    def _fold(self) -> None:
        if not self._frames:
            return
        waiting = pl.concat(self._frames, rechunk=False)
        self._frames, self._rows = [], 0
        found = waiting.group_by("instrument").agg(
            pl.len(), pl.col("received_ns").max(), (pl.col("received_ns") - pl.col("exchange_ns")).min().alias("lag")
        )
        for number, ticks, last_ns, lag_ns in found.rows():
            before = self._counts.get(number, Count(0, 0, None))
            lags = [lag for lag in (before.lag_ns, lag_ns) if lag is not None]
            self._counts[number] = Count(
                before.ticks + ticks, max(before.last_ns, last_ns), min(lags) if lags else None
            )  # fmt: skip
