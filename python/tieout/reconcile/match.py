"""
Pairs the broker's orders with the book's. The rules are the kernel's: rust/core/src/matching/mod.rs
numbers and explains them, and design.md 4 is where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout import _core
from tieout.schema import ORDER, conform

NS_PER_S: Final = 1_000_000_000

PAIRS: Final[dict[str, pl.DataType]] = {"broker": pl.UInt32(), "book": pl.UInt32(), "tier": pl.UInt8()}
"""Row numbers of the same order on both sides, and the tier (1-4) that paired them."""

AMBIGUOUS: Final[dict[str, pl.DataType]] = {
    "group": pl.UInt32(),
    "broker": pl.UInt32(),
    "book": pl.UInt32(),
    "tier": pl.UInt8(),
    "reason": pl.String(),
    "candidates": pl.UInt32(),
}
"""
One possibility. `book` is null where the broker's row has no candidate, and it may be matched elsewhere where
the reason is `forked_order_ref` or `forked_order_id`. `candidates` is how many the broker's row has; at most 64
of them are named.
"""


@dataclass(frozen=True, slots=True)
class Matching:
    """
    Every row of both sides once: paired, on one side only, or ambiguous.

    `pairs` has schema `PAIRS`, ascending by broker; `broker_only` and `book_only` are UInt32 row numbers,
    ascending; `ambiguous` has schema `AMBIGUOUS`, ascending by group, broker, book: every ambiguous row of
    either side is in at least one of its rows.
    """

    pairs: pl.DataFrame
    broker_only: pl.Series
    book_only: pl.Series
    ambiguous: pl.DataFrame


def match_orders(
    broker: pl.DataFrame,
    book: pl.DataFrame,
    *,
    window_s: int,
    price_tolerance_e8: int = 0,
    accept_unique: bool = False,
) -> Matching:
    """
    Pair broker orders with book orders.

    Args:
        broker: schema `ORDER` (tieout.schema), one row per (account, perm_id).
        book: the same.
        window_s: how far apart the times of a signature match may be, in seconds, inclusive.
        price_tolerance_e8: how far apart its prices may be, in units of 1e-8, inclusive; 0: equal.
        accept_unique: whether a signature match that is the only possibility is a pair, not ambiguous.

    Raises:
        ValueError: a column is missing, unknown, or of another type; a negative setting.
    """
    if window_s < 0 or price_tolerance_e8 < 0:
        raise ValueError(f"window_s {window_s}, price_tolerance_e8 {price_tolerance_e8}: neither may be negative")
    pairs, broker_only, book_only, ambiguous = _core.match_orders(
        conform(broker, ORDER, "broker").rechunk(),
        conform(book, ORDER, "book").rechunk(),
        window_ns=window_s * NS_PER_S,
        price_tolerance_e8=price_tolerance_e8,
        accept_unique=accept_unique,
    )
    return Matching(
        pairs=pl.DataFrame(pairs),
        broker_only=pl.DataFrame(broker_only)["row"].rename("broker"),
        book_only=pl.DataFrame(book_only)["row"].rename("book"),
        ambiguous=pl.DataFrame(ambiguous),
    )
