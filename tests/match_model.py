"""Small order frames for the matching tests: what a test does not name is an ordinary live order."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from tieout.model import is_live
from tieout.reconcile.match import Matching, match_orders
from tieout.schema import ORDER

Row = dict[str, Any]

NS: Final = 1_000_000_000

ORDINARY: Final[dict[str, Any]] = {
    "account": "DU1",
    "symbol": "ES",
    "sec_type": "FUT",
    "side": "BUY",
    "quantity_e8": 100_000_000,
    "order_type": "LMT",
    "limit_price_e8": 500_000_000_000,
    "tif": "DAY",
    "status": "Submitted",
    "filled_quantity_e8": 0,
    "placed_ns": 1_000 * NS,
    "inexact": False,
}


def orders(*rows: dict[str, Any]) -> pl.DataFrame:
    """One order per dict, schema `ORDER`; `live` follows from the status."""
    full = [{**ORDINARY, **row} for row in rows]
    data = [{"live": is_live(row["status"]), **row} for row in full]
    return pl.DataFrame([{name: row.get(name) for name in ORDER} for row in data], schema=ORDER)


def pairs_of(matching: Matching) -> list[tuple[int, int, int]]:
    """(broker, book, tier)."""
    return [tuple(row) for row in matching.pairs.iter_rows()]


def edges_of(matching: Matching) -> list[tuple[int, int | None, int, str]]:
    """(broker, book, tier, reason)."""
    return list(matching.ambiguous.select("broker", "book", "tier", "reason").iter_rows())


def matched(broker: list[Row], book: list[Row], **changed: Any) -> Matching:
    """Matched by the production wrapper, within 300 s unless the test says otherwise."""
    return match_orders(orders(*broker), orders(*book), **{"window_s": 300, **changed})


def fate(matching: Matching) -> tuple[list[Any], list[int], list[int], list[Any]]:
    """Pairs, the broker's others, the book's others, edges."""
    return pairs_of(matching), matching.broker_only.to_list(), matching.book_only.to_list(), edges_of(matching)
