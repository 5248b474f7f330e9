"""
Faults of single messages: which message, which time, and what happens to it.

`OUT` and `IN` name the messages that a rule may be about, `ACTS` what it may do. A rule counts the messages it is
about on each connection by itself. Of several rules that a message meets, the first in the file that fires decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Act = Literal["drop", "delay", "duplicate", "reorder", "cut_before", "cut_after", "silence", "say", "restart"]

SAID: Final = "anything_said"
ASKED: Final = "anything_asked"

OUT: Final[dict[str, frozenset[str]]] = {
    "order_status": frozenset({"3"}),
    "error": frozenset({"4"}),
    "open_order": frozenset({"5"}),
    "next_valid_id": frozenset({"9"}),
    "contract_details": frozenset({"10"}),
    "execution": frozenset({"11"}),
    "managed_accounts": frozenset({"15"}),
    "current_time": frozenset({"49"}),
    "contract_details_end": frozenset({"52"}),
    "open_orders_end": frozenset({"53"}),
    "executions_end": frozenset({"55"}),
    "commission": frozenset({"59"}),
    "position": frozenset({"61"}),
    "positions_end": frozenset({"62"}),
    "completed_order": frozenset({"101"}),
    "completed_orders_end": frozenset({"102"}),
}
"""What the gateway says, by message id."""

IN: Final[dict[str, frozenset[str]]] = {
    "place_order": frozenset({"3"}),
    "cancel_order": frozenset({"4"}),
    "ask_open_orders": frozenset({"5", "16"}),
    "ask_executions": frozenset({"7"}),
    "ask_ids": frozenset({"8"}),
    "ask_contract_details": frozenset({"9"}),
    "ask_current_time": frozenset({"49"}),
    "ask_positions": frozenset({"61"}),
    "ask_completed_orders": frozenset({"99"}),
}
"""What a client asks, by message id."""

NAMES: Final = (SAID, ASKED, *OUT, *IN)

ID_FIELD: Final[dict[str, int]] = {
    "order_status": 1,
    "open_order": 1,
    "place_order": 1,
    "cancel_order": 2,
    "ask_executions": 2,
    "ask_contract_details": 2,
}
"""Where these messages carry the id that `about: message` names: an order's, or a question's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One fault of messages; `tieout.sim.scenario` documents the keys.

    nth: None is each one. session: the gateway's connection, counted from 1. client: the client id. messages, ms:
    how long a delay lasts. code, text: what `say` says; `about_message`: of the order or question in the message.
    """

    do: Act
    on: str
    nth: int | None = None
    session: int | None = None
    client: int | None = None
    percent: int = 100
    messages: int = 0
    ms: int = 0
    code: int = 0
    text: str = ""
    about_message: bool = False

    @property
    def asked(self) -> bool:
        """Whether it is about what a client asks, not what the gateway says."""
        return self.on == ASKED or self.on in IN

    def meets(self, message_id: str) -> bool:
        """Whether it is about messages of this id, in its direction."""
        if self.on in {SAID, ASKED}:
            return True
        return message_id in (IN if self.asked else OUT)[self.on]


class Counter:
    """The rules of one direction of one connection, with what they have counted; repeatable by its seed."""

    def __init__(self, rules: Sequence[Rule], chance: Random) -> None:
        self._rules = rules
        self._seen = [0] * len(rules)
        self._chance = chance

    def fires(self, message_id: str) -> Rule | None:
        """Count the message; the rule that decides about it, if one does."""
        found = None
        for at, rule in enumerate(self._rules):
            if not rule.meets(message_id):
                continue
            self._seen[at] += 1
            due = rule.nth is None or rule.nth == self._seen[at]
            # The die is thrown for every message, so that what an earlier rule did does not move later throws.
            lucky = rule.percent == 100 or self._chance.randrange(100) < rule.percent
            if found is None and due and lucky:
                found = rule
        return found


def counters(rules: Sequence[Rule], *, seed: int, session: int, client: int) -> tuple[Counter, Counter]:
    """The counters of what is said and of what is asked on this connection."""
    mine = [r for r in rules if r.session in {None, session} and r.client in {None, client}]
    said, asked = [r for r in mine if not r.asked], [r for r in mine if r.asked]
    return (
        Counter(said, Random(f"{seed}:{session}:said")),
        Counter(asked, Random(f"{seed}:{session}:asked")),
    )
