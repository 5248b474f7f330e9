"""
Bars from ticks, built as the ticks come. docs/bars.md has the rules.

1. However the ticks are split into frames, the same bars come out, an instrument's in their order.
2. trades = in finished bars + in open bars + late + outside.
3. A bar that was given out never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.clock import NS_PER_S
from tieout.ticks.bars.bar import BAR
from tieout.ticks.bars.cuts import Cut, TimeCut
from tieout.ticks.bars.flat import FlatBars
from tieout.ticks.bars.partial import PARTIAL, added, finished, of_trades
from tieout.ticks.bars.passing import Passing
from tieout.ticks.layout import BY_TICK, PRICE, RT_VOLUME, SIZE
from tieout.ticks.trades import TradeReader

if TYPE_CHECKING:
    from collections.abc import Callable

HELD_ROWS_MAX: Final = 16_384
HELD_NS_MAX: Final = NS_PER_S // 5
"""Small frames are kept until so many rows or so much time has come together: one look costs as much as many rows."""


@dataclass(frozen=True, slots=True)
class BarCounts:
    """
    A builder's account. trades = finished + open + late + outside, in trades.

    Attributes:
        trades: that the reader gave.
        finished, open: in bars that were given out, and in those that were not yet.
        late: they came after their bar was given out.
        outside: of the session.
        bars: given out, flat ones among them.
    """

    trades: int
    finished: int
    open: int
    late: int
    outside: int
    bars: int


class BarBuilder:
    """
    Builds bars out of one stream of ticks. One thread feeds it.

    Args:
        cut: where bars end; a number of seconds is `TimeCut`.
        trades: which ticks are trades; None is a reader with its defaults. It is read by nobody else.
        allowance_s: a bar is given out so long after its end, by the time of its instrument's trades and by the clock
            of receipt, for trades that are told late.
        flat: time bars without a trade are given out as well, at the last price, until the session of the last trade
            ends; without a session, the UTC day.

    Raises:
        ValueError: an allowance below 0; flat bars that are not cut by time.
    """

    def __init__(
        self, cut: Cut | int, *, trades: TradeReader | None = None, allowance_s: float = 1.0, flat: bool = False
    ) -> None:
        if allowance_s < 0:
            raise ValueError(f"found an allowance of {allowance_s} s, expected 0 or more")
        self._cut: Cut = TimeCut(cut) if isinstance(cut, int) else cut
        if flat and not isinstance(self._cut, TimeCut):
            raise ValueError("flat bars are for bars that are cut by time")
        self.reader = trades or TradeReader()
        self._allowance_ns = round(allowance_s * NS_PER_S)
        self._passing = Passing()
        self._flat = FlatBars(self._cut, self._allowance_ns) if flat and isinstance(self._cut, TimeCut) else None
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._open = pl.DataFrame(schema=PARTIAL)
        self._known: set[int] = set()
        self._finished = self._late = self._outside = self._bars = 0

    def take(self, ticks: pl.DataFrame) -> pl.DataFrame:
        """
        Take a frame of ticks, schema `TICK`.

        Returns:
            The bars that are finished by it, schema `BAR`, by end and instrument; often none. Ticks of a fifth of a
            second may wait for the next call.
        """
        # Of ticks that tell of no trade, the last one is kept: it says how late it is.
        telling = ticks.filter(pl.col("kind").is_in([PRICE, SIZE, BY_TICK, RT_VOLUME]))
        self._held.append(telling if telling.height else ticks.tail(1))
        self._held_rows += self._held[-1].height
        first, last = self._held[0]["received_ns"][0], ticks["received_ns"][-1]
        if self._held_rows < HELD_ROWS_MAX and last - first < HELD_NS_MAX:
            return pl.DataFrame(schema=BAR)
        return self._work()

    def idle(self, now_ns: int) -> pl.DataFrame:
        """
        Time went by; `now_ns` is by the clock of `received_ns`.

        Returns:
            As `take`: what waited, and what is due now.
        """
        done = [self._work()] if self._held else []
        self._passing.reach(now_ns)
        return pl.concat([*done, self._due()]) if done else self._due()

    def close(self) -> pl.DataFrame:
        """The stream ends: what is due, and then the bars that are still open, `complete` false."""
        done = self._work() if self._held else pl.DataFrame(schema=BAR)
        rest = finished(self._open, complete=pl.lit(value=False), timed=self._cut.timed)
        self._count(rest)
        self._open = self._open.clear()
        return pl.concat([done, rest])

    @property
    def counts(self) -> BarCounts:
        """The account, of what was not kept back."""
        return BarCounts(
            trades=self.reader.counts.trades,
            finished=self._finished,
            open=int(self._open["count"].sum()),
            late=self._late,
            outside=self._outside,
            bars=self._bars,
        )

    def _work(self) -> pl.DataFrame:
        ticks = pl.concat(self._held) if len(self._held) > 1 else self._held[0]
        self._held, self._held_rows = [], 0
        trades = self._inside(self.reader.read(ticks))
        if trades.height:
            timed = self._passing.take(trades)
            late = pl.col("end_ns") + self._allowance_ns <= pl.col("through_ns")
            if self._cut.timed:
                rows = self._cut.assign(timed)
                kept = rows.filter(~late)
            else:
                # Only another session can have passed; the others are cut in the order in which they come.
                kept = self._cut.assign(self._in_session(timed))
            self._late += trades.height - kept.height
            self._open = added(self._open, of_trades(kept))
        if self.reader.seen_ns is not None:
            self._passing.reach(self.reader.seen_ns)
        return self._due()

    def _inside(self, trades: pl.DataFrame) -> pl.DataFrame:
        session = self._cut.session
        if session is None or not trades.height:
            return trades
        days = trades.with_columns(day=session.day(pl.col("time_ns")))
        bounds = session.table(days["day"].unique())
        inside = days.join(bounds, on="day", how="left", maintain_order="left").filter(
            pl.col("time_ns").is_between("session_ns", "session_end_ns", closed="left")
        )
        self._outside += trades.height - inside.height
        return inside.drop("day")

    def _in_session(self, trades: pl.DataFrame) -> pl.DataFrame:
        """Trades of sessions that are not over, by the trades before them."""
        if self._cut.session is None:
            return trades
        return trades.filter(pl.col("session_end_ns") + self._allowance_ns > pl.col("through_ns"))

    def _due(self) -> pl.DataFrame:
        through = self._passing.through
        held = self._open.join(through, on="instrument", how="left")
        over = pl.col("full") | (pl.col("end_ns") + self._allowance_ns <= pl.col("through_ns"))
        rows = held.filter(over)
        if not rows.height and self._flat is None:
            return pl.DataFrame(schema=BAR)
        self._open = held.filter(~over).select(*PARTIAL)
        # The first bar of an instrument may have begun before anyone listened.
        first = ~pl.col("instrument").is_in(list(self._known))
        first &= pl.col("bar") == pl.col("bar").min().over("instrument")
        self._known.update(rows["instrument"])
        bars = finished(rows.select(*PARTIAL), complete=~first, timed=self._cut.timed)
        if self._flat is not None:
            bars = self._flat.fill(bars, through=through, waiting=self._open)
        self._count(bars)
        return bars

    def _count(self, bars: pl.DataFrame) -> None:
        self._finished += int(bars["count"].sum())
        self._bars += bars.height


class BarConsumer:
    """
    A `Consumer` that hands finished bars on.

    Args:
        builder: builds them.
        deliver: gets each frame of bars, schema `BAR`, never empty; it must not wait.
    """

    def __init__(self, builder: BarBuilder, deliver: Callable[[pl.DataFrame], object]) -> None:
        self.builder = builder
        self._deliver = deliver

    def take(self, ticks: pl.DataFrame) -> None:
        """Take a batch."""
        self._hand_on(self.builder.take(ticks))

    def idle(self, now_ns: int) -> None:
        """Close what is due."""
        self._hand_on(self.builder.idle(now_ns))

    def close(self) -> None:
        """Hand on what is open."""
        self._hand_on(self.builder.close())

    def _hand_on(self, bars: pl.DataFrame) -> None:
        if bars.height:
            self._deliver(bars)
