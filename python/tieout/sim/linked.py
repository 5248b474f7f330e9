"""
Orders that hang together, as IB keeps them: a child waits for its parent, one of an OCA group cancels the others.

1. An order with `transmit` false is held at TWS; one with it that names a parent transmits the parent and all its
   children.
2. A child of a parent that is not filled is held (PreSubmitted) and fills nothing; a parent that fills frees its
   children, one that is cancelled takes them along.
3. When an order of an OCA group fills or, among children of one parent, any of them does, the rest is cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.sim import matching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tieout.sim.matching import Event
    from tieout.sim.world import Order, World


def children_of(world: World, order: Order) -> list[Order]:
    """The live orders that are attached to this one."""
    mine = (order.client_id, order.order_id)
    return [one for one in world.live_orders() if one.order_id and (one.client_id, one.parent_id) == mine]


def transmitted(world: World, order: Order) -> list[Order]:
    """The orders that go to IB because this one does, in the order in which they came."""
    parent = world.parent_of(order)
    if parent is None:
        return [order]
    family = [parent, *children_of(world, parent)]
    held = [one for one in family if one is not order and one.status == "ApiPending"]
    return [*held, order]


def consequences(world: World, events: Iterable[Event], now_ns: int) -> list[Event]:
    """The events, each fill or end followed by what it causes among the orders linked to it."""
    told: list[Event] = []
    for event in events:
        told.append(event)
        if event.kind != "order_status":
            continue
        order = _original(world, event.order)
        if order is None or order.status != event.order.status:
            continue
        if order.status == "Filled":
            for rival in _rivals(world, order):
                told += consequences(world, matching.cancel(rival, now_ns), now_ns)
            for child in children_of(world, order):
                if child.status == "PreSubmitted":
                    told += consequences(world, matching.accept(world, child, now_ns), now_ns)
        elif order.status == "Cancelled":
            for child in children_of(world, order):
                told += consequences(world, matching.cancel(child, now_ns), now_ns)
    return told


def _original(world: World, copy: Order) -> Order | None:
    return next((one for one in world.orders if one.perm_id == copy.perm_id), None)


def _rivals(world: World, order: Order) -> list[Order]:
    """The live orders of its OCA group, and the other children of its parent."""
    return [
        one
        for one in world.live_orders()
        if one is not order
        and one.account == order.account
        and (
            (order.oca_group and one.oca_group == order.oca_group)
            or (order.parent_id and (one.client_id, one.parent_id) == (order.client_id, order.parent_id))
        )
    ]
