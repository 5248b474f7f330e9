"""
The broker as an order book believes it to be: the live orders, today's fills, what ended today.

Same perm_ids, clients, ids, accounts, refs, prices (rounded to 1e-8), tifs, statuses and fills as in the
book; what is null there is invented (tieout.sim.invent). No positions: the book does not say any.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from tieout.model import ENDED_STATUSES
from tieout.sim import invent
from tieout.sim.book import Book, BookExecution, BookOrder
from tieout.sim.world import ZERO, AccountValue, Contract, Execution, Order, World, midnight_ns

DEFAULT_ACCOUNT: Final = "DU1234567"
DEFAULT_CLIENT_ID: Final = 1
NET_LIQUIDATION: Final = "1000000.00"


@dataclass(slots=True)
class BookWorld:
    """
    A world made from a book, and which order of it stands for which row.

    `order_of_row` holds the live orders and those that ended today; `taken_perm_ids` and `taken_exec_ids`
    is what nothing new may be called.
    """

    book: Book
    world: World
    now_ns: int
    order_of_row: dict[int, Order] = field(default_factory=dict)
    taken_perm_ids: set[int] = field(default_factory=set)
    taken_exec_ids: set[str] = field(default_factory=set)

    @property
    def live_rows(self) -> list[BookOrder]:
        """The rows that the book says are live."""
        return [row for row in self.book.orders if row.live]

    def rows_with_fills_today(self) -> set[int]:
        """Rows of orders that today's executions at this broker speak of."""
        perm_ids = {fill.perm_id for fill in self.world.executions_today(self.now_ns)}
        return {row for row, order in self.order_of_row.items() if order.perm_id in perm_ids}

    def new_perm_id(self, *parts: object) -> int:
        """A permId that neither the book nor the world has."""
        value = invent.perm_id(self.taken_perm_ids, *parts)
        self.taken_perm_ids.add(value)
        return value

    def new_exec_id(self, *parts: object) -> str:
        """An exec id that neither the book nor the world has."""
        value = invent.exec_id(self.taken_exec_ids, *parts)
        self.taken_exec_ids.add(value)
        return value


def world_of(book: Book, *, now_ns: int, account: str | None = None, client_id: int | None = None) -> BookWorld:
    """
    The world in which the book is right.

    Args:
        account: the login's account where the book names none.
        client_id: who sent the orders whose client the book does not know.
    """
    named = ({row.account for row in book.orders} | {fill.account for fill in book.executions}) - {""}
    stand_in = account or (min(named) if len(named) == 1 else DEFAULT_ACCOUNT)
    book = _owned(book, stand_in)
    accounts = sorted({row.account for row in book.orders} | {fill.account for fill in book.executions})
    world = World(accounts=accounts or [stand_in])
    world.values = [AccountValue(name, "NetLiquidation", NET_LIQUIDATION, "USD") for name in world.accounts]
    made = BookWorld(book=book, world=world, now_ns=now_ns)
    made.taken_perm_ids = {row.perm_id for row in book.orders if row.perm_id is not None}
    made.taken_perm_ids |= {fill.perm_id for fill in book.executions if fill.perm_id is not None}
    made.taken_exec_ids = {fill.exec_id for fill in book.executions if fill.exec_id is not None}
    default_client = DEFAULT_CLIENT_ID if client_id is None else client_id
    for row in book.orders:
        ended_ns = _ended_today_ns(row, now_ns)
        if row.live or ended_ns is not None:
            order = _order(made, row, default_client)
            order.ended_ns = ended_ns
            made.order_of_row[row.row] = world.add_order(order)
    _serve_executions(made, default_client)
    _set_prices(made)
    _remember_ids(made, default_client)
    return made


def _order(made: BookWorld, row: BookOrder, default_client: int) -> Order:
    identity = (row.account, row.client_id, row.order_id, row.row)
    quantity = row.quantity.rounded or ZERO
    filled = row.filled.rounded
    if filled is None:
        filled = quantity if row.status == "Filled" else ZERO
    average = row.average_price if row.average_price is not None and filled else ZERO
    return Order(
        account=row.account,
        perm_id=row.perm_id or made.new_perm_id(*identity),
        client_id=_client_of(row, default_client),
        order_id=row.order_id or 0,
        contract=invent.contract(row.contract),
        side=row.side,
        quantity=quantity,
        order_type=row.order_type,
        limit_price=row.limit_price.rounded,
        stop_price=row.stop_price.rounded,
        tif=row.tif or invent.tif(*identity),
        order_ref=row.order_ref or "",
        status=row.status,
        filled=filled,
        average_price=average,
        last_price=average,
        parent_id=row.parent_id,
        oca_group=row.oca_group,
    )


