"""A whole table as a frame, so many rows at a time that the rows themselves never weigh much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from sqlalchemy import BigInteger, Boolean, Column, Integer, func, select

from tieout.store.prepared import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

ROWS: Final = 20_000
"""Rows that are in Python's hands at once, some 2 KB each."""


def read_table(connection: Connection, table: Table) -> pl.DataFrame:
    """
    Every column of a table in id order: integers and booleans as declared, the rest as text.

    Columns that no row uses, of which most books have many, are counted by SQLite and not fetched row by row.
    """
    cursor = connection.connection.cursor()
    try:
        every = list(table.columns)
        cursor.execute(prepared(connection, select(*map(func.count, every))).text)
        (row,) = cursor.fetchall()
        counts = dict(zip([column.name for column in every], row, strict=True))
        used = [column for column in every if counts[column.name] or column.primary_key]
        cursor.execute(prepared(connection, select(*used).order_by(table.c.id)).text)
        frames = [_frame(used, [])]
        while rows := cursor.fetchmany(ROWS):
            frames.append(_frame(used, rows))
    finally:
        cursor.close()
    frame = pl.concat(frames, rechunk=True)
    nothing = [pl.lit(None, _dtype(column)).alias(column.name) for column in every if column.name not in frame.columns]
    return frame.with_columns(nothing).select(column.name for column in every)


def _frame(used: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(used)
    return pl.DataFrame([_series(column, values) for column, values in zip(used, columns, strict=True)])


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
