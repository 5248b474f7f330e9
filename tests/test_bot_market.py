"""A strategy and the market: what it gets and in which order, coroutines, and a slow one that holds up nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from gate_support import BUY, at_sim
from tick_wire import frame
from tieout.bot.backlog import Backlog
from tieout.bot.mailbox import Mailbox
from tieout.bot.market import Market
from tieout.bot.strategist import Failure, Strategist
from tieout.bot.strategy_gate import StrategyGate
from tieout.broker import ContractSpec
from tieout.config import Subscription
from tieout.examples.breakout import Breakout
from tieout.strategy import Bar, Gate, Quote, Strategy, Tick
from tieout.ticks import TickDecoder
from tieout.ticks.bars.bar import BAR, bars_of
from tieout.ticks.instruments import Instrument, Instruments
from tieout.ticks.live.asked import asked_for, instruments_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WAIT_S = 20.0
ASKED = asked_for([
    Subscription(symbol="ES", sec_type="FUT", ticks="quotes_and_trades"),
    Subscription(symbol="AAPL", sec_type="STK", ticks="all_last"),
])  # fmt: skip
INSTRUMENTS = instruments_of(ASKED, {})
ES_ALONE = Instruments([Instrument(0, ContractSpec(con_id=637533641))])
GATE: Any = None
"""For strategies that never touch it."""


def bid(number: int, price: str) -> bytes:
    return frame(1, 6, number, 1, price, "1", 0)


def trade(number: int, price: str) -> bytes:
    if number == 0:
        return frame(46, 6, 0, 77, f"{price};2;1700000000000;10;5.0;true")
    return frame(99, number, 2, 1_700_000_000, price, "2", 0, "ARCA", "")


def ticks_of(*data: bytes) -> pl.DataFrame:
    return pl.DataFrame(TickDecoder(178).feed(b"".join(data), received_ns=1_700_000_000_123_456_789))


def bars_of_one(number: int) -> pl.DataFrame:
    row = {name: 1 if kind.is_integer() else True for name, kind in BAR.items()} | {"instrument": number}
    return pl.DataFrame([row], schema=BAR)


class Telling(Strategy):
    """Notes what it is told; its first call waits until it is let go."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.go, self.began, self.done = threading.Event(), threading.Event(), threading.Event()

    def on_start(self, gate: Gate) -> None:
        self.began.set()
        assert self.go.wait(WAIT_S)

    def on_gate(self, reasons: Sequence[str]) -> None:
        self.note(f"gate {'; '.join(reasons)}")

    def on_quote(self, quote: Quote) -> None:
        self.note(f"{quote.instrument.name} bid {quote.bid}")

    def on_tick(self, tick: Tick) -> None:
        self.note(f"{tick.instrument.name} trade {tick.price}")

    def on_bar(self, bar: Bar) -> None:
        self.note(f"{bar.instrument.name} bar")

    def on_stop(self) -> None:
        self.note("stop")

    def note(self, what: str) -> None:
        self.told.append(what)
        if what.startswith("gate last"):
            self.done.set()


class Coroutines(Telling):
    """The same in coroutines, with a task beside them."""

    async def on_start(self, gate: Gate) -> None:
        self.gate = gate
        self.beats = 0
        self.task = asyncio.create_task(self.beat())
        self.began.set()
        await asyncio.to_thread(self.go.wait, WAIT_S)

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(0.001)
            self.beats += 1

    async def on_tick(self, tick: Tick) -> None:
        await asyncio.sleep(0)
        self.note(f"{tick.instrument.name} trade {tick.price}")

    async def on_stop(self) -> None:
        self.note("stop")


