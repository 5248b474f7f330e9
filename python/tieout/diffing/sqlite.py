"""A table of an SQLite file as a side. The store opens the file; here its values become columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from tieout.diffing.source import Source
from tieout.diffing.watch import unchanged

ROWS_PER_PIECE: Final = 50_000
ENDINGS: Final = (".db", ".sqlite", ".sqlite3", ".db3")

_TYPES: Final[dict[frozenset[str], pl.DataType]] = {
    frozenset(): pl.Null(),
    frozenset({"integer"}): pl.Int64(),
    frozenset({"integer", "large integer"}): pl.Int64(),
    frozenset({"real"}): pl.Float64(),
    frozenset({"integer", "real"}): pl.Float64(),
    frozenset({"text"}): pl.String(),
    frozenset({"blob"}): pl.Binary(),
}
"""What a column is, by the storage classes of its values; SQLite's declared types do not bind them."""


def is_sqlite(path: Path) -> bool:
    """By its name: a file that may be somebody's live book is not opened just to look at it."""
    return path.suffix.lower() in ENDINGS


def open_table(path: Path, table: str | None) -> Source:
    """
    A table, or `orders`, or the only one.

    Raises:
        BookError: the file or the table is not there, is not SQLite, or may be in use.
    """
    from tieout.store import foreign

    check = unchanged([path])
    found = foreign.look(path, table)
    columns = {name: _TYPES.get(classes, pl.Object()) for name, classes in found.classes.items()}
    mixed = {
        name: f"values of several kinds: {' and '.join(sorted(found.classes[name]))}"
        for name, kind in columns.items()
        if kind == pl.Object()
    }

    def pieces(wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
        schema = {name: columns[name] for name in wanted}
        for rows in foreign.rows(path, found.name, wanted, piece=ROWS_PER_PIECE):
            yield pl.DataFrame(rows, schema=schema, orient="row", strict=False)

    name = f"{path}::{found.name}"
    return Source(name, columns, pieces, loose=True, rows=found.rows, check=check, odd=mixed, files=(path,))
