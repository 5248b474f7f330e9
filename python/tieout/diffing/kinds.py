"""What a column's type means, in the words of a message; two columns are compared only where it is the same."""

from __future__ import annotations

from typing import Final

import polars as pl

WHOLE_EXACT_MAX: Final = 1 << 53
"""Whole numbers up to here are exact as floats."""


def kind_of(dtype: pl.DataType) -> str | None:
    """The class by which the kernel compares (rust/core/src/bulk/column.rs); None: it cannot be compared."""
    if isinstance(dtype, pl.Datetime):
        return "a time with a zone" if dtype.time_zone else "a time without a zone"
    for found, kind in _KINDS:
        if isinstance(dtype, found):
            return kind
    return None


_KINDS: Final = (
    (pl.Decimal, "a number"),
    (pl.Int128, "a number"),
    (pl.Int8 | pl.Int16 | pl.Int32 | pl.Int64 | pl.UInt8 | pl.UInt16 | pl.UInt32 | pl.UInt64, "a number"),
    (pl.Float32 | pl.Float64, "floating point"),
    (pl.Boolean, "a boolean"),
    (pl.String | pl.Categorical | pl.Enum, "text"),
    (pl.Binary, "bytes"),
    (pl.Date, "a date"),
    (pl.Time, "a time of day"),
    (pl.Duration, "a duration"),
    (pl.Null, "nothing but nulls"),
)


def is_text(dtype: pl.DataType) -> bool:
    """Plain text, not a dictionary."""
    return isinstance(dtype, pl.String)


def is_float(dtype: pl.DataType) -> bool:
    """Of either width."""
    return isinstance(dtype, pl.Float32 | pl.Float64)


def is_whole(dtype: pl.DataType) -> bool:
    """A whole number of any width."""
    return dtype.is_integer()


def shown(dtype: pl.DataType) -> str:
    """A type as a message names it: what it means, and its exact name."""
    kind = kind_of(dtype)
    return f"{kind} ({dtype})" if kind else str(dtype)
