"""How things stand with the bot: what the gate asks at every order, and what `tieout status` shows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tieout.clock import to_iso
from tieout.gate.readiness import Readiness
from tieout.gate.restart import near_restart, next_restart_ns

if TYPE_CHECKING:
    from tieout.canonical import Json
    from tieout.config import GatewayRestart

RECONCILES: Final = "the bot reconciles"
ENDS: Final = "the bot ends"


@dataclass(slots=True)
class Link:
    """The connection. `why` says what is wrong with it; times are UTC nanoseconds."""

    up: bool = False
    since_ns: int | None = None
    proven_ns: int | None = None
    account: str | None = None
    why: str | None = "not connected yet"

    def is_up(self, now_ns: int, account: str) -> None:
        """It answers."""
        if not self.up:
            self.up, self.since_ns, self.why = True, now_ns, None
        self.proven_ns, self.account = now_ns, account

    def is_down(self, now_ns: int, why: str) -> None:
        """It does not."""
        if self.up or self.since_ns is None:
            self.up, self.since_ns = False, now_ns
        self.why = why


@dataclass(slots=True)
class Standing:
    """
    What the bot's threads share; each value is replaced, never changed in place.

    `reconciled_ns` is when the last complete reconcile asked the broker. `last` and `next_ns` are for the operator.
    """

    started_ns: int
    restart: GatewayRestart
    strategy: str | None = None
    strategy_state: str = "none"
    strategy_error: str | None = None
    link: Link = field(default_factory=Link)
    reconciled_ns: int | None = None
    ambiguous: int = 0
    waiting: str | None = None
    unknown: int = 0
    last: dict[str, Json] | None = None
    next_ns: int | None = None
    next_why: str | None = None
    shut: tuple[str, ...] = (RECONCILES,)

    def close(self, why: str) -> None:
        """Keep new orders back until `open` is called with the same words."""
        if why not in self.shut:
            self.shut = (*self.shut, why)

    def open(self, why: str) -> None:
        """That is no reason any more."""
        self.shut = tuple(one for one in self.shut if one != why)

    def readiness(self, now_ns: int) -> Readiness:
        """What the gate asks for."""
        return Readiness(
            reconciled_ns=self.reconciled_ns,
            ambiguous=self.ambiguous,
            waiting=self.waiting,
            restart=near_restart(self.restart, now_ns),
            shut=self.shut,
        )

    def to_json(self, now_ns: int, *, reasons: list[str]) -> dict[str, Json]:
        """`status/bot.json`; `reasons` are the gate's."""
        link = self.link
        return {
            "pid": os.getpid(),
            "since": to_iso(self.started_ns),
            "link": {
                "up": link.up,
                "since": _iso(link.since_ns),
                "proven": _iso(link.proven_ns),
                "account": link.account,
                "why": link.why,
            },
            "gate": {"open": not reasons, "reasons": list(reasons)},
            "reconcile": {"last": self.last, "next": _iso(self.next_ns), "next_for": self.next_why},
            "strategy": {"name": self.strategy, "state": self.strategy_state, "error": self.strategy_error},
            "unknown_intents": self.unknown,
            "restart": {
                "near": near_restart(self.restart, now_ns) is not None,
                "next": _iso(next_restart_ns(self.restart, now_ns)),
                "minutes_before": self.restart.minutes_before,
                "minutes_after": self.restart.minutes_after,
            },
        }


def _iso(ns: int | None) -> str | None:
    return None if ns is None else to_iso(ns)
