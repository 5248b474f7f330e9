"""
What a scenario may have the gateway do wrong. The session asks here before it answers; nothing else knows
faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AnswerName = Literal["open_orders", "completed_orders", "executions", "positions"]


@dataclass(frozen=True, slots=True)
class Faults:
    """
    The faults of one gateway; by default it behaves.

    silent: connections are accepted and never answered.
    close_mid_answer: the connection breaks inside the answer to a request for open orders.
    omit_end: these answers lack their End message.
    """

    silent: bool = False
    close_mid_answer: bool = False
    omit_end: frozenset[AnswerName] = frozenset()

    def breaks(self, answer: AnswerName) -> bool:
        """Whether the connection breaks inside this answer."""
        return self.close_mid_answer and answer == "open_orders"

    def ends(self, answer: AnswerName) -> bool:
        """Whether this answer gets its End message."""
        return answer not in self.omit_end
