"""
Which time the broker's answer covers without a hole: what the gateway tells, and the Flex statements before it.

1. The gateway tells of its day, from a midnight on (`Part.covers_from_ns`).
2. A statement tells of whole trade dates. At US exchanges the trade date turns at 17:00 New York time, so an execution
   in the evening of its last day is in the next day's report: days are covered up to 17:00 of the last of them.
   Elsewhere it may turn as early as that day's first hours (night sessions in Asia): of a contract that is not in USD
   the last day is not claimed at all.
3. Days that follow one another are one span, whichever statements tell them. A hole of a second is a hole.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tieout.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tieout.model import Snapshot, Statement

_ZONE: Final = ZoneInfo("America/New_York")
_TURN: Final = time(17)
_DAY: Final = timedelta(days=1)
_DAYS_MAX: Final = 3_660
"""A statement is about a year at most; ten are taken."""

Span = tuple[int, int]
"""From (inclusive) and to (exclusive), UTC nanoseconds."""


def covered_spans(statements: Iterable[Statement], *, us_dollars: bool = True) -> list[Span]:
    """The spans of time, in order, in which no execution can be missing from all of these statements."""
    days: dict[date, int] = {}
    for one in statements:
        length = min((one.last_whole_day - one.first_day).days + 1, _DAYS_MAX)
        for number in range(max(length, 0)):
            day = one.first_day + number * _DAY
            days[day] = _ns(day, _TURN)
        if one.covers_until_ns is not None and one.first_day <= one.last_whole_day + _DAY:
            partly = one.last_whole_day + _DAY
            days[partly] = max(days.get(partly, 0), one.covers_until_ns)
    spans: list[Span] = []
    for run in _runs(days):
        last = run[-1]
        until = days[last] if us_dollars else min(days[last], _ns(last, time()))
        if until > (start := _ns(run[0], time())):
            spans.append((start, until))
    return spans


def covered_from(snapshot: Snapshot, *, currency: str | None) -> int | None:
    """From when on everything that was executed is told, without a hole up to now; None: nobody says."""
    told = [part.covers_from_ns for part in snapshot.parts.values() if part.covers_from_ns is not None]
    if not told:
        return None
    start = max(told)
    for begin, end in reversed(covered_spans(snapshot.statements, us_dollars=currency == "USD")):
        if begin <= start <= end:
            start = begin
    return start


def day_end_ns(day: date) -> int:
    """When that day ends in New York, UTC nanoseconds."""
    return _ns(day + _DAY, time())


def _runs(days: dict[date, int]) -> list[list[date]]:
    """The days in runs of neighbours; a day that is covered in part ends its run."""
    runs: list[list[date]] = []
    for day in sorted(days):
        before = runs[-1][-1] if runs else None
        if before is not None and before + _DAY == day and days[before] == _ns(before, _TURN):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _ns(day: date, at: time) -> int:
    return int(datetime.combine(day, at, _ZONE).timestamp()) * NS_PER_S
