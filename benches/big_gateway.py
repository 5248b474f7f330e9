"""
A simulated gateway with many orders and executions, for as long as its standard input is open; prints its port.

    python benches/big_gateway.py COUNT

Half of the orders are live, half completed; COUNT executions belong to the completed ones.
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal

from tieout.clock import now_ns
from tieout.sim.gateway import Gateway
from tieout.sim.world import Contract, Execution, Order, World

ACCOUNT = "DU1234567"
ES = Contract(
    637533641, "ES", "FUT", "CME", expiry="20261218", multiplier="50", local_symbol="ESZ6", trading_class="ES"
)


def world_of(count: int) -> World:
    """The world; every price and quantity is another one."""
    world = World([ACCOUNT], next_order_id=count + 1)
    at_ns = now_ns()
    for number in range(count):
        order = Order(
            ACCOUNT, 1_500_000_000 + number, 7, number + 1, ES, "BUY" if number % 2 else "SELL",
            Decimal(number % 9 + 1), "LMT", limit_price=Decimal(6000) + Decimal(number % 4000) / 4,
            order_ref=f"trend-{number}",
        )  # fmt: skip
        if number >= count // 2:
            order.status, order.filled, order.ended_ns = "Filled", order.quantity, at_ns
        world.add_order(order)
    done = [order for order in world.orders if not order.live]
    for number in range(count):
        order = done[number % len(done)]
        price = order.limit_price or Decimal(0)
        world.executions.append(
            Execution(
                ACCOUNT, f"0000e0d5.{number:08x}.01.01", order.perm_id, 7, order.order_id, order.order_ref, ES,
                order.side, Decimal(1), price, Decimal(1), price, at_ns, commission=Decimal("2.05"),
            )
        )  # fmt: skip
    return world


async def serve(count: int) -> None:
    """Serve until whoever started this closes our standard input."""
    gateway = Gateway(world_of(count), now_ns=now_ns)
    print(await gateway.start(0), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await gateway.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
