"""
Which ticks are trades: every trade once, whatever IB tells of it. docs/bars.md has the rules.

1. An instrument's trades come from one source. Every row that another one gives is counted in `lesser`.
2. However the ticks are split into frames, the same trades come out.
3. ticks that may tell of a trade = trades + unreported + unusable + lesser + standing + repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from tieout.ticks.layout import (
    BY_TICK,
    BY_TICK_ALL_LAST,
    BY_TICK_LAST,
    LAST,
    LAST_SIZE,
    PRICE,
    PRICE_IS_FLOAT,
    RT_VOLUME,
    SIZE,
    SIZE_IS_FLOAT,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TradeSource = Literal["by_tick", "rt_volume", "last"]
"""Ticks by tick (Last, AllLast); tick strings 77 or 48; last price and last size."""

TradeTime = Literal["exchange", "received"]

TRADE: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(),
    "time_ns": pl.Int64(),
    "seen_ns": pl.Int64(),
    "price": pl.Int64(),
    "size": pl.Int64(),
    "number": pl.UInt64(),
}
"""
A trade. `time_ns` is the exchange's time where it was told, else that of receipt; `seen_ns` is that of receipt, never
going back; `price` and `size` count 1e-8; `number` ascends in the order of arrival, over all frames.
"""

_DELAYED_LAST, _DELAYED_LAST_SIZE, _TRADE_VOLUME = 68, 71, 77
_UNREPORTED: Final = 8192
_RANKS: Final[dict[TradeSource | None, tuple[int, ...]]] = {
    None: (1, 2, 3, 4, 5), "last": (1,), "rt_volume": (2, 3), "by_tick": (4, 5)
}  # fmt: skip
_ROW: Final = ("instrument", "kind", "field", "price", "size", "exchange_ns", "received_ns", "flags")
_LAST_STATE: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(), "is_price": pl.Boolean(), "price": pl.Int64(), "size": pl.Int64()
}  # fmt: skip


@dataclass(slots=True)
class TradeCounts:
    """
    What became of the ticks that may tell of a trade.

    Attributes:
        trades: given out.
        unreported: flagged so by the exchange: odd lots, combos, derivative trades; left out.
        unusable: without a price, or with a value that 1e-8 cannot hold.
        lesser: from another source than the instrument's.
        standing: a last price that stood already when the subscription began.
        repeated: a last size that says once more what came with its price.
    """

    trades: int = 0
    unreported: int = 0
    unusable: int = 0
    lesser: int = 0
    standing: int = 0
    repeated: int = 0


class TradeReader:
    """
    Reads trades out of one stream of ticks.

    Args:
        sources: instrument -> its source; of one that is not named, the best that has been seen: by tick, else
            RTVolume, else last. Where a better one sets in, a trade that both tell of may count twice, so name it.
        unreported: whether unreported trades count as well.
        time: which time is a trade's.
    """

    def __init__(
        self,
        sources: Mapping[int, TradeSource] | None = None,
        *,
        unreported: bool = False,
        time: TradeTime = "exchange",
    ) -> None:
        self._sources = pl.DataFrame(
            [(number, rank) for number, source in (sources or {}).items() for rank in _RANKS[source]],
            schema={"instrument": pl.UInt32(), "rank": pl.Int8()}, orient="row",
        )  # fmt: skip
        self._named = self._sources["instrument"].unique()
        self._unreported = unreported
        self._time = time
        self._best = pl.DataFrame(schema={"instrument": pl.UInt32(), "rank": pl.Int8()})
        self._last = pl.DataFrame(schema=_LAST_STATE)
        self._number = 0
        self._seen_ns: int | None = None
        self.counts = TradeCounts()

    def read(self, ticks: pl.DataFrame) -> pl.DataFrame:
        """The trades of a frame of ticks, schema `TRADE`, in the order of arrival."""
        rows = ticks.select(
            *_ROW,
            number=pl.int_range(self._number, self._number + ticks.height, dtype=pl.UInt64),
            seen_ns=pl.col("received_ns").cum_max(),
            rank=_rank(),
        )
        self._number += ticks.height
        if self._seen_ns is not None:
            rows = rows.with_columns(pl.col("seen_ns").clip(lower_bound=self._seen_ns))
        if rows.height:
            self._seen_ns = rows["seen_ns"][-1]
        rows = rows.filter(pl.col("rank") > 0)
        chosen = self._chosen(rows)
        self.counts.lesser += rows.height - chosen.height
        return self._trades(chosen)

    @property
    def seen_ns(self) -> int | None:
        """When the last tick of any kind was received; it never goes back."""
        return self._seen_ns

    def _chosen(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of each instrument's own source."""
        if self._named.len():
            free = rows.filter(~pl.col("instrument").is_in(self._named.implode()))
            own = rows.join(self._sources, on=["instrument", "rank"], how="semi")
            rows = pl.concat([free, own]).sort("number")
        before = self._best.with_columns(number=pl.lit(None, dtype=pl.UInt64))
        whole = pl.concat([before, rows], how="diagonal").with_columns(
            best=pl.col("rank").cum_max().over("instrument")
        )  # fmt: skip
        self._best = whole.group_by("instrument").agg(rank=pl.col("best").last())
        return whole.filter(pl.col("number").is_not_null() & (pl.col("rank") == pl.col("best"))).drop("best")

    def _trades(self, rows: pl.DataFrame) -> pl.DataFrame:
        at_last = rows.filter(pl.col("rank") == 1)
        if at_last.height:
            rows = pl.concat([rows.filter(pl.col("rank") > 1), self._from_last(at_last)]).sort("number")
        good = pl.col("price").is_not_null() & (pl.col("flags") & (PRICE_IS_FLOAT | SIZE_IS_FLOAT) == 0)
        good &= pl.col("size").fill_null(0) >= 0
        usable = rows.filter(good)
        self.counts.unusable += rows.height - usable.height
        if not self._unreported:
            reported = usable.filter((pl.col("rank") < 4) | (pl.col("flags") & _UNREPORTED == 0))
            self.counts.unreported += usable.height - reported.height
            usable = reported
        self.counts.trades += usable.height
        time = pl.col("received_ns")
        if self._time == "exchange":
            time = pl.coalesce("exchange_ns", "received_ns")
        return usable.select(
            "instrument", time.alias("time_ns"), "seen_ns", "price", pl.col("size").fill_null(0), "number"
        )

    def _from_last(self, rows: pl.DataFrame) -> pl.DataFrame:
        """
        A last price is a trade of its size, and a last size one at the last price.

        The first last price stood before anyone listened, and the size right behind a price repeats it.
        """
        before = self._last.with_columns(number=pl.lit(None, dtype=pl.UInt64))
        now = rows.with_columns(is_price=pl.col("kind") == PRICE)
        # The row that is carried on says the price as well, whichever of the two it was.
        at = pl.when(pl.col("is_price") | pl.col("number").is_null()).then("price")
        whole = pl.concat([before, now], how="diagonal").with_columns(
            was_price=pl.col("is_price").shift(1).over("instrument"),
            was_size=pl.col("size").shift(1).over("instrument"),
            traded_at=at.forward_fill().over("instrument"),
            known=at.forward_fill().shift(1).over("instrument").is_not_null(),
        )
        self._last = whole.group_by("instrument").agg(
            pl.col("is_price").last(), price=pl.col("traded_at").last(), size=pl.col("size").last()
        ).select(*_LAST_STATE)  # fmt: skip
        told = whole.filter(pl.col("number").is_not_null())
        standing = pl.col("is_price") & ~pl.col("known")
        again = ~pl.col("is_price") & pl.col("was_price").fill_null(value=False)
        again &= pl.col("size").eq_missing(pl.col("was_size"))
        told = told.with_columns(standing=standing, again=again)
        self.counts.standing += int(told["standing"].sum())
        self.counts.repeated += int(told["again"].sum())
        traded = told.filter(~pl.col("standing") & ~pl.col("again"))
        return traded.with_columns(price=pl.col("traded_at")).select(rows.columns)


def _rank() -> pl.Expr:
    """How good a source the tick is, from 1 on; 0 is none."""
    kind, field = pl.col("kind"), pl.col("field")
    last = (kind == PRICE) & field.is_in([LAST, _DELAYED_LAST])
    last |= (kind == SIZE) & field.is_in([LAST_SIZE, _DELAYED_LAST_SIZE])
    rank = (
        pl.when((kind == BY_TICK) & (field == BY_TICK_ALL_LAST)).then(5)
        .when((kind == BY_TICK) & (field == BY_TICK_LAST)).then(4)
        .when((kind == RT_VOLUME) & (field == _TRADE_VOLUME)).then(3)
        .when(kind == RT_VOLUME).then(2)
        .when(last).then(1)
        .otherwise(0)
    )  # fmt: skip
    return rank.cast(pl.Int8)
