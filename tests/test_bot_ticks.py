"""Live ticks in the running bot: a strategy gets bars, quotes and trades; SIGTERM drains; trouble stays where it is."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from bot_support import heard, run_bot, trading_workplace
from cli_process import finished
from feed_support import subscriptions, until
from market_support import FOUR
from tieout.sim import SimOptions, run_in_thread
from tieout.ticks.live.shown import read_ticks

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from cli_support import Workplace
    from tieout.sim import RunningSim

WATCHING = """
import os
from tieout.strategy import Strategy


def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())


class Watching(Strategy):
    def __init__(self):
        self.seen = set()

    def first(self, what, one, *words):
        if (what, one.instrument.name) not in self.seen:
            self.seen.add((what, one.instrument.name))
            tell("first", what, one.instrument.name, one.instrument.contract.con_id, *words)

    def on_gate(self, reasons):
        tell("gate", "; ".join(reasons) or "open")

    def on_tick(self, tick):
        self.first("trade", tick)

    def on_quote(self, quote):
        self.first("quote", quote)

    async def on_bar(self, bar):
        self.first("bar", bar, bar.low <= bar.open <= bar.high)

    def on_stop(self):
        tell("told to stop")
"""
BOTH = subscriptions(ES="quotes_and_trades", AAPL="bid_ask")


@pytest.fixture
def bots() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ended with the test, whatever became of it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def watching(root: Path, wanted: str = BOTH, **live: Any) -> Workplace:
    """A workspace whose bot watches ticks."""
    place = trading_workplace(root, WATCHING, "Watching")
    settings = {"enable_tick_subscriptions": True, "subscriptions": wanted, "candle_interval_seconds": 1, **live}
    place.set(**{f"LIVE_DATA__{key}": value for key, value in settings.items()})
    return place


def streaming(place: Workplace) -> AbstractContextManager[RunningSim]:
    return run_in_thread(SimOptions(scenario=FOUR))


def alerts(place: Workplace) -> set[str]:
    return {name for name, _ in place.alerts()}


def test_a_strategy_gets_bars_quotes_and_trades_and_sigterm_drains(
    tmp_path: Path, bots: list[subprocess.Popen[str]]
) -> None:
    place = watching(tmp_path / "w", record=True)
    with streaming(place) as sim:
        place.set(BROKER__port=sim.port)
        bot = run_bot(place, bots)
        heard(bot, "gate open")
        expected = {
            "first quote ESZ6 637533641", "first trade ESZ6 637533641", "first quote AAPL 265598",
            "first bar ESZ6 637533641 True",
        }  # fmt: skip
        while expected:
            expected.discard(heard(bot, "first "))
        assert sim.gateway.sessions.keys() == {11, 13}
        bot.send_signal(signal.SIGTERM)
        done = finished(bot)
        assert (done.code, done.err) == (0, ""), done
        assert done.out.splitlines()[-2:] == [
            "told to stop", "stopped; the book and the staged plan are as the last lines said"
        ]  # fmt: skip
    told = read_ticks(place.root / "status")
    assert told is not None
    assert (told["ended"], told["connection"]["state"], told["totals"]["waiting"]) == (True, "ended", 0)
    assert told["totals"]["dropped"] == 0
    files = sorted((place.root / "data" / "ticks").rglob("*.parquet"))
    assert sum(pl.scan_parquet(file).select(pl.len()).collect().item() for file in files) == told["totals"]["ticks"]
    assert alerts(place) == set()
    assert json.loads((place.root / "status" / "bot.json").read_text("utf-8"))["ended"] is not None


def test_trouble_with_ticks_neither_closes_the_gate_nor_ends_the_bot(
    tmp_path: Path, bots: list[subprocess.Popen[str]]
) -> None:
    place = watching(tmp_path / "w", "[{con_id: 1}]", client_id=14)
    with streaming(place) as sim:
        place.set(BROKER__port=sim.port)
        bot = run_bot(place, bots)
        heard(bot, "gate open")
        until(lambda: "live_data_refused" in alerts(place) and bool(read_ticks(place.root / "status")))
        sim.call(lambda gateway: gateway.sessions[14].cut())
        until(lambda: (read_ticks(place.root / "status") or {})["connection"]["reconnects"] == 1)
        assert place.run("--json", "status").told["bot"]["gate"] == {"open": True, "reasons": []}
        bot.send_signal(signal.SIGTERM)
        assert finished(bot).code == 0
    assert alerts(place) == {"live_data_refused"}
