"""
A strategy at a replay: the same calls in the same order as live, in the caller's thread, with nothing in between.

1. Trades and quotes come in the order of the recording, bars when they are over by the recording's clock.
2. The same recording makes the same calls, whatever the speed; no call is left out.
3. No order leaves: the gate answers BLOCKED to every one.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout.bot.mailbox import Call, Mailbox, Piece
from tieout.bot.market import Market
from tieout.clock import NS_PER_S
from tieout.errors import TieoutError
from tieout.gate.outcome import BracketOutcome, Outcome
from tieout.ticks.bars.building import BarBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import ContractSpec, OrderSpec
    from tieout.strategy import Strategy
    from tieout.ticks.instruments import Instruments

JUMP_NS: Final = 10 * NS_PER_S
"""Time that goes by second by second never gets so far ahead of the timer."""
HELD_ROWS_MAX: Final = 8_192
REPLAY: Final = "this is a replay: no order leaves"


class ReplayGate:
    """`tieout.strategy.Gate`, always closed; `refused` counts what was asked of it."""

    def __init__(self) -> None:
        self.refused = 0

    def submit(self, contract: ContractSpec, order: OrderSpec, *, intent_id: str | None = None) -> Outcome:
        """BLOCKED."""
        return self._blocked(intent_id)

    def submit_bracket(
        self,
        contract: ContractSpec,
        entry: OrderSpec,
        *,
        intent_id: str,
        take_profit: OrderSpec | None = None,
        stop_loss: OrderSpec | None = None,
    ) -> BracketOutcome:
        """BLOCKED, every leg."""
        blocked = self.submit(contract, entry, intent_id=intent_id)
        return BracketOutcome(
            entry=blocked,
            take_profit=None if take_profit is None else blocked,
            stop_loss=None if stop_loss is None else blocked,
        )

    def modify(self, intent_id: str, order: OrderSpec, *, change_id: str | None = None) -> Outcome:
        """BLOCKED."""
        return self._blocked(intent_id)

    def cancel(self, intent_id: str) -> Outcome:
        """BLOCKED: there is nothing to cancel."""
        return self._blocked(intent_id)

    def outcome(self, intent_id: str) -> Outcome | None:
        """None: no intent was ever taken."""
        return None

    def why_closed(self, contract: ContractSpec | None = None) -> list[str]:
        """That it is a replay."""
        return [REPLAY]

    def _blocked(self, intent_id: str | None) -> Outcome:
        self.refused += 1
        return Outcome(state="BLOCKED", intent_id=intent_id, reason=REPLAY)


class StrategyPlayer:
    """
    A consumer of a replay that calls a strategy.

    Its first calls are `on_start` and `on_gate` (closed). `on_timer` is called with the replay's clock. Coroutines are
    awaited; a task that a strategy starts goes on only while one of them is awaited.

    Args:
        bar_seconds: the length of its bars.

    Raises:
        TieoutError: from `take`, `idle` and `close`: the strategy raised.
    """

    def __init__(self, strategy: Strategy, instruments: Instruments, *, bar_seconds: int) -> None:
        self.calls: Counter[str] = Counter()
        """Method -> how often it was called."""
        self.gate = ReplayGate()
        self.trace: str | None = None
        """Where the strategy raised."""
        self._strategy = strategy
        self._market = Market(strategy, Mailbox(), instruments, ())
        self._builder = BarBuilder(bar_seconds) if self._market.wants_bars else None
        self._runner: asyncio.Runner | None = None
        self._until: Callable[[int], None] | None = None
        self._uncalled: list[pl.DataFrame] = []
        self._unbuilt: list[pl.DataFrame] = []
        self._unbuilt_rows = 0
        self._bar_s = bar_seconds
        self._timer_ns = None if strategy.timer_seconds is None else round(strategy.timer_seconds * NS_PER_S)
        self._timer_due_ns: int | None = None
        self._started = False

    def pace(self, until: Callable[[int], None] | None) -> None:
        """Each call waits for its moment; without one, ticks are gathered until a bar or the timer is due."""
        self._until = until

    def take(self, ticks: pl.DataFrame) -> None:
        """Call the strategy with the trades and quotes in these ticks."""
        if not self._started:
            self._start(ticks["received_ns"][0])
        self._uncalled.append(ticks)
        self._unbuilt.append(ticks)
        self._unbuilt_rows += ticks.height
        if self._unbuilt_rows >= HELD_ROWS_MAX:
            self._build()
        elif self._until is not None:
            self._call()

    def idle(self, now_ns: int) -> None:
        """Time went by: the bars and the timer that are due."""
        if not self._started:
            return
        if self._builder is not None and (now_ns // NS_PER_S - 1) % self._bar_s == 0:  # a bar's end and a second
            self._build()
            self._bars(self._builder.idle(now_ns))
        if self._timer_due_ns is not None and self._timer_due_ns <= now_ns:
            self._call()
            self._pass(now_ns)

    def close(self) -> None:
        """The last bars, as far as they came, and `on_stop`."""
        try:
            if self._started and self.trace is None:
                self._build()
                if self._builder is not None:
                    self._bars(self._builder.close())
                self._make(Call("on_stop", self._strategy.on_stop))
        finally:
            if self._runner is not None:
                self._runner.close()

    def _call(self) -> None:
        """The calls of the ticks that were gathered, in the order in which they came, the timer's among them."""
        if not self._uncalled:
            return
        ticks, self._uncalled = pl.concat(self._uncalled), []
        for at_ns, some in self._by_timer(ticks):
            for call in self._market.calls(Piece("ticks", self._market.wanted(some), behind=False)):
                if self._until is not None:
                    self._until(_when(call))
                self._make(call)
            self._pass(at_ns)

    def _build(self) -> None:
        """The bars of the ticks that were gathered, behind the calls of these; where, no pace has a say in."""
        self._call()
        ticks, self._unbuilt, self._unbuilt_rows = self._unbuilt, [], 0
        if ticks and self._builder is not None:
            self._bars(self._builder.take(pl.concat(ticks)))

    def _start(self, at_ns: int) -> None:
        self._started = True
        self._timer_due_ns = None if self._timer_ns is None else at_ns + self._timer_ns
        self._make(Call("on_start", lambda: self._strategy.on_start(self.gate)))
        self._make(Call("on_gate", lambda: self._strategy.on_gate((REPLAY,))))

    def _by_timer(self, ticks: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
        """The ticks up to each moment at which the timer is due, and that moment."""
        parts, latest = [], ticks["received_ns"].cum_max()
        at, end_ns = 0, int(latest[-1])
        due_ns = self._timer_due_ns
        while due_ns is not None and self._timer_ns is not None and due_ns <= end_ns:
            to = int(latest.search_sorted(due_ns, side="left"))
            parts.append((due_ns, ticks.slice(at, to - at)))
            at, due_ns = to, due_ns + self._timer_ns
        return [*parts, (end_ns, ticks.slice(at))]

    def _pass(self, now_ns: int) -> None:
        if self._timer_due_ns is not None and self._timer_ns is not None:
            missed = (now_ns - self._timer_due_ns) // self._timer_ns
            if now_ns - self._timer_due_ns > JUMP_NS:  # time jumped: what was missed is not made up for
                self._timer_due_ns += missed * self._timer_ns
        while self._timer_due_ns is not None and self._timer_ns is not None and self._timer_due_ns <= now_ns:
            at_ns = self._timer_due_ns
            if self._until is not None:
                self._until(at_ns)
            self._make(Call("on_timer", lambda at_ns=at_ns: self._strategy.on_timer(at_ns)))  # type: ignore[misc] # a default holds the moment
            self._timer_due_ns += self._timer_ns

    def _bars(self, bars: pl.DataFrame) -> None:
        if bars.height:
            for call in self._market.calls(Piece("bars", bars, behind=False)):
                self._make(call)

    def _make(self, call: Call) -> None:
        self.calls[call.method] += 1
        try:
            answer = call.make()
            if inspect.isawaitable(answer):
                self._runner = self._runner or asyncio.Runner()
                self._runner.run(_awaited(answer))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.trace = "".join(traceback.format_exception(error))
            raise TieoutError(
                f"the strategy failed in {call.method}: {type(error).__name__}: {error}",
                hint="--verbose shows where; mend the strategy, then replay again",
            ) from error


async def _awaited(answer: Any) -> None:
    await answer


def _when(call: Call) -> int:
    """The moment of a trade or quote: of the one that the call is made with."""
    made: Any = call.make
    when: int = made.args[0].received_ns
    return when
