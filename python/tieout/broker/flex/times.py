"""
A statement's wall-clock texts, to UTC.

ibflex gives naive times and drops an offset that stands behind one; so the zone is cut off before it reads the text,
and put back after. A text without a zone is in the zone of the settings: IB's reports are in New York time.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from tieout.broker.moments import moment_ns
from tieout.clock import NS_PER_S

REPORT_ZONE: Final = "America/New_York"
"""Where the days of a statement begin and end."""

_ZONED: Final = re.compile(
    r"(?P<stamp>\S.*[;,T ]\s*\d{2}:?\d{2}:?\d{2})\s*(?:(?P<offset>Z|[+-]\d{2}:?\d{2})|(?P<zone>[A-Za-z][\w/ ]*))"
)


def split_zone(text: str) -> tuple[str, str | None]:
    """`20260706;101500 EDT` -> (`20260706;101500`, `EDT`); a text without a zone comes back as it is."""
    found = _ZONED.fullmatch(text.strip())
    if found is None:
        return text.strip(), None
    return found["stamp"], found["offset"] or found["zone"]


def utc_ns(wall: datetime, zone: str | None, *, default_zone: str) -> int | None:
    """
    UTC nanoseconds of a statement's time.

    Args:
        wall: naive, as ibflex gives it.
        zone: what stood behind it: a zone's name or an offset; None: `default_zone`.

    Returns:
        None: a zone that nobody can name for sure, or an hour that the clocks' change repeats or leaves out.
    """
    if zone is not None and (zone == "Z" or zone[0] in "+-"):
        moment = wall.replace(tzinfo=_offset(zone))
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * NS_PER_S
    return moment_ns(f"{wall:%Y%m%d %H:%M:%S} {zone or default_zone}", gateway_zone=None)


def report_day(ns: int) -> date:
    """The day it is in New York at that moment."""
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).astimezone(ZoneInfo(REPORT_ZONE)).date()


def day_start_ns(day: date) -> int:
    """When that day begins in New York, UTC nanoseconds."""
    return int(datetime.combine(day, time(), ZoneInfo(REPORT_ZONE)).timestamp()) * NS_PER_S


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
