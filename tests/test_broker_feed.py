"""The feed through real sockets: the real client library at the simulated gateway, both lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from feed_support import Keeping, desk_at, fed, subscriptions, until
from market_support import AAPL, ES, FOUR, NQ, SPY, START
from position_support import scenario
from sim_support import noon
from tieout.sim import SimOptions, run_in_thread
from tieout.ticks.bars.building import BarBuilder, BarConsumer
from tieout.ticks.live.asked import asked_for, trade_sources
from tieout.ticks.quotes import QuoteReader
from tieout.ticks.trades import TradeReader

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments

E8 = 10**8


@pytest.mark.parametrize("fast_lane", [True, False])
def test_ticks_come_with_what_the_gateway_says_of_the_instrument(tmp_path: Path, *, fast_lane: bool) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(scenario("{bid: 6170, ask: 6170.25, last: 6170.5}"), encoding="utf-8")
    kept = Keeping()
    with run_in_thread(SimOptions(scenario=path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, subscriptions(ES="quotes"), fast_lane=fast_lane)
        with fed(desk, kept) as feed:
            ticks = kept.wait_for(lambda found: found.height >= 4)
            assert feed.standing.lane == ("fast" if fast_lane else "slow")
    assert ticks.select("instrument", "kind", "field", "price").rows()[:3] == [
        (0, 1, 1, 6170 * E8), (0, 1, 2, 6170 * E8 + E8 // 4), (0, 1, 4, 6170 * E8 + E8 // 2)
    ]  # fmt: skip
    assert ticks["exchange_ns"].drop_nulls().len() == 1
    assert kept.instruments is not None
    contract = kept.instruments[0].contract
    assert (contract.con_id, contract.symbol, contract.sec_type, contract.currency) == (ES, "ES", "FUT", "USD")


@pytest.mark.parametrize("fast_lane", [True, False])
def test_delayed_ticks_come_where_they_are_asked_for(tmp_path: Path, *, fast_lane: bool) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(scenario("{bid: 6170, ask: 6170.25, last: 6170.5, kind: delayed}"), encoding="utf-8")
    kept, asked = Keeping(), list[list[str]]()
    with run_in_thread(SimOptions(scenario=path)) as sim:

        def listen(gateway: Any) -> None:
            handle = gateway.handle
            gateway.handle = lambda session, fields: (asked.append(fields), handle(session, fields))

        sim.call(listen)
        wanted = subscriptions(ES="quotes")
        desk = desk_at(tmp_path / "work", sim.port, wanted, fast_lane=fast_lane, market_data_type="delayed")
        with fed(desk, kept) as feed:
            ticks = kept.wait_for(lambda found: found.height >= 4)
            until(lambda: bool(feed.standing.notes))
            assert feed.standing.notes[0].startswith("IB error 10167: ")
    assert [fields[:3] for fields in asked if fields[0] == "59"] == [["59", "1", "3"]]
    assert set(ticks["field"]) == {66, 67, 68, 88}
    instruments = kept.instruments
    assert instruments is not None
    assert [quote.delayed for _, quote in QuoteReader(instruments).read(ticks)] == [True, True]


STREAMS = {ES: "quotes_and_trades", NQ: "midpoint", SPY: "bid_ask", AAPL: "all_last"}
EVENTS = 1500


def all_of(root: Path, *, fast_lane: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What four instruments tell until they fall silent, as ticks and as bars."""
    root.mkdir()
    silent = ", ".join(f"{{do: silence, contract: {name}, after: {EVENTS}}}" for name in ("ES", "NQ", "SPY", "AAPL"))
    more = f"  speed: full\n  starts_at: {START}\n  faults: [{silent}]\n"
    path = root / "ticks.yml"
    path.write_text(FOUR.read_text("utf-8").replace("  seed: 7\n", f"  seed: 7\n{more}"), encoding="utf-8")
    wanted = "[" + ", ".join(f"{{con_id: {con_id}, ticks: {ticks}}}" for con_id, ticks in STREAMS.items()) + "]"
    kept, bars = Keeping(), list[pl.DataFrame]()
    with run_in_thread(SimOptions(scenario=path, now_ns=noon)) as sim:
        desk = desk_at(root / "work", sim.port, wanted, fast_lane=fast_lane, max_event_queue_size=100_000)

        def consumers(instruments: Instruments) -> dict[str, Consumer]:
            reader = TradeReader(trade_sources(asked_for(desk.settings.live_data.subscriptions)))
            return {**kept.made_for(instruments), "bars": BarConsumer(BarBuilder(1, trades=reader), bars.append)}

        with fed(desk, kept, consumers=consumers) as feed:
            until(lambda: all(market.silent for market in sim.gateway.feed.plan.markets.values()))
            sim.call(lambda gateway: [one.plain_error(2106, "all was sent") for one in gateway.sessions.values()])
            until(lambda: "all was sent" in (desk.workspace.log_dir / "reconcile.log").read_text("utf-8"))
            assert feed.standing.lane == ("fast" if fast_lane else "slow")
    assert feed.stats().dropped == 0
    return kept.ticks, pl.concat(bars)


def test_both_lanes_give_the_same_ticks_and_the_same_bars(tmp_path: Path) -> None:
    ticks, bars = all_of(tmp_path / "fast", fast_lane=True)
    slow_ticks, slow_bars = all_of(tmp_path / "slow", fast_lane=False)
    told = [
        "instrument",
        "kind",
        "field",
        "price",
        "size",
        "exchange_ns",
        "extra_0",
        "extra_1",
        pl.col("flags") & 0x8FFF,
    ]
    for number in range(len(STREAMS)):
        own, other = (one.filter(pl.col("instrument") == number).select(told) for one in (ticks, slow_ticks))
        assert own.height > EVENTS / 10
        assert own.equals(other)
    assert set(bars["instrument"]) == {0, 3}
    assert bars.sort("instrument", "start_ns").equals(slow_bars.sort("instrument", "start_ns"))
