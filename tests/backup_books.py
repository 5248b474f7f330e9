"""Books for the backup tests, and the operator guide's two ways to put a backup back."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from tieout.backup.load import file_pieces, load_dump
from tieout.store import engine, migrate
from tieout.store.tables import orders

if TYPE_CHECKING:
    from pathlib import Path


class PipeFailed(Exception):
    """The `sqlite3` program did not take the dump, or said something."""


NOON_NS = 1_765_108_800_000_000_000
"""2025-12-07T12:00:00Z."""
NOON_ID = "db_backup_20251207_120000"

OLD_LAYOUT = """
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, limit_price REAL, rationale TEXT);
CREATE TABLE order_events (id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER NOT NULL, message TEXT,
    FOREIGN KEY (order_id) REFERENCES orders (order_id));
CREATE TABLE executions (id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER NOT NULL, price REAL NOT NULL);
INSERT INTO orders VALUES (7, 'ES', 6600.25, NULL), (8, 'MES', 0.1, 'it''s a "test"');
INSERT INTO order_events (order_id, message) VALUES (7, 'PLACED'), (99, 'known from an event alone');
INSERT INTO executions (order_id, price) VALUES (7, 6600.3);
"""


def new_book(path: Path, *, rows: int = 3) -> Path:
    """A book of the present layout with that many orders."""
    migrate.create_book(path, now_ns=NOON_NS)
    add_orders(path, rows)
    return path


def add_orders(path: Path, rows: int) -> None:
    """Some more orders."""
    with engine.connect(path) as connection, engine.write(connection):
        for _ in range(rows):
            connection.execute(
                orders.insert().values(
                    account="DU1", symbol="ES", side="BUY", quantity="1", order_type="LMT", status="Submitted"
                )
            )


def old_book(path: Path) -> Path:
    """A small book of the layout before tieout, with one event whose order is gone."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(OLD_LAYOUT)
    return path


def run_sql(path: Path, script: str) -> None:
    """Change a book as somebody's tool would."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(script)


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    """What a query answers."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchall()


def pipe(sql: Path, book: Path) -> None:
    """`sqlite3 BOOK < SQL` with the program where there is one, else the same through Python's SQLite."""
    program = shutil.which("sqlite3")
    if program is None:
        pipe_without_program(sql, book)
        return
    with sql.open("rb") as file:
        done = subprocess.run([program, str(book)], stdin=file, capture_output=True, check=False)
    if done.returncode or done.stdout or done.stderr:
        raise PipeFailed(f"exit {done.returncode}: {(done.stdout + done.stderr).decode()}")


def pipe_without_program(sql: Path, book: Path) -> None:
    """The same statements, without the lines for the program."""
    with closing(sqlite3.connect(book, isolation_level=None)) as raw, sql.open("rb") as file:
        load_dump(raw, file_pieces(file))
