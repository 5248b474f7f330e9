"""
IB's wall-clock texts as UTC nanoseconds. A text that does not name one moment is None, never a guess.

Sources: IB's TWS API guide (executions: `20251120 15:04:05 US/Eastern`; UTC as `20251120-15:04:05`); the
handshake carries the gateway's own time with its zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tieout.clock import NS_PER_S

_TEXT: Final = re.compile(r"(?P<date>\d{8})(?P<gap>-|\s+)(?P<time>\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:\s+(?P<zone>\S.*))?")
_UTC_NAMES: Final = frozenset({"UTC", "Etc/UTC", "Coordinated Universal Time"})

_SHORT_NAMES: Final = {
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "MST": "America/Denver",
    "MDT": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "GMT": "Europe/London",
    "CET": "Europe/Berlin",
    "CEST": "Europe/Berlin",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
}
"""
Taken only where the zone itself uses that short name at that hour: "EST" in July is nobody's time. CST, IST
and BST mean several places, so they name none.
"""

_LONG_NAMES: Final = {
    "Eastern Standard Time": "EST",
    "Eastern Daylight Time": "EDT",
    "Mountain Standard Time": "MST",
    "Mountain Daylight Time": "MDT",
    "Pacific Standard Time": "PST",
    "Pacific Daylight Time": "PDT",
    "Greenwich Mean Time": "GMT",
    "Central European Standard Time": "CET",
    "Central European Summer Time": "CEST",
    "Japan Standard Time": "JST",
    "Hong Kong Time": "HKT",
    "Hong Kong Standard Time": "HKT",
}

EXCHANGE_ZONE: Final = "America/New_York"


@lru_cache(maxsize=1 << 16)
def moment_ns(text: str, *, gateway_zone: str | None) -> int | None:
    """
    UTC nanoseconds of one of IB's times, to the second.

    Args:
        text: `YYYYMMDD HH:MM:SS zone`, `YYYYMMDD-HH:MM:SS` (UTC) or `YYYYMMDD HH:MM:SS` (the gateway's zone).
        gateway_zone: the zone of the last form; None where it is not known.

    Returns:
        None: another form, an unknown zone, or an hour that the clocks' change repeats or leaves out.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        return None
    try:
        wall = datetime.strptime(found["date"] + found["time"], "%Y%m%d%H:%M:%S")  # noqa: DTZ007 - zone next
    except ValueError:
        return None
    name = found["zone"] or ("UTC" if found["gap"] == "-" else gateway_zone)
    zone = _zone_at(name, wall) if name else None
    return _only_moment(wall, zone) if zone else None


def zone_of(handshake_time: str) -> str | None:
    """The zone that the gateway's handshake time names (`20251120 15:04:05 EST`), as a zone database key."""
    found = _TEXT.fullmatch(handshake_time.strip())
    if found is None or not found["zone"]:
        return None
    try:
        wall = datetime.strptime(found["date"] + found["time"], "%Y%m%d%H:%M:%S")  # noqa: DTZ007 - zone next
    except ValueError:
        return None
    zone = _zone_at(found["zone"], wall)
    return zone.key if zone else None


def day_start_ns(now_ns: int, *, gateway_zone: str | None) -> int:
    """
    From when on "today's" executions and completed orders are sure to be told.

    IB says "since midnight" and not whose; so it is the latest midnight up to now among UTC, New York and the
    gateway's own zone: claiming less than was covered is safe, claiming more is not.
    """
    now = datetime.fromtimestamp(now_ns // NS_PER_S, UTC)
    names = ["UTC", EXCHANGE_ZONE] + ([gateway_zone] if gateway_zone else [])
    starts = (datetime.combine(now.astimezone(zone).date(), time(), zone) for zone in map(ZoneInfo, names))
    return max(_ns(start) for start in starts)


def _zone_at(name: str, wall: datetime) -> ZoneInfo | None:
    short = _LONG_NAMES.get(name, name)
    if name in _UTC_NAMES:
        return ZoneInfo("UTC")
    if short in _SHORT_NAMES:
        zone = ZoneInfo(_SHORT_NAMES[short])
        return zone if wall.replace(tzinfo=zone).tzname() == short else None
    if "/" not in name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _only_moment(wall: datetime, zone: ZoneInfo) -> int | None:
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        return None
    return _ns(first)


def _ns(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * NS_PER_S
