"""A whole table as a frame, so many rows at a time that the rows themselves never weigh much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from sqlalchemy import BigInteger, Boolean, Column, Integer, select

from tieout.store.prepared import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

ROWS: Final = 20_000
"""Rows that are in Python's hands at once, some 2 KB each."""


def read_table(connection: Connection, table: Table) -> pl.DataFrame:
    """Every column of a table in id order: integers and booleans as declared, the rest as text."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(prepared(connection, select(table).order_by(table.c.id)).text)
        frames = [_frame(table, [])]
        while rows := cursor.fetchmany(ROWS):
            frames.append(_frame(table, rows))
    finally:
        cursor.close()
    return pl.concat(frames, rechunk=True)


def _frame(table: Table, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(table.columns)
    return pl.DataFrame([_series(column, values) for column, values in zip(table.columns, columns, strict=True)])


def _series(column: Column[Any], values: Sequence[Any]) -> pl.Series:
    dtype, kinds = _dtype(column), set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series(column.name, [None], dtype=dtype).new_from_index(0, len(values))
    if dtype == pl.String() and kinds != {str}:
        values = [value if value is None or isinstance(value, str) else str(value) for value in values]
    if dtype == pl.Boolean():
        values = [None if value is None else bool(value) for value in values]
    return pl.Series(column.name, values, dtype=dtype)


def _dtype(column: Column[Any]) -> pl.DataType:
    if isinstance(column.type, Boolean):
        return pl.Boolean()
    return pl.Int64() if isinstance(column.type, Integer | BigInteger) else pl.String()
