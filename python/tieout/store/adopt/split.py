"""
Which events belong to one order: the old log, cut at every PLACED.

A piece is one order. On one id, in the log's order: the events before the first PLACED
(`before_first_placed`, or `from_events_only` where the id was never placed and has no row), then one piece
for every PLACED (`placed`), of which the last takes the id's row in the old `orders`. A row without PLACED is
one order (`row_only`), with all events of its id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from tieout.model import ENDED_STATUSES, is_live
from tieout.store.adopt.values import status_word

if TYPE_CHECKING:
    from tieout.store.adopt.read import OldEvent, OldFill, OldOrder
    from tieout.store.adopt.report import Doubts

Origin = Literal["placed", "before_first_placed", "from_events_only", "row_only"]


@dataclass(slots=True)
class Piece:
    """One order of the old book. `last_on_id`: no other was placed over it."""

    order_id: int
    origin: Origin
    events: list[OldEvent]
    row: OldOrder | None = None
    last_on_id: bool = False
    fills: list[OldFill] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How a doubt names it: the id, and when it was placed or first heard of."""
        moment = self.events[0].at if self.events else self.row.placed if self.row else None
        return f"order {self.order_id}" + (f" of {moment.text}" if moment and moment.text else "")

    @property
    def may_be_live(self) -> bool:
        """Not placed over, and known by more than stray events."""
        return self.last_on_id and self.origin in {"placed", "row_only"}

    @property
    def last_status(self) -> str | None:
        """The last status word in its log, in IB's words."""
        for event in reversed(self.events):
            if event.status is not None:
                return status_word(event.status)
        return None


def split(events: list[OldEvent], orders: list[OldOrder], doubts: Doubts) -> list[Piece]:
    """All orders of the old book, by their first event; those without events last, by id."""
    rows = {order.order_id: order for order in orders}
    by_id: dict[int, list[OldEvent]] = {}
    for event in events:
        if event.order_id is None:
            doubts.add("event_without_order_id", f"event {event.id}")
        else:
            by_id.setdefault(event.order_id, []).append(event)
    pieces = [piece for order_id, log in by_id.items() for piece in _of_id(log, rows.get(order_id), doubts)]
    pieces.sort(key=lambda piece: piece.events[0].id)
    for order in orders:
        if order.order_id not in by_id:
            pieces.append(Piece(order.order_id, "row_only", [], order, last_on_id=True))
    return pieces


def _of_id(log: list[OldEvent], row: OldOrder | None, doubts: Doubts) -> list[Piece]:
    order_id = log[0].order_id
    assert order_id is not None
    pieces: list[Piece] = []
    for event in log:
        if event.is_placed:
            pieces.append(Piece(order_id, "placed", [event]))
        elif pieces:
            pieces[-1].events.append(event)
        else:
            pieces.append(Piece(order_id, "before_first_placed", [event]))
    if not any(piece.origin == "placed" for piece in pieces):
        pieces[0].origin = "from_events_only" if row is None else "row_only"
    pieces[-1].row = row
    pieces[-1].last_on_id = True
    for piece in pieces:
        _doubt_order_of_words(piece, doubts)
    for earlier, later in pairwise(log):
        if None not in {earlier.at.order_ns, later.at.order_ns} and _back(earlier, later):
            doubts.add("log_out_of_order", f"order {order_id}: event {later.id} after event {earlier.id}")
    return pieces


def _back(earlier: OldEvent, later: OldEvent) -> bool:
    return (later.at.order_ns or 0) < (earlier.at.order_ns or 0)


def _doubt_order_of_words(piece: Piece, doubts: Doubts) -> None:
    before: str | None = None
    for event in piece.events:
        if event.status is None:
            continue
        word = status_word(event.status)
        if before in ENDED_STATUSES and is_live(word):
            doubts.add("live_after_end", f"{piece.name}: {word} after {before} (event {event.id})")
        before = word
