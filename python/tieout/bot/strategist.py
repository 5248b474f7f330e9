"""
The strategy, in a thread of its own: what it does, waits for or breaks never holds up the bot.

1. One call after another, in the order in which things happened.
2. The first call that raises, does not come back, or lets too much pile up is the last one (but `on_stop`).
3. The thread is a daemon: a strategy that hangs does not keep the bot from ending.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tieout.broker.port import ContractSpec, OrderSpec
    from tieout.gate import BracketOutcome, OrderGate, OrderUpdate, Outcome
    from tieout.strategy import Strategy

CALL_MAX_S: Final = 60.0
WAITING_MAX: Final = 100_000
STOP_WAIT_S: Final = 5.0


class StrategyGate:
    """`tieout.strategy.Gate`: the order gate, with the strategy's name on what it sends."""

    def __init__(self, gate: OrderGate, strategy: str) -> None:
        self._gate = gate
        self._strategy = strategy

    def submit(self, contract: ContractSpec, order: OrderSpec, *, intent_id: str | None = None) -> Outcome:
        """See `tieout.strategy.Gate`."""
        return self._gate.submit(contract, order, intent_id=intent_id, strategy=self._strategy)

    def submit_bracket(
        self,
        contract: ContractSpec,
        entry: OrderSpec,
        *,
        intent_id: str,
        take_profit: OrderSpec | None = None,
        stop_loss: OrderSpec | None = None,
    ) -> BracketOutcome:
        """See `tieout.strategy.Gate`."""
        return self._gate.submit_bracket(
            contract, entry, intent_id=intent_id, take_profit=take_profit, stop_loss=stop_loss, strategy=self._strategy
        )

    def modify(self, intent_id: str, order: OrderSpec, *, change_id: str | None = None) -> Outcome:
        """See `tieout.strategy.Gate`."""
        return self._gate.modify(intent_id, order, change_id=change_id)

    def cancel(self, intent_id: str) -> Outcome:
        """See `tieout.strategy.Gate`."""
        return self._gate.cancel(intent_id)

    def outcome(self, intent_id: str) -> Outcome | None:
        """See `tieout.strategy.Gate`."""
        return self._gate.outcome(intent_id)

    def why_closed(self, contract: ContractSpec | None = None) -> list[str]:
        """See `tieout.strategy.Gate`."""
        return self._gate.why_closed(contract)


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a strategy: in which method, what happened, and where (a traceback, or nothing)."""

    method: str
    what: str
    trace: str


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    make: Callable[[], None]


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
        self._strategy = strategy
        self._failed = failed
        self._clock = clock
        self._calls: queue.Queue[_Call | None] = queue.Queue(WAITING_MAX)
        self._busy: tuple[str, float] | None = None
        self._failure: Failure | None = None
        self._once = threading.Lock()
        self._ending = False
        self._early: list[_Call] | None = []
        self._timer_due = 0.0
        self._thread = threading.Thread(target=self._run, name="tieout-strategy", daemon=True)

    def start(self, gate: StrategyGate) -> None:
        """Start the thread; its first call is `on_start`."""
        self._timer_due = self._clock() + (self._strategy.timer_seconds or 0.0)
        early, self._early = self._early or [], None
        self._post("on_start", lambda: self._strategy.on_start(gate))
        for call in early:
            self._post(call.method, call.make)
        self._thread.start()

    def gate_changed(self, reasons: Sequence[str]) -> None:
        """The gate opened, or closed for these reasons."""
        told = tuple(reasons)
        self._post("on_gate", lambda: self._strategy.on_gate(told))

    def order_changed(self, update: OrderUpdate) -> None:
        """Something became known of an order. Any thread may call it."""
        self._post("on_order", lambda: self._strategy.on_order(update))

    def look(self, now_ns: int) -> None:
        """Call the timer if it is due, and see whether a call hangs; to be called every second or so."""
        busy, every_s = self._busy, self._strategy.timer_seconds
        if busy is not None and self._clock() - busy[1] > CALL_MAX_S:
            self._fail(Failure(busy[0], f"it has not come back within {CALL_MAX_S:g} s", ""))
        if every_s is not None and self._clock() >= self._timer_due:
            self._timer_due = self._clock() + every_s
            if busy is None and self._calls.empty():
                self._post("on_timer", lambda: self._strategy.on_timer(now_ns))

    def stop(self, wait_s: float = STOP_WAIT_S) -> bool:
        """Let it end with `on_stop`; answers whether it did in time."""
        self._ending = True
        while True:
            try:
                self._calls.put_nowait(None)
                break
            except queue.Full:
                self._calls.get_nowait()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _post(self, method: str, make: Callable[[], None]) -> None:
        if self._failure is not None or self._ending:
            return
        if self._early is not None:
            self._early = [*self._early[-WAITING_MAX // 2 :], _Call(method, make)]
            return
        try:
            self._calls.put_nowait(_Call(method, make))
        except queue.Full:
            self._fail(Failure(method, f"{WAITING_MAX} calls wait: it does not keep up", ""))

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._failure is None and not self._ending:
                self._make(call)
        self._make(_Call("on_stop", self._strategy.on_stop))

    def _make(self, call: _Call) -> None:
        self._busy = (call.method, self._clock())
        try:
            call.make()
        except BaseException as error:  # noqa: BLE001 - whatever it raises, SystemExit too, is the strategy's failure
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
