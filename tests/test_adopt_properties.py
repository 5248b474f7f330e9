"""The invariants of tieout.store.adopt, on books made at random."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adopt_support import SCHEMA, Adopted, adopt
from tieout.model import is_live

TIMES = st.integers(0, 59).map(lambda second: f"2025-11-10T10:00:{second:02d}.250000")
IDS = st.integers(1, 4)
STATUSES = st.sampled_from(["Placed", "Submitted", "Filled", "Cancelled", "Inactive", "Odd", None])
CELLS = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
EVENTS = st.lists(
    st.tuples(IDS, TIMES, st.sampled_from(["PLACED", "STATUS_UPDATE", "EXECUTION"]), STATUSES, CELLS),
    max_size=25,
)
ORDERS = st.dictionaries(IDS, st.tuples(TIMES, STATUSES.map(str), CELLS.filter(lambda cell: cell is not None), CELLS))
FILLS = st.lists(st.tuples(IDS, TIMES, st.integers(1, 5), st.sampled_from([6600.25, 0.1])), max_size=8)
TABLES = ("orders", "order_events", "executions")


def _write(path: Path, orders: dict[int, Any], events: list[Any], fills: list[Any]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            "INSERT INTO orders (order_id, timestamp, symbol, action, order_type, status, quantity, mood)"
            " VALUES (?, ?, 'ES', 'BUY', 'LIMIT', ?, ?, ?)",
            [(order_id, *cells) for order_id, cells in orders.items()],
        )
        connection.executemany(
            "INSERT INTO order_events (order_id, timestamp, event_type, status, message) VALUES (?, ?, ?, ?, ?)",
            events,
        )
        connection.executemany(
            "INSERT INTO executions (order_id, timestamp, quantity, price) VALUES (?, ?, ?, ?)", fills
        )


def _storage(path: Path, prefix: str) -> list[list[tuple[Any, ...]]]:
    """Every cell of the old tables: storage class and bytes."""
    found = []
    with closing(sqlite3.connect(path)) as connection:
        for table in TABLES:
            names = [
                row[1] for row in connection.execute(f"PRAGMA table_info({table if not prefix else prefix + table})")
            ]
            cells = ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in names)
            found.append(connection.execute(f"SELECT {cells} FROM {prefix}{table} ORDER BY rowid").fetchall())
    return found


def _expected_orders(orders: dict[int, Any], events: list[Any]) -> int:
    placed = sum(event[2] == "PLACED" for event in events)
    first: dict[int, str] = {}
    for event in events:
        first.setdefault(event[0], event[2])
    ids_placed = {event[0] for event in events if event[2] == "PLACED"}
    led = sum(kind != "PLACED" for order_id, kind in first.items() if order_id in ids_placed)
    return placed + led + len((set(orders) | set(first)) - ids_placed)


@settings(max_examples=25, deadline=None)
@given(orders=ORDERS, events=EVENTS, fills=FILLS)
def test_invariants_1_to_5(orders: dict[int, Any], events: list[Any], fills: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "old.db")
        _write(source, orders, events, fills)
        before, cells = source.read_bytes(), _storage(source, "")
        adopted = Adopted(source)
        report = adopted.report

        assert _storage(adopted.path, "legacy_") == cells, "invariant 1"

        assert report.orders == _expected_orders(orders, events), "invariant 2"
        parts = report.placed + report.from_events_only + report.before_first_placed + report.row_only
        assert report.orders == parts, "invariant 2"

        last = dict(adopted.rows("SELECT order_id, max(id) FROM orders GROUP BY order_id"))
        live = [row for row in adopted.rows("SELECT order_id, id, status FROM orders") if is_live(row[2])]
        assert len(live) == report.live == len({order_id for order_id, _, _ in live}), "invariant 3"
        assert all(last[order_id] == row for order_id, row, _ in live), "invariant 3"

        assert adopted.rows("SELECT id, order_id, at_text FROM order_events") == [
            (number, event[0], event[1]) for number, event in enumerate(events, start=1)
        ], "invariant 4"
        assert adopted.rows("SELECT count(*) FROM order_events WHERE order_row IS NULL") == [(0,)], "invariant 4"
        assert adopted.rows("SELECT id, order_id, executed_at_text FROM executions") == [
            (number, fill[0], fill[1]) for number, fill in enumerate(fills, start=1)
        ], "invariant 4"

        assert source.read_bytes() == before, "invariant 5"
        again = adopt(adopted.path, Path(folder, "again.db"))
        assert again == replace(report, already_current=True), "invariant 5"
