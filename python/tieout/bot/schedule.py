"""When the bot reconciles next. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tieout.clock import NS_PER_S


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
