"""
Which fields of matched orders differ, as one bit mask per pair.

What the broker did not report (null) never differs; what the book does not know and the broker does, differs.
A price or size of the book that 1e-8 cannot hold is null there, so it differs from any that the broker reports.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from tieout import _core
from tieout.schema import ORDER, conform

FIELDS: Final[tuple[str, ...]] = _core.FIELDS
"""The compared fields in the order of their bits: bit 0 is the first."""

COLUMNS: Final[dict[str, str]] = {
    "status": "status",
    "quantity": "quantity_e8",
    "order_type": "order_type",
    "limit_price": "limit_price_e8",
    "stop_price": "stop_price_e8",
    "tif": "tif",
    "filled_quantity": "filled_quantity_e8",
    "perm_id": "perm_id",
}
"""The column of schema `ORDER` that each compared field is in."""


def differing_fields(broker: pl.DataFrame, book: pl.DataFrame, pairs: pl.DataFrame) -> pl.Series:
    """
    Say per pair which fields differ.

    Args:
        broker: schema `ORDER` (tieout.schema).
        book: the same.
        pairs: columns `broker` and `book`, UInt32 row numbers: `Matching.pairs`, or rows of it.

    Returns:
        "mask": UInt16, in the order of the pairs; `names` reads it.

    Raises:
        ValueError: a column is missing, unknown, or of another type; a row that a side does not have.
    """
    rows = {"broker": pl.UInt32(), "book": pl.UInt32()}
    masks = _core.differing_fields(
        conform(broker, ORDER, "broker").rechunk(),
        conform(book, ORDER, "book").rechunk(),
        conform(pairs.select(c for c in rows if c in pairs.columns), rows, "pairs").rechunk(),
    )
    return pl.DataFrame(masks)["mask"]


def names(mask: int) -> list[str]:
    """
    The fields of a mask, in the order of `FIELDS`.

    Raises:
        ValueError: a bit that stands for no field.
    """
    if not 0 <= mask < 1 << len(FIELDS):
        raise ValueError(f"{mask} is no mask of {len(FIELDS)} fields")
    return [name for bit, name in enumerate(FIELDS) if mask >> bit & 1]
