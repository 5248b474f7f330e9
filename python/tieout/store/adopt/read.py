"""The rows of the old tables, as they stand, with their times read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tieout.store.adopt.layout import columns_of
from tieout.store.adopt.values import Cell, whole, words
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tieout.store.adopt.report import Doubts
    from tieout.store.adopt.times import Moment, TimeReader

ORDER_COLUMNS: Final = (
    "order_id", "parent_order_id", "timestamp", "symbol", "action", "quantity", "order_type", "limit_price",
    "stop_price", "status", "filled_quantity", "avg_fill_price", "commission", "realized_pnl", "created_at",
    "updated_at",
)  # fmt: skip
"""The columns of the old `orders` that have a place in the new one; all others go into `extra`."""
EVENT_COLUMNS: Final = (
    "id", "order_id", "timestamp", "event_type", "status", "filled", "remaining", "avg_fill_price", "message",
)  # fmt: skip
FILL_COLUMNS: Final = ("id", "order_id", "timestamp", "quantity", "price", "commission", "realized_pnl")

Extra = tuple[tuple[str, Cell], ...]


class OldOrder(NamedTuple):
    """One row of the old `orders`: the last order placed on its id, or what is left of it."""

    order_id: int
    cells: dict[str, Cell]
    placed: Moment
    extra: Extra


class OldEvent(NamedTuple):
    """One line of the old log. `id` is its place there; `order_id` is None where it is no whole number."""

    id: int
    order_id: int | None
    at: Moment
    event_type: str
    status: Cell
    filled: Cell
    remaining: Cell
    avg_fill_price: Cell
    message: Cell
    extra: Extra

    @property
    def is_placed(self) -> bool:
        """Whether it starts an order."""
        return self.event_type.strip().upper() == "PLACED"

    @property
    def is_execution(self) -> bool:
        """Whether it tells of a fill."""
        return self.event_type.strip().upper() == "EXECUTION"


class OldFill(NamedTuple):
    """One row of the old `executions`."""

    id: int
    order_id: int | None
    at: Moment
    quantity: Cell
    price: Cell
    commission: Cell
    realized_pnl: Cell
    extra: Extra


def read_orders(connection: sqlite3.Connection, table: str, times: TimeReader) -> list[OldOrder]:
    """All rows, by order id."""
    found = []
    for cells, extra in _rows(connection, table, ORDER_COLUMNS):
        order_id = whole(cells["order_id"])
        # layout.require_old has seen that every order_id is a whole number.
        assert order_id is not None
        found.append(OldOrder(order_id, cells, times.read(cells["timestamp"], f"order {order_id}"), extra))
    return sorted(found, key=lambda order: order.order_id)


def read_events(connection: sqlite3.Connection, table: str, times: TimeReader) -> list[OldEvent]:
    """The whole log in its order: by `id` where that numbers the rows, else as the rows lie."""
    rows = list(_rows(connection, table, EVENT_COLUMNS))
    events = []
    for number, (cells, extra) in _numbered(rows):
        more = extra if cells["id"] in {None, number} else (*extra, ("id", cells["id"]))
        events.append(
            OldEvent(
                number,
                whole(cells["order_id"]),
                times.read(cells["timestamp"], f"event {number}"),
                words(cells["event_type"]),
                status=cells["status"],
                filled=cells["filled"],
                remaining=cells["remaining"],
                avg_fill_price=cells["avg_fill_price"],
                message=cells["message"],
                extra=more,
            )
        )
    return sorted(events, key=lambda event: event.id)


def read_fills(connection: sqlite3.Connection, table: str, times: TimeReader) -> list[OldFill]:
    """All executions, numbered as `read_events` numbers."""
    rows = list(_rows(connection, table, FILL_COLUMNS))
    fills = []
    for number, (cells, extra) in _numbered(rows):
        more = extra if cells["id"] in {None, number} else (*extra, ("id", cells["id"]))
        fills.append(
            OldFill(
                number,
                whole(cells["order_id"]),
                times.read(cells["timestamp"], f"execution {number}"),
                quantity=cells["quantity"],
                price=cells["price"],
                commission=cells["commission"],
                realized_pnl=cells["realized_pnl"],
                extra=more,
            )
        )
    return fills


def tolerant_text(doubts: Doubts) -> object:
    """A text factory for sqlite3 that shows bytes that are not UTF-8 as escapes instead of failing."""

    def decode(raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "backslashreplace")
            doubts.add("text_undecodable", text[:60])
            return text

    return decode


def _rows(
    connection: sqlite3.Connection, table: str, known: tuple[str, ...]
) -> Iterator[tuple[dict[str, Cell], Extra]]:
    names = columns_of(connection, table)
    places = {name: names.index(name) for name in known if name in names}
    others = [(name, place) for place, name in enumerate(names) if name not in known]
    for row in connection.execute(f"SELECT * FROM {quoted(table)} NOT INDEXED"):
        cells = {name: row[places[name]] if name in places else None for name in known}
        yield cells, tuple((name, row[place]) for name, place in others)


def _numbered(
    rows: list[tuple[dict[str, Cell], Extra]],
) -> Iterator[tuple[int, tuple[dict[str, Cell], Extra]]]:
    """Each row with its `id`, or with its place where the ids are not whole, different numbers."""
    ids = [whole(cells["id"]) for cells, _ in rows]
    if None not in ids and len(set(ids)) == len(ids):
        for number, row in zip(ids, rows, strict=True):
            assert number is not None
            yield number, row
    else:
        yield from enumerate(rows, start=1)
