"""
What becomes of orders: a simple matching rule, exact and without chance.

An order fills whole, at the instrument's price, as soon as that price allows it: market orders always,
limits when the price is at the limit or better, stops when it has reached the trigger. Otherwise it rests,
stops as PreSubmitted (held at IB), the rest as Submitted. An instrument without a price fills nothing.

Every function answers the events that its change caused, in the order IB reports them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from tieout.model import uses_limit_price, uses_stop_price
from tieout.sim.world import ZERO, Execution, Order, Position, World

EventKind = Literal["open_order", "order_status", "execution", "commission"]

PRICE_OPTIONAL_TYPES: Final = frozenset({"TRAIL", "TRAIL LIMIT", "REL", "PEG MKT", "PEG MID", "SNAP MID", "SNAP MKT"})
"""Types that the rule never fills, since they move with quotes that the gateway does not have."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to tell the owner of an order. `order` is a copy: as it stood at that moment."""

    kind: EventKind
    order: Order
    fill: Execution | None = None


def event(kind: EventKind, order: Order, fill: Execution | None = None) -> Event:
    """The event, with the order as it stands now."""
    return Event(kind, replace(order), fill)


def accept(world: World, order: Order, now_ns: int) -> list[Event]:
    """A new or changed order is acknowledged, and filled if the price allows it."""
    order.status = "PreSubmitted" if _held(order) else "Submitted"
    events = [event("open_order", order), event("order_status", order)]
    price = world.prices.get(order.contract.con_id)
    if price is not None and fills_at(order, price):
        events += fill(world, order, price, now_ns=now_ns)
    return events


def move_price(world: World, con_id: int, price: Decimal, *, now_ns: int) -> list[Event]:
    """The instrument trades at another price: whatever rests there and is reached fills."""
    world.prices[con_id] = price
    resting = [o for o in world.live_orders() if o.contract.con_id == con_id and not world.waits(o)]
    reached = [o for o in resting if fills_at(o, price)]
    return [told for order in reached for told in fill(world, order, price, now_ns=now_ns)]


def fills_at(order: Order, price: Decimal) -> bool:
    """Whether the rule fills this order at this price."""
    if order.order_type in PRICE_OPTIONAL_TYPES or order.status in {"ApiPending", "Inactive"}:
        return False
    buy = order.side == "BUY"
    if uses_stop_price(order.order_type) and order.stop_price is not None:
        touched = price <= order.stop_price if order.order_type in {"MIT", "LIT"} else price >= order.stop_price
        sell_touched = price >= order.stop_price if order.order_type in {"MIT", "LIT"} else price <= order.stop_price
        if not (touched if buy else sell_touched):
            return False
    if uses_limit_price(order.order_type) and order.limit_price is not None:
        return price <= order.limit_price if buy else price >= order.limit_price
    return True


def fill(world: World, order: Order, price: Decimal, *, now_ns: int) -> list[Event]:
    """All that remains of the order trades at that price."""
    quantity = order.remaining
    done = order.filled + quantity
    order.average_price = (order.average_price * order.filled + price * quantity) / done
    order.filled, order.last_price = done, price
    order.status, order.ended_ns = "Filled", now_ns
    execution = Execution(
        account=order.account,
        exec_id=next_exec_id(world),
        perm_id=order.perm_id,
        client_id=order.client_id,
        order_id=order.order_id,
        order_ref=order.order_ref,
        contract=order.contract,
        side=order.side,
        quantity=quantity,
        price=price,
        cumulative=order.filled,
        average_price=order.average_price,
        executed_ns=now_ns,
        commission=world.commission_per_unit * quantity,
        commission_currency=order.contract.currency,
    )
    world.executions.append(execution)
    _hold(world, execution)
    return [
        event("execution", order, execution),
        event("open_order", order),
        event("order_status", order),
        event("commission", order, execution),
    ]


def cancel(order: Order, now_ns: int) -> list[Event]:
    """The order ends as Cancelled."""
    order.status, order.ended_ns = "Cancelled", now_ns
    return [event("order_status", order)]


def next_exec_id(world: World) -> str:
    """An exec id that no execution had before, in IB's four segments."""
    world.exec_count += 1
    return f"0000e0d5.{world.perm_id_last:08x}.{world.exec_count:08x}.01"


def _held(order: Order) -> bool:
    return uses_stop_price(order.order_type) and order.stop_price is not None


def _hold(world: World, execution: Execution) -> None:
    """Book the fill on the position; the average cost moves only where the position grows."""
    signed = execution.quantity if execution.side == "BUY" else -execution.quantity
    cost = execution.price * execution.contract.units
    for held in world.positions:
        if held.account == execution.account and held.contract.con_id == execution.contract.con_id:
            after = held.quantity + signed
            if held.quantity * signed >= 0:
                held.average_cost = (held.average_cost * held.quantity + cost * signed) / after
            elif held.quantity * after < 0:
                held.average_cost = cost
            held.quantity = after
            if after == ZERO:
                world.positions.remove(held)
            return
    world.positions.append(Position(execution.account, execution.contract, signed, cost))
