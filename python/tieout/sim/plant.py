"""
Planting: each drift changes the world and writes what a correct plan says about it.

Fills and ends lie a few minutes before now, and never before today's midnight UTC. Apart from times, the
same book, seed and kinds give the same world and truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tieout.clock import NS_PER_S
from tieout.fixed import round_e8
from tieout.sim import drift
from tieout.sim.book import BookOrder
from tieout.sim.book_world import BookWorld
from tieout.sim.invent import TIFS, digest
from tieout.sim.truth import Truth
from tieout.sim.world import ZERO, Contract, Execution, Order, midnight_ns

EXECUTIONS_MAX: Final = 3
MANUAL_QUANTITY_MAX: Final = 3
MANUAL_DISTANCE: Final = Decimal("0.05")
"""A manual order rests that share of the price away from the market."""
LOOKALIKES: Final = 2
_DEFAULT_PRICE: Final = Decimal(100)
_COMMISSION: Final = Decimal("2.05")


def true_world(made: BookWorld) -> Truth:
    """The truth without any drift: what the book would learn."""
    truth = Truth(seed=None, kinds=())
    _tell_the_rest(made, truth, drifted=set())
    return truth


def plant(made: BookWorld, *, seed: int, kinds: Sequence[str] | None = None) -> Truth:
    """
    Plant the drifts of a seed in the world, and answer their truth.

    Raises:
        ScenarioError: they cannot be planted in this book.
    """
    asked = drift.checked_kinds(kinds)
    choice = drift.choose(made, seed=seed, kinds=asked)
    truth = Truth(seed=seed, kinds=asked)
    planters: dict[str, Callable[[_Plot, BookOrder, Order], None]] = {
        drift.MISSED_FILL: _missed_fill,
        drift.MISSED_CANCEL: _missed_cancel,
        drift.CHANGED_ORDER: _changed_order,
        drift.ORPHAN: _orphan,
        drift.LOOKALIKE: _lookalike,
    }
    drifted: set[int] = set()
    for kind, rows in choice.rows.items():
        truth.planted[kind] = len(rows)
        for index, row in enumerate(rows):
            plot = _Plot(made, truth, seed=seed, index=index)
            planters[kind](plot, row, made.order_of_row[row.row])
            drifted.add(row.row)
    if choice.manual_orders:
        truth.planted[drift.MANUAL_ORDER] = choice.manual_orders
        for index in range(choice.manual_orders):
            _manual_order(_Plot(made, truth, seed=seed, index=index))
    _tell_the_rest(made, truth, drifted=drifted)
    return truth


class _Plot:
    """Where one drift is planted: the world, the truth, and numbers that the seed decides."""

    def __init__(self, made: BookWorld, truth: Truth, *, seed: int, index: int) -> None:
        self.made = made
        self.truth = truth
        self.seed = seed
        self.index = index

    def draw(self, limit: int, *parts: object) -> int:
        """0 to limit - 1."""
        return digest("draw", self.seed, *parts) % limit

    def moment_ns(self, minutes_ago: int) -> int:
        """Some minutes before now, but today."""
        now_ns = self.made.now_ns
        return max(midnight_ns(now_ns), now_ns - minutes_ago * 60 * NS_PER_S)


def _tell_the_rest(made: BookWorld, truth: Truth, *, drifted: set[int]) -> None:
    for row in made.book.orders:
        if row.row in made.order_of_row and row.row not in drifted:
            truth.update(row, made.order_of_row[row.row])


def _missed_fill(plot: _Plot, row: BookOrder, order: Order) -> None:
    """Executions today; the second of these drifts, where there is one, only fills a part."""
    left = order.quantity - order.filled
    whole_units = left == left.to_integral_value() and left > 1
    partial = plot.index % 2 == 1 and whole_units
    filling = Decimal(1 + plot.draw(int(left) - 1, "part", row.row)) if partial else left
    end_ns = plot.moment_ns(2 + plot.draw(5, "end", row.row))
    for number, quantity in enumerate(_split(plot, row, filling)):
        price = _fill_price(plot, order, number)
        cumulative = order.filled + quantity
        cost = order.average_price * order.filled + price * quantity
        order.average_price = _rounded(cost / cumulative)
        order.filled, order.last_price = cumulative, price
        fill = Execution(
            account=order.account,
            exec_id=plot.made.new_exec_id(plot.seed, row.account, row.row, number),
            perm_id=order.perm_id,
            client_id=order.client_id,
            order_id=order.order_id,
            order_ref=order.order_ref,
            contract=order.contract,
            side=order.side,
            quantity=quantity,
            price=price,
            cumulative=cumulative,
            average_price=order.average_price,
            executed_ns=end_ns,
            commission=_rounded(_COMMISSION * quantity),
            commission_currency=order.contract.currency,
        )
        plot.made.world.executions.append(fill)
        plot.truth.insert_execution(fill)
    if not partial:
        order.status, order.ended_ns = "Filled", end_ns
    plot.truth.update(row, order)


def _missed_cancel(plot: _Plot, row: BookOrder, order: Order) -> None:
    order.status, order.ended_ns = "Cancelled", plot.moment_ns(2 + plot.draw(9, "cancel", row.row))
    plot.truth.update(row, order)


def _changed_order(plot: _Plot, row: BookOrder, order: Order) -> None:
    """Another price, quantity or tif, whichever the order has and the seed picks."""
    fields = ["quantity", "tif"]
    if order.limit_price is not None:
        fields.append("limit_price")
    if order.stop_price is not None:
        fields.append("stop_price")
    if order.order_type == "MKT":
        fields.remove("tif")
    field = fields[plot.draw(len(fields), "field", row.row)]
    step = order.contract.min_tick * (1 + plot.draw(8, "step", row.row))
    if field == "quantity":
        order.quantity += 1 + plot.draw(3, "more", row.row)
    elif field == "tif":
        order.tif = TIFS[1] if order.tif == TIFS[0] else TIFS[0]
    elif field == "limit_price" and order.limit_price is not None:
        order.limit_price += step
    elif order.stop_price is not None:
        order.stop_price += step
    plot.truth.update(row, order)


def _orphan(plot: _Plot, row: BookOrder, order: Order) -> None:
    _remove(plot.made, row, order)
    plot.truth.delete(row)


def _lookalike(plot: _Plot, row: BookOrder, order: Order) -> None:
    """The order itself is gone; two orders entered by hand look exactly like it."""
    _remove(plot.made, row, order)
    status = "Submitted" if order.stop_price is None else "PreSubmitted"
    twins = [
        replace(
            order,
            perm_id=plot.made.new_perm_id("lookalike", plot.seed, row.account, row.row, number),
            client_id=0,
            order_id=0,
            order_ref="",
            status=status,
            filled=ZERO,
            average_price=ZERO,
            last_price=ZERO,
            parent_id=0,
            oca_group="",
        )
        for number in range(LOOKALIKES)
    ]
    for twin in twins:
        plot.made.world.add_order(twin)
    plot.truth.ambiguous(row, twins)


def _manual_order(plot: _Plot) -> None:
    """An order entered by hand, which looks like nothing in the book."""
    made = plot.made
    contracts = sorted(made.world.contracts.values(), key=lambda contract: contract.con_id)
    traded: Contract = contracts[plot.draw(len(contracts), "contract", plot.index)]
    account = made.world.accounts[plot.draw(len(made.world.accounts), "account", plot.index)]
    buy = plot.draw(2, "side", plot.index) == 0
    quantity = Decimal(1 + plot.draw(MANUAL_QUANTITY_MAX, "quantity", plot.index))
    order = Order(
        account=account,
        perm_id=made.new_perm_id("manual", plot.seed, plot.index),
        client_id=0,
        order_id=0,
        contract=traded,
        side="BUY" if buy else "SELL",
        quantity=quantity,
        order_type="LMT",
        limit_price=_unused_price(plot, traded, buy=buy),
        tif=TIFS[plot.draw(len(TIFS), "tif", plot.index)],
        status="Submitted",
    )
    made.world.add_order(order)
    plot.truth.insert_order(order)


def _unused_price(plot: _Plot, traded: Contract, *, buy: bool) -> Decimal:
    """Away from the market, and from every price at which the book or the broker has an order there."""
    symbol, tick = traded.symbol, traded.min_tick
    used = {row.limit_price.rounded for row in plot.made.book.orders if row.contract["symbol"] == symbol}
    used |= {order.limit_price for order in plot.made.world.orders if order.contract.symbol == symbol}
    market = plot.made.world.prices.get(traded.con_id, _DEFAULT_PRICE)
    ticks = (market * (1 - MANUAL_DISTANCE if buy else 1 + MANUAL_DISTANCE)) // tick + plot.draw(
        40, "price", plot.index
    )
    while (price := max(ticks, Decimal(1)) * tick) in used:
        ticks += 1
    return price


def _remove(made: BookWorld, row: BookOrder, order: Order) -> None:
    made.world.orders = [held for held in made.world.orders if held is not order]
    del made.order_of_row[row.row]


def _split(plot: _Plot, row: BookOrder, quantity: Decimal) -> list[Decimal]:
    """One to three parts that sum up to the quantity; only whole units are split."""
    if quantity != quantity.to_integral_value() or quantity < 2:
        return [quantity]
    parts = 1 + plot.draw(min(EXECUTIONS_MAX, int(quantity)), "parts", row.row)
    share = quantity // parts
    return [share] * (parts - 1) + [quantity - share * (parts - 1)]


def _fill_price(plot: _Plot, order: Order, number: int) -> Decimal:
    """At the limit or a few ticks better; a stop at its trigger; else where the market is."""
    better = -number * order.contract.min_tick if order.side == "BUY" else number * order.contract.min_tick
    if order.limit_price:
        price = order.limit_price + better
    elif order.stop_price:
        price = order.stop_price - better
    else:
        price = plot.made.world.prices.get(order.contract.con_id, _DEFAULT_PRICE)
    return price if price > 0 else order.limit_price or order.stop_price or _DEFAULT_PRICE


def _rounded(value: Decimal) -> Decimal:
    counted = round_e8(value)
    return value if counted is None else Decimal(counted).scaleb(-8)
