"""
What the simulated broker holds: accounts, contracts, orders, executions, positions, prices.

Plain state with the few look-ups that everyone needs. Quantities and prices are exact decimals, times UTC
nanoseconds. Manual orders have order_id 0 and client_id 0, as at IB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S
from tieout.model import is_live

if TYPE_CHECKING:
    from tieout.sim.quotes import SimQuote

ZERO: Final = Decimal(0)
NS_PER_DAY: Final = 86_400 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Contract:
    """An instrument in IB's terms; empty text and zero are "none"."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    currency: str = "USD"
    expiry: str = ""
    strike: Decimal = ZERO
    right: str = ""
    multiplier: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    primary_exchange: str = ""
    min_tick: Decimal = Decimal("0.01")
    price_magnifier: int = 1

    @property
    def units(self) -> Decimal:
        """The multiplier as a number: 1 where there is none."""
        return Decimal(self.multiplier) if self.multiplier else Decimal(1)


@dataclass(slots=True)
class Order:
    """An order at the broker, live or completed. `ended_ns` is set exactly on completed ones."""

    account: str
    perm_id: int
    client_id: int
    order_id: int
    contract: Contract
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    tif: str = "DAY"
    order_ref: str = ""
    status: str = "Submitted"
    filled: Decimal = ZERO
    average_price: Decimal = ZERO
    last_price: Decimal = ZERO
    parent_id: int = 0
    oca_group: str = ""
    outside_rth: bool = False
    good_till_date: str = ""
    ended_ns: int | None = None
    completed_status: str = ""

    @property
    def live(self) -> bool:
        """Whether it can still fill, or is held (Inactive orders stay listed as open at IB)."""
        return self.ended_ns is None and (is_live(self.status) or self.status == "Inactive")

    @property
    def remaining(self) -> Decimal:
        """The quantity that is not filled yet."""
        return self.quantity - self.filled


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill, with its commission (None: the report never comes)."""

    account: str
    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    order_ref: str
    contract: Contract
    side: str
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    average_price: Decimal
    executed_ns: int
    commission: Decimal | None = None
    commission_currency: str = "USD"
    realized_pnl: Decimal | None = None


@dataclass(slots=True)
class Position:
    """A holding. `average_cost` is IB's: price x multiplier."""

    account: str
    contract: Contract
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class AccountValue:
    """One line of an account's values, such as NetLiquidation."""

    account: str
    key: str
    value: str
    currency: str


@dataclass(slots=True)
class World:
    """Everything the gateway knows. `prices` and `quotes` are by con_id, `id_marks` by client, for nextValidId."""

    accounts: list[str]
    next_order_id: int = 1
    orders: list[Order] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    values: list[AccountValue] = field(default_factory=list)
    contracts: dict[int, Contract] = field(default_factory=dict)
    prices: dict[int, Decimal] = field(default_factory=dict)
    quotes: dict[int, SimQuote] = field(default_factory=dict)
    commission_per_unit: Decimal = Decimal("1")
    perm_id_last: int = 1_000_000_000
    exec_count: int = 0
    id_marks: dict[int, int] = field(default_factory=dict)

    def add_contract(self, contract: Contract) -> Contract:
        """Remember an instrument; what its con_id already names stays."""
        return self.contracts.setdefault(contract.con_id, contract)

    def add_order(self, order: Order) -> Order:
        """Remember an order, its contract, and that its ids are taken."""
        self.orders.append(order)
        self.add_contract(order.contract)
        self.perm_id_last = max(self.perm_id_last, order.perm_id)
        mark = self.id_marks.get(order.client_id, 0)
        self.id_marks[order.client_id] = max(mark, order.order_id)
        return order

    def live_orders(self) -> list[Order]:
        """The open orders, in the order they came."""
        return [order for order in self.orders if order.live]

    def completed_orders(self, now_ns: int) -> list[Order]:
        """The orders that ended since midnight UTC of `now_ns`."""
        start_ns = midnight_ns(now_ns)
        return [order for order in self.orders if order.ended_ns is not None and order.ended_ns >= start_ns]

    def executions_today(self, now_ns: int) -> list[Execution]:
        """The fills since midnight UTC of `now_ns`."""
        start_ns = midnight_ns(now_ns)
        return [execution for execution in self.executions if execution.executed_ns >= start_ns]

    def order_of(self, client_id: int, order_id: int) -> Order | None:
        """The latest order that this client sent under this id; manual orders (id 0) belong to nobody."""
        if order_id == 0:
            return None
        for order in reversed(self.orders):
            if order.client_id == client_id and order.order_id == order_id:
                return order
        return None

    def parent_of(self, order: Order) -> Order | None:
        """The order that this one is attached to."""
        return self.order_of(order.client_id, order.parent_id) if order.parent_id else None

    def waits(self, order: Order) -> bool:
        """Whether the order that it is attached to has yet to fill."""
        parent = self.parent_of(order)
        return parent is not None and parent.status != "Filled"

    def next_id(self, client_id: int) -> int:
        """The order id that nextValidId gives this client."""
        return max(self.next_order_id, self.id_marks.get(client_id, 0) + 1)

    def take_perm_id(self) -> int:
        """A permId that no order had before."""
        self.perm_id_last += 1
        return self.perm_id_last


def midnight_ns(now_ns: int) -> int:
    """Midnight UTC of that day: where "today" starts at this gateway."""
    return now_ns - now_ns % NS_PER_DAY
