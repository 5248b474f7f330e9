"""
One direction of one connection, with the faults of its messages.

Without a rule a message passes at once. A cut or a silence is final for the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.sim.fault_rules import ID_FIELD

if TYPE_CHECKING:
    from tieout.sim.fault_rules import Counter, Rule

NO_REQUEST: Final = -1
HELD_MAX: Final = 10_000
"""More delayed messages than this at once are let go, oldest first."""

Fields = list[str]


@dataclass(frozen=True, slots=True)
class Ends:
    """What a lane does to its connection: pass a message on, cut, fall silent, say an error, restart the gateway."""

    deliver: Callable[[Fields], None]
    cut: Callable[[], None]
    silence: Callable[[], None]
    say: Callable[[int, str, int], None]
    restart: Callable[[], None]


class Lane:
    """Messages in, messages out; `counter` None is a lane without faults."""

    def __init__(self, ends: Ends, counter: Counter | None = None) -> None:
        self._ends = ends
        self._counter = counter
        self._held: list[tuple[int, Fields]] = []

    def pass_on(self, fields: Fields) -> None:
        """Let one message through, or do to it what a rule says."""
        rule = None if self._counter is None else self._counter.fires(fields[0])
        if rule is None:
            self._deliver(fields)
        else:
            self._apply(rule, fields)

    def _apply(self, rule: Rule, fields: Fields) -> None:
        match rule.do:
            case "drop":
                return
            case "delay" if rule.ms:
                asyncio.get_running_loop().call_later(rule.ms / 1000, self._ends.deliver, fields)
            case "delay":
                self._hold(rule.messages, fields)
            case "reorder":
                self._hold(1, fields)
            case "duplicate":
                self._deliver(fields)
                self._deliver(fields)
            case "cut_before":
                self._ends.cut()
            case "cut_after":
                self._deliver(fields)
                self._ends.cut()
            case "silence":
                self._ends.silence()
            case "say":
                self._deliver(fields)
                self._ends.say(rule.code, rule.text, _id_in(rule, fields))
            case "restart":
                self._deliver(fields)
                self._ends.restart()

    def _hold(self, messages: int, fields: Fields) -> None:
        self._held.append((messages, fields))
        if len(self._held) > HELD_MAX:
            self._ends.deliver(self._held.pop(0)[1])

    def _deliver(self, fields: Fields) -> None:
        """Pass on, then let go what waited for this many messages."""
        self._ends.deliver(fields)
        if not self._held:
            return
        waited = [(left - 1, held) for left, held in self._held]
        self._held = [one for one in waited if one[0] > 0]
        for left, held in waited:
            if left <= 0:
                self._ends.deliver(held)


def _id_in(rule: Rule, fields: Fields) -> int:
    at = ID_FIELD.get(rule.on)
    return int(fields[at]) if rule.about_message and at is not None else NO_REQUEST
