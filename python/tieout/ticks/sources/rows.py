"""Trades and quotes of other formats as ticks: records by tick, as the gateway would have sent them (docs/wire.md)."""

from __future__ import annotations

import struct
from typing import Final

import polars as pl

from tieout.ticks.files.stream import FRAME
from tieout.ticks.layout import BY_TICK, BY_TICK_BID_ASK, BY_TICK_LAST, PRICE_IS_FLOAT

PLAIN: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(),
    "received_ns": pl.Int64(),
    "exchange_ns": pl.Int64(),
    "price": pl.Int64(),
    "size": pl.Int64(),
    "bid": pl.Int64(),
    "bid_size": pl.Int64(),
    "ask": pl.Int64(),
    "ask_size": pl.Int64(),
    "is_trade": pl.Boolean(),
    "is_quote": pl.Boolean(),
    "no_price": pl.Boolean(),
    "price_flags": pl.UInt16(),
    "bid_flags": pl.UInt16(),
    "ask_flags": pl.UInt16(),
}
"""
What a row of another format comes to. Prices and sizes count 1e-8; `no_price`: there was a NaN instead of one. The
flags say which price is an f64's bits.
"""

_HAS_PRICE, _HAS_SIZE, _HAS_TIME, _NONE, _HAS_0, _HAS_1 = 1, 2, 4, 32, 256, 512
_SUPERSEDES: Final = 32768
ASK_IS_FLOAT: Final = 1024
"""Extra 0 is an f64's bits."""


def as_ticks(rows: pl.DataFrame, *, first: int, trade_first: bool) -> pl.DataFrame:
    """
    The ticks of these rows, in their order.

    Args:
        rows: schema `PLAIN`. A row gives a trade, a quote, both or nothing.
        first: the first tick's `sequence`; it ascends by 1.
        trade_first: of a row's two ticks, which one comes first.

    Returns:
        Frame of schema `FRAME`, `session` 0.
    """
    numbered = rows.with_row_index("row")
    trades = numbered.filter("is_trade").with_columns(
        pl.lit(BY_TICK_LAST, pl.UInt8).alias("field"),
        pl.lit(None, pl.UInt64).alias("extra_0"),
        pl.lit(None, pl.UInt64).alias("extra_1"),
        pl.lit(not trade_first).alias("second"),
        pl.col("price_flags").alias("float_flags"),
    )
    quotes = numbered.filter("is_quote").with_columns(
        pl.lit(BY_TICK_BID_ASK, pl.UInt8).alias("field"),
        pl.col("bid").alias("price"),
        pl.col("bid_size").alias("size"),
        pl.col("ask").reinterpret(signed=False).alias("extra_0"),
        pl.col("ask_size").reinterpret(signed=False).alias("extra_1"),
        pl.lit(trade_first).alias("second"),
        (pl.col("bid_flags") + pl.col("ask_flags")).alias("float_flags"),
    )
    both = pl.concat([trades, quotes]).sort("row", "second", maintain_order=True)
    return both.with_columns(
        pl.lit(BY_TICK, pl.UInt8).alias("kind"),
        (pl.int_range(pl.len(), dtype=pl.UInt64) + first).alias("sequence"),
        pl.lit(0, pl.UInt64).alias("session"),
        _flags().alias("flags"),
    ).select(pl.col(name).cast(dtype) for name, dtype in FRAME.items())


def from_e9(prices: list[int | None], flag: int = PRICE_IS_FLOAT) -> tuple[list[int | None], list[int]]:
    """
    Prices that count 1e-9 as words of a tick, and the flags that they need.

    What 1e-8 cannot hold is an f64's bits under `flag`, as the decoder does it.
    """
    words: list[int | None] = [None if price is None else price // 10 for price in prices]
    flags = [0] * len(prices)
    for at, price in enumerate(prices):
        if price is not None and price % 10:
            words[at] = struct.unpack("<q", struct.pack("<d", price / 1e9))[0]
            flags[at] = flag
    return words, flags


def _flags() -> pl.Expr:
    def bit(what: pl.Expr, value: int) -> pl.Expr:
        return pl.when(what).then(pl.lit(value, pl.UInt16)).otherwise(pl.lit(0, pl.UInt16))

    return (
        bit(pl.col("price").is_not_null(), _HAS_PRICE)
        + bit(pl.col("size").is_not_null(), _HAS_SIZE)
        + bit(pl.col("exchange_ns").is_not_null(), _HAS_TIME)
        + bit(pl.col("no_price"), _NONE)
        + bit(pl.col("extra_0").is_not_null(), _HAS_0)
        + bit(pl.col("extra_1").is_not_null(), _HAS_1)
        + bit(pl.col("field") == BY_TICK_BID_ASK, _SUPERSEDES)
        + pl.col("float_flags")
    )
