"""
The market on its way to a strategy: batches of the drain in, calls of `on_tick`, `on_quote` and `on_bar` out.

1. The drain's thread only leaves a frame in the strategy's mailbox; objects are made in the strategy's thread.
2. While the strategy keeps up it gets every trade and every change of a quote, in the order in which they came. Where
   thousands of ticks wait, it gets of a piece of them the last quote of each instrument, and every trade.
"""

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.bot.backlog import QUOTE_FIELDS, of_kinds
from tieout.bot.mailbox import Call
from tieout.strategy import Strategy
from tieout.ticks.bars.bar import bars_of
from tieout.ticks.layout import BY_TICK, BY_TICK_ALL_LAST, BY_TICK_LAST, LAST, LAST_SIZE, PRICE, RT_VOLUME, SIZE
from tieout.ticks.live.asked import trade_sources
from tieout.ticks.market import Tick, decimal_of
from tieout.ticks.quotes import QuoteReader
from tieout.ticks.trades import TradeReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tieout.bot.mailbox import Mailbox, Piece
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.live.asked import Asked
    from tieout.ticks.market import Quote

_DELAYED_LAST, _DELAYED_LAST_SIZE = 68, 71
TRADE_FIELDS: Final = {
    PRICE: (LAST, _DELAYED_LAST), SIZE: (LAST_SIZE, _DELAYED_LAST_SIZE), BY_TICK: (BY_TICK_LAST, BY_TICK_ALL_LAST),
    RT_VOLUME: (48, 77),
}  # fmt: skip
"""The ticks that may tell of a trade."""


class Market:
    """
    A `Consumer` for one strategy; `calls` is for the strategy's thread alone.

    Args:
        strategy: only what it has a method for is made.
        box: its mailbox.
    """

    def __init__(self, strategy: Strategy, box: Mailbox, instruments: Instruments, asked: Sequence[Asked]) -> None:
        self._strategy = strategy
        self._box = box
        self._instruments = instruments
        self.wants_bars = _has(strategy, "on_bar")
        """Whether it has a method for bars."""
        self._wants_trades, self._wants_quotes = _has(strategy, "on_tick"), _has(strategy, "on_quote")
        wanted = [TRADE_FIELDS] * self._wants_trades + [QUOTE_FIELDS] * self._wants_quotes
        kinds = {kind: [field for one in wanted for field in one.get(kind, ())] for one in wanted for kind in one}
        self._wanted = of_kinds(kinds) if wanted else None
        self._trades = TradeReader(trade_sources(asked))
        self._quotes = QuoteReader(instruments)
        self._read = 0

    def take(self, ticks: pl.DataFrame) -> None:
        """Leave a batch for the strategy; never waits."""
        if self._wanted is not None:
            self._box.post_market("ticks", self.wanted(ticks))

    def wanted(self, ticks: pl.DataFrame) -> pl.DataFrame:
        """The ticks that the strategy has a method for."""
        return ticks.clear() if self._wanted is None else ticks.filter(self._wanted)

    def take_bars(self, bars: pl.DataFrame) -> None:
        """Leave bars for the strategy, behind the ticks that are in them."""
        self._box.post_market("bars", bars)

    def idle(self, now_ns: int) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do: what waits is the strategy's."""

    def counts(self) -> Mapping[str, int]:
        """What the strategy's mailbox holds and lost."""
        return self._box.counts()

    def calls(self, piece: Piece) -> Iterator[Call]:
        """The calls that a piece out of the mailbox stands for, in the order in which things happened."""
        if piece.what == "bars":
            for bar in bars_of(piece.frame, self._instruments):
                yield Call("on_bar", partial(self._strategy.on_bar, bar))
            return
        trades = self._trade_calls(piece.frame) if self._wants_trades else ()
        quotes = self._quote_calls(piece.frame, behind=piece.behind) if self._wants_quotes else ()
        for _, call in heapq.merge(trades, quotes, key=lambda one: one[0]):
            yield call

    def _trade_calls(self, ticks: pl.DataFrame) -> Iterator[tuple[int, Call]]:
        before, self._read = self._read, self._read + ticks.height
        found = self._trades.read(ticks).select("number", "instrument", "price", "size", "time_ns", "seen_ns")
        for number, instrument, price, size, time_ns, seen_ns in found.iter_rows():
            if instrument < len(self._instruments):
                trade = Tick(self._instruments[instrument], decimal_of(price), decimal_of(size), time_ns, seen_ns)
                yield number - before, Call("on_tick", partial(self._strategy.on_tick, trade))

    def _quote_calls(self, ticks: pl.DataFrame, *, behind: bool) -> Iterable[tuple[int, Call]]:
        found = self._quotes.read(ticks)
        if behind:
            last: dict[int, tuple[int, Quote]] = {}
            for at, quote in found:
                last.pop(quote.instrument.number, None)
                last[quote.instrument.number] = at, quote
            found = iter(last.values())
        for at, quote in found:
            yield at, Call("on_quote", partial(self._strategy.on_quote, quote))


def _has(strategy: Strategy, method: str) -> bool:
    return getattr(type(strategy), method) is not getattr(Strategy, method)
