"""Replay, property: whatever the recording and the speed, a strategy gets the same calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tick_file_support import NOON, batch, instruments
from tieout.bot import replaying
from tieout.bot.replaying import StrategyPlayer
from tieout.clock import NS_PER_S
from tieout.strategy import Bar, Quote, Strategy, Tick
from tieout.ticks.sources.merge import merged
from tieout.ticks.sources.playing import play
from tieout.ticks.sources.tape import cut

STEPS = [0, 1, 300_000_000, NS_PER_S, 7 * NS_PER_S, -NS_PER_S]
AHEAD = [0, -5_000_000, 3 * NS_PER_S, 20 * NS_PER_S]
"""By how much an exchange's clock may be ahead of ours."""


class Told(Strategy):
    timer_seconds = 5.0

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def on_tick(self, tick: Tick) -> None:
        self.calls.append(("tick", tick.instrument.number, tick.price, tick.received_ns))

    def on_quote(self, quote: Quote) -> None:
        self.calls.append(("quote", quote.instrument.number, quote.bid, quote.received_ns))

    def on_bar(self, bar: Bar) -> None:
        self.calls.append(("bar", bar.instrument.number, bar.start_ns, bar.count, bar.close))

    def on_timer(self, now_ns: int) -> None:
        self.calls.append(("timer", now_ns))


class Recorded:
    """A tape of these ticks."""

    def __init__(self, ticks: pl.DataFrame) -> None:
        self._ticks = ticks
        self.instruments = instruments()

    def batches(self) -> Iterator[pl.DataFrame]:
        return cut(merged([iter([self._ticks])]), rows=7, span_ns=NS_PER_S)


def calls_at(speed: float | None, ticks: pl.DataFrame) -> list[tuple[Any, ...]]:
    told, tape = Told(), Recorded(ticks)
    play(tape, {"s": StrategyPlayer(told, tape.instruments, bar_seconds=5)}, speed=speed)  # type: ignore[arg-type] # a tape has both
    return told.calls


@settings(max_examples=8, deadline=None)
@given(data=st.data(), held=st.sampled_from([3, 10, 8192]))
def test_the_same_calls_at_full_speed_and_tick_by_tick(data: st.DataObject, held: int) -> None:
    rows = data.draw(st.integers(1, 15))
    steps = data.draw(st.lists(st.sampled_from(STEPS), min_size=rows, max_size=rows))
    times = [NOON + sum(steps[: at + 1]) for at in range(rows)]
    ahead = data.draw(st.lists(st.sampled_from(AHEAD), min_size=rows, max_size=rows))
    kinds = data.draw(st.lists(st.sampled_from([1, 3]), min_size=rows, max_size=rows))
    ticks = batch(
        rows, received_ns=times, exchange_ns=[time + by for time, by in zip(times, ahead, strict=True)], field=kinds,
        extra_0=[None if kind == 1 else 10**9 for kind in kinds], extra_1=None, flags=7,
    ).with_columns(session=pl.lit(0, pl.UInt64))  # fmt: skip
    before, replaying.HELD_ROWS_MAX = replaying.HELD_ROWS_MAX, held  # type: ignore[misc] # small enough to be reached
    try:
        paced = calls_at(1e15, ticks)
        assert calls_at(None, ticks) == paced
    finally:
        replaying.HELD_ROWS_MAX = before  # type: ignore[misc] # as above
    seen = [max(times[: at + 1]) for at in range(rows)]
    assert [call[3] for call in paced if call[0] == "tick"] == [
        time for time, kind in zip(seen, kinds, strict=True) if kind == 1
    ]  # fmt: skip
