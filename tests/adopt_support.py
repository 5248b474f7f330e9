"""Small books in the old layout, made row by row, and adopted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tieout.store.adopt import AdoptReport, adopt_book

if TYPE_CHECKING:
    from pathlib import Path

NOW_NS = 1_765_108_800_000_000_000

SCHEMA = """
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, parent_order_id INTEGER, timestamp TEXT NOT NULL,
    symbol TEXT NOT NULL, action TEXT NOT NULL, quantity INTEGER NOT NULL, order_type TEXT NOT NULL,
    limit_price REAL, stop_price REAL, status TEXT NOT NULL, filled_quantity INTEGER DEFAULT 0,
    avg_fill_price REAL, created_at TEXT, updated_at TEXT, mood);
CREATE TABLE order_events (id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER, timestamp TEXT NOT NULL,
    event_type TEXT NOT NULL, status TEXT, filled INTEGER, remaining INTEGER, avg_fill_price REAL,
    message TEXT, FOREIGN KEY (order_id) REFERENCES orders (order_id));
CREATE TABLE executions (id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER NOT NULL,
    timestamp TEXT NOT NULL, quantity INTEGER NOT NULL, price REAL NOT NULL, commission REAL,
    FOREIGN KEY (order_id) REFERENCES orders (order_id));
"""


class OldBook:
    """A book in the old layout, under construction: every call commits its row."""

    def __init__(self, path: Path, schema: str = SCHEMA) -> None:
        self.path = path
        self.run(schema)

    def run(self, script: str) -> None:
        """Any SQL."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(script)

    def add(self, table: str, **cells: Any) -> None:
        """One row."""
        names, marks = ", ".join(f'"{name}"' for name in cells), ", ".join("?" * len(cells))
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(cells.values()))

    def order(self, order_id: int, at: str, **cells: Any) -> None:
        """A row of `orders`: by default a limit order just placed, BUY 2 ES at 6600.25."""
        defaults = {
            "symbol": "ES", "action": "BUY", "quantity": 2, "order_type": "LIMIT", "limit_price": 6600.25,
            "status": "Placed",
        }  # fmt: skip
        self.add("orders", order_id=order_id, timestamp=at, **(defaults | cells))

    def placed(self, order_id: int, at: str, message: str | None = "BUY 2 ES") -> None:
        """A PLACED event."""
        self.event(order_id, at, "PLACED", status="Placed", message=message)

    def event(self, order_id: int | None, at: str, event_type: str = "STATUS_UPDATE", **cells: Any) -> None:
        """Another event."""
        self.add("order_events", order_id=order_id, timestamp=at, event_type=event_type, **cells)

    def fill(self, order_id: int, at: str, *, quantity: Any = 2, price: Any = 6600.25) -> None:
        """A row of `executions`."""
        self.add("executions", order_id=order_id, timestamp=at, quantity=quantity, price=price)


class Adopted:
    """An adopted book and its report."""

    def __init__(self, source: Path, **settings: Any) -> None:
        self.path = source.with_name("adopted.db")
        self.report = adopt(source, self.path, **settings)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def doubts(self) -> dict[str, int]:
        """The kinds of doubt and how often, without the one about naive times."""
        return {doubt.kind: doubt.count for doubt in self.report.doubts if doubt.kind != "time_naive"}


def adopt(source: Path, target: Path, **settings: Any) -> AdoptReport:
    """`adopt_book` for one account and client."""
    given = {"account": "DU1", "client_id": 7, "timezone": None, "now_ns": NOW_NS, "approver": "tester"}
    return adopt_book(source, target=target, **(given | settings))
