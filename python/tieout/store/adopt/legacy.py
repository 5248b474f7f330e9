"""
The private copy of an old book, and its old tables set aside in it.

Every table whose name the new layout needs is kept as `legacy_<name>`, row by row, with each value's storage
class. So is a further table whose foreign keys point there or are already broken: its rows stay, its
constraints go, and `PRAGMA foreign_key_check` is clean. The text of everything dropped is kept.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.errors import BookLocked
from tieout.store.engine import explain
from tieout.store.identifier import quoted
from tieout.store.tables import BOOK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tieout.store.adopt.report import Doubts

BUSY_TRIES_MAX: Final = 20
BUSY_PAUSE_S: Final = 0.25
"""How often and how long the copy waits for a writer: 5 s in all, then it gives up."""
ALEMBIC: Final = "alembic_version"
"""A bot may have used Alembic itself; its mark would be taken for ours."""
_UNREADABLE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True, slots=True)
class Legacy:
    """What was set aside: old name -> new name, the dropped objects' text, the old AUTOINCREMENT marks."""

    kept_as: dict[str, str]
    objects: list[dict[str, str | None]]
    sequences: dict[str, int]

    def to_json(self) -> dict[str, object]:
        """As `book_meta.legacy_schema` keeps it."""
        return {"objects": self.objects, "kept_as": self.kept_as, "sequences": self.sequences}


def copy_book(source: sqlite3.Connection, copy: Path, *, name: Path) -> None:
    """
    Copy the book behind `source` into a new file, mode 0600, through SQLite's backup API: one moment of it.

    Args:
        name: the source's path, for messages.

    Raises:
        BookLocked: a writer held the source for too long.
        BookUnusable: the source is damaged.
        OSError, sqlite3.Error: the copy cannot be made.
    """
    tries = 0

    def busy(status: int, _remaining: int, _total: int) -> None:
        # sqlite3 itself would try again for ever.
        nonlocal tries
        tries += status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
        if tries > BUSY_TRIES_MAX:
            raise BookLocked(f"{name} is locked by a writer", hint="stop the bot, or try again; nothing was changed")

    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(copy, isolation_level=None)) as target:
        try:
            source.backup(target, progress=busy, sleep=BUSY_PAUSE_S)
        except sqlite3.DatabaseError as error:
            raise (explain(name, error) if error.sqlite_errorcode & 0xFF in _UNREADABLE else error) from error
        target.execute("PRAGMA journal_mode=DELETE")


def set_aside(connection: sqlite3.Connection, doubts: Doubts) -> Legacy:
    """Move the old tables out of the way, in one transaction; foreign keys must be off."""
    tables = [
        str(name)
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
    ]
    moved = _to_move(connection, tables)
    dropped = _dependents(connection, moved)
    kept_as = _new_names(moved, tables)
    legacy = Legacy(kept_as, _texts(connection, moved, dropped), _sequences(connection, moved))
    connection.execute("BEGIN IMMEDIATE")
    for kind, name in dropped:
        connection.execute(f"DROP {kind} IF EXISTS {quoted(name)}")
    for name in moved:
        # NOT INDEXED: read the table itself, in its row order, not a covering index.
        connection.execute(f"CREATE TABLE {quoted(kept_as[name])} AS SELECT * FROM {quoted(name)} NOT INDEXED")
        connection.execute(f"DROP TABLE {quoted(name)}")
    connection.execute("COMMIT")
    for name in moved:
        if name.lower() not in BOOK.tables:
            doubts.add("table_set_aside", f"{name} -> {kept_as[name]}")
    for kind, name in dropped:
        doubts.add("schema_object_removed", f"{kind} {name}")
    return legacy


def _to_move(connection: sqlite3.Connection, tables: list[str]) -> list[str]:
    moved = {name for name in tables if name.lower() in {*BOOK.tables, ALEMBIC}}
    moved |= {name for name in tables if _keys_broken(connection, name)}
    while True:
        names = {name.lower() for name in moved}
        more = {name for name in tables if name not in moved and _parents(connection, name) & names}
        if not more:
            return [name for name in tables if name in moved]
        moved |= more


def _parents(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[2]).lower() for row in connection.execute(f"PRAGMA foreign_key_list({quoted(table)})")}


def _keys_broken(connection: sqlite3.Connection, table: str) -> bool:
    if not _parents(connection, table):
        return False
    try:
        return connection.execute(f"PRAGMA foreign_key_check({quoted(table)})").fetchone() is not None
    except sqlite3.OperationalError:
        # "foreign key mismatch": the parent has no such unique column, so every check fails.
        return True


def _dependents(connection: sqlite3.Connection, moved: Iterable[str]) -> list[tuple[str, str]]:
    """Views and triggers that name a moved or a new table, or a view that goes: (VIEW or TRIGGER, name)."""
    found: dict[str, str] = {}
    names = {name.lower() for name in moved} | set(BOOK.tables)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchall()
    while True:
        more = {
            str(name): str(kind).upper()
            for kind, name, sql in rows
            if name not in found and any(_names(str(sql), each) for each in names)
        }
        if not more:
            return [(kind, name) for name, kind in found.items()]
        found |= more
        names |= {name.lower() for name in more}


def _names(sql: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE) is not None


def _new_names(moved: list[str], tables: list[str]) -> dict[str, str]:
    taken = {name.lower() for name in tables}
    new: dict[str, str] = {}
    for name in moved:
        candidate, number = f"legacy_{name}", 2
        while candidate.lower() in taken:
            candidate, number = f"legacy_{name}_{number}", number + 1
        taken.add(candidate.lower())
        new[name] = candidate
    return new


def _texts(
    connection: sqlite3.Connection, moved: list[str], dropped: list[tuple[str, str]]
) -> list[dict[str, str | None]]:
    gone = set(moved)
    names = {name for _, name in dropped}
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    return [
        {"type": kind, "name": name, "table": table, "sql": sql}
        for kind, name, table, sql in rows
        if table in gone or name in names
    ]


def _sequences(connection: sqlite3.Connection, moved: list[str]) -> dict[str, int]:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone()
    if known is None:
        return {}
    rows = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
    return {str(name): int(seq) for name, seq in rows if name in moved and isinstance(seq, int)}
