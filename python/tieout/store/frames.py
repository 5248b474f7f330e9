"""From the book's text columns to the frames of tieout.schema, without touching a row in Python."""

from __future__ import annotations

from typing import Final

import polars as pl

from tieout.clock import from_iso
from tieout.fixed import to_e8
from tieout.model import LIMIT_PRICE_TYPES, LIVE_STATUSES, PRICELESS_TYPES, STOP_PRICE_TYPES
from tieout.schema import EXECUTION, ORDER

_PLAIN: Final = r"^(?<sign>-?)(?<whole>[0-9]{1,10})(?:\.(?<part>[0-9]{1,8})0*)?$"
_ISO: Final = "%Y-%m-%dT%H:%M:%S%.fZ"


def order_frame(raw: pl.DataFrame) -> pl.DataFrame:
    """
    Schema `ORDER` of rows of the table `orders` (all columns, as text).

    A decimal that 1e-8 cannot hold is null and marks its row `inexact`: it equals nothing. A price that the
    order's type does not use is null. Ids that are 0, and texts that are empty, are null.
    """
    money = {
        name: raw[name] for name in ("strike", "multiplier", "quantity", "limit_price", "stop_price", "filled_quantity")
    }
    exact = {name: e8_column(column) for name, column in money.items()}
    compared = ("quantity", "limit_price", "stop_price", "filled_quantity")
    inexact = pl.Series("inexact", [False]).new_from_index(0, raw.height)
    for name in compared:
        inexact = inexact | (money[name].is_not_null() & (money[name] != "") & exact[name].is_null())
    order_type = pl.col("order_type")
    known = order_type.is_in([*(LIMIT_PRICE_TYPES | STOP_PRICE_TYPES | PRICELESS_TYPES)])
    frame = raw.with_columns(
        pl.col("id").alias("row"),
        *(exact[name].alias(f"{name}_e8") for name in ("strike", "multiplier", "quantity", "filled_quantity")),
        pl.when(order_type.is_in([*LIMIT_PRICE_TYPES]) | ~known).then(exact["limit_price"]).alias("limit_price_e8"),
        pl.when(order_type.is_in([*STOP_PRICE_TYPES]) | ~known).then(exact["stop_price"]).alias("stop_price_e8"),
        ns_column(raw["placed_at"]).alias("placed_ns"),
        pl.col("status").is_in([*LIVE_STATUSES]).fill_null(value=False).alias("live"),
        inexact.alias("inexact"),
        pl.col("session_id").alias("session"),
        *(_id(name) for name in ("perm_id", "order_id", "con_id", "parent_id", "parent_perm_id")),
        *(_text(name) for name in ("order_ref", "tif", "oca_group", "symbol", "side", *_CONTRACT_TEXT)),
        pl.when(order_type != "").then(order_type).alias("order_type"),
    )
    return _shaped(frame, ORDER)


def execution_frame(raw: pl.DataFrame) -> pl.DataFrame:
    """Schema `EXECUTION` of rows of the table `executions` (all columns, as text)."""
    names = ("strike", "multiplier", "quantity", "price", "cumulative_quantity", "commission", "realized_pnl")
    exact = {name: e8_column(raw[name]) for name in names}
    inexact = pl.Series("inexact", [False]).new_from_index(0, raw.height)
    for name in ("quantity", "price"):
        inexact = inexact | (raw[name].is_not_null() & exact[name].is_null())
    frame = raw.with_columns(
        pl.col("id").alias("row"),
        *(column.alias(f"{name}_e8") for name, column in exact.items()),
        pl.lit(None, pl.Int64).alias("average_price_e8"),
        ns_column(raw["executed_at"]).alias("executed_ns"),
        inexact.alias("inexact"),
        *(_id(name) for name in ("perm_id", "order_id", "con_id")),
        *(_text(name) for name in ("exec_id", "order_ref", "symbol", "side", *_CONTRACT_TEXT)),
    )
    return _shaped(frame, EXECUTION)


_CONTRACT_TEXT: Final = (
    "sec_type",
    "expiry",
    "right",
    "currency",
    "local_symbol",
    "trading_class",
    "exchange",
)


def e8_column(text: pl.Series) -> pl.Series:
    """Int64 counts of 1e-8 of a text column; null where the text is null, empty or not exactly representable."""
    parts = text.to_frame("t").select(pl.col("t").str.extract_groups(_PLAIN).alias("groups")).unnest("groups")
    groups = parts.select(
        pl.col("sign"),
        pl.col("whole").cast(pl.Int64),
        pl.col("part").fill_null("").str.pad_end(8, "0").cast(pl.Int64),
    )
    size = groups["whole"] * 100_000_000 + groups["part"]
    plain = groups.select(pl.when(pl.col("sign") == "-").then(-size).otherwise(size).alias("e8"))["e8"]
    odd = plain.is_null() & text.is_not_null() & (text != "")
    if not odd.any():
        return plain
    rest = [to_e8(value) if strange else None for value, strange in zip(text, odd, strict=True)]
    return pl.select(pl.when(odd).then(pl.Series(rest, dtype=pl.Int64)).otherwise(plain)).to_series()


def ns_column(text: pl.Series) -> pl.Series:
    """Int64 UTC nanoseconds of ISO-8601 text; null where it is null or names no offset."""
    plain = text.str.to_datetime(_ISO, time_unit="ns", strict=False).cast(pl.Int64)
    odd = plain.is_null() & text.is_not_null()
    if not odd.any():
        return plain
    rest = [_moment(value) if strange else None for value, strange in zip(text, odd, strict=True)]
    return pl.select(pl.when(odd).then(pl.Series(rest, dtype=pl.Int64)).otherwise(plain)).to_series()


def _moment(text: str) -> int | None:
    try:
        return from_iso(text)
    except ValueError:
        return None


def _id(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != 0).then(pl.col(name)).alias(name)


def _text(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name)).alias(name)


def _shaped(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
