"""
A subscriber's account of one feed: what was produced is what came and what was lost, stage by stage.

1. published = before + received + missed, after every message.
2. taken = published + lost by the publisher, and produced = taken + dropped + conflated, once the feed has ended: until
   then some ticks wait in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tieout.ticks.remote.message import Head


@dataclass(slots=True)
class Account:
    """
    Of one feed, in ticks. `take` is told of every message in the order in which they came.

    Attributes:
        feed: the feed's id.
        before: published before the first message that came: it was not subscribed yet, or the stream had let it go.
        received: that came.
        missed: published after the first message that came, and never came: the stream had let them go.
        copies: messages that came once more, and were passed over.
        number: of the last message.
        last: its head: the publisher's and the ring's counts up to then; None before the first.
    """

    feed: str
    before: int = 0
    received: int = 0
    missed: int = 0
    copies: int = 0
    number: int = 0
    last: Head | None = None

    def take(self, head: Head) -> bool:
        """Note a message; whether it is a new one."""
        if self.last is not None and head.number <= self.number:
            self.copies += 1
            return False
        gap = head.published - head.rows - self.published
        if self.last is None:
            self.before = gap
        else:
            self.missed += gap
        self.received += head.rows
        self.number = head.number
        self.last = head
        return True

    @property
    def published(self) -> int:
        """In messages up to the last one that came."""
        return self.before + self.received + self.missed

    @property
    def ended(self) -> bool:
        """Whether the feed has ended and said so."""
        return self.last is not None and self.last.end

    @property
    def balances(self) -> bool:
        """Whether every tick that is told of is accounted for: rule 1 always, rule 2 at the end."""
        last = self.last
        if last is None:
            return True
        holds = last.published == self.published
        if last.end:
            holds = holds and last.taken == last.published + last.lost
            if last.produced is not None:
                holds = holds and last.produced == last.taken + last.dropped + last.conflated
        return holds

    def __str__(self) -> str:
        last = self.last
        if last is None:
            return f"feed {self.feed[:12]}: nothing came yet"
        ring = "" if last.produced is None else (
            f"{last.produced:,} produced, {last.dropped:,} dropped and {last.conflated:,} conflated in the ring; "
        )  # fmt: skip
        state = "ended" if last.end else "going on"
        return (
            f"feed {self.feed[:12]}, {state}: {ring}{last.taken:,} taken by the publisher, {last.lost:,} lost there, "
            f"{last.published:,} published; {self.received:,} received, {self.before:,} before the first, "
            f"{self.missed:,} missed"
        )
