"""
Our clock beside the gateway's. Plans expire and evidence is dated by ours, so it must be right.

1. Only what is proven counts: the gateway tells whole seconds, and its answer takes its time on the way.
2. More than 2 s off is told and goes on; more than 60 s off is refused, before anything is concluded or written.
3. A gateway that does not tell its time proves nothing here; its answer is incomplete for that reason anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S, to_iso
from tieout.errors import ClockWrong, GatewayUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker import Broker
    from tieout.staging.desk import Desk

TELL_BEYOND_NS: Final = 2 * NS_PER_S
REFUSE_BEYOND_NS: Final = 60 * NS_PER_S
ROUND_TRIP_NS_MAX: Final = NS_PER_S
"""An answer that took longer is worth little: it is asked for again."""
TRIES_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much our clock is ahead of the gateway's, at least and at most; behind is negative. UTC nanoseconds."""

    low_ns: int
    high_ns: int

    @property
    def proven_ns(self) -> int:
        """The least that our clock is off: positive ahead, negative behind, 0 where it may be right."""
        return max(self.low_ns, 0) or min(self.high_ns, 0)

    def narrowed(self, other: Offset) -> Offset:
        """What both say; where they contradict (a clock jumped between them) the later one."""
        low, high = max(self.low_ns, other.low_ns), min(self.high_ns, other.high_ns)
        return Offset(low, high) if low <= high else other


def offset(*, asked_ns: int, answered_ns: int, told_ns: int) -> Offset:
    """
    What one round trip proves.

    Args:
        asked_ns, answered_ns: our clock before the question and after the answer.
        told_ns: the gateway's clock, cut to its whole second, at some moment between them.
    """
    first, last = sorted((asked_ns, answered_ns))
    return Offset(first - told_ns - NS_PER_S, last - told_ns)


def measure(now: Callable[[], int], ask: Callable[[], int]) -> Offset:
    """
    Ask the gateway for its time, again where the answer was slow, and answer what that proves.

    Raises:
        GatewayUnreachable: as `ask`.
    """
    found: Offset | None = None
    for _ in range(TRIES_MAX):
        asked_ns, told_ns, answered_ns = now(), ask(), now()
        one = offset(asked_ns=asked_ns, answered_ns=answered_ns, told_ns=told_ns)
        found = one if found is None else found.narrowed(one)
        if abs(answered_ns - asked_ns) <= ROUND_TRIP_NS_MAX:
            break
    assert found is not None
    return found


def check_clock(desk: Desk, broker: Broker) -> None:
    """
    Compare the clocks through that connection.

    Raises:
        ClockWrong: they are provably more than 60 s apart; nothing was changed.
    """
    try:
        off_ns = measure(desk.now, broker.current_time).proven_ns
    except GatewayUnreachable as error:
        desk.log.warning("clock_not_compared", reason=error.message)
        return
    if abs(off_ns) <= TELL_BEYOND_NS:
        return
    ours_ns = desk.now()
    how = f"{abs(off_ns) / NS_PER_S:.0f} s {'ahead of' if off_ns > 0 else 'behind'} the gateway's"
    desk.alerts.raise_alert("clock_off", off_seconds=round(off_ns / NS_PER_S), ours=to_iso(ours_ns))
    if abs(off_ns) > REFUSE_BEYOND_NS:
        raise ClockWrong(
            f"this computer's clock ({to_iso(ours_ns)}) is {how}, or more; at most "
            f"{REFUSE_BEYOND_NS // NS_PER_S} s are allowed",
            hint="set it right (a time service such as chrony keeps it so), then run the command again; "
            "nothing was changed",
        )
    desk.told.append(f"this computer's clock is {how}: set it right")
