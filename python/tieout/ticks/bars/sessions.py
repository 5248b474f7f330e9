"""A trading session of every day, by the wall clock of its place: with the days of 23 and 25 hours that a place has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from tieout.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Session:
    """
    From `opens` to `closes` by the wall clock of `zone`; the next day's `closes` where it is not later than `opens`.

    The default is the whole local day. A wall time that the clocks skip is taken as if they did not, one that they show
    twice is the first of the two.

    Raises:
        ValueError: there is no such zone, or a time has a zone of its own.
    """

    zone: str
    opens: time = _MIDNIGHT
    closes: time = _MIDNIGHT

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"found zone {self.zone!r}, expected a name such as America/New_York") from error
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("found a time with a zone, expected times of the session's own zone")

    def bounds(self, day: date) -> tuple[int, int]:
        """UTC nanoseconds of the opening on this local day, and of the close that follows it."""
        return _bounds(self, day)

    def day(self, times: pl.Expr) -> pl.Expr:
        """The local day on which the session of these UTC nanoseconds opened, or the one before it did."""
        opened = timedelta(hours=self.opens.hour, minutes=self.opens.minute, seconds=self.opens.second)
        local = times.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)
        return (local.dt.replace_time_zone(None) - opened).dt.date()

    def table(self, days: Iterable[date]) -> pl.DataFrame:
        """`day`, `session_ns` and `session_end_ns` of each of these days."""
        rows = [(day, *self.bounds(day)) for day in days]
        schema = {"day": pl.Date(), "session_ns": pl.Int64(), "session_end_ns": pl.Int64()}
        return pl.DataFrame(rows, schema=schema, orient="row")


@lru_cache(maxsize=10_000)
def _bounds(session: Session, day: date) -> tuple[int, int]:
    zone = ZoneInfo(session.zone)
    last = day if session.closes > session.opens else day + timedelta(days=1)
    moments = (datetime.combine(day, session.opens, zone), datetime.combine(last, session.closes, zone))
    start, end = (int(moment.astimezone(UTC).timestamp()) * NS_PER_S for moment in moments)
    return start, end
