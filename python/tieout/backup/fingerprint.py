"""
The content fingerprint: SHA-256 over every row of every table, and the schema.

Equal exactly where the contents are: it knows integers, reals, text, blobs and nulls apart, and nothing of
page layout, journal mode, encoding or SQLite version. Each table's rows, in their canonical order, are one
line each: a JSON array of the columns. JSON keeps neither reals (15 digits, and how they are rounded differs
between versions) nor blobs, so a `mixed` column stands there with its type and its blob as hex digits, and
its reals are hashed beside as Python writes them (the shortest digits that read back exactly).

The lines are made by SQLite and hashed in bulk: Python touches one object per row, not one per value.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tieout.backup.tables import Kind, Kinds, Schema, Table, profile, read_schema, sequences
from tieout.canonical import digest
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tieout.canonical import Json

_ROWS: Final = 1000
"""Rows per fetch: bounds memory, and does not count for the fingerprint."""
_ARGUMENTS: Final = 50
"""Columns per json_array(): a mixed one takes two of the 127 arguments that a function may have."""


@dataclass(frozen=True, slots=True)
class TableContent:
    """
    One table's rows, summed up.

    Attributes:
        kinds: what each column really holds.
        escapes: some text holds a line break, a carriage return or a NUL, which a line of SQL cannot carry.
        broken_text: some text is not UTF-8.
    """

    rows: int
    sha256: str
    kinds: tuple[Kind, ...]
    escapes: bool
    broken_text: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """A content's fingerprint, and by table the rows and their SHA-256: enough to compare two."""

    fingerprint: str
    tables: dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Content:
    """A whole book, summed up."""

    schema: Schema
    tables: dict[str, TableContent]
    sequences: list[tuple[str, int]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {name: table.rows for name, table in self.tables.items()}

    @property
    def kinds(self) -> Kinds:
        """What the columns hold, by table."""
        return {name: table.kinds for name, table in self.tables.items()}

    @property
    def summary(self) -> Summary:
        """What two contents are compared by."""
        tables = {name: (table.rows, table.sha256) for name, table in self.tables.items()}
        return summed_up(self.schema.digest, tables, self.sequences)

    @property
    def fingerprint(self) -> str:
        """SHA-256, 64 hex digits."""
        return self.summary.fingerprint


def summed_up(schema_sha256: str, tables: dict[str, tuple[int, str]], sequences: list[tuple[str, int]]) -> Summary:
    """A content's summary from its parts."""
    rows: list[Json] = [[name, *tables[name]] for name in sorted(tables)]
    counters: list[Json] = [[name, seq] for name, seq in sequences]
    fingerprint = digest({"version": 1, "schema": schema_sha256, "rows": rows, "sequences": counters})
    return Summary(fingerprint, tables)


def read_content(
    raw: sqlite3.Connection, *, kinds: Kinds | None = None, wanted: Callable[[str], bool] | None = None
) -> Content:
    """
    Sum up the book behind a connection, inside the transaction that is open on it.

    Args:
        kinds: what the columns should hold, where that is known: saves looking. Where they hold something else
            the fingerprint differs from the expected one, or SQLite refuses.
        wanted: which tables, by name; all where it is not given.

    Raises:
        sqlite3.Error: reading failed.
        BackupError: it holds a virtual table.
    """
    schema, known = read_schema(raw), kinds or {}
    chosen = [table for table in schema.tables if wanted is None or wanted(table.name)]
    tables = {table.name: read_table(raw, table, known.get(table.name)) for table in chosen}
    return Content(schema, tables, sequences(raw))


def read_table(raw: sqlite3.Connection, table: Table, kinds: tuple[Kind, ...] | None = None) -> TableContent:
    """Sum up one table."""
    if kinds is None or len(kinds) != len(table.columns):
        kinds = profile(raw, table)
    mixed = [name for name, kind in zip(table.columns, kinds, strict=True) if kind == "mixed"]
    lines_hash, reals_hash = hashlib.sha256(), hashlib.sha256()
    factory = raw.text_factory
    # Bytes: text that is not UTF-8 counts as it stands, and nothing is decoded only to be encoded again.
    raw.text_factory = bytes
    rows, escapes, broken = 0, False, False
    try:
        cursor = raw.execute(_query(table, kinds, mixed))
        while chunk := cursor.fetchmany(_ROWS):
            rows += len(chunk)
            lines = b"\n".join([row[0] for row in chunk])
            lines_hash.update(b"\n" + lines)
            if mixed:
                reals_hash.update("".join([repr(row[1:]) for row in chunk]).encode("ascii"))
            escapes = escapes or _has_escapes(lines)
            broken = broken or not _is_utf8(lines)
    finally:
        raw.text_factory = factory
    sha256 = digest([list(table.columns), list(kinds), lines_hash.hexdigest(), reals_hash.hexdigest()])
    return TableContent(rows, sha256, kinds, escapes, broken)


def _query(table: Table, kinds: tuple[Kind, ...], mixed: list[str]) -> str:
    parts = [_argument(quoted(c), kind) for c, kind in zip(table.columns, kinds, strict=True)]
    groups = [parts[start : start + _ARGUMENTS] for start in range(0, len(parts), _ARGUMENTS)]
    line = " || ".join(f"json_array({', '.join(group)})" for group in groups)
    reals = [f"CASE WHEN typeof({c}) = 'real' THEN {c} END" for c in map(quoted, mixed)]
    return f"SELECT {', '.join([line, *reals])} FROM {quoted(table.name)} ORDER BY {table.order_by}"


def _argument(column: str, kind: Kind) -> str:
    if kind != "mixed":
        return column
    value = f"CASE typeof({column}) WHEN 'blob' THEN hex({column}) WHEN 'real' THEN NULL ELSE {column} END"
    return f"typeof({column}), {value}"


def _has_escapes(lines: bytes) -> bool:
    # One byte is looked for many times as fast as two: usually there is no backslash at all.
    return b"\\" in lines and any(mark in lines for mark in (b"\\n", b"\\r", b"\\u0000"))


def _is_utf8(lines: bytes) -> bool:
    if lines.isascii():
        return True
    try:
        lines.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
