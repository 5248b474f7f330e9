"""
What a strategy is: inherit from `Strategy`, name it in the settings as `STRATEGY: module:Class`.

The bot calls a strategy in a thread of its own, one call after another, so a strategy needs no locks, and may wait:
the bot listens and reconciles on. A call that does not come back within a minute, or that raises, ends the strategy:
the gate is shut until the bot is started again, an alert says so, and the bot goes on reconciling. docs/bot.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from tieout.broker.port import ContractSpec, OrderSpec
from tieout.gate.outcome import BracketOutcome, Outcome
from tieout.gate.update import Fill, OrderUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BracketOutcome", "ContractSpec", "Fill", "Gate", "OrderSpec", "OrderUpdate", "Outcome", "Strategy"]


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
    The base class. Every method may be left out.

    `timer_seconds`: how often `on_timer` is called; None is never.
    """

    timer_seconds: ClassVar[float | None] = None

    def on_start(self, gate: Gate) -> None:
        """The bot is up and has reconciled once, perhaps not well: `gate.why_closed()` says. Keep the gate."""

    def on_gate(self, reasons: Sequence[str]) -> None:
        """The gate opened (no reasons), or closed for these. Called once after `on_start`, then at every change."""

    def on_order(self, update: OrderUpdate) -> None:
        """
        Something became known of an order of the gate. The same status or fill may be told again after a reconnect or
        a restart: a fill is known by its `exec_id`.
        """

    def on_timer(self, now_ns: int) -> None:
        """`timer_seconds` went by; `now_ns` is UTC nanoseconds. Missed calls are not made up for."""

    def on_bar(self, bar: object) -> None:
        """A bar is complete. Not called yet: live data comes with a later version."""

    def on_quote(self, quote: object) -> None:
        """A quote changed. Not called yet, as `on_bar`."""

    def on_tick(self, tick: object) -> None:
        """A trade was reported. Not called yet, as `on_bar`."""

    def on_stop(self) -> None:
        """The bot ends, or the strategy failed before. New orders are blocked, cancels are not; be quick: 5 s."""
