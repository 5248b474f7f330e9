"""
The strategy, in a thread of its own: what it does, waits for or breaks never holds up the bot.

1. One call after another, in the order in which things happened; the market comes behind what is told of gate, orders
   and timer, and may be lost where it is too much. Nothing else is.
2. The first call that raises, does not come back, or lets too much pile up is the last one (but `on_stop`).
3. The thread is a daemon: a strategy that hangs does not keep the bot from ending.
4. Methods may be coroutines. The thread then has an event loop, which runs on while it waits for the next call.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.bot.aside import Aside
from tieout.bot.mailbox import CALLS_MAX, Call, Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tieout.bot.market import Market
    from tieout.bot.strategy_gate import StrategyGate
    from tieout.gate import OrderUpdate
    from tieout.strategy import Strategy

CALL_MAX_S: Final = 60.0
STOP_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a strategy: in which method, what happened, and where (a traceback, or nothing)."""

    method: str
    what: str
    trace: str


class Strategist:
    """
    Runs one strategy.

    Args:
        failed: told once, in the strategy's thread or in the caller's of `look`.
        clock: a clock that only goes forward, seconds.
    """

    def __init__(
        self,
        strategy: Strategy,
        *,
        failed: Callable[[Failure], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.strategy = strategy
        self._failed = failed
        self._clock = clock
        self.box = Mailbox()
        """What waits for it; the market is posted there."""
        self._market: Market | None = None
        self._busy: tuple[str, float] | None = None
        self._failure: Failure | None = None
        self._once = threading.Lock()
        self._ending = False
        self._early: list[Call] | None = []
        self._timer_due = 0.0
        self._timer_waits = False
        self._thread = threading.Thread(target=self._run, name="tieout-strategy", daemon=True)

    def start(self, gate: StrategyGate) -> None:
        """Start the thread; its first call is `on_start`."""
        self._timer_due = self._clock() + (self.strategy.timer_seconds or 0.0)
        early, self._early = self._early or [], None
        self._post("on_start", lambda: self.strategy.on_start(gate))
        for call in early:
            self._post(call.method, call.make)
        self._thread.start()

    def listen(self, market: Market) -> None:
        """This market's ticks and bars are posted from now on."""
        self._market = market

    def gate_changed(self, reasons: Sequence[str]) -> None:
        """The gate opened, or closed for these reasons."""
        told = tuple(reasons)
        self._post("on_gate", lambda: self.strategy.on_gate(told))

    def order_changed(self, update: OrderUpdate) -> None:
        """Something became known of an order. Any thread may call it."""
        self._post("on_order", lambda: self.strategy.on_order(update))

    def look(self, now_ns: int) -> None:
        """Call the timer if it is due, and see whether a call hangs; to be called every second or so."""
        busy, every_s = self._busy, self.strategy.timer_seconds
        if busy is not None and self._clock() - busy[1] > CALL_MAX_S:
            self._fail(Failure(busy[0], f"it has not come back within {CALL_MAX_S:g} s", ""))
        if every_s is not None and self._clock() >= self._timer_due:
            self._timer_due = self._clock() + every_s
            if not self._timer_waits:
                self._timer_waits = True
                self._post("on_timer", lambda: self._timer(now_ns))

    def stop(self, wait_s: float = STOP_WAIT_S) -> bool:
        """Let it end with `on_stop`; answers whether it did in time."""
        self._ending = True
        self.box.end()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _timer(self, now_ns: int) -> object:
        self._timer_waits = False
        return self.strategy.on_timer(now_ns)

    def _post(self, method: str, make: Callable[[], object]) -> None:
        if self._over:
            return
        if self._early is not None:
            self._early = [*self._early[-CALLS_MAX // 2 :], Call(method, make)]
        elif not self.box.post(Call(method, make)):
            self._fail(Failure(method, f"{CALLS_MAX} calls wait: it does not keep up", ""))

    def _run(self) -> None:
        if _has_coroutines(self.strategy):
            asyncio.run(self._live())
            return
        for call in self._calls():
            if call is None:
                self.box.wait()
            else:
                with self._making(call):
                    call.make()
        last = Call("on_stop", self.strategy.on_stop)
        with self._making(last):
            last.make()

    async def _live(self) -> None:
        """The same for methods that are coroutines."""
        asyncio.get_running_loop().set_default_executor(Aside())
        for call in self._calls():
            if call is None:
                await asyncio.to_thread(self.box.wait)
            else:
                await self._await(call)
        await self._await(Call("on_stop", self.strategy.on_stop))

    async def _await(self, call: Call) -> None:
        with self._making(call):
            answer = call.make()
            if inspect.isawaitable(answer):
                await answer

    def _calls(self) -> Iterator[Call | None]:
        """What is to be called, one after another; None where it is to be waited for. Ends with the mailbox."""
        while not self.box.ended:
            if not self.box.ready:
                yield None
                continue
            item = self.box.take()
            if isinstance(item, Call):
                if not self._over:
                    yield item
            elif item is not None and self._market is not None:
                yield from self._market_calls(self._market.calls(item))

    def _market_calls(self, calls: Iterator[Call]) -> Iterator[Call]:
        """Each of them, behind whatever else waits by then."""
        for call in calls:
            while (urgent := self.box.take_call()) is not None and not self._over:
                yield urgent
            if self._over:
                return
            yield call

    @property
    def _over(self) -> bool:
        return self._failure is not None or self._ending

    @contextmanager
    def _making(self, call: Call) -> Iterator[None]:
        """Whatever the call raises, SystemExit too, is the strategy's failure."""
        self._busy = (call.method, self._clock())
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - as above
            trace = "".join(traceback.format_exception(error))
            self._fail(Failure(call.method, f"{type(error).__name__}: {error}", trace))
        finally:
            self._busy = None

    def _fail(self, failure: Failure) -> None:
        with self._once:
            if self._failure is not None:
                return
            self._failure = failure
        self._failed(failure)


_METHODS: Final = ("on_start", "on_gate", "on_order", "on_timer", "on_bar", "on_quote", "on_tick", "on_stop")


def _has_coroutines(strategy: Strategy) -> bool:
    return any(inspect.iscoroutinefunction(getattr(strategy, name)) for name in _METHODS)
