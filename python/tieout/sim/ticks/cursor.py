"""One client's place in one market, and the bytes of what is due there."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.sim.ticks.event import with_changes
from tieout.sim.ticks.market import Place
from tieout.sim.ticks.wire import Wanted, encode, standing

if TYPE_CHECKING:
    from tieout.sim.ticks.market import Market, Source

TURN_EVENTS_MAX: Final = 1024
"""So many events of one market are sent before the next market has its turn."""


class Cursor:
    """
    A client's subscriptions to one instrument. All of them hear the same events, each in its own way.

    Args:
        market: the instrument's; its source is there.
        now_ns: UTC nanoseconds; the market goes on from here, where nobody set its start.
        start_ns: the market's start, from which the times of its events count; None: so that it is `now_ns` here.
    """

    def __init__(self, market: Market, source: Source, *, now_ns: int, start_ns: int | None) -> None:
        self.market = market
        self.wanted: dict[int, Wanted] = {}
        self._source = source
        self._place = market.told
        self._bytes: dict[int, list[bytes]] = {}
        self._load(self._place.block)
        self._start_ns = now_ns - self.reached_ns if start_ns is None else start_ns

    @property
    def place(self) -> Place:
        """Before the next event."""
        return self._place

    @property
    def reached_ns(self) -> int:
        """The market's time of the next event, or of the last one where none is left."""
        return self._at[min(self._place.row, len(self._at) - 1)] if self._at else 0

    @property
    def ended(self) -> bool:
        """Whether the market has no more events."""
        return self._place.row >= len(self._at)

    def add(self, wanted: Wanted) -> bytes:
        """Subscribe; what is to be said at once."""
        self.wanted[wanted.request] = wanted
        self._encode(wanted)
        state = self._state()
        return standing(state, wanted, start_ns=self._start_ns) if wanted.kind == "quotes" and state.height else b""

    def remove(self, request: int) -> None:
        """Unsubscribe."""
        del self.wanted[request]
        del self._bytes[request]

    def take(self, until_ns: int | None, *, before: int | None) -> bytes:
        """
        The bytes of the events up to this time of the market, some at a time, and go on behind them.

        Args:
            until_ns: None is whatever there is.
            before: at most up to the event of this number.
        """
        row = self._place.row
        end = len(self._at) if until_ns is None else bisect_right(self._at, until_ns, lo=row)
        end = min(end, row + TURN_EVENTS_MAX)
        if before is not None:
            end = min(end, row + max(before - self._place.number, 0))
        if end == row:
            return b""
        data = b"".join(b"".join(pieces[row:end]) for pieces in self._bytes.values())
        self._go_on(end - row)
        return data

    def _go_on(self, events: int) -> None:
        place = Place(self._place.block, self._place.row + events, self._place.number + events)
        if place.row == len(self._at):
            place = Place(place.block + 1, 0, place.number)
        if place.block != self._place.block:
            self._load(place.block)
        self._place = place
        if place.number > self.market.told.number:
            self.market.told = place

    def _load(self, block: int) -> None:
        events = self._source.block(block)
        self._block = block
        self._events = events
        self._at: list[int] = [] if events is None else events["at_ns"].to_list()
        for wanted in self.wanted.values():
            self._encode(wanted)

    def _encode(self, wanted: Wanted) -> None:
        events = self._events
        self._bytes[wanted.request] = [] if events is None else encode(events, wanted, start_ns=self._start_ns)

    def _state(self) -> pl.DataFrame:
        """What is quoted before the next event; one row or none, schema `EVENT`."""
        if self._place.row and self._events is not None:
            return self._events.slice(self._place.row - 1, 1)
        before = self._source.block(self._place.block - 1) if self._place.block else None
        opening = self._source.opening()
        return with_changes(opening, before=opening.clear()) if before is None else before.tail(1)
