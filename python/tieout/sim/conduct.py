"""
The faults of the gateway's conduct, at work: what its handlers ask before they answer as they should.

It holds the little that has to be remembered: which fills were listed already, which reports are late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tieout.sim import matching

if TYPE_CHECKING:
    from tieout.sim.faults import AnswerName, Faults
    from tieout.sim.world import Execution, Order, World

READ_ONLY_REFUSES: Final = frozenset({"3", "4", "5", "16", "58", "99"})
"""placeOrder, cancelOrder, reqOpenOrders, reqAllOpenOrders, reqGlobalCancel, reqCompletedOrders."""

READ_ONLY_TEXT: Final = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
_LATE: Final[frozenset[AnswerName]] = frozenset({"completed_orders", "executions"})


class Conduct:
    """One gateway's faults of conduct, and their memory."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._listed: set[str] = set()
        self._late_left = 0

    def refuses(self, message_id: str) -> bool:
        """Whether the read-only setting forbids this request."""
        return self._faults.read_only and message_id in READ_ONLY_REFUSES

    def next_id(self, honest: int) -> int:
        """The id that nextValidId says."""
        return honest if self._faults.next_id is None else self._faults.next_id

    def restarted(self) -> None:
        """From now on reports are late, if the scenario says so."""
        self._late_left = self._faults.late_reports

    def withholds(self, answer: AnswerName) -> bool:
        """Whether this answer comes without rows, since reports are late."""
        if answer not in _LATE or self._late_left == 0:
            return False
        self._late_left -= 1
        return True

    def tells_commission(self, fill: Execution, *, listed: bool) -> bool:
        """Whether the fill's commission is told now; `listed` where the fill answers a question."""
        if self._faults.commissions == "late" and listed and fill.exec_id not in self._listed:
            self._listed.add(fill.exec_id)
            return False
        told = self._faults.commissions == "at_once" or (self._faults.commissions == "late" and listed)
        return told and fill.commission is not None

    def arrange(self, world: World, events: Iterable[matching.Event]) -> list[matching.Event]:
        """What is told of a change, in the order in which it is told; corrections are entered in the world."""
        told = list(events)
        if self._faults.correct_fills:
            told += [one for event in tuple(told) if event.kind == "execution" for one in _correct(world, event)]
        if self._faults.execution_first:
            told.sort(key=lambda event: event.kind != "execution")
        return [
            one
            for one in told
            if one.kind != "commission" or one.fill is None or self.tells_commission(one.fill, listed=False)
        ]


def fork(world: World, order: Order) -> Order:
    """A second order like this one, live beside it under a permId of its own."""
    return world.add_order(replace(order, perm_id=world.take_perm_id()))


def bind_manual(orders: Sequence[Order], first_free: int) -> int:
    """Give manual orders negative ids, downwards from below `first_free`; answers the last one given."""
    for order in orders:
        if order.order_id == 0 and order.client_id == 0:
            first_free -= 1
            order.order_id = first_free
    return first_free


def corrected(fill: Execution) -> Execution:
    """The fill's correction: the next suffix, one tick higher, its cumulative quantity not advanced."""
    base, _, suffix = fill.exec_id.rpartition(".")
    tick = fill.contract.min_tick
    return replace(
        fill,
        exec_id=f"{base}.{int(suffix) + 1:02d}",
        price=fill.price + tick,
        average_price=fill.average_price + tick * fill.quantity / fill.cumulative,
    )


def _correct(world: World, event: matching.Event) -> list[matching.Event]:
    if event.fill is None:
        return []
    fill = corrected(event.fill)
    world.executions.append(fill)
    return [matching.event("execution", event.order, fill), matching.event("commission", event.order, fill)]
