"""
The ledger as it will be once the plan's actions are done: what positions and findings are judged by.

So a finding is what the plan does not repair by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.clock import from_iso
from tieout.fixed import to_e8

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tieout.reconcile.actions import Action
    from tieout.store.reader import Book, Image

ADOPTED: Final = "adopted"
"""`executions.origin` of what came with an old book."""

BAG: Final = "BAG"
"""IB's sec_type of a combination: its own fills are told beside those of its legs."""

LEDGER: Final[dict[str, pl.DataType]] = {
    "order": pl.Int64(),
    "account": pl.String(),
    "exec_id": pl.String(),
    "con_id": pl.Int64(),
    "symbol": pl.String(),
    "local_symbol": pl.String(),
    "sec_type": pl.String(),
    "expiry": pl.String(),
    "side": pl.String(),
    "quantity_e8": pl.Int64(),
    "cumulative_quantity_e8": pl.Int64(),
    "executed_ns": pl.Int64(),
    "active": pl.Boolean(),
    "adopted": pl.Boolean(),
    "combo": pl.Boolean(),
}
"""
One execution. `order` is that of `ORDERS`, or null; `adopted` marks those of an old book, `combo` a combination's own
fill, which moves no position (its legs do).
"""

ORDERS: Final[dict[str, pl.DataType]] = {
    "order": pl.Int64(),
    "action_id": pl.String(),
    "account": pl.String(),
    "perm_id": pl.Int64(),
    "symbol": pl.String(),
    "con_id": pl.Int64(),
    "sec_type": pl.String(),
    "filled_quantity_e8": pl.Int64(),
}
"""One order: `orders.id`, of an insert a number below 0; `action_id` of those that the plan inserts or changes."""


def orders_after(book: Book, actions: Iterable[Action]) -> pl.DataFrame:
    """The book's orders after the plan, schema `ORDERS`; deleted ones are gone."""
    mine = [action for action in actions if action.entity == "order"]
    touched = [action.row for action in mine if action.row is not None]
    kept = book.orders.filter(~pl.col("row").is_in(touched)).select(
        pl.col("row").alias("order"), pl.lit(None, pl.String()).alias("action_id"),
        "account", "perm_id", "symbol", "con_id", "sec_type", "filled_quantity_e8",
    )  # fmt: skip
    new = [_order(-n, action, action.after) for n, action in enumerate(mine, 1) if action.after is not None]
    return pl.concat([kept, pl.DataFrame(new, schema=ORDERS, orient="row")])


def ledger_after(book: Book, actions: Iterable[Action], orders: pl.DataFrame) -> pl.DataFrame:
    """
    The book's executions after the plan, schema `LEDGER`.

    Args:
        orders: schema `ORDERS`, of the same plan.
    """
    mine = [action for action in actions if action.entity == "execution" and action.after is not None]
    rows = book.executions.select(
        "row",
        pl.col("order_row").alias("order"),
        "account", "exec_id", "con_id", "symbol", "local_symbol", "sec_type", "expiry", "side", "quantity_e8",
        "cumulative_quantity_e8", "executed_ns",
    ).with_columns(
        book.raw_executions["active"].fill_null(value=False),
        (book.raw_executions["origin"] == ADOPTED).fill_null(value=False).alias("adopted"),
    )  # fmt: skip
    changed = {action.row: action.after for action in mine if action.row is not None and action.after is not None}
    if changed:
        patch = pl.DataFrame(
            [(row, image["active"], to_e8(str(image["quantity"]))) for row, image in changed.items()],
            schema={"row": pl.Int64(), "active_new": pl.Boolean(), "quantity_new": pl.Int64()},
            orient="row",
        )
        rows = rows.join(patch, on="row", how="left", maintain_order="left").with_columns(
            pl.coalesce("active_new", "active").alias("active"),
            pl.coalesce("quantity_new", "quantity_e8").alias("quantity_e8"),
        )
    numbers = dict(orders.filter(pl.col("action_id").is_not_null()).select("action_id", "order").iter_rows())
    inserted = [
        _execution(action, action.after, numbers) for action in mine if action.row is None and action.after is not None
    ]
    columns = [name for name in LEDGER if name != "combo"]
    schema = {name: LEDGER[name] for name in columns}
    everything = pl.concat([rows.select(columns), pl.DataFrame(inserted, schema=schema, orient="row")])
    whose = orders.select("order", pl.col("con_id").alias("order_con_id"), pl.col("sec_type").alias("order_type"))
    own = (pl.col("order_type") == BAG) & (pl.col("con_id").is_null() | (pl.col("con_id") == pl.col("order_con_id")))
    combo = (pl.col("sec_type") == BAG) | own
    joined = everything.join(whose, on="order", how="left", maintain_order="left")
    return joined.with_columns(combo.fill_null(value=False).alias("combo")).select(list(LEDGER))


def _order(number: int, action: Action, image: Image) -> tuple[object, ...]:
    names = ("account", "perm_id", "symbol", "con_id", "sec_type")
    key = number if action.row is None else action.row
    return (key, action.action_id, *(image[name] for name in names), _e8(image["filled_quantity"]))


def _execution(action: Action, image: Image, numbers: Mapping[str, int]) -> tuple[object, ...]:
    key = action.order_row if action.order_action is None else numbers.get(action.order_action)
    at = image["executed_at"]
    return (
        key, image["account"], image["exec_id"], image["con_id"], image["symbol"], None, None, None, image["side"],
        _e8(image["quantity"]), _e8(image["cumulative_quantity"]), None if at is None else from_iso(str(at)),
        image["active"], False,
    )  # fmt: skip


def _e8(value: object) -> int | None:
    return None if value is None else to_e8(str(value))
