"""What is worth an alert: losses gathered, silence told once and its end as well, counts that add up."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tieout.clock import NS_PER_S
from tieout.ticks import TickRing
from tieout.ticks.layout import TICK
from tieout.ticks.live.judging import Losses, Silence
from tieout.ticks.live.tally import Tally

if TYPE_CHECKING:
    from tieout.ticks.ring import Policy

MINUTE_NS = 60 * NS_PER_S


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 40)), max_size=30),
    st.sampled_from(["drop_oldest", "drop_newest", "conflate"]),
)
def test_what_is_told_adds_up_to_what_was_lost(rounds: list[tuple[int, int, int]], policy: Policy) -> None:
    with TickRing(8, policy=policy, drop_count=2, instruments=4) as ring:
        losses, told, now_ns = Losses(MINUTE_NS), [], 0
        for count, instrument, seconds in rounds:
            for _ in range(count):
                ring.push(instrument, 1, 1, 100, flags=1 << 15)
            now_ns += seconds * NS_PER_S
            loss = losses.look(ring.stats(), now_ns)
            if loss is not None:
                told.append((now_ns, loss))
        last = losses.look(ring.stats(), now_ns, at_the_end=True)
        stats = ring.stats()
        moments = [at_ns for at_ns, _ in told]
        assert all(later - earlier >= MINUTE_NS for earlier, later in itertools.pairwise(moments))
        found = [loss for _, loss in told] + ([] if last is None else [last])
        assert sum(loss.dropped for loss in found) == stats.dropped
        assert sum(loss.conflated for loss in found) == stats.conflated
        by_instrument: Counter[int] = Counter()
        for loss in found:
            by_instrument.update(loss.by_instrument)
        assert dict(by_instrument) == dict(stats.lost)
        assert losses.look(stats, now_ns, at_the_end=True) is None


def test_silence_is_told_once_and_so_is_its_end() -> None:
    silence = Silence(60)
    last = {0: 5 * NS_PER_S, 1: 50 * NS_PER_S}

    def look(seconds: int, up_since: int | None = 0) -> tuple[list[int], list[int]]:
        return silence.look(last, seconds * NS_PER_S, up_since_ns=None if up_since is None else up_since * NS_PER_S)

    assert look(64) == ([], [])
    assert look(65) == ([0], [])
    assert look(66) == ([], [])
    last[0] = 70 * NS_PER_S
    assert look(71) == ([], [0])
    assert look(200, up_since=None) == ([], [])
    assert look(201, up_since=150) == ([], [])
    assert look(210, up_since=150) == ([0, 1], [])


def test_silence_that_nobody_asked_about_is_never_told() -> None:
    assert Silence(None).look({0: 0}, 10**18, up_since_ns=0) == ([], [])


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**9), st.none() | st.integers(0, 10**9)))))
def test_the_tally_counts_every_tick_and_keeps_the_last_and_the_least_lag(
    batches: list[list[tuple[int, int, int | None]]],
) -> None:
    tally = Tally(now=lambda: 2 * 10**9)
    for batch in batches:
        if batch:
            rows = [{"instrument": n, "received_ns": received, "exchange_ns": at} for n, received, at in batch]
            tally.take(pl.DataFrame(rows, schema={name: TICK[name] for name in rows[0]}))
    flat = [one for batch in batches for one in batch]
    reading = tally.read()
    for number, count in reading.counts.items():
        own = [one for one in flat if one[0] == number]
        lags = [received - at for _, received, at in own if at is not None]
        assert (count.ticks, count.last_ns) == (len(own), max(received for _, received, _ in own))
        assert count.lag_ns == (min(lags) if lags else None)
    assert reading.counts.keys() == {number for number, _, _ in flat}
    assert reading.drain_lag_ns == max((2 * 10**9 - batch[0][1] for batch in batches if batch), default=None)
    again = tally.read()
    assert [one.ticks for one in again.counts.values()] == [one.ticks for one in reading.counts.values()]
    assert again.drain_lag_ns is None
