"""Flat bars: intervals without a trade, at the last price, up to the end of the session of the last trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout.clock import NS_PER_S
from tieout.ticks.bars.bar import BAR

if TYPE_CHECKING:
    from tieout.ticks.bars.cuts import TimeCut

_DAY_NS: Final = 86_400 * NS_PER_S


@dataclass(slots=True)
class _Ended:
    """Where an instrument's bars have come to: the end of the last one, the price, and the end of its session."""

    end_ns: int
    close: int
    until_ns: int


class FlatBars:
    """Fills the gaps between an instrument's finished bars, and behind the last one as time goes by."""

    def __init__(self, cut: TimeCut, allowance_ns: int) -> None:
        self._cut = cut
        self._allowance_ns = allowance_ns
        self._ended: dict[int, _Ended] = {}

    def fill(self, bars: pl.DataFrame, *, through: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
        """
        Finished bars with the flat ones before, between and behind them.

        Args:
            bars: schema `BAR`.
            through: how far time has gone, `instrument` and `through_ns`.
            waiting: open bars; flat ones end where the first of them begins.
        """
        rows: list[dict[str, Any]] = []
        for bar in bars.iter_rows(named=True):
            ended = self._ended.get(bar["instrument"])
            if ended is not None:
                rows += self._between(bar["instrument"], ended, bar["start_ns"])
            until_ns = self._session_end(bar)
            self._ended[bar["instrument"]] = _Ended(bar["end_ns"], bar["close"], until_ns)
        open_from = dict(waiting.group_by("instrument").agg(pl.col("start_ns").min()).iter_rows())
        for instrument, through_ns in through.iter_rows():
            ended = self._ended.get(instrument)
            if ended is not None:
                over_ns = min(through_ns - self._allowance_ns, open_from.get(instrument, through_ns))
                rows += self._between(instrument, ended, over_ns)
        if not rows:
            return bars
        return pl.concat([bars, pl.DataFrame(rows, schema=BAR)]).sort("end_ns", "instrument")

    def _between(self, instrument: int, ended: _Ended, to_ns: int) -> list[dict[str, Any]]:
        """The flat bars that end by then."""
        rows = []
        while ended.end_ns < ended.until_ns:
            end_ns = min(ended.end_ns + self._cut.interval_ns, ended.until_ns)
            if end_ns > to_ns:
                break
            prices = dict.fromkeys(("open", "high", "low", "close"), ended.close)
            rows.append(
                {"instrument": instrument, "start_ns": ended.end_ns, "end_ns": end_ns, **prices, "volume": 0,
                 "vwap": None, "count": 0, "first_ns": None, "last_ns": None, "complete": True}
            )  # fmt: skip
            ended.end_ns = end_ns
        return rows

    def _session_end(self, bar: dict[str, Any]) -> int:
        session = self._cut.session
        if session is None:
            return int(bar["last_ns"] // _DAY_NS + 1) * _DAY_NS
        day = pl.select(session.day(pl.lit(bar["last_ns"], dtype=pl.Int64))).item()
        return session.bounds(day)[1]
