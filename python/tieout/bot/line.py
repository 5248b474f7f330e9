"""
The bot's one connection: gate and reconcile share it, in turns, under the bot's client id.

One socket, so that what a reconcile asks and what the gateway tells unasked have one order, and one proof that it is
alive. A reconcile has the gate's turn while it asks: orders wait, and what came meanwhile is in the book before the
book is read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import Broker
    from tieout.gate import OrderGate
    from tieout.model import Gateway, Snapshot
    from tieout.staging.desk import Desk


class Line:
    """A `Broker` that outlives the settings it was opened with; everything else is its broker's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made_for = self._wanted()
        self._broker = desk.open_broker()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def renew(self) -> bool:
        """Leave a gateway that the settings no longer name; answers whether there is a new one. Under the turn."""
        wanted = self._wanted()
        if wanted == self._made_for:
            return False
        self._broker.close()
        self._broker, self._made_for = self._desk.open_broker(), wanted
        return True

    def _wanted(self) -> object:
        settings = self._desk.settings
        return (settings.broker, settings.reconcile.timeout_seconds, settings.allow_live, settings.gateway_restart)


class Lent:
    """The line, lent to a reconcile: every call has the gate's turn, and its end leaves the line open."""

    def __init__(self, line: Broker, gate: OrderGate, *, give_up: Callable[[], bool]) -> None:
        self._line = line
        self._gate = gate
        self._give_up = give_up

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._line, name)

        def in_turn(*values: Any, **named: Any) -> Any:
            with self._gate.turn.take(self._give_up):
                return found(*values, **named)

        return in_turn

    def connect(self) -> Gateway:
        """As `Broker.connect`; on a new connection the gateway tells of open orders, which is no news."""
        with self._gate.turn.take(self._give_up):
            gateway = self._line.connect()
            self._gate.start()
            self._gate.hear(answers=True)
            return gateway

    def snapshot(self, **named: Any) -> Snapshot:
        """The account as it stands, with all that the gateway had told until then taken into the book."""
        with self._gate.turn.take(self._give_up):
            self._gate.hear()
            snapshot = self._line.snapshot(**named)
            self._gate.hear(answers=True)
            return snapshot

    def close(self) -> None:
        """The line stays open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
