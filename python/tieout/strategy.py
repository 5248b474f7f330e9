"""
What a strategy is: inherit from `Strategy`, name it in the settings as `STRATEGY: module:Class`.

The bot calls a strategy in a thread of its own, one call after another, so a strategy needs no locks, and may wait:
the bot listens and reconciles on. Methods may be coroutines (`async def`): each is awaited before the next call, and
tasks that they start go on meanwhile. A call that does not come back within a minute, or that raises, ends the
strategy: the gate is shut until the bot is started again, an alert says so, and the bot goes on reconciling.
docs/bot.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from tieout.broker.port import ContractSpec, OrderSpec
from tieout.gate.outcome import BracketOutcome, Outcome
from tieout.gate.update import Fill, OrderUpdate
from tieout.ticks.bars.bar import Bar
from tieout.ticks.instruments import Instrument
from tieout.ticks.market import Quote, Tick

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Bar",
    "BracketOutcome",
    "ContractSpec",
    "Fill",
    "Gate",
    "Instrument",
    "OrderSpec",
    "OrderUpdate",
    "Outcome",
    "Quote",
    "Strategy",
    "Tick",
]


class Gate(Protocol):
    """The gate as a strategy sees it; docs/gate.md says what each answer means. Errors are `tieout.errors`."""

    def submit(self, contract: ContractSpec, order: OrderSpec, *, intent_id: str | None = None) -> Outcome:
        """
        Send an order once; the same `intent_id` again answers the first outcome.

        Raises:
            OrderInvalid: it cannot be sent as it stands.
            IntentConflict: the id was used for another order.
            BookError: the intents cannot be written; nothing was sent.
        """
        ...

    def submit_bracket(
        self,
        contract: ContractSpec,
        entry: OrderSpec,
        *,
        intent_id: str,
        take_profit: OrderSpec | None = None,
        stop_loss: OrderSpec | None = None,
    ) -> BracketOutcome:
        """Send an entry with the orders that protect it, as one group. Raises as `submit`."""
        ...

    def modify(self, intent_id: str, order: OrderSpec, *, change_id: str | None = None) -> Outcome:
        """Change a live order to these terms. Raises as `submit`."""
        ...

    def cancel(self, intent_id: str) -> Outcome:
        """
        Ask for an order to be cancelled; asking twice is harmless.

        Raises:
            OrderInvalid: there is no such order.
            OutcomeUnknown: the request was not acknowledged; the order may be live.
        """
        ...

    def outcome(self, intent_id: str) -> Outcome | None:
        """What became of an intent, as far as is known; None where there is none. Raises BrokerError."""
        ...

    def why_closed(self, contract: ContractSpec | None = None) -> list[str]:
        """Why an order (on that contract) would be blocked now; best empty."""
        ...


class Strategy:
    """
    The base class. Every method may be left out, and may be a coroutine; what it returns is not looked at.

    `timer_seconds`: how often `on_timer` is called; None is never.
    """

    timer_seconds: ClassVar[float | None] = None

    def on_start(self, gate: Gate) -> object:
        """The bot is up and has reconciled once, perhaps not well: `gate.why_closed()` says. Keep the gate."""

    def on_gate(self, reasons: Sequence[str]) -> object:
        """The gate opened (no reasons), or closed for these. Called once after `on_start`, then at every change."""

    def on_order(self, update: OrderUpdate) -> object:
        """
        Something became known of an order of the gate. A status may be told again after a reconnect or a restart; a
        fill that was told before says so (`update.again`), and is known by its `exec_id`.
        """

    def on_timer(self, now_ns: int) -> object:
        """`timer_seconds` went by; `now_ns` is UTC nanoseconds. Missed calls are not made up for."""

    def on_bar(self, bar: Bar) -> object:
        """A bar of `LIVE_DATA.candle_interval_seconds` is over. Bars without a trade are not made."""

    def on_quote(self, quote: Quote) -> object:
        """
        Bid, ask or one of their sizes changed. A strategy that is behind gets the newest quote of each instrument, not
        every one.
        """

    def on_tick(self, tick: Tick) -> object:
        """
        A trade was reported. A strategy that falls further behind than 100,000 ticks loses the oldest; they are
        counted by instrument and told (`strategy_behind`).
        """

    def on_stop(self) -> object:
        """The bot ends, or the strategy failed before. New orders are blocked, cancels are not; be quick: 5 s."""