@pytest.fixture(params=[Telling, Coroutines])
def running(request: pytest.FixtureRequest) -> Iterator[tuple[Telling, Strategist, Market]]:
    """A strategy that waits in `on_start`, and its market."""
    strategy, failures = request.param(), list[Failure]()
    strategist = Strategist(strategy, failed=failures.append)
    strategist.box = Mailbox(Backlog(piece_max=5))
    market = Market(strategy, strategist.box, INSTRUMENTS, ASKED)
    strategist.listen(market)
    strategist.start(GATE)
    assert strategy.began.wait(WAIT_S)
    yield strategy, strategist, market
    strategy.go.set()
    assert strategist.stop(WAIT_S)
    assert failures == []
    assert strategy.told[-1] == "stop"


def let_go(strategy: Telling, strategist: Strategist, calls: int) -> list[str]:
    """What it was told once it went on, and was told so much."""
    strategy.go.set()
    deadline = threading.Event()
    while len(strategy.told) < calls:
        assert not deadline.wait(0.001)
    strategist.gate_changed(["last"])
    assert strategy.done.wait(WAIT_S)
    return strategy.told[:-1]


def test_trades_quotes_and_bars_come_in_their_order_behind_what_else_is_told(
    running: tuple[Telling, Strategist, Market],
) -> None:
    strategy, strategist, market = running
    market.take(ticks_of(bid(0, "1"), trade(0, "2"), bid(0, "1"), bid(1, "3"), trade(1, "4"), frame(45, 6, 0, 49, "0")))
    market.take_bars(bars_of_one(1))
    strategist.gate_changed(["first"])
    assert let_go(strategy, strategist, 6) == [
        "gate first", "ES bid 1", "ES trade 2", "AAPL bid 3", "AAPL trade 4", "AAPL bar"
    ]  # fmt: skip


def test_a_strategy_that_is_behind_gets_every_trade_and_the_last_quote_of_a_piece(
    running: tuple[Telling, Strategist, Market],
) -> None:
    strategy, strategist, market = running
    market.take(ticks_of(bid(0, "1"), trade(0, "2"), bid(1, "5"), bid(0, "3"), trade(0, "4")))
    market.take(ticks_of(*[bid(0, str(price)) for price in range(6, 12)]))
    assert let_go(strategy, strategist, 10) == [
        "ES trade 2", "AAPL bid 5", "ES bid 3", "ES trade 4", *[f"ES bid {price}" for price in range(6, 12)]
    ]  # fmt: skip
    assert market.counts() == {"taken": 11, "waiting": 0, "lost": 0, "conflated": 0, "bars_lost": 0}


def test_what_is_told_of_orders_and_gate_overtakes_the_market(running: tuple[Telling, Strategist, Market]) -> None:
    strategy, strategist, market = running
    strategy.note = lambda what: (
        strategy.told.append(what),
        strategist.gate_changed([what]) if what == "ES bid 1" else None,
    )[0]  # type: ignore[method-assign,func-returns-value]
    market.take(ticks_of(bid(0, "1"), bid(0, "2")))
    strategy.go.set()
    while len(strategy.told) < 3:
        assert not threading.Event().wait(0.001)
    assert strategy.told[:3] == ["ES bid 1", "gate ES bid 1", "ES bid 2"]


def test_a_slow_strategy_holds_up_nobody_and_its_losses_are_counted_by_instrument(
    running: tuple[Telling, Strategist, Market],
) -> None:
    strategy, _, market = running
    batch = ticks_of(*[trade(1, "2") for _ in range(1000)], bid(0, "1"))
    for _ in range(120):
        market.take(batch)
    counts = market.counts()
    assert counts["taken"] == 120 * 1001
    assert counts["taken"] == counts["waiting"] + counts["lost"] + counts["conflated"]
    assert strategy.told == []


def test_a_strategy_without_such_methods_costs_nothing() -> None:
    strategist = Strategist(Strategy(), failed=lambda failure: None)
    market = Market(strategist.strategy, strategist.box, INSTRUMENTS, ASKED)
    market.take(ticks_of(bid(0, "1")))
    assert (market.wants_bars, market.counts()["taken"]) == (False, 0)


