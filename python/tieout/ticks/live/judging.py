"""What of a feed is worth an alert: ticks that were lost, instruments that fell silent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.ticks.ring import RingStats


@dataclass(frozen=True, slots=True)
class Loss:
    """What a full ring lost since the last one was told, and how long it was full meanwhile."""

    by_instrument: dict[int, int]
    dropped: int
    conflated: int
    full_ns: int


class Losses:
    """
    Turns the ring's account into losses to be told: the first at once, what follows gathered for `every_ns`.
    """

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._told: RingStats | None = None
        self._told_ns: int | None = None

    def look(self, stats: RingStats, now_ns: int, *, at_the_end: bool = False) -> Loss | None:
        """The loss that is to be told now, if there is one; `at_the_end` nothing is put off."""
        before = self._told
        dropped = stats.dropped - (before.dropped if before else 0)
        conflated = stats.conflated - (before.conflated if before else 0)
        if not dropped and not conflated:
            return None
        put_off = self._told_ns is not None and 0 <= now_ns - self._told_ns < self._every_ns
        if put_off and not at_the_end:
            return None
        lost_before: Mapping[int, int] = before.lost if before else {}
        lost = {number: count - lost_before.get(number, 0) for number, count in stats.lost.items()}
        self._told, self._told_ns = stats, now_ns
        return Loss(
            {number: count for number, count in sorted(lost.items(), key=lambda one: -one[1]) if count},
            dropped, conflated, stats.full_ns - (before.full_ns if before else 0),
        )  # fmt: skip


class Silence:
    """
    Which instruments ticked and then fell silent. An instrument is told once, until it speaks again.

    Args:
        after_s: how long it may be silent while the connection is up; None is for ever.
    """

    def __init__(self, after_s: int | None) -> None:
        self._after_ns = None if after_s is None else after_s * NS_PER_S
        self.stale: dict[int, int] = {}
        """Silent now -> the time of its last tick."""

    def look(self, last_ns: Mapping[int, int], now_ns: int, *, up_since_ns: int | None) -> tuple[list[int], list[int]]:
        """
        Those that fell silent, and those that speak again, since the last look.

        Args:
            last_ns: instrument -> its last tick, UTC ns; those that never ticked are not in it.
            up_since_ns: since when the connection is up; None while it is not, and then nothing falls silent.
        """
        back = [number for number, at_ns in self.stale.items() if last_ns.get(number, at_ns) > at_ns]
        for number in back:
            del self.stale[number]
        if self._after_ns is None or up_since_ns is None:
            return [], back
        fell = [
            number
            for number, at_ns in last_ns.items()
            if number not in self.stale and now_ns - max(at_ns, up_since_ns) >= self._after_ns
        ]
        self.stale |= {number: last_ns[number] for number in fell}
        return fell, back
