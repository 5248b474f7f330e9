"""
The `.sql` dump: plain SQL that puts this content into a book, whatever state that book is in.

    sqlite3 ./data/orders.db < ./backups/db_backup_YYYYMMDD_HHMMSS.sql

It is one transaction. Two lines at its head speak to the `sqlite3` program: `.bail on`, since without it
the program goes on after an error and commits what is left; `.timeout`, so that it waits for a lock. Another
reader leaves out the lines that begin with a dot (`load.py` does). Tables that the dump does not know and
that are not tieout's stay; `tieout restore` takes them out too.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from tieout.backup import literal
from tieout.store.identifier import quoted
from tieout.store.tables import BOOK

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tieout.backup.fingerprint import Content
    from tieout.backup.tables import Schema, Table

ROWS_PER_INSERT: Final = 100
"""Measured: 20 to 100 rows to a statement load fastest, 500 and more slower."""
_STATEMENTS_PER_PIECE: Final = 20
_SAMPLE_ROWS: Final = 1000
"""Most columns that are used at all are used here: only the others are looked at in every row."""
_COLUMNS_PER_QUERY: Final = 400
_OURS: Final = ("alembic_version", *sorted(BOOK.tables))


def statements(raw: sqlite3.Connection, content: Content, *, title: str) -> Iterator[bytes]:
    """
    The dump in pieces of whole lines, UTF-8, read inside the caller's transaction.

    Args:
        raw: a connection to the finished copy.
        content: what `read_content` found in it; it decides how values are written.
        title: for the first line.
    """
    literal.install(raw, content.schema.encoding)
    # Bytes: a literal is text already, and is decoded only to be encoded again.
    raw.text_factory = bytes
    yield from map(str.encode, _definitions(content, title))
    for table in content.schema.tables:
        yield from _inserts(raw, table, content)
    yield from map(str.encode, _rest(content))


def _definitions(content: Content, title: str) -> Iterator[str]:
    yield f".bail on\n.timeout 5000\n-- tieout: {title}\nPRAGMA foreign_keys=OFF;\nBEGIN IMMEDIATE;\n"
    yield "".join(_drops(content.schema))
    yield "".join(f"{entry.sql};\n" for entry in content.schema.entries if entry.type == "table")


def _rest(content: Content) -> Iterator[str]:
    yield from _counters(content)
    yield "".join(f"{entry.sql};\n" for entry in content.schema.entries if entry.type != "table")
    yield f"PRAGMA user_version={content.schema.user_version};\n"
    yield f"PRAGMA application_id={content.schema.application_id};\nCOMMIT;\n"


def _drops(schema: Schema) -> Iterator[str]:
    by_type: dict[str, list[str]] = {"view": [], "trigger": [], "index": [], "table": []}
    for entry in schema.entries:
        by_type[entry.type].append(entry.name)
    by_type["table"].extend(name for name in _OURS if name not in by_type["table"])
    for kind, names in by_type.items():
        for name in sorted(names):
            yield f"DROP {kind.upper()} IF EXISTS {quoted(name)};\n"


def _inserts(raw: sqlite3.Connection, table: Table, content: Content) -> Iterator[bytes]:
    if not content.tables[table.name].rows:
        return
    kept = _kept_columns(raw, table)
    named = table.generated or kept != table.columns
    names = f" ({', '.join(map(quoted, kept))})" if named else ""
    head = f"INSERT INTO {quoted(table.name)}{names} VALUES\n".encode()
    row = literal.row_expression(table, content.tables[table.name], kept)
    cursor = raw.execute(f"SELECT {row} FROM {quoted(table.name)} ORDER BY {table.order_by}")
    batches = iter(lambda: cursor.fetchmany(ROWS_PER_INSERT), [])
    while some := list(islice(batches, _STATEMENTS_PER_PIECE)):
        yield b"".join([head + b",\n".join([row[0] for row in rows]) + b";\n" for rows in some])


def _kept_columns(raw: sqlite3.Connection, table: Table) -> tuple[str, ...]:
    """
    The columns with a value in any row. An order book's tables are wide, and half of their columns are never used:
    left out of the INSERT they are null again, and need no parsing.
    """
    empty = table.bare
    for rows in (f"(SELECT * FROM {quoted(table.name)} LIMIT {_SAMPLE_ROWS})", quoted(table.name)):
        counts: list[int] = []
        for start in range(0, len(empty), _COLUMNS_PER_QUERY):
            some = ", ".join(f"count({quoted(column)})" for column in empty[start : start + _COLUMNS_PER_QUERY])
            counts.extend(raw.execute(f"SELECT {some} FROM {rows}").fetchone())
        empty = tuple(column for column, count in zip(empty, counts, strict=True) if not count)
    return tuple(column for column in table.columns if column not in empty) or table.columns[:1]


def _counters(content: Content) -> Iterator[str]:
    known = {entry.name for entry in content.schema.entries if "AUTOINCREMENT" in entry.sql.upper()}
    if known:
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(known))
        yield f"DELETE FROM sqlite_sequence WHERE name IN ({names});\n"
    for name, seq in content.sequences:
        yield f"INSERT INTO sqlite_sequence VALUES ('{name.replace(chr(39), chr(39) * 2)}', {seq});\n"
