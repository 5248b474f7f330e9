"""The gateway's side of a story: what happens at the broker, and how the gateway gets well again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fuzz_plan import CON_IDS, MID

from cli_support import ACCOUNT
from tieout.sim import matching
from tieout.sim.conduct import Conduct
from tieout.sim.faults import Faults
from tieout.sim.world import Order

if TYPE_CHECKING:
    from tieout.sim.gateway import Gateway

LINK_LOST: Final = 1100
SCENARIO: Final = f"""
accounts: [{ACCOUNT}]
next_order_id: 100
commission_per_unit: 2.05
contracts:
  NQ: {{con_id: 5, symbol: NQ, sec_type: FUT, exchange: CME, expiry: "20990320", multiplier: "20", local_symbol: NQH9,
       trading_class: NQ, min_tick: 0.25}}
  YM: {{con_id: 6, symbol: YM, sec_type: FUT, exchange: CME, expiry: "20990320", multiplier: "5", local_symbol: YMH9,
       trading_class: YM, min_tick: 1}}
prices: {{NQ: {MID}, YM: {MID}}}
"""


def happen(gateway: Gateway, step: list[Any]) -> None:
    """One step of the world; in the gateway's own thread."""
    kind, number = step[0], step[1]
    if kind == "price":
        gateway.set_price(number, Decimal(step[2]))
    elif kind == "partial":
        _partial(gateway, number)
    elif kind == "manual":
        _other_order(gateway, number, client_id=0)
    elif kind == "stranger":
        _other_order(gateway, number, client_id=31)
    elif kind == "gateway_cancels":
        live = gateway.world.live_orders()
        if live:
            gateway.publish(matching.cancel(live[number % len(live)], gateway.now_ns()))
    elif kind == "restart":
        gateway.restart()
    elif kind == "link":
        _link(gateway, LINK_LOST)
        _partial(gateway, number)  # a fill that is told to nobody
        _link(gateway, number)
    else:
        raise AssertionError(step)


def misbehave(gateway: Gateway, faults: Faults) -> None:
    """From now on these faults; connections are counted anew."""
    gateway.faults, gateway.conduct, gateway.sessions_seen = faults, Conduct(faults), 0


def get_well(gateway: Gateway) -> None:
    """No faults any more, IB is reached, and nobody is left of those who were here."""
    misbehave(gateway, Faults())
    _link(gateway, 1102)
    for session in tuple(gateway.sessions.values()):
        session.cut()


def _link(gateway: Gateway, code: int) -> None:
    gateway.say(None, code, "", request_id=-1)  # type: ignore[arg-type]  # it is said to every client


def _partial(gateway: Gateway, number: int) -> None:
    """A part of a resting order fills, in a price that suits it."""
    world = gateway.world
    resting = [o for o in world.live_orders() if o.status == "Submitted" and o.remaining > 1 and not world.waits(o)]
    if not resting:
        return
    order = resting[number % len(resting)]
    whole, order.quantity = order.quantity, order.filled + 1
    price = order.limit_price or order.stop_price or Decimal(MID)
    told = matching.fill(world, order, price, now_ns=gateway.now_ns())
    order.quantity, order.status, order.ended_ns = whole, "Submitted", None
    gateway.publish([matching.event(one.kind, order, one.fill) for one in told])


def _other_order(gateway: Gateway, number: int, *, client_id: int) -> None:
    """An order that is not the bot's; manual where no client sent it."""
    world = gateway.world
    order = Order(
        ACCOUNT, world.take_perm_id(), client_id, 0 if client_id == 0 else 1000 + world.perm_id_last % 1000,
        world.contracts[CON_IDS[number % 2]], "BUY", Decimal(1 + number % 3), "LMT",
        Decimal(MID - 20 - number % 50), tif="GTC",
    )  # fmt: skip
    world.add_order(order)


def copy_of(gateway: Gateway) -> tuple[list[Order], list[Any]]:
    """Orders and executions as they stand."""
    return [replace(one) for one in gateway.world.orders], list(gateway.world.executions)