def _client_of(row: BookOrder | BookExecution, default_client: int) -> int:
    """Orders without an order id are manual ones, and those belong to client 0."""
    if row.order_id is None:
        return 0
    return default_client if row.client_id is None else row.client_id


def _owned(book: Book, stand_in: str) -> Book:
    """The book with an account on every row; one adopted without an account has none."""
    return replace(
        book,
        orders=tuple(row if row.account else replace(row, account=stand_in, unnamed=True) for row in book.orders),
        executions=tuple(fill if fill.account else replace(fill, account=stand_in) for fill in book.executions),
    )


def _ended_today_ns(row: BookOrder, now_ns: int) -> int | None:
    if row.status not in ENDED_STATUSES or row.perm_id is None or row.updated_ns is None:
        return None
    return row.updated_ns if midnight_ns(now_ns) <= row.updated_ns <= now_ns else None


def _serve_executions(made: BookWorld, default_client: int) -> None:
    """
    Today's fills that the book knows by exec id; those without one could not be told apart from new ones.
    """
    row_of = {row.row: row for row in made.book.orders}
    start_ns = midnight_ns(made.now_ns)
    sums: dict[int | None, Decimal] = {}
    for fill in made.book.executions:
        home = None if fill.order_row is None else row_of.get(fill.order_row)
        quantity = fill.quantity.rounded or ZERO
        sums[fill.order_row] = sums.get(fill.order_row, ZERO) + quantity
        if fill.exec_id is None or fill.executed_ns is None or not start_ns <= fill.executed_ns <= made.now_ns:
            continue
        order = None if home is None else made.order_of_row.get(home.row)
        known = fill.cumulative.rounded
        cumulative = sums[fill.order_row] if known is None else known
        made.world.executions.append(
            _execution(fill, order, home, cumulative=cumulative, default_client=default_client)
        )


def _execution(
    fill: BookExecution,
    order: Order | None,
    home: BookOrder | None,
    *,
    cumulative: Decimal,
    default_client: int,
) -> Execution:
    price = fill.price.rounded or ZERO
    perm_id = fill.perm_id or (order.perm_id if order else None) or (home.perm_id if home else None) or 0
    return Execution(
        account=fill.account,
        exec_id=fill.exec_id or "",
        perm_id=perm_id,
        client_id=order.client_id if order else _client_of(home or fill, default_client),
        order_id=order.order_id if order else (fill.order_id or (home.order_id if home else None) or 0),
        order_ref=(order.order_ref if order else fill.order_ref) or "",
        contract=order.contract if order else invent.contract(home.contract if home else fill.contract),
        side=fill.side or (home.side if home else "BUY"),
        quantity=fill.quantity.rounded or ZERO,
        price=price,
        cumulative=cumulative,
        average_price=order.average_price if order and order.average_price else price,
        executed_ns=fill.executed_ns or 0,
        commission=fill.commission.rounded,
        commission_currency=fill.commission_currency or "USD",
        realized_pnl=fill.realized_pnl.rounded,
    )


def _set_prices(made: BookWorld) -> None:
    """An instrument trades where the book last saw it: its last fill, else the last order price."""
    last: dict[object, Decimal] = {}
    for row in made.book.orders:
        price = row.limit_price.rounded or row.stop_price.rounded
        if price:
            last[row.contract["symbol"]] = price
    for fill in made.book.executions:
        if fill.price.rounded:
            last[fill.contract["symbol"]] = fill.price.rounded
    contracts: list[Contract] = list(made.world.contracts.values())
    for contract in contracts:
        if contract.symbol in last:
            made.world.prices[contract.con_id] = last[contract.symbol]


def _remember_ids(made: BookWorld, default_client: int) -> None:
    """Every id the book ever used is used, also of orders that the broker forgot."""
    marks = made.world.id_marks
    for row in made.book.orders:
        client = _client_of(row, default_client)
        marks[client] = max(marks.get(client, 0), row.order_id or 0)
