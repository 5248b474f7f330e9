"""
The new `orders` rows, one per piece.

The last order on an id takes the values of the id's old row; of every other only the log is left: side,
quantity and symbol from PLACED's message ("SELL 2 ES"), the last status and fill from its events. What no
line tells stays empty ("" where the column needs a text) and is a doubt. Nothing is guessed from a neighbour.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tieout.clock import NS_PER_S
from tieout.fixed import plain
from tieout.model import ENDED_STATUSES, FILLED, SUPERSEDED_UNKNOWN, is_live
from tieout.store.adopt import values

if TYPE_CHECKING:
    from tieout.store.adopt.report import Doubts
    from tieout.store.adopt.split import Piece
    from tieout.store.adopt.times import Moment, TimeReader

SAME_PLACING_S: Final = 5
"""A row and its PLACED event are written together: further apart, they may be two orders."""
_PLACED: Final = re.compile(r"\s*([A-Za-z]+)\s+(\d+(?:\.\d+)?)\s+(\S.*?)\s*")


class OrderRow(NamedTuple):
    """A row of the new `orders`, without what all rows share; times are ISO-8601 Z, numbers text."""

    order_id: int
    parent_id: int | None
    symbol: str
    side: str
    quantity: str
    order_type: str
    limit_price: str | None
    stop_price: str | None
    status: str
    filled_quantity: str | None
    avg_fill_price: str | None
    commission: str | None
    realized_pnl: str | None
    placed_at: str | None
    placed_at_text: str | None
    last_live_at: str | None
    created_at: str | None
    updated_at: str | None
    origin: str
    extra: str | None


def rebuild(piece: Piece, times: TimeReader, doubts: Doubts) -> OrderRow:
    """The order of one piece, with a doubt for everything that is not as it should be."""
    order = _from_row(piece, times, doubts) if piece.row else _from_log(piece, doubts)
    if piece.origin == "row_only":
        doubts.add("row_without_placed", piece.name)
    elif piece.row:
        _doubt_row(piece, order, doubts)
    elif piece.origin == "placed" and piece.last_on_id:
        doubts.add("placed_without_row", piece.name)
    missing = [name for name in ("symbol", "side", "quantity", "order_type") if not getattr(order, name)]
    if missing:
        doubts.add("not_on_record", f"{piece.name}: {', '.join(missing)}")
    values.doubt_words(order.status, order.side, where=piece.name, doubts=doubts)
    _doubt_fills(piece, order, doubts)
    return order


def _from_row(piece: Piece, times: TimeReader, doubts: Doubts) -> OrderRow:
    assert piece.row is not None
    cells, extra = piece.row.cells, list(piece.row.extra)
    where = f"order {piece.order_id}"
    stamps: dict[str, Moment] = {name: times.read(cells[name], f"{where} {name}") for name in _STAMPS}
    extra += [(name, cells[name]) for name, moment in stamps.items() if moment.ns is None]
    parent_id = values.whole(cells["parent_order_id"])
    if parent_id is None:
        extra.append(("parent_order_id", cells["parent_order_id"]))
    numbers = {name: values.checked(cells[name], f"{where} {name}", doubts) for name in _NUMBERS}
    return OrderRow(
        order_id=piece.order_id,
        parent_id=parent_id,
        symbol=values.words(cells["symbol"]),
        side=values.side_word(cells["action"]),
        quantity=numbers.pop("quantity") or "",
        order_type=values.type_word(cells["order_type"]),
        status=values.status_word(cells["status"]),
        placed_at=piece.row.placed.iso,
        placed_at_text=piece.row.placed.text,
        last_live_at=_last_live_at(piece),
        created_at=stamps["created_at"].iso,
        updated_at=stamps["updated_at"].iso,
        origin=piece.origin,
        extra=values.extra_json(extra),
        **numbers,
    )


_STAMPS: Final = ("created_at", "updated_at")
_NUMBERS: Final = (
    "quantity", "limit_price", "stop_price", "filled_quantity", "avg_fill_price", "commission",
    "realized_pnl",
)  # fmt: skip


def _from_log(piece: Piece, doubts: Doubts) -> OrderRow:
    first = piece.events[0]
    side, quantity, symbol = parse_placed(first.message) if first.is_placed else ("", "", "")
    status = _status_from_log(piece, doubts)
    filled, average = _filled_from_log(piece)
    placed = first.at if first.is_placed else None
    return OrderRow(
        order_id=piece.order_id,
        parent_id=None,
        symbol=symbol,
        side=side,
        quantity=quantity or _quantity_from_log(piece, status),
        order_type="",
        limit_price=None,
        stop_price=None,
        status=status,
        filled_quantity=filled,
        avg_fill_price=average,
        commission=None,
        realized_pnl=None,
        placed_at=placed.iso if placed else None,
        placed_at_text=placed.text if placed else None,
        last_live_at=_last_live_at(piece),
        created_at=None,
        updated_at=None,
        origin=piece.origin,
        extra=None,
    )


def parse_placed(message: values.Cell) -> tuple[str, str, str]:
    """Side, quantity and symbol of a PLACED message ("SELL 2 ES"); empty texts where it reads otherwise."""
    match = _PLACED.fullmatch(values.words(message))
    if match is None or values.side_word(match[1]) not in values.SIDES:
        return "", "", ""
    return values.side_word(match[1]), match[2], match[3]


def _status_from_log(piece: Piece, doubts: Doubts) -> str:
    last = piece.last_status
    if piece.may_be_live:
        return last or "PendingSubmit"
    if last in ENDED_STATUSES:
        return str(last)
    if piece.last_on_id and last is not None and not is_live(last):
        return last
    doubts.add("superseded_unknown", f"{piece.name}: last word {last or 'none'}")
    return SUPERSEDED_UNKNOWN


def _filled_from_log(piece: Piece) -> tuple[str | None, str | None]:
    for event in reversed(piece.events):
        if event.filled is not None:
            return values.digits(event.filled), values.digits(event.avg_fill_price)
    total = _executed(piece)
    return (plain(total) if total else None), None


def _quantity_from_log(piece: Piece, status: str) -> str:
    for event in reversed(piece.events):
        filled, remaining = values.number(event.filled), values.number(event.remaining)
        # A cancelled order's last event may report nothing remaining: 0 of 0 is no quantity.
        if filled is not None and remaining is not None and filled + remaining > 0:
            return plain(filled + remaining)
    total = _executed(piece)
    return plain(total) if total and status == FILLED else ""


def _executed(piece: Piece) -> Decimal | None:
    quantities = [values.number(fill.quantity) for fill in piece.fills]
    known = [quantity for quantity in quantities if quantity is not None]
    return sum(known, Decimal(0)) if len(known) == len(quantities) else None


def _last_live_at(piece: Piece) -> str | None:
    for event in reversed(piece.events):
        if event.status is not None and is_live(values.status_word(event.status)):
            return event.at.iso
    return None


def _doubt_row(piece: Piece, order: OrderRow, doubts: Doubts) -> None:
    assert piece.row is not None
    placed, row = piece.events[0], piece.row
    differs = [
        f"{name} {was!r}, in the log {told!r}"
        for name, was, told in zip(
            ("side", "quantity", "symbol"),
            (order.side, order.quantity, order.symbol),
            parse_placed(placed.message),
            strict=True,
        )
        if told and not _equal(was, told)
    ]
    if None in {placed.at.order_ns, row.placed.order_ns} or _apart(placed.at, row.placed):
        differs.append(f"placed {row.placed.text}, in the log {placed.at.text}")
    if differs:
        doubts.add("row_not_of_newest_placed", f"{piece.name}: {'; '.join(differs)}")
    if piece.last_status is not None and piece.last_status != order.status:
        doubts.add("status_disagrees", f"{piece.name}: row {order.status}, log {piece.last_status}")


def _apart(one: Moment, other: Moment) -> bool:
    return abs((one.order_ns or 0) - (other.order_ns or 0)) > SAME_PLACING_S * NS_PER_S


def _equal(one: str, other: str) -> bool:
    left, right = values.number(one), values.number(other)
    return one == other or (left is not None and left == right)


def _doubt_fills(piece: Piece, order: OrderRow, doubts: Doubts) -> None:
    filled, quantity = values.number(order.filled_quantity), values.number(order.quantity or None)
    executed = _executed(piece)
    troubles = []
    if filled is not None and executed is not None and filled != executed:
        troubles.append(f"filled {filled}, executions {executed}")
    if order.status == FILLED and None not in {filled, quantity} and filled != quantity:
        troubles.append(f"status Filled, filled {filled} of {quantity}")
    elif quantity is not None and filled is not None and filled > quantity:
        troubles.append(f"filled {filled} of {quantity}")
    if troubles:
        doubts.add("fills_do_not_add_up", f"{piece.name}: {'; '.join(troubles)}")
