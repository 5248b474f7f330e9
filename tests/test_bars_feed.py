"""Bars the whole way: from the simulated gateway's socket through the feed, against the plan of its markets."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from feed_support import desk_at
from market_support import ES, SPY, market, planned
from sim_support import NOON_NS
from test_sim_ticks import WAIT_S, scenario, stop, wait
from tieout.sim import run_in_thread
from tieout.ticks.bars.building import BarBuilder, BarConsumer
from tieout.ticks.live.asked import asked_for, trade_sources
from tieout.ticks.live.feed import Feed
from tieout.ticks.trades import TradeReader

EVENTS = 4000
SECONDS = 5


def test_bars_from_the_socket_are_those_of_the_plan(tmp_path: Path) -> None:
    got: list[pl.DataFrame] = []
    with run_in_thread(scenario(tmp_path, faults=f"{stop(ES, EVENTS)}, {stop(SPY, EVENTS)}")) as sim:
        wanted = f"[{{con_id: {ES}, ticks: quotes_and_trades}}, {{con_id: {SPY}, ticks: all_last}}]"
        desk = desk_at(tmp_path / "desk", sim.port, wanted, max_event_queue_size=100_000)
        sources = trade_sources(asked_for(desk.settings.live_data.subscriptions))
        builder = BarBuilder(SECONDS, trades=TradeReader(sources))
        feed = Feed(desk, lambda _: {"bars": BarConsumer(builder, got.append)})
        feed.start()
        plans = [[e for e in planned(market(sim, con_id), EVENTS) if e["trade"]] for con_id in (ES, SPY)]
        plans[1] = [event for event in plans[1] if not event["unreported"]]
        trades = sum(len(plan) for plan in plans)
        wait(lambda: builder.reader.counts.trades == trades)
        assert feed.stop(WAIT_S)
        assert feed.stats().dropped == 0
    expected = pl.concat(
        [
            pl.DataFrame(plan)
            .with_columns(at=(pl.col("at_ns") + NOON_NS).cast(pl.Datetime("ns")))
            .group_by_dynamic("at", every=f"{SECONDS}s")
            .agg(
                open=pl.col("price").first(), high=pl.col("price").max(), low=pl.col("price").min(),
                close=pl.col("price").last(), volume=pl.col("size").sum(), count=pl.len().cast(pl.UInt32),
            )
            .with_columns(instrument=pl.lit(number, dtype=pl.UInt32), start_ns=pl.col("at").dt.timestamp("ns"))
            for number, plan in enumerate(plans)
        ]
    )  # fmt: skip
    columns = ["instrument", "start_ns", "open", "high", "low", "close", "volume", "count"]
    assert pl.concat(got).sort("instrument", "start_ns").select(columns).equals(expected.select(columns))
    assert (builder.counts.late, builder.counts.open, expected.height > 3) == (0, 0, True)
