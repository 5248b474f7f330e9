"""
Time: UTC nanoseconds inside, ISO-8601 with Z outside. Nothing else here reads the clock.

Functions that decide take `now_ns`; only the edge calls `now_ns()`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

NS_PER_S = 1_000_000_000


_MILLISECOND_NS = 1_000_000


def now_ns() -> int:
    """UTC nanoseconds since 1970, of the last whole millisecond: what a person reads stays readable."""
    return time.time_ns() // _MILLISECOND_NS * _MILLISECOND_NS


def to_iso(ns: int) -> str:
    """2025-12-07T12:00:00.000Z; microseconds only where they are not whole milliseconds."""
    seconds, rest_ns = divmod(ns, NS_PER_S)
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{rest_ns:09d}"
    width = 3 if digits[3:] == "000000" else 6 if digits[6:] == "000" else 9
    return f"{stamp}.{digits[:width]}Z"


def from_iso(text: str) -> int:
    """
    UTC nanoseconds of an ISO-8601 time that names its offset (Z or +hh:mm).

    Raises:
        ValueError: not ISO-8601, or naive (a time without an offset is not a point in time).
    """
    head, fraction, tail = _split_fraction(text)
    moment = datetime.fromisoformat(head + tail)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no UTC offset")
    whole = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return whole * NS_PER_S + int(fraction.ljust(9, "0")[:9] or 0)


def file_stamp(ns: int) -> str:
    """YYYYMMDD_HHMMSS in UTC, as backup files are named."""
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).strftime("%Y%m%d_%H%M%S")


def _split_fraction(text: str) -> tuple[str, str, str]:
    head, dot, rest = text.partition(".")
    if not dot:
        return (text[:-1], "", "+00:00") if text.endswith(("Z", "z")) else (text, "", "")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    tail = rest[digits:]
    return head, rest[:digits], "+00:00" if tail in {"Z", "z"} else tail
