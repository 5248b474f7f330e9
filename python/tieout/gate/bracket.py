"""
An entry with the orders that protect it, sent as one group.

1. All legs are durable before the first byte; the entry and all but the last leg go out with `transmit` false, so that
   TWS holds them until the last one is there: the entry is never at the exchange without its protection.
2. A bracket is sent once: as soon as any of its legs is known, what became of each is answered, and nothing is sent.
3. The links are ours: each child's intent names its parent's, the legs that protect share an OCA group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tieout.errors import OrderInvalid
from tieout.gate.outcome import BracketOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.broker.port import OrderSpec

ENTRY: Final = "entry"
TAKE_PROFIT: Final = "take_profit"
STOP_LOSS: Final = "stop_loss"


@dataclass(frozen=True, slots=True)
class Leg:
    """One order of a bracket, as it is to be sent but for its parent's order id."""

    name: str
    intent_id: str
    order: OrderSpec


def legs_of(
    intent_id: str, entry: OrderSpec, *, take_profit: OrderSpec | None, stop_loss: OrderSpec | None
) -> list[Leg]:
    """
    The legs in the order in which they are sent.

    Raises:
        OrderInvalid: they do not make a bracket.
    """
    named = {ENTRY: entry, TAKE_PROFIT: take_profit, STOP_LOSS: stop_loss}
    wanted = {name: order for name, order in named.items() if order is not None}
    if len(wanted) == 1:
        raise OrderInvalid("the bracket has neither take_profit nor stop_loss", hint="name one, or use submit")
    for name, order in wanted.items():
        if name != ENTRY:
            _check(name, order, entry)
        if order.parent_id is not None or not order.transmit:
            raise OrderInvalid(
                f"{name} brings parent_id or transmit; the gate sets both", hint="leave them as they are by default"
            )
    last = list(wanted)[-1]
    group = entry.oca_group or f"{intent_id}/oca"
    legs = []
    for name, order in wanted.items():
        both = len(wanted) > 2 and name != ENTRY
        made = replace(order, transmit=name == last, oca_group=order.oca_group or group if both else order.oca_group)
        legs.append(Leg(name, f"{intent_id}/{name}", made))
    return legs


def outcome_of_legs(legs: list[Leg], outcomes: Mapping[str, Outcome]) -> BracketOutcome:
    """The answer, by the legs' names; a leg of which nothing is known was never sent."""
    told = {
        leg.name: outcomes.get(leg.name)
        or Outcome(state="NOT_SENT", intent_id=leg.intent_id, reason="the program ended before it was reserved")
        for leg in legs
    }
    return BracketOutcome(entry=told[ENTRY], take_profit=told.get(TAKE_PROFIT), stop_loss=told.get(STOP_LOSS))


def _check(name: str, order: OrderSpec, entry: OrderSpec) -> None:
    if order.side == entry.side:
        raise OrderInvalid(f"{name} is a {order.side} like the entry, expected the other side", hint="correct it")
    if order.quantity > entry.quantity:
        raise OrderInvalid(
            f"{name} is for {order.quantity}, expected at most the entry's {entry.quantity}", hint="correct it"
        )
