"""
An order book, read for the simulated broker: read-only, in one transaction, also while a bot writes it.

The tables are the book's own (`orders`, `executions`); this room may not import the store, which names them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tieout.clock import from_iso
from tieout.errors import ScenarioError
from tieout.fixed import round_e8, to_e8
from tieout.model import INACTIVE, is_live, uses_limit_price, uses_stop_price

BUSY_TIMEOUT_S: Final = 10.0
_E8: Final = Decimal("1e-8")
_CONTRACT: Final = (
    "con_id", "symbol", "sec_type", "expiry", "strike", "right", "multiplier", "currency", "local_symbol",
    "trading_class", "exchange",
)  # fmt: skip
_ORDER: Final = (
    "id", "account", "perm_id", "client_id", "order_id", "order_ref", "parent_id", "oca_group",
    *_CONTRACT, "side", "quantity", "order_type", "limit_price", "stop_price", "tif", "status",
    "filled_quantity", "avg_fill_price", "updated_at",
)  # fmt: skip
_EXECUTION: Final = (
    "id", "order_row", "account", "exec_id", "perm_id", "client_id", "order_id", "order_ref", *_CONTRACT,
    "side", "quantity", "price", "cumulative_quantity", "executed_at", "commission",
    "commission_currency", "realized_pnl", "active",
)  # fmt: skip

ContractColumns = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class BookNumber:
    """
    A number of the book: `exact` is None where 1e-8 cannot hold it; `rounded` is what a broker would have.
    """

    exact: Decimal | None
    rounded: Decimal | None

    @property
    def inexact(self) -> bool:
        """Whether the book wrote something that equals nothing."""
        return self.exact is None and self.rounded is not None


@dataclass(frozen=True, slots=True)
class BookOrder:
    """One row of `orders`. Ids that are 0 or empty are None; a price that the type does not use is none."""

    row: int
    account: str
    perm_id: int | None
    client_id: int | None
    order_id: int | None
    order_ref: str | None
    parent_id: int
    oca_group: str
    contract: ContractColumns
    side: str
    quantity: BookNumber
    order_type: str
    limit_price: BookNumber
    stop_price: BookNumber
    tif: str | None
    status: str
    filled: BookNumber
    average_price: Decimal | None
    updated_ns: int | None
    unnamed: bool = False
    """Whether the book names no account, and `account` is a stand-in."""

    @property
    def live(self) -> bool:
        """Whether the book says that it can still fill."""
        return is_live(self.status)

    @property
    def settled(self) -> bool:
        """Neither live nor Inactive, and known by its perm_id: it is matched by that alone."""
        return not self.live and self.status != INACTIVE and self.perm_id is not None

    @property
    def inexact(self) -> bool:
        """Whether one of its compared numbers equals nothing."""
        return any(n.inexact for n in (self.quantity, self.limit_price, self.stop_price, self.filled))

    @property
    def signature(self) -> tuple[object, ...]:
        """What two orders that look alike share."""
        numbers = (self.quantity.rounded, self.limit_price.rounded, self.stop_price.rounded)
        return (self.account, self.contract["symbol"], self.side, *numbers)


@dataclass(frozen=True, slots=True)
class BookExecution:
    """One row of `executions`."""

    row: int
    order_row: int | None
    account: str
    exec_id: str | None
    perm_id: int | None
    client_id: int | None
    order_id: int | None
    order_ref: str | None
    contract: ContractColumns
    side: str | None
    quantity: BookNumber
    price: BookNumber
    cumulative: BookNumber
    executed_ns: int | None
    commission: BookNumber
    commission_currency: str | None
    realized_pnl: BookNumber


@dataclass(frozen=True, slots=True)
class Book:
    """What one read transaction saw, in row order."""

    path: Path
    orders: tuple[BookOrder, ...]
    executions: tuple[BookExecution, ...]


def read_book(path: Path) -> Book:
    """
    Read a book without writing to it.

    Raises:
        ScenarioError: it is not there, cannot be read, or is not a book of tieout.
    """
    if not path.is_file():
        raise ScenarioError(f"{path}: there is no such book", hint="name an existing book with --book")
    try:
        with _opened(path) as connection:
            orders = tuple(_order(row) for row in _rows(connection, path, "orders", _ORDER))
            fills = tuple(_execution(row) for row in _rows(connection, path, "executions", _EXECUTION) if row["active"])
    except sqlite3.Error as error:
        raise ScenarioError(f"{path}: cannot be read as a book: {error}", hint="name a tieout book") from error
    return Book(path=path, orders=orders, executions=fills)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield connection


def _rows(connection: sqlite3.Connection, path: Path, table: str, columns: tuple[str, ...]) -> list[sqlite3.Row]:
    held = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
    missing = [name for name in columns if name not in held]
    if missing:
        what = f"the table {table} lacks {', '.join(missing[:3])}" if held else f"there is no table {table}"
        raise ScenarioError(f"{path}: not a tieout book: {what}", hint="upgrade an old book with `tieout adopt`")
    names = ", ".join(f'"{name}"' for name in columns)
    return connection.execute(f"SELECT {names} FROM {table} ORDER BY id").fetchall()


def _order(row: sqlite3.Row) -> BookOrder:
    kind = str(row["order_type"])
    nothing = BookNumber(None, None)
    return BookOrder(
        row=row["id"],
        account=row["account"],
        perm_id=row["perm_id"] or None,
        client_id=row["client_id"],
        order_id=row["order_id"] or None,
        order_ref=row["order_ref"] or None,
        parent_id=row["parent_id"] or 0,
        oca_group=row["oca_group"] or "",
        contract={name: row[name] for name in _CONTRACT},
        side=row["side"],
        quantity=_number(row["quantity"]),
        order_type=kind,
        limit_price=_number(row["limit_price"]) if uses_limit_price(kind) else nothing,
        stop_price=_number(row["stop_price"]) if uses_stop_price(kind) else nothing,
        tif=row["tif"] or None,
        status=row["status"],
        filled=_number(row["filled_quantity"]),
        average_price=_number(row["avg_fill_price"]).rounded,
        updated_ns=_moment(row["updated_at"]),
    )


def _execution(row: sqlite3.Row) -> BookExecution:
    return BookExecution(
        row=row["id"],
        order_row=row["order_row"],
        account=row["account"],
        exec_id=row["exec_id"] or None,
        perm_id=row["perm_id"] or None,
        client_id=row["client_id"],
        order_id=row["order_id"] or None,
        order_ref=row["order_ref"] or None,
        contract={name: row[name] for name in _CONTRACT},
        side=row["side"],
        quantity=_number(row["quantity"]),
        price=_number(row["price"]),
        cumulative=_number(row["cumulative_quantity"]),
        executed_ns=_moment(row["executed_at"]),
        commission=_number(row["commission"]),
        commission_currency=row["commission_currency"],
        realized_pnl=_number(row["realized_pnl"]),
    )


def _number(value: Any) -> BookNumber:
    """Digits as the book wrote them; text that is no number is none at all."""
    if value is None or value == "":
        return BookNumber(None, None)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return BookNumber(None, None)
    if to_e8(number) is not None:
        return BookNumber(number, number)
    rounded = round_e8(number)
    return BookNumber(None, None if rounded is None else rounded * _E8)


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError:
        return None
