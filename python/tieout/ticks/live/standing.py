"""How the data connection stands: what the feed's threads share, for status, alerts and whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["connecting", "up", "no_ib", "down", "ended"]
"""`no_ib`: the gateway answers, and has no connection to IB itself."""


@dataclass(slots=True)
class Standing:
    """
    Each value is replaced, never changed in place; only the connection's thread replaces them.

    Attributes:
        why: what is wrong; None while it is up.
        lane: which decoder takes the ticks, and `lane_why` why it is the slow one.
        refused: instrument -> why no ticks of it come.
        notes: instrument -> what else the gateway said of its subscription last.
        asked: the instruments that are subscribed to now.
        reconnects: how often a connection was made after the first one.
        restored: how often everything was asked for anew, on a new connection or after 1101.
    """

    since_ns: int
    state: State = "connecting"
    why: str | None = "not connected yet"
    lane: Literal["fast", "slow"] | None = None
    lane_why: str | None = None
    refused: Mapping[int, str] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)
    asked: frozenset[int] = frozenset()
    reconnects: int = 0
    restored: int = 0

    def turn(self, state: State, now_ns: int, why: str | None = None) -> None:
        """It stands so from now on; the same state again only changes the words."""
        if state != self.state:
            self.state, self.since_ns = state, now_ns
        self.why = why
