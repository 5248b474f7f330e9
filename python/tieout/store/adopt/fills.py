"""
Which order an execution belongs to: the one on its id that was alive at its time.

The log decides first: an EXECUTION event of the same id and the same time text lies in one order's piece.
Where there is none, the time does: the order placed last at or before it; before the first PLACED, the order
that is known from the events there. Where no order was alive then, the execution is tied to none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tieout.store.adopt.read import OldFill
    from tieout.store.adopt.report import Doubts
    from tieout.store.adopt.split import Piece


def attach(fills: list[OldFill], pieces: list[Piece], doubts: Doubts) -> None:
    """Put every execution into its piece's `fills`; those without an order are doubts and stay out."""
    by_id: dict[int, list[Piece]] = {}
    told: dict[tuple[int, str | None], deque[Piece]] = {}
    for piece in pieces:
        by_id.setdefault(piece.order_id, []).append(piece)
        for event in piece.events:
            if event.is_execution:
                told.setdefault((piece.order_id, event.at.text), deque()).append(piece)
    starts = {order_id: _starts(each) for order_id, each in by_id.items()}
    for fill in sorted(fills, key=lambda fill: fill.id):
        piece_found = _told(fill, told)
        if piece_found is None and fill.order_id in by_id:
            piece_found = _alive(fill, by_id[fill.order_id], starts[fill.order_id])
        if piece_found is None:
            doubts.add("execution_without_order", f"execution {fill.id} on id {fill.order_id} at {fill.at.text}")
        else:
            piece_found.fills.append(fill)


def _told(fill: OldFill, told: dict[tuple[int, str | None], deque[Piece]]) -> Piece | None:
    if fill.order_id is None or fill.at.text is None:
        return None
    waiting = told.get((fill.order_id, fill.at.text))
    if not waiting:
        return None
    # Several fills at one moment are told in the order they were written; the last event serves the rest.
    return waiting.popleft() if len(waiting) > 1 else waiting[0]


def _starts(pieces: list[Piece]) -> list[int]:
    """When each order of an id began, never falling, so that a search by halves works on a crooked log."""
    starts: list[int] = []
    for piece in pieces:
        began = _began(piece)
        starts.append(max(began, starts[-1]) if starts else began)
    return starts


def _began(piece: Piece) -> int:
    if piece.origin in {"before_first_placed", "from_events_only"}:
        return _BEFORE_ALL
    moments = [piece.events[0].at] if piece.events else []
    if piece.origin == "row_only" and piece.row is not None:
        moments.append(piece.row.placed)
    known = [moment.order_ns for moment in moments if moment.order_ns is not None]
    return min(known, default=_BEFORE_ALL)


def _alive(fill: OldFill, pieces: list[Piece], starts: list[int]) -> Piece | None:
    if fill.at.order_ns is None:
        return pieces[0] if len(pieces) == 1 else None
    place = bisect_right(starts, fill.at.order_ns) - 1
    return pieces[place] if place >= 0 else None


_BEFORE_ALL = -(2**63)
