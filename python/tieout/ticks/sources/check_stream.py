"""What is wrong within one instrument's ticks: repeated, out of order, silent, without a price."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from tieout.clock import NS_PER_S
from tieout.ticks.files.parts import DAY_NS
from tieout.ticks.layout import (
    BY_TICK,
    BY_TICK_ALL_LAST,
    BY_TICK_LAST,
    BY_TICK_MIDPOINT,
    LAST,
    PRICE,
    PRICE_IS_FLOAT,
)

EXAMPLES_MAX: Final = 5
_EXPONENT: Final = 0x7FF0_0000_0000_0000


@dataclass(slots=True)
class Tally:
    """
    What was seen of one instrument.

    Attributes:
        rows: its ticks.
        first_ns, last_ns: the earliest and the latest `received_ns`.
        duplicates: ticks that are there before; equal in every column (of files without numbers: but the number).
        backwards: ticks received earlier than the one before them, and of `backwards_ns` the largest step.
        no_price: trades without a price, or with NaN.
        silent: stretches longer than asked for; of `silences` when the first ones began and how long they were.
        silent_ns: the longest stretch of all, asked for or not.
    """

    rows: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    duplicates: int = 0
    backwards: int = 0
    backwards_ns: int = 0
    no_price: int = 0
    silent: int = 0
    silent_ns: int = 0
    silences: list[tuple[int, int]] = field(default_factory=list)

    @property
    def findings(self) -> int:
        """How many things are wrong."""
        return self.duplicates + self.backwards + self.no_price + self.silent


class StreamCheck:
    """
    Looks through one instrument's ticks, piece by piece, in the order of arrival.

    Args:
        silent_after_ns: how long it may say nothing; None is for ever.
    """

    def __init__(self, silent_after_ns: int | None) -> None:
        self.tally = Tally()
        self._silent_after_ns = silent_after_ns
        self._previous_ns: int | None = None
        self._latest_ns: int | None = None
        self._day: int | None = None
        self._seen: list[pl.Series] = []

    def look(self, ticks: pl.DataFrame) -> None:
        """Take the next piece: schema `FRAME`, one instrument, at least one row."""
        tally, time = self.tally, ticks["received_ns"]
        first, last = time.min(), time.max()
        assert isinstance(first, int)
        assert isinstance(last, int)
        tally.rows += ticks.height
        tally.first_ns = first if tally.first_ns is None else min(first, tally.first_ns)
        tally.last_ns = last if tally.last_ns is None else max(last, tally.last_ns)
        tally.no_price += _without_price(ticks)
        self._look_at_order(time)
        self._look_at_silence(time)
        self._look_for_duplicates(ticks)

    def done(self) -> Tally:
        """The tally, once everything was looked at."""
        self._count_duplicates()
        return self.tally

    def _look_at_order(self, time: pl.Series) -> None:
        steps = _steps(time, self._previous_ns)
        back = steps.filter(steps < 0)
        self.tally.backwards += len(back)
        if len(back):
            self.tally.backwards_ns = max(self.tally.backwards_ns, -_int(back.min()))
        self._previous_ns = time[-1]

    def _look_at_silence(self, time: pl.Series) -> None:
        latest = time.cum_max()
        if self._latest_ns is not None:
            latest = latest.clip(self._latest_ns)
        steps = _steps(latest, self._latest_ns)
        self.tally.silent_ns = max(self.tally.silent_ns, _int(steps.max()))
        if self._silent_after_ns is not None:
            where = (steps > self._silent_after_ns).arg_true()
            self.tally.silent += len(where)
            for at in where.head(EXAMPLES_MAX - len(self.tally.silences)):
                self.tally.silences.append((_int(latest[at]) - _int(steps[at]), _int(steps[at])))
        self._latest_ns = _int(latest[-1])

    def _look_for_duplicates(self, ticks: pl.DataFrame) -> None:
        """A day's ticks by a hash of 64 bits: two that differ look alike once in 10^19 pairs."""
        columns = [name for name in ticks.columns if name != "sequence" or ticks["session"][0]]
        keyed = ticks.select(
            (pl.col("received_ns") // DAY_NS).alias("day"), pl.struct(columns).hash(seed=7).alias("hash")
        )
        for (day,), group in keyed.partition_by("day", maintain_order=True, as_dict=True).items():
            if day != self._day:
                self._count_duplicates()
                self._day = day
            self._seen.append(group["hash"])

    def _count_duplicates(self) -> None:
        if self._seen:
            seen = pl.concat(self._seen)
            self.tally.duplicates += len(seen) - seen.n_unique()
            self._seen = []


def _steps(values: pl.Series, before: int | None) -> pl.Series:
    """How far each is from the one before it; the first of all is no step."""
    return (values - values.shift(1, fill_value=before)).fill_null(0)


def _without_price(ticks: pl.DataFrame) -> int:
    field_ = pl.col("field")
    trade = (pl.col("kind") == BY_TICK) & field_.is_in([BY_TICK_LAST, BY_TICK_ALL_LAST, BY_TICK_MIDPOINT])
    last = (pl.col("kind") == PRICE) & (field_ == LAST)
    word = pl.col("price")
    no_number = ((pl.col("flags") & PRICE_IS_FLOAT) != 0) & ((word & _EXPONENT) == _EXPONENT)
    return _int(ticks.select(((trade | last) & (word.is_null() | no_number)).sum()).item())


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def seconds(ns: int) -> float:
    """Nanoseconds as seconds, for a reader."""
    return ns / NS_PER_S
