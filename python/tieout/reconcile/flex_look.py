"""
What a Flex order is compared with: the few rows of book and gateway that it may be about, and their executions.

A book may hold a million orders and a statement some thousand executions, so only rows with a key, a contract or an
execution of theirs are looked at one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.model import INACTIVE, ORPHANED_DELETED, SUPERSEDED_UNKNOWN
from tieout.reconcile.flex_orders import FlexOrder, cut

if TYPE_CHECKING:
    from tieout.reconcile.evidence import BrokerSide
    from tieout.reconcile.rows import FrameRow
    from tieout.store.reader import Book

OPEN_ENDED: Final = frozenset({INACTIVE, ORPHANED_DELETED, SUPERSEDED_UNKNOWN})
"""Words of a book that do not say how an order ended."""


def fills_of(book: Book, rows: list[int]) -> dict[int, list[FrameRow]]:
    """The book's executions of those orders, by the order's position; `listed`: it is active."""
    named = book.orders.select("row").with_row_index("at").filter(pl.col("row").is_in(rows))
    at = dict(zip(named["row"].to_list(), named["at"].to_list(), strict=True))
    found: dict[int, list[FrameRow]] = {}
    fills = book.executions.with_columns(book.raw_executions["active"].fill_null(value=True).alias("listed"))
    for fill in fills.filter(pl.col("order_row").is_in(list(at))).iter_rows(named=True):
        found.setdefault(at[fill["order_row"]], []).append(fill)
    return found


def may_lack_fills(book: Book) -> pl.Expr:
    """Orders that say more than they list, do not say how they ended, or have executions without an id."""
    active = book.executions.filter(book.raw_executions["active"].fill_null(value=True))
    of_order = active.filter(pl.col("order_row").is_not_null()).group_by("order_row")
    listed = of_order.agg(pl.col("quantity_e8").sum(), pl.col("exec_id").is_null().any().alias("nameless"))
    joined = book.orders.select("row").join(
        listed, left_on="row", right_on="order_row", how="left", maintain_order="left"
    )
    more = pl.col("filled_quantity_e8").is_null() | (pl.col("filled_quantity_e8") > joined["quantity_e8"].fill_null(0))
    open_ended = pl.col("live") | pl.col("status").is_in(sorted(OPEN_ENDED))
    return open_ended.fill_null(value=False) | more | joined["nameless"].fill_null(value=False)


def gateway_sizes(side: BrokerSide, orders: list[int]) -> dict[int, dict[str, int]]:
    """The active executions of those orders as the gateway tells them: position -> id without suffix -> size."""
    named = side.orders.select("account", "perm_id").with_row_index("at").filter(pl.col("at").is_in(orders))
    told = side.executions.filter("active").select("account", "perm_id", "base", "quantity_e8")
    found: dict[int, dict[str, int]] = {}
    for at, base, size in told.join(named, on=["account", "perm_id"]).select("at", "base", "quantity_e8").iter_rows():
        found.setdefault(at, {})[base] = size or 0
    return found


def agree(order: FlexOrder, row: FrameRow) -> bool:
    """Contract and side; what one side does not know contradicts nothing, but something must be known."""
    if row["side"] != order.side:
        return False
    mine = order.first
    if row["con_id"] is not None and mine["con_id"] is not None:
        return bool(row["con_id"] == mine["con_id"])
    names = ("symbol", "sec_type", "expiry", "strike_e8", "right", "local_symbol", "currency")
    both = [name for name in names if row[name] is not None and mine[name] is not None]
    return any(n in both for n in ("symbol", "local_symbol")) and all(row[n] == mine[n] for n in both)


def worth(order: FlexOrder, row: FrameRow) -> bool:
    """A limit order is never executed at a worse price than its limit."""
    limit = row["limit_price_e8"]
    if row["order_type"] != "LMT" or limit is None or row["sec_type"] == "BAG":
        return True
    prices = [one["price_e8"] for one in order.rows if one["price_e8"] is not None]
    return all(price <= limit if order.side == "BUY" else price >= limit for price in prices)


def near(orders: list[FlexOrder]) -> tuple[pl.Expr, pl.Expr]:
    """Rows of either side with a key of any of the Flex orders, and rows with the contract of one."""
    rows = [row for order in orders for row in order.rows]
    ids = sorted({found for order in orders if (found := order_number(order.key)) is not None})
    keys = _in("order_ref", rows) | pl.col("perm_id").is_in(ids).fill_null(value=False)
    return keys, _in("con_id", rows) | _in("symbol", rows) | _in("local_symbol", rows)


def _in(name: str, rows: list[FrameRow]) -> pl.Expr:
    values = sorted({row[name] for row in rows if row[name] is not None})
    return pl.col(name).is_in(values).fill_null(value=False) if values else pl.lit(value=False)


def rows_at(frame: pl.DataFrame, wanted: pl.Expr) -> dict[int, FrameRow]:
    """The rows that are wanted, by position; `wanted` may name the position as `at`."""
    found = frame.with_row_index("at").filter(wanted)
    return {int(row["at"]): row for row in found.iter_rows(named=True)}


def _bases(orders: list[FlexOrder]) -> list[str]:
    return sorted({cut(row["exec_id"])[0] for order in orders for row in order.rows})


_BASE: Final = pl.col("exec_id").str.extract(r"^(.*)\.\d+$", 1).fill_null(pl.col("exec_id"))


def owners(book: Book, orders: list[FlexOrder]) -> dict[str, int]:
    """Whose the executions are that the book has: id without suffix -> row of the order."""
    known = book.executions.filter(pl.col("exec_id").is_not_null() & pl.col("order_row").is_not_null())
    found = known.with_columns(_BASE.alias("base")).filter(pl.col("base").is_in(_bases(orders)))
    return dict(zip(found["base"].to_list(), found["order_row"].to_list(), strict=True))


def gateway_owners(side: BrokerSide, orders: list[FlexOrder]) -> dict[str, int]:
    """The same of the gateway's executions: id without suffix -> position of the broker's order."""
    named = side.orders.select("account", "perm_id").with_row_index("at").filter(pl.col("perm_id").is_not_null())
    told = side.executions.filter(pl.col("base").is_in(_bases(orders))).select("account", "perm_id", "base")
    found = told.join(named, on=["account", "perm_id"])
    return dict(zip(found["base"].to_list(), found["at"].to_list(), strict=True))


def order_number(key: str) -> int | None:
    """The report's id of an order as a number; None where it is none."""
    return int(key) if key.isdecimal() else None
