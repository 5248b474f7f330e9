"""Bars that are not finished: trades added up so that parts of one bar can be added in any grouping."""

from __future__ import annotations

from typing import Final

import polars as pl

from tieout.ticks.bars.bar import BAR

_WIDE: Final = pl.Int128()
_EDGES: Final = ("first", "last")

PARTIAL: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(),
    "bar": _WIDE,
    "start_ns": pl.Int64(),
    "end_ns": pl.Int64(),
    "full": pl.Boolean(),
    "high": pl.Int64(),
    "low": pl.Int64(),
    "volume": pl.Int64(),
    "turnover": _WIDE,
    "count": pl.UInt32(),
    "first_ns": pl.Int64(),
    "first_number": pl.UInt64(),
    "open": pl.Int64(),
    "last_ns": pl.Int64(),
    "last_number": pl.UInt64(),
    "close": pl.Int64(),
}
"""`turnover` is the sum of price x size; of two trades at one time, the number says which came first."""


def of_trades(rows: pl.DataFrame) -> pl.DataFrame:
    """Trades added up, schema `PARTIAL`. `rows` are what a `Cut` gives of what `Passing` gives, by instrument."""
    price, size = pl.col("price"), pl.col("size")
    in_time = rows if (rows["time_ns"] == rows["latest"]).all() else rows.sort("time_ns", "number")
    return in_time.group_by("instrument", "bar").agg(
        pl.col("start_ns").min(), pl.col("end_ns").max(), pl.col("full").any(),
        high=price.max(), low=price.min(), volume=size.sum(),
        turnover=(price.cast(_WIDE) * size.cast(_WIDE)).sum(), count=pl.len().cast(pl.UInt32),
        first_ns=pl.col("time_ns").first(), first_number=pl.col("number").first(), open=price.first(),
        last_ns=pl.col("time_ns").last(), last_number=pl.col("number").last(), close=price.last(),
    ).select(*PARTIAL)  # fmt: skip


def added(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Both together; bars that are in both become one."""
    if not one.height or not other.height:
        return other if other.height else one
    return _summed(pl.concat([one, other]))


def finished(rows: pl.DataFrame, *, complete: pl.Expr, timed: bool) -> pl.DataFrame:
    """Finished bars, schema `BAR`, by end, instrument and bar; those that are not timed last from trade to trade."""
    bars = rows.with_columns(complete=complete, vwap=_vwap())
    if not timed:
        bars = bars.with_columns(start_ns=pl.col("first_ns"), end_ns=pl.col("last_ns"))
    return bars.sort("end_ns", "instrument", "bar").select(*BAR)


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each bar. What comes first is first by time, then by arrival."""
    return rows.group_by("instrument", "bar").agg(
        pl.col("start_ns").min(),
        pl.col("end_ns").max(),
        pl.col("full").any(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("volume").sum(),
        pl.col("turnover").sum(),
        pl.col("count").sum().cast(pl.UInt32),
        pl.col("first_ns").min(),
        pl.col("first_number").sort_by("first_ns", "first_number").first(),
        pl.col("open").sort_by("first_ns", "first_number").first(),
        pl.col("last_ns").max(),
        pl.col("last_number").sort_by("last_ns", "last_number").last(),
        pl.col("close").sort_by("last_ns", "last_number").last(),
    ).select(*PARTIAL)  # fmt: skip


def _vwap() -> pl.Expr:
    """The exact average price, rounded once, half to even; null without volume."""
    volume = pl.col("volume").cast(_WIDE)
    whole = pl.col("turnover") // volume
    twice = (pl.col("turnover") - whole * volume) * 2
    up = (twice > volume) | ((twice == volume) & (whole % 2 != 0))
    return pl.when(pl.col("volume") > 0).then((whole + up.cast(_WIDE)).cast(pl.Int64))
