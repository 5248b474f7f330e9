"""
The gateway's daily restart. Pure.

Near it nothing is sent: an order on its way when the gateway goes down has no known fate. Wall-clock time decides; on
a day of a clock change both readings of it close the gate.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S

if TYPE_CHECKING:
    from tieout.config import GatewayRestart

_DAY_MIN: Final = 24 * 60
_CHANGE: Final = timedelta(hours=3)
"""A clock change so near counts: its two offsets are both looked at."""


def near_restart(settings: GatewayRestart, now_ns: int) -> str | None:
    """Why the gate is closed because of the restart, or None."""
    minute = settings.minute_of_day
    if minute is None:
        return None
    for wall in _wall_minutes(settings, now_ns):
        since = (wall - minute) % _DAY_MIN
        if since < settings.minutes_after or _DAY_MIN - since <= settings.minutes_before:
            return f"the gateway restarts daily at {settings.time} {settings.zone_name}: nothing is sent around it"
    return None


def next_restart_ns(settings: GatewayRestart, now_ns: int) -> int | None:
    """About when the gateway restarts next, UTC nanoseconds; None where no time is set."""
    minute = settings.minute_of_day
    if minute is None:
        return None
    wall = _wall_minutes(settings, now_ns)[1]
    until_s = round(((minute - wall) % _DAY_MIN or _DAY_MIN) * 60)
    return (now_ns // NS_PER_S + until_s) * NS_PER_S


def _wall_minutes(settings: GatewayRestart, now_ns: int) -> list[float]:
    """The wall clock's minute of the day, by the offsets that hold shortly before, now, and shortly after."""
    now = datetime.fromtimestamp(now_ns // NS_PER_S, UTC)
    found = []
    for moment in (now - _CHANGE, now, now + _CHANGE):
        offset = moment.astimezone(settings.zone).utcoffset() or timedelta(0)
        local = now + offset
        found.append(local.hour * 60 + local.minute + local.second / 60)
    return found
