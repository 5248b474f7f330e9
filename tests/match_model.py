"""Small order frames for the matching tests: what a test does not name is an ordinary live order."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from tieout.model import is_live
from tieout.reconcile.match import Matching
from tieout.schema import ORDER

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
