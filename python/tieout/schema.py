"""
The frames that cross rooms, column by column. Every frame that a public function takes or gives has one of
these, in this order; `conform` brings a frame there or says what is wrong.

Money and sizes are Int64 counts of 1e-8 (`_e8`, tieout.fixed); times are Int64 UTC nanoseconds (`_ns`).
A null is "not known" or "not reported", never a number that stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

CONTRACT: Final[dict[str, pl.DataType]] = {
    "con_id": pl.Int64(),
    "symbol": pl.String(),
    "sec_type": pl.String(),
    "expiry": pl.String(),
    "strike_e8": pl.Int64(),
    "right": pl.String(),
    "multiplier_e8": pl.Int64(),
    "currency": pl.String(),
    "local_symbol": pl.String(),
    "trading_class": pl.String(),
    "exchange": pl.String(),
}
"""Contract columns. `exchange` is told, never compared (SMART here, a venue there)."""

CONTRACT_COMPARED: Final[tuple[str, ...]] = tuple(name for name in CONTRACT if name != "exchange")

ORDER: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "account": pl.String(),
    "perm_id": pl.Int64(),
    "order_ref": pl.String(),
    "client_id": pl.Int64(),
    "order_id": pl.Int64(),
    "session": pl.String(),
    **CONTRACT,
    "side": pl.String(),
    "quantity_e8": pl.Int64(),
    "order_type": pl.String(),
    "limit_price_e8": pl.Int64(),
    "stop_price_e8": pl.Int64(),
    "tif": pl.String(),
    "status": pl.String(),
    "filled_quantity_e8": pl.Int64(),
    "placed_ns": pl.Int64(),
    "live": pl.Boolean(),
    "inexact": pl.Boolean(),
    "parent_id": pl.Int64(),
    "parent_perm_id": pl.Int64(),
    "oca_group": pl.String(),
}
"""
One order. `row` is `orders.id` on the book's side and null on the broker's. `side` is BUY or SELL.
`placed_ns` is the time the signature tier compares: the book's placing time; at the broker the first
execution or the completion, null on a bare open order. `live` follows from `status`. `inexact` marks a row
with a number that 1e-8 cannot hold: it equals nothing. 0 and "" are never ids here: they are null.
"""

EXECUTION: Final[dict[str, pl.DataType]] = {
    "row": pl.Int64(),
    "order_row": pl.Int64(),
    "account": pl.String(),
    "exec_id": pl.String(),
    "perm_id": pl.Int64(),
    "client_id": pl.Int64(),
    "order_id": pl.Int64(),
    "order_ref": pl.String(),
    **CONTRACT,
    "side": pl.String(),
    "quantity_e8": pl.Int64(),
    "price_e8": pl.Int64(),
    "cumulative_quantity_e8": pl.Int64(),
    "average_price_e8": pl.Int64(),
    "executed_ns": pl.Int64(),
    "commission_e8": pl.Int64(),
    "commission_currency": pl.String(),
    "realized_pnl_e8": pl.Int64(),
    "inexact": pl.Boolean(),
}
"""
One execution. `row` and `order_row` are `executions.id` and `orders.id` on the book's side, null on the
broker's. `exec_id` is whole, with its correction suffix. Commission is null until its report came.
"""

FLEX_EXECUTION: Final[dict[str, pl.DataType]] = {
    **EXECUTION,
    "flex_order": pl.String(),
    "flex_order_type": pl.String(),
    "ordered_ns": pl.Int64(),
    "statement": pl.String(),
}
"""
One execution of a Flex statement. `perm_id`, `client_id`, `order_id` and `cumulative_quantity_e8` are null: a report
does not carry them. `flex_order` is the report's own id of the order, equal for executions of one order; `ordered_ns`
is when that order was placed, `statement` which statement tells it.
"""

POSITION: Final[dict[str, pl.DataType]] = {
    "account": pl.String(),
    **CONTRACT,
    "quantity_e8": pl.Int64(),
    "average_cost_e8": pl.Int64(),
}
"""One position. `quantity_e8` is signed; `average_cost_e8` is IB's avgCost: price x multiplier, with commission."""


def empty(schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """A frame of no rows with that schema."""
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: Mapping[str, pl.DataType], name: str) -> pl.DataFrame:
    """
    The frame with exactly these columns, in order.

    Raises:
        ValueError: a column is missing, unknown, or of another type.
    """
    missing = [column for column in schema if column not in frame.columns]
    unknown = [column for column in frame.columns if column not in schema]
    wrong = [
        f"{c} is {frame.schema[c]}, not {t}" for c, t in schema.items() if c in frame.columns and frame.schema[c] != t
    ]
    if missing or unknown or wrong:
        raise ValueError(f"{name}: missing {missing}, unknown {unknown}, wrong {wrong}")
    return frame.select(list(schema))
