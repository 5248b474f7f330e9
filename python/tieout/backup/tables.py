"""
What a book is made of: its tables, the order of their rows, and what their columns really hold.

SQLite's column types are advice: an INTEGER column may hold text, reals and blobs. `profile` looks at the
values, so that the fingerprint and the dump take the fast way only where it is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tieout.canonical import digest
from tieout.errors import BackupError
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    import sqlite3

    from tieout.canonical import Json

Kind = Literal["integer", "text", "mixed"]
"""`integer`: integers and nulls only. `text`: text and nulls only. `mixed`: anything."""

Kinds = Mapping[str, tuple[Kind, ...]]
"""By table, what each column holds."""

_ROWID_NAMES: Final = ("rowid", "_rowid_", "oid")
_COLUMNS_PER_QUERY: Final = 400
"""Below SQLite's default limit of 2000 result columns and 1000 levels, at any version."""


@dataclass(frozen=True, slots=True)
class Table:
    """
    One table.

    Attributes:
        columns: the stored columns in order (a generated one is computed again, not kept).
        affinities: the columns' affinities, in the same order.
        key: the primary key's columns; empty where there is none, and the rowid tells rows apart.
        order_by: SQL that puts the rows into their one canonical order.
        generated: whether it has generated columns, so that an INSERT must name its own.
        bare: the columns without a DEFAULT: an INSERT that leaves one out makes it null.
    """

    name: str
    columns: tuple[str, ...]
    affinities: tuple[str, ...]
    key: tuple[str, ...]
    order_by: str
    generated: bool
    bare: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of sqlite_master that we keep: a table, index, view or trigger."""

    type: str
    name: str
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything of a book that is not rows. `entries` are in order of creation."""

    entries: tuple[Entry, ...]
    tables: tuple[Table, ...]
    user_version: int
    application_id: int
    encoding: str

    @property
    def digest(self) -> str:
        """SHA-256 of the definitions and versions; line ends count as one whichever way they were typed."""
        lines = sorted((e.type, e.name, e.table, e.sql.replace("\r\n", "\n")) for e in self.entries)
        entries: list[Json] = [list(line) for line in lines]
        return digest([entries, self.user_version, self.application_id])


def read_schema(raw: sqlite3.Connection) -> Schema:
    """
    The schema behind the connection, in the caller's transaction.

    Raises:
        BackupError: a virtual table, whose hidden tables no dump can carry.
    """
    rows = raw.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master"
        " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
    ).fetchall()
    entries = tuple(Entry(*(_text(part) for part in row)) for row in rows)
    for entry in entries:
        if entry.type == "table" and entry.sql.upper().startswith("CREATE VIRTUAL TABLE"):
            raise BackupError(
                f"the book holds the virtual table {entry.name}, which a .sql dump cannot carry",
                hint="move it into a database of its own; an order book needs none",
            )
    names = sorted(entry.name for entry in entries if entry.type == "table")
    return Schema(
        entries=entries,
        tables=tuple(_table(raw, name) for name in names),
        user_version=int(_pragma(raw, "user_version")),
        application_id=int(_pragma(raw, "application_id")),
        encoding=_text(_pragma(raw, "encoding")),
    )


def sequences(raw: sqlite3.Connection) -> list[tuple[str, int]]:
    """The counters of AUTOINCREMENT tables, by name; empty where the book has none."""
    if not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchall():
        return []
    rows = raw.execute("SELECT name, seq FROM sqlite_sequence ORDER BY name, seq").fetchall()
    return [(_text(name), int(seq or 0)) for name, seq in rows if name is not None]


def profile(raw: sqlite3.Connection, table: Table) -> tuple[Kind, ...]:
    """What each column really holds. Usually no value is odd, which one cheap pass proves."""
    tests = [_odd_test(quoted(c), a) for c, a in zip(table.columns, table.affinities, strict=True)]
    odd: list[bool] = [] if _any_row(raw, table, tests) else [test == "1" for test in tests]
    for start in range(len(odd), len(tests), _COLUMNS_PER_QUERY):
        some = ", ".join(f"max({test})" for test in tests[start : start + _COLUMNS_PER_QUERY])
        row = raw.execute(f"SELECT {some} FROM {quoted(table.name)}").fetchone()
        odd.extend(bool(value) for value in row)
    return tuple(_kind(affinity, mixed) for affinity, mixed in zip(table.affinities, odd, strict=True))


def _any_row(raw: sqlite3.Connection, table: Table, tests: list[str]) -> bool:
    real = [test for test in tests if test != "1"]
    for start in range(0, len(real), _COLUMNS_PER_QUERY):
        some = " OR ".join(real[start : start + _COLUMNS_PER_QUERY])
        if raw.execute(f"SELECT 1 FROM {quoted(table.name)} WHERE {some} LIMIT 1").fetchall():
            return True
    return False


def _odd_test(column: str, affinity: str) -> str:
    """A comparison where it serves: typeof() costs three times as much. Numbers < text < blobs, whatever they hold."""
    if affinity == "TEXT":
        return f"{column} >= X''"
    if affinity in {"INTEGER", "NUMERIC"}:
        return f"typeof({column}) NOT IN ('integer', 'null')"
    return "1"


def _kind(affinity: str, mixed: bool) -> Kind:
    if mixed or affinity not in {"TEXT", "INTEGER", "NUMERIC"}:
        return "mixed"
    return "text" if affinity == "TEXT" else "integer"


def _table(raw: sqlite3.Connection, name: str) -> Table:
    info = raw.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
    stored = [row for row in info if row[6] == 0]
    columns = tuple(_text(row[1]) for row in stored)
    key = [_text(row[1]) for row in sorted(stored, key=lambda row: int(row[5])) if row[5]]
    return Table(
        name=name,
        columns=columns,
        affinities=tuple(_affinity(_text(row[2])) for row in stored),
        key=tuple(key),
        order_by=_order_by(raw, name, (tuple(_text(row[1]).lower() for row in info), key)),
        generated=len(stored) < len(info),
        bare=tuple(_text(row[1]) for row in stored if row[4] is None),
    )


def _order_by(raw: sqlite3.Connection, name: str, columns: tuple[tuple[str, ...], list[str]]) -> str:
    taken, key = columns
    primary = ", ".join(f"{quoted(column)} COLLATE BINARY" for column in key)
    rowid = next((alias for alias in _ROWID_NAMES if alias not in taken), None)
    if rowid is None or not _has_rowid(raw, name):
        return primary or ", ".join(quoted(column) for column in taken)
    return rowid


def _has_rowid(raw: sqlite3.Connection, name: str) -> bool:
    """Without a rowid the key's index is the table itself. (PRAGMA table_list says it, but only since 3.37.)"""
    for row in raw.execute(f"PRAGMA index_list({quoted(name)})").fetchall():
        if _text(row[3]) == "pk":
            query = "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?"
            return bool(raw.execute(query, (_text(row[1]),)).fetchall())
    return True


def _affinity(declared: str) -> str:
    """Source: sqlite.org/datatype3, section 3.1; the order of the rules is part of them."""
    upper = declared.upper()
    if "INT" in upper:
        return "INTEGER"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in upper or not upper:
        return "BLOB"
    return "REAL" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _pragma(raw: sqlite3.Connection, name: str) -> str | int | bytes:
    value: str | int | bytes = raw.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _text(value: object) -> str:
    """Text of the schema, whichever text factory the connection has."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
