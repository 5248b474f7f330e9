"""
Reading the old book's times.

The old bot wrote local time without an offset. Such a text is a point in time only with a zone; without one
it still orders the log. A local time that the clock change made ambiguous or impossible is not converted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from tieout.clock import NS_PER_S, to_iso
from tieout.errors import AdoptError

if TYPE_CHECKING:
    from tieout.store.adopt.report import Doubts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Moment(NamedTuple):
    """
    One time of the old book.

    `ns` is UTC nanoseconds, or None where the text is no provable point in time. `order_ns` orders times of
    one book: UTC, or the local reading where there is no zone; None where the text cannot be read.
    """

    text: str | None
    ns: int | None
    order_ns: int | None

    @property
    def iso(self) -> str | None:
        """ISO-8601 with Z, or None."""
        return None if self.ns is None else to_iso(self.ns)


NO_MOMENT = Moment(None, None, None)


class TimeReader:
    """Reads time texts under one zone, or none, and collects what it doubts."""

    def __init__(self, timezone: str | None, doubts: Doubts) -> None:
        """
        Raises:
            AdoptError: there is no such time zone.
        """
        self._zone = _zone(timezone)
        self._doubts = doubts
        self._aware_seen = False
        self._naive_seen = False

    def read(self, value: object, where: str) -> Moment:
        """The moment that a cell tells; `where` names the cell in a doubt."""
        if value is None:
            return NO_MOMENT
        text = value if isinstance(value, str) else str(value)
        parsed = _parse(text) if isinstance(value, str) else None
        if parsed is None:
            self._doubts.add("time_unreadable", f"{where}: {text}")
            return Moment(text, None, None)
        whole, fraction_ns = parsed
        if whole.tzinfo is not None:
            return self._aware(text, _ns(whole) + fraction_ns)
        return self._naive(text, where, (whole, fraction_ns))

    def _aware(self, text: str, ns: int) -> Moment:
        if self._naive_seen and self._zone is None and not self._aware_seen:
            self._doubts.add("times_mixed", text)
        self._aware_seen = True
        return Moment(text, ns, ns)

    def _naive(self, text: str, where: str, parsed: tuple[datetime, int]) -> Moment:
        whole, fraction_ns = parsed
        local_ns = _ns(whole.replace(tzinfo=UTC)) + fraction_ns
        if self._zone is None:
            if self._aware_seen and not self._naive_seen:
                self._doubts.add("times_mixed", text)
            self._naive_seen = True
            self._doubts.add("time_naive", f"{where}: {text}")
            return Moment(text, None, local_ns)
        offset = self._zone.utcoffset(whole)
        # tzinfo may answer None; a ZoneInfo never does for a datetime.
        assert offset is not None
        ns = local_ns - (offset // _SECOND) * NS_PER_S
        if offset != self._zone.utcoffset(whole.replace(fold=1)):
            self._doubts.add("time_ambiguous", f"{where}: {text}")
            return Moment(text, None, ns)
        return Moment(text, ns, ns)


def _parse(text: str) -> tuple[datetime, int] | None:
    """Whole seconds, and nanoseconds beside them: datetime alone would cut after microseconds."""
    text = text.strip()
    head, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    fraction, tail = rest[:digits], rest[digits:]
    if ":" not in head or (dot and not fraction):
        return None
    try:
        whole = datetime.fromisoformat(head + tail)
    except ValueError:
        return None
    return whole, int(fraction.ljust(9, "0")[:9] or 0)


def _ns(moment: datetime) -> int:
    return ((moment - _EPOCH) // _SECOND) * NS_PER_S


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise AdoptError(
            f"there is no time zone {name!r}",
            hint="use a name of the IANA list, such as America/New_York, Europe/Berlin or UTC",
        ) from error
