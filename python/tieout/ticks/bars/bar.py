"""What a bar is: a frame of them, and one as a strategy gets it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tieout.ticks.instruments import Instrument, Instruments

BAR: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(),
    "start_ns": pl.Int64(),
    "end_ns": pl.Int64(),
    "open": pl.Int64(),
    "high": pl.Int64(),
    "low": pl.Int64(),
    "close": pl.Int64(),
    "volume": pl.Int64(),
    "vwap": pl.Int64(),
    "count": pl.UInt32(),
    "first_ns": pl.Int64(),
    "last_ns": pl.Int64(),
    "complete": pl.Boolean(),
}
"""
Bars. Times are UTC ns, `start_ns` included and `end_ns` not; where bars are not cut by time they are those of the first
and last trade. Prices and volume count 1e-8. `vwap` is exact, rounded once, half to even; null where nothing has size.
`first_ns` and `last_ns` are the first and last trade's; null in a flat bar, whose `count` is 0. `complete`: that the
bar began and ended while its instrument was listened to.
"""

_ONE: Final = Decimal(100_000_000)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; prices and volume are exact decimals, times UTC nanoseconds. `BAR` says what each field is."""

    instrument: Instrument
    start_ns: int
    end_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    vwap: Decimal | None
    count: int
    first_ns: int | None
    last_ns: int | None
    complete: bool


def bars_of(frame: pl.DataFrame, instruments: Instruments) -> Iterator[Bar]:
    """The rows of a frame of schema `BAR`, one after the other; their numbers are those of `instruments`."""
    for row in frame.iter_rows(named=True):
        decimals = {name: None if row[name] is None else row[name] / _ONE for name in _DECIMALS}
        yield Bar(**{**row, **decimals, "instrument": instruments[row["instrument"]]})


_DECIMALS: Final = ("open", "high", "low", "close", "volume", "vwap")
