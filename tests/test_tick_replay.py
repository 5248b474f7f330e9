"""Replay: the same calls at any speed, no tick lost, a strategy as it is live but for its orders."""

from __future__ import annotations

import signal
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli_process import finished, start
from tick_file_support import NOON, batch, tieout_ticks, write_recording
from tieout.bot.replaying import REPLAY, StrategyPlayer
from tieout.clock import NS_PER_S
from tieout.errors import InputUnusable, TieoutError
from tieout.strategy import Bar, ContractSpec, Gate, OrderSpec, Quote, Strategy, Tick
from tieout.ticks import TickRing, replay
from tieout.ticks.layout import TICK

MINUTES = batch(300, step_ns=NS_PER_S)
"""Five minutes of one trade a second, of three instruments in turn."""
QUOTES = batch(30, first=300, field=3, kind=99, at_ns=NOON + 1, extra_0=[7 * 10**9] * 30, flags=0x8303)


class Seen(Strategy):
    """Writes down every call, and orders once."""

    timer_seconds = 60.0

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.outcomes: list[Any] = []

    def on_start(self, gate: Gate) -> None:
        self.gate = gate
        self.calls.append(("start",))

    def on_gate(self, reasons: Any) -> None:
        self.calls.append(("gate", *reasons))

    def on_timer(self, now_ns: int) -> None:
        self.calls.append(("timer", (now_ns - NOON) // NS_PER_S))

    def on_tick(self, tick: Tick) -> None:
        if not self.outcomes:
            spy, one = ContractSpec(con_id=1), OrderSpec(side="BUY", quantity=Decimal(1), order_type="MKT")
            self.outcomes.append(self.gate.submit(spy, one, intent_id="first"))
            self.outcomes += self.gate.submit_bracket(spy, one, intent_id="b", stop_loss=one).legs
            self.outcomes += [self.gate.modify("first", one), self.gate.cancel("first")]
            assert (self.gate.outcome("first"), self.gate.why_closed()) == (None, [REPLAY])
        self.calls.append(("tick", tick.instrument.name, tick.price, tick.received_ns - NOON))

    def on_quote(self, quote: Quote) -> None:
        self.calls.append(("quote", quote.instrument.name, quote.bid, quote.ask))

    def on_bar(self, bar: Bar) -> None:
        self.calls.append(("bar", bar.instrument.name, (bar.start_ns - NOON) // NS_PER_S, bar.count))

    def on_stop(self) -> None:
        self.calls.append(("stop",))


class Waiting(Seen):
    """The same with a coroutine among its methods."""

    async def on_tick(self, tick: Tick) -> None:  # type: ignore[override] # a strategy may do so
        Seen.on_tick(self, tick)


def calls_of(root: Path, strategy: Seen, **options: Any) -> list[tuple[Any, ...]]:
    replay(root, consumers=lambda table: {"s": StrategyPlayer(strategy, table, bar_seconds=60)}, **options)
    return strategy.calls


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("replay") / "ticks"
    write_recording(root, pl.concat([MINUTES, QUOTES]).sort("received_ns"))
    return root


def test_a_strategy_gets_the_same_calls_at_any_speed_and_as_coroutines(recording: Path) -> None:
    calls = calls_of(recording, Seen())
    assert calls[:3] == [("start",), ("gate", REPLAY), ("tick", "ES", Decimal(100), 0)]
    assert [call for call in calls if call[0] == "timer"] == [("timer", 60 * at) for at in range(1, 5)]
    ticks = [call for call in calls if call[0] == "tick"]
    assert [call[3] for call in ticks] == [at * NS_PER_S for at in range(300)]
    assert next(call for call in calls if call[0] == "quote") == ("quote", "ES", Decimal("100.000003"), Decimal(70))
    bars = [call for call in calls if call[0] == "bar"]
    assert sorted(bars) == sorted(
        ("bar", name, 60 * minute, 20) for name in ("ES", "EUR/USD", "SPY   260320C00500000") for minute in range(5)
    )
    at = calls.index(("bar", "ES", 0, 20))
    before = [call for call in calls[:at] if call[0] == "tick"]
    assert before[-1][3] == 60 * NS_PER_S, "a bar comes when the second behind its end is over, not later"
    assert calls[-1] == ("stop",)
    assert calls_of(recording, Seen(), speed=1000) == calls
    assert calls_of(recording, Waiting()) == calls


def test_no_order_leaves_a_replay(recording: Path) -> None:
    strategy, players = Seen(), list[StrategyPlayer]()

    def consumers(table: Any) -> dict[str, StrategyPlayer]:
        players.append(StrategyPlayer(strategy, table, bar_seconds=60))
        return {"s": players[0]}

    replay(recording, consumers=consumers)
    assert [(one.state, one.reason) for one in strategy.outcomes] == [("BLOCKED", REPLAY)] * 5
    assert players[0].gate.refused == 4


def test_recorded_speed_takes_the_recorded_time(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(60, step_ns=20_000_000))
    at: list[tuple[int, float]] = []

    class Clocked(Strategy):
        def on_tick(self, tick: Tick) -> None:
            at.append((tick.received_ns, time.monotonic()))

    for speed in (1, 4):
        at.clear()
        begun = time.monotonic()
        replay(
            tmp_path / "ticks", speed=speed,
            consumers=lambda table: {"s": StrategyPlayer(Clocked(), table, bar_seconds=60)},
        )  # fmt: skip
        early = [(seen - begun) * speed - (ns - NOON) / NS_PER_S for ns, seen in at]
        assert (len(early), min(early) >= 0) == (60, True), "no tick comes before its time"


def test_a_failing_strategy_ends_the_replay_and_the_others_are_closed(recording: Path) -> None:
    class Failing(Seen):
        def on_bar(self, bar: Bar) -> None:
            raise SystemExit("enough")

    class Other:
        closed = 0

        def take(self, ticks: pl.DataFrame) -> None: ...

        def idle(self, now_ns: int) -> None: ...

        def close(self) -> None:
            self.closed += 1

    strategy, other = Failing(), Other()
    with pytest.raises(TieoutError, match="the strategy failed in on_bar: SystemExit: enough"):
        replay(
            recording,
            consumers=lambda table: {"s": StrategyPlayer(strategy, table, bar_seconds=60), "other": other},
        )
    assert (other.closed, strategy.calls[-1][0]) == (1, "tick")


def test_a_full_ring_is_waited_for_and_loses_nothing(recording: Path) -> None:
    with TickRing(64) as ring:
        frames: list[pl.DataFrame] = []
        done = threading.Event()

        def drain() -> None:
            while not done.is_set() or ring.stats().waiting:
                frames.append(pl.DataFrame(ring.drain(17)))

        thread = threading.Thread(target=drain)
        thread.start()
        found = replay(recording, ring=ring)
        done.set()
        thread.join()
        stats = ring.stats()
    assert (found.ticks, stats.produced, stats.consumed, stats.dropped) == (330, 330, 330, 0)
    expected = pl.concat([MINUTES, QUOTES]).sort("received_ns", "sequence")
    assert pl.concat(frames).select(list(TICK)).equals(expected.with_columns(pl.concat(frames)["flags"]))


def test_time_jumps_over_long_silence_and_timers_are_not_made_up_for(tmp_path: Path) -> None:
    day = 86_400 * NS_PER_S
    times = [start + at for start in (NOON, NOON + day) for at in range(3)]
    write_recording(tmp_path / "ticks", batch(6, received_ns=times))
    calls = calls_of(tmp_path / "ticks", Seen())
    timers = [call[1] for call in calls if call[0] == "timer"]
    assert timers == [60 * at for at in range(1, 61)] + [86_400]
    assert next(call for call in calls if call[0] == "bar")[3] == 1


def test_a_part_that_breaks_in_the_middle_is_named(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30_000))
    part = next((root / "date=2026-03-02/instrument=ES").iterdir())
    data = bytearray(part.read_bytes())
    data[2_000:4_000] = bytes(2_000)
    part.write_bytes(data)
    with pytest.raises(InputUnusable, match="does not hold what was written into it") as told:
        replay(root)
    assert str(part) in told.value.message


STRATEGY = """
from tieout.strategy import Strategy

class Mine(Strategy):
    def on_tick(self, tick):
        pass

class Broken(Strategy):
    def on_tick(self, tick):
        raise ValueError("mine")
"""


def test_the_command_replays_into_a_strategy_and_a_file_of_bars(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "replayed_strategy.py").write_text(STRATEGY)
    for name in ("bars.parquet", "bars.csv"):
        done = tieout_ticks("replay", recording, "--strategy", "replayed_strategy:Mine", "--bars-out", name, "--json")
        assert done.code == 0, done.err
        assert (done.told["ticks"], done.told["bars"], done.told["calls"]["on_tick"]) == (330, 15, 300)
    bars = pl.read_parquet("bars.parquet")
    assert bars.row(0)[:4] == ("ES", *bars.select("start", "end").row(0), Decimal(100))
    assert bars["open"].dtype == pl.Decimal(38, 8)
    assert pl.read_csv("bars.csv").height == 15
    done = tieout_ticks("replay", recording, "--strategy", "replayed_strategy:Broken")
    assert (done.code, "the strategy failed in on_tick: ValueError: mine" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (["--speed", "0"], 2, "--speed 0: expected a number above 0"),
        (["--from", "noon"], 2, "--from noon"),
        (["--instrument", "QQQ"], 2, "QQQ is none of the instruments"),
        (["--bars-out", "bars.xlsx"], 2, "expected a name in .parquet or .csv"),
        (["--bars-out", "no/such/bars.csv"], 2, "there is no folder"),
        (["--strategy", "nosuch_module:Mine"], 2, "importing nosuch_module failed"),
    ],
)
def test_a_wrong_option_is_told(recording: Path, options: list[str], code: int, expected: str) -> None:
    done = tieout_ticks("replay", recording, *options)
    assert (done.code, expected in done.err) == (code, True), done.err


def test_ctrl_c_ends_a_replay_at_recorded_speed(recording: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tieout", "ticks", "replay", str(recording), "--speed", "1", "--verbose"]
    process = start([sys.executable, "-u", *command[1:]], tmp_path)
    watched = threading.Timer(4.0, process.send_signal, [signal.SIGINT])
    watched.start()
    done = finished(process)
    assert (done.code, "interrupted" in done.err) == (130, True), done
