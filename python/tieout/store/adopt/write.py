"""Filling the new tables of an adopted book. Everything in one transaction on a private file."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tieout.store.adopt import values
from tieout.store.audit import AuditEntry, append_audit
from tieout.store.tables import book_meta, executions, order_events, orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Table

    from tieout.store.adopt.legacy import Legacy
    from tieout.store.adopt.read import OldEvent, OldFill
    from tieout.store.adopt.rebuild import OrderRow
    from tieout.store.adopt.report import AdoptReport, Doubts
    from tieout.store.adopt.split import Piece

BATCH_ROWS: Final = 10_000
ORIGIN: Final = "adopted"
"""`origin` of adopted executions; an adopted order's says how it was found."""
_COUNTS: Final = ("orders", "order_events", "executions", "placed", "from_events_only", "before_first_placed")


def write_orders(connection: Connection, rows: Iterable[OrderRow], shared: dict[str, object]) -> None:
    """Insert the orders in their order: the first gets row 1."""
    numbered = enumerate(rows, start=1)
    _insert(connection, orders, ({"id": row, **shared, **order._asdict()} for row, order in numbered))


def write_events(connection: Connection, events: Iterable[OldEvent], order_rows: dict[int, int]) -> None:
    """Insert the log; `order_rows` tells each event id's order row. Words stay as they were logged."""
    _insert(connection, order_events, (_event(event, order_rows.get(event.id)) for event in events))


def write_fills(
    connection: Connection,
    fills: Iterable[tuple[OldFill, int | None, OrderRow | None]],
    *,
    shared: dict[str, object],
    doubts: Doubts,
) -> None:
    """Insert the executions, each with its order's row, symbol and side."""
    _insert(connection, executions, (shared | _fill(*each, doubts) for each in fills))


def write_meta(connection: Connection, report: AdoptReport, legacy: Legacy) -> None:
    """Store where the book came from, what the old schema was, and the report."""
    entries = {
        "adopted_from": report.adopted_from or "",
        "legacy_schema": json.dumps(legacy.to_json(), ensure_ascii=False, sort_keys=True),
        "adopt_report": json.dumps(report.to_json(), ensure_ascii=False, sort_keys=True),
    }
    connection.execute(book_meta.insert(), [{"key": key, "value": value} for key, value in entries.items()])


def keep_sequences(connection: Connection, legacy: Legacy) -> None:
    """Never hand out an event or execution id again that the old book had already used up."""
    for name in (order_events.name, executions.name):
        mark = legacy.sequences.get(name, 0)
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (mark, name))
        # A table without rows has no entry yet.
        connection.exec_driver_sql(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE ? > 0"
            " AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
            (name, mark, mark, name),
        )


def rows_of_events(pieces: Iterable[Piece]) -> dict[int, int]:
    """Event id -> the row of its order."""
    return {event.id: row for row, piece in enumerate(pieces, start=1) for event in piece.events}


def _event(event: OldEvent, order_row: int | None) -> dict[str, Any]:
    return {
        "id": event.id,
        "order_row": order_row,
        "order_id": event.order_id,
        "at": event.at.iso,
        "at_text": event.at.text,
        "event_type": event.event_type,
        "status": None if event.status is None else values.words(event.status),
        "filled": values.digits(event.filled),
        "remaining": values.digits(event.remaining),
        "avg_fill_price": values.digits(event.avg_fill_price),
        "message": None if event.message is None else values.words(event.message),
        "extra": values.extra_json(event.extra),
    }


def _fill(fill: OldFill, order_row: int | None, order: OrderRow | None, doubts: Doubts) -> dict[str, Any]:
    where = f"execution {fill.id}"
    return {
        "id": fill.id,
        "order_row": order_row,
        "order_id": fill.order_id,
        "symbol": order.symbol if order else "",
        "side": (order.side or None) if order else None,
        "quantity": values.checked(fill.quantity, f"{where} quantity", doubts) or "",
        "price": values.checked(fill.price, f"{where} price", doubts) or "",
        "executed_at": fill.at.iso,
        "executed_at_text": fill.at.text,
        "commission": values.checked(fill.commission, f"{where} commission", doubts),
        "realized_pnl": values.checked(fill.realized_pnl, f"{where} realized_pnl", doubts),
        "active": True,
        "origin": ORIGIN,
        "extra": values.extra_json(fill.extra),
    }


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(islice(rows, BATCH_ROWS)):
        connection.execute(table.insert(), batch)


def write_audit(connection: Connection, report: AdoptReport, *, now_ns: int, approver: str) -> None:
    """The first row of the new book's chain: that it was adopted, from what, and by whom."""
    counts = {name: getattr(report, name) for name in _COUNTS}
    entry = AuditEntry(
        kind="adopt",
        entity="book",
        row=None,
        reason=f"adopted from a book in the old layout, sha256 {report.adopted_from}",
        before=None,
        after=counts,
        approver=approver,
    )
    append_audit(connection, [entry], now_ns=now_ns)
