"""
How far time has gone for each instrument: what decides which bars are over.

An instrument's time is its latest trade's, and from when that came it runs on with the clock of receipt. So recorded,
delayed and simulated ticks, whose times are not the clock's, close their bars as live ones do.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_STATE: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(),
    "time_ns": pl.Int64(),
    "seen_ns": pl.Int64(),
    "through_ns": pl.Int64(),
}


class Passing:
    """The time of every instrument; it never goes back."""

    def __init__(self) -> None:
        self._state = pl.DataFrame(schema=_STATE)

    @property
    def through(self) -> pl.DataFrame:
        """`instrument` and `through_ns`, up to which its time has gone."""
        return self._state.select("instrument", "through_ns")

    def take(self, trades: pl.DataFrame) -> pl.DataFrame:
        """
        Trades with `through_ns`, their instrument's time before each of them, and `latest`, the latest trade's with it;
        and go on behind them.

        Args:
            trades: schema `TRADE`, in the order of arrival. They come back by instrument, each one's in that order.
        """
        before = self._state.with_columns(number=pl.lit(None, dtype=pl.UInt64))
        whole = pl.concat([before, trades], how="diagonal_relaxed")
        latest = pl.col("time_ns").cum_max()
        later = (latest > latest.shift(1)).fill_null(value=True)
        latest_seen = pl.when(later).then("seen_ns").forward_fill()
        since = latest.shift(1) + (pl.col("seen_ns") - latest_seen.shift(1)).clip(lower_bound=0)
        # One grouping for all of it: a window function of each would group anew.
        grouped = whole.group_by("instrument", maintain_order=True).agg(
            pl.all().exclude("through_ns"),
            latest=latest,
            latest_seen=latest_seen,
            # An instrument's first trade has no time before it.
            through_ns=pl.coalesce("through_ns", since, pl.lit(_LONG_AGO_NS)).cum_max(),
        )
        self._state = grouped.select(
            "instrument",
            time_ns=pl.col("latest").list.last(),
            seen_ns=pl.col("latest_seen").list.last(),
            through_ns=pl.max_horizontal(pl.col("through_ns", "latest").list.last()),
        )
        rows = grouped.drop("latest_seen")
        rows = rows.explode([name for name in rows.columns if name != "instrument"])
        return rows.filter(pl.col("number").is_not_null())

    def reach(self, now_ns: int) -> None:
        """It is so late by the clock of receipt."""
        gone = pl.col("time_ns") + (now_ns - pl.col("seen_ns")).clip(lower_bound=0)
        self._state = self._state.with_columns(through_ns=pl.max_horizontal("through_ns", gone))


_LONG_AGO_NS: Final = -(1 << 62)