def test_tasks_of_a_coroutine_go_on_between_calls_and_the_gate_answers_inside_one(tmp_path: Path) -> None:
    class Ordering(Coroutines):
        async def on_gate(self, reasons: Sequence[str]) -> None:
            self.outcome = self.gate.submit(ContractSpec(con_id=637533641), BUY, intent_id="from a coroutine")
            before = self.beats
            await asyncio.sleep(0.05)
            assert self.beats > before
            self.done.set()

    strategy, failures = Ordering(), list[Failure]()
    strategist = Strategist(strategy, failed=failures.append)
    with at_sim(tmp_path / "w") as (place, _sim):
        place.set_ready()
        strategist.start(StrategyGate(place.gate, "ordering"))
        strategy.go.set()
        beats = strategy.began.wait(WAIT_S) and strategy.beats
        while strategy.beats <= beats:
            assert not threading.Event().wait(0.001)
        strategist.gate_changed([])
        assert strategy.done.wait(WAIT_S)
        assert strategist.stop(WAIT_S)
        assert failures == []
        assert (strategy.outcome.intent_id, strategy.outcome.state) == ("from a coroutine", "ACKED")


def test_a_coroutine_that_raises_is_the_strategys_last_call() -> None:
    class Broken(Coroutines):
        async def on_tick(self, tick: Tick) -> None:
            await asyncio.sleep(0)
            raise ValueError("no such price")

    strategy, failures = Broken(), list[Failure]()
    failed = threading.Event()
    strategist = Strategist(strategy, failed=lambda failure: (failures.append(failure), failed.set()))  # type: ignore[func-returns-value]
    market = Market(strategy, strategist.box, INSTRUMENTS, ASKED)
    strategist.listen(market)
    strategist.start(GATE)
    market.take(ticks_of(trade(0, "1"), trade(0, "2")))
    strategy.go.set()
    assert failed.wait(WAIT_S)
    assert strategist.stop(WAIT_S)
    assert [(one.method, one.what) for one in failures] == [("on_tick", "ValueError: no such price")]
    assert strategy.told == ["stop"]


def test_the_breakout_buys_a_close_above_the_bars_before_it_once(tmp_path: Path) -> None:
    class Short(Breakout):
        bars = 3

    def bars(*closes: int) -> Iterator[Bar]:
        for at, close in enumerate(closes):
            numbers = {"open": close, "high": close, "low": close, "close": close, "volume": 1}
            row = {"start_ns": at, "end_ns": at + 1, "vwap": None, "count": 1, "first_ns": at, "last_ns": at}
            frame = pl.DataFrame([{"instrument": 0, "complete": at != 0, **row, **numbers}], schema=BAR)
            yield from bars_of(frame.with_columns(pl.col("open", "high", "low", "close") * 10**8), ES_ALONE)

    strategy = Short()
    with at_sim(tmp_path / "w") as (place, _sim):
        place.set_ready()
        strategy.on_start(place.gate)
        for restarted in (False, True):
            strategy.on_gate([])
            for bar in bars(9, 5, 6, 4, 7, 7):
                strategy.on_bar(bar)
            assert list(strategy.highs[0]) == [4, 7, 7]
            if not restarted:
                strategy.on_start(place.gate)
        assert [(one[2], one[5]) for one in place.orders()] == [("Submitted", "gate")]
        assert list(place.states()) == ["breakout/637533641/4"]


def test_a_coroutine_that_hangs_in_a_thread_does_not_keep_the_program_from_ending() -> None:
    program = """
import asyncio
import subprocess
import sys
import threading
from tieout.bot.strategist import Strategist
from tieout.strategy import Strategy

began = threading.Event()


class Hanging(Strategy):
    async def on_start(self, gate):
        await asyncio.to_thread(lambda: began.set() or threading.Event().wait())


strategist = Strategist(Hanging(), failed=print)
strategist.start(None)
assert began.wait(20)
print(strategist.stop(0.05))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")
