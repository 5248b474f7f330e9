"""What kind of file a path is: an old book, a current one, or something else. Only ever reads."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, Literal

from tieout.errors import AdoptError, BookMissing, BookUnusable
from tieout.store import engine, migrate
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BookLayout = Literal["old", "current", "newer", "other"]

NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "orders": ("order_id", "timestamp", "symbol", "action", "quantity", "order_type", "status"),
    "order_events": ("order_id", "timestamp", "event_type"),
    "executions": ("order_id", "timestamp", "quantity", "price"),
}
"""The tables of the old layout and the columns without which nothing can be rebuilt."""


def inspect_layout(path: Path) -> BookLayout:
    """
    What the file is: a book in the old layout, a current one, one of a newer tieout, or another database.

    Raises:
        BookMissing: there is no file.
        BookLocked, BookUnusable: not SQLite, corrupt, not to be opened.
    """
    with opened(path) as connection:
        return layout_of(connection)


def is_old_layout(path: Path) -> bool:
    """Whether `adopt_book` would upgrade it. Raises as `inspect_layout`."""
    return inspect_layout(path) == "old"


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """
    The file opened read-only through SQLite, which is safe beside a bot that writes.

    Raises:
        BookMissing, BookLocked, BookUnusable: as `inspect_layout` says.
    """
    if not path.is_file():
        raise BookMissing(f"there is no order book at {path}", hint="give the path of the old book's file")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        engine.translated(path),
        closing(sqlite3.connect(uri, uri=True, timeout=engine.BUSY_TIMEOUT_S)) as raw,
    ):
        yield raw


def layout_of(connection: sqlite3.Connection) -> BookLayout:
    """The layout behind an open connection."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" in tables and "book_meta" in tables:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return "current" if revision and revision[0] in migrate.KNOWN else "newer"
    return "old" if NEEDED.keys() <= tables else "other"


def require_old(connection: sqlite3.Connection, source: Path) -> None:
    """
    Pass where every needed table and column is there and order ids are whole numbers, once each.

    Raises:
        BookUnusable: no tables at all, other tables, a newer version, or a damaged file.
        AdoptError: an old book with columns missing, or ids that are not the old layout's.
    """
    _require_sound(connection, source)
    kind = layout_of(connection)
    if kind == "newer":
        raise BookUnusable(f"{source} was made by a newer tieout", hint="install that version; nothing was changed")
    if kind == "other":
        raise BookUnusable(_what_it_is(connection, source), hint="give the path of the old book; nothing was changed")
    missing = [
        f"{table}.{column}"
        for table, needed in NEEDED.items()
        for column in needed
        if column not in columns_of(connection, table)
    ]
    if missing:
        raise AdoptError(
            f"{source} has the tables of an old order book, but not these columns: {', '.join(missing)}",
            hint="add the columns, or give another book; nothing was changed",
        )
    rows, ids, whole = connection.execute(
        "SELECT count(*), count(DISTINCT order_id), total(typeof(order_id) = 'integer') FROM orders"
    ).fetchone()
    if not rows == ids == whole:
        raise AdoptError(
            f"{source}: orders.order_id must be a whole number and different in each of the {rows} rows",
            hint="in the old layout it is INTEGER PRIMARY KEY; nothing was changed",
        )


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """The table's columns in their order, in lower case as SQLite compares them."""
    return [str(row[1]).lower() for row in connection.execute(f"PRAGMA table_xinfo({quoted(table)})")]


def _require_sound(connection: sqlite3.Connection, source: Path) -> None:
    problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    if problems != ["ok"]:
        raise BookUnusable(
            f"{source} is damaged: {'; '.join(problems)}",
            hint="recover it first (sqlite3 BOOK .recover), or give a backup; nothing was changed",
        )


def _what_it_is(connection: sqlite3.Connection, source: Path) -> str:
    tables = sorted(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    if not tables:
        return f"{source} is empty: it has no tables; expected orders, order_events and executions"
    missing = [name for name in NEEDED if name not in tables]
    return f"{source} is an SQLite database, but not an order book: it has no table {', '.join(missing)}"
