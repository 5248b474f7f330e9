"""When the bot reconciles next, and how long it waits before it tries again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tieout.clock import NS_PER_S

_DOUBLINGS_MAX: Final = 30


def delay_s(attempt: int, *, base_s: float, max_s: float, chance: float) -> float:
    """
    How long to wait before the next attempt: doubling, at most `max_s`, and between half of that and all of it.

    Args:
        attempt: 0 after the first failure.
        chance: from 0 to 1, so that bots that lost one gateway together do not all come back at once.
    """
    longest: float = min(base_s * 2.0 ** min(attempt, _DOUBLINGS_MAX), max_s)
    return longest * (0.5 + chance / 2)


@dataclass(slots=True)
class Schedule:
    """The moment of the next reconcile, UTC nanoseconds, and what it is for."""

    next_ns: int
    why: str

    def due(self, now_ns: int) -> str | None:
        """What a reconcile is due for now; a clock that was set back more than the moment is far makes none due."""
        return self.why if now_ns >= self.next_ns else None

    def after(self, now_ns: int, *, interval_s: int) -> None:
        """A reconcile is over: the next one is an interval away."""
        self.next_ns, self.why = now_ns + interval_s * NS_PER_S, "the interval"

    def hurry(self, at_ns: int, why: str) -> None:
        """Not later than then."""
        if at_ns < self.next_ns:
            self.next_ns, self.why = at_ns, why
