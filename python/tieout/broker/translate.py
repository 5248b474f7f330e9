"""
IB's words and numbers into ours: raw decoder messages into the frames of `tieout.schema`.

Pure functions. Here, and nowhere else, IB's sentinels, 0 and "" become null. Sources: IB's TWS API guide,
the libraries' decoders, ib-facts in the design notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import polars as pl

from tieout import fixed
from tieout.broker.collect import RawCommission, RawExecution, RawOrder, RawPosition, RawStatus
from tieout.broker.moments import moment_ns
from tieout.model import ENDED_STATUSES, is_live, uses_limit_price, uses_stop_price
from tieout.schema import EXECUTION, ORDER, POSITION

Row = dict[str, Any]

_UNSET_INTEGERS: Final = frozenset({0, 2**31 - 1, 2**63 - 1})
_UNSET_NUMBERS: Final = frozenset({1.7976931348623157e308, float(2**31 - 1), float(2**63 - 1), float(2**127 - 1)})
"""IB's largest double, int, long and decimal: each means that no number was sent."""
_FLOAT_DIGITS: Final = 15
"""Every decimal of up to 15 digits survives a float; beyond, the float's digits are not the wire's."""

_REMEMBERED: Final = 1 << 16
"""An account's instruments, prices, sizes and times come again and again: so many of each are translated once."""

_CONTRACT_FIELDS: Final = attrgetter(
    "conId", "symbol", "secType", "lastTradeDateOrContractMonth", "strike", "right", "multiplier", "currency",
    "localSymbol", "tradingClass", "exchange",
)  # fmt: skip

_ORDER_SIDES: Final = {"BUY": "BUY", "SELL": "SELL", "SSHORT": "SELL", "SLONG": "SELL"}
_EXECUTION_SIDES: Final = {"BOT": "BUY", "SLD": "SELL"}
_RIGHTS: Final = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}


class Exact:
    """Numbers of one row; `inexact` tells whether one of them could not be held."""

    def __init__(self) -> None:
        self.inexact = False

    def e8(self, value: float | None) -> int | None:
        """A size or a price, exact or not at all."""
        e8, inexact = _exact_e8(value)
        self.inexact = self.inexact or inexact
        return e8


@lru_cache(maxsize=_REMEMBERED)
def _exact_e8(value: float | None) -> tuple[int | None, bool]:
    """The count of 1e-8, and whether there is a number that cannot be held."""
    number = decimal_of(value)
    if number is None:
        return None, False
    e8 = fixed.to_e8(number) if len(number.normalize().as_tuple().digits) <= _FLOAT_DIGITS else None
    return e8, e8 is None


def decimal_of(value: float | str | Decimal | None) -> Decimal | None:
    """The number as it was written; None where IB left it unset, or where it is none."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and float(number) not in _UNSET_NUMBERS else None


@lru_cache(maxsize=_REMEMBERED)
def average_e8(value: float | str | None, *, zero_is_null: bool = False) -> int | None:
    """An average, a cost or a commission, rounded to 1e-8: these are told, not compared digit by digit."""
    number = decimal_of(value)
    if number is None or (zero_is_null and number == 0):
        return None
    return fixed.round_e8(number)


def id_of(value: int | None) -> int | None:
    """An id, or None for 0 and IB's unset integers."""
    return None if value is None or value in _UNSET_INTEGERS else value


def text_of(value: str | None) -> str | None:
    """A text, or None for an empty one."""
    return value.strip() or None if value else None


def contract_row(contract: Any, exact: Exact) -> Row:
    """The contract columns."""
    row, inexact = _contract_row(*_CONTRACT_FIELDS(contract))
    exact.inexact = exact.inexact or inexact
    return row


@lru_cache(maxsize=_REMEMBERED)
def _contract_row(*fields: Any) -> tuple[Row, bool]:
    """Of the fields in the order of `_CONTRACT_FIELDS`; the row is shared, so nobody changes it."""
    con_id, symbol, sec_type, expiry, strike, right, multiplier, currency, local_symbol, trading_class, venue = fields
    exact, expiry = Exact(), text_of(expiry)
    row = {
        "con_id": id_of(con_id),
        "symbol": text_of(symbol),
        "sec_type": text_of(sec_type),
        "expiry": expiry.split()[0] if expiry else None,
        "strike_e8": exact.e8(strike) or None,
        "right": _RIGHTS.get(right),
        "multiplier_e8": _multiplier_e8(multiplier),
        "currency": text_of(currency),
        "local_symbol": text_of(local_symbol),
        "trading_class": text_of(trading_class),
        "exchange": text_of(venue),
    }
    return row, exact.inexact


def settled_status(state: str | None, reported: str | None) -> str | None:
    """
    The status of an order that openOrder gives as `state` and orderStatus as `reported`.

    orderStatus is the later word, but neither takes back that an order has ended.
    """
    for status in (reported, state):
        if status in ENDED_STATUSES:
            return status
    return reported or state


def order_row(raw: RawOrder, reported: RawStatus | None) -> Row:
    """One live order as an `ORDER` row; `reported` is its last orderStatus."""
    order, exact = raw.order, Exact()
    order_id = id_of(order.orderId)
    status = settled_status(text_of(raw.state.status), text_of(reported.status) if reported else None)
    return _common_order(raw, exact) | {
        "client_id": order.clientId if order_id is not None and order.clientId >= 0 else None,
        "order_id": order_id,
        "status": status,
        "filled_quantity_e8": exact.e8(reported.filled) if reported else None,
        "placed_ns": None,
        "live": is_live(status),
        "parent_id": id_of(order.parentId),
        "parent_perm_id": None,
        "inexact": exact.inexact,
    }


def completed_row(raw: RawOrder, *, gateway_zone: str | None) -> Row:
    """One completed order as an `ORDER` row: no order id, no client id, `placed_ns` the time it completed."""
    order, exact = raw.order, Exact()
    status = text_of(raw.state.status) or _ended_word(raw.state.completedStatus)
    return _common_order(raw, exact) | {
        "client_id": None,
        "order_id": None,
        "status": status,
        "filled_quantity_e8": exact.e8(order.filledQuantity),
        "placed_ns": moment_ns(raw.state.completedTime or "", gateway_zone=gateway_zone),
        "live": is_live(status),
        "parent_id": None,
        "parent_perm_id": id_of(order.parentPermId),
        "inexact": exact.inexact,
    }


def execution_row(raw: RawExecution, report: RawCommission | None, *, gateway_zone: str | None) -> Row:
    """One execution as an `EXECUTION` row; without its commission report the commission is null."""
    fill, exact = raw.execution, Exact()
    order_id = id_of(fill.orderId)
    return contract_row(raw.contract, exact) | {
        "row": None,
        "order_row": None,
        "account": text_of(fill.acctNumber),
        "exec_id": text_of(fill.execId),
        "perm_id": id_of(fill.permId),
        "client_id": fill.clientId if order_id is not None and fill.clientId >= 0 else None,
        "order_id": order_id,
        "order_ref": text_of(fill.orderRef),
        "side": _EXECUTION_SIDES.get(fill.side),
        "quantity_e8": exact.e8(fill.shares),
        "price_e8": exact.e8(fill.price),
        "cumulative_quantity_e8": exact.e8(fill.cumQty) or None,
        "average_price_e8": average_e8(fill.avgPrice, zero_is_null=True),
        "executed_ns": moment_ns(raw.time_text, gateway_zone=gateway_zone),
        "commission_e8": average_e8(report.commission) if report else None,
        "commission_currency": text_of(report.currency) if report else None,
        "realized_pnl_e8": average_e8(report.realized_pnl) if report else None,
        "inexact": exact.inexact,
    }


def position_row(raw: RawPosition) -> Row:
    """One position as a `POSITION` row."""
    exact = Exact()
    return contract_row(raw.contract, exact) | {
        "account": text_of(raw.account),
        "quantity_e8": exact.e8(raw.quantity),
        "average_cost_e8": average_e8(raw.average_cost),
    }


def order_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """Rows of `order_row` or `completed_row` as a frame, schema `ORDER`."""
    return _frame(rows, ORDER)


def execution_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """Rows of `execution_row` as a frame, schema `EXECUTION`."""
    return _frame(rows, EXECUTION)


def position_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """Rows of `position_row` as a frame, schema `POSITION`."""
    return _frame(rows, POSITION)


def _common_order(raw: RawOrder, exact: Exact) -> Row:
    order = raw.order
    order_type = text_of(order.orderType)
    return contract_row(raw.contract, exact) | {
        "row": None,
        "account": text_of(order.account),
        "perm_id": id_of(order.permId),
        "order_ref": text_of(order.orderRef),
        "session": None,
        "side": _ORDER_SIDES.get(order.action),
        "quantity_e8": exact.e8(order.totalQuantity) or None,
        "order_type": order_type,
        "limit_price_e8": exact.e8(order.lmtPrice) if uses_limit_price(order_type) else None,
        "stop_price_e8": exact.e8(order.auxPrice) if uses_stop_price(order_type) else None,
        "tif": text_of(order.tif),
        "oca_group": text_of(order.ocaGroup),
    }


def _ended_word(text: str) -> str | None:
    """completedStatus is prose: "Filled Size: 5", "Cancelled by Trader"."""
    word = (text or "").split(" ")[0]
    return word if word in ENDED_STATUSES else None


def _multiplier_e8(text: str) -> int | None:
    return fixed.to_e8(text) or None if text else None


def _frame(rows: Iterable[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in schema}
    appends = [(name, column.append) for name, column in columns.items()]
    for row in rows:  # taken apart one by one: a hundred thousand rows kept as dicts cost the garbage collector more
        for name, append in appends:
            append(row[name])
    return pl.DataFrame(columns, schema=dict(schema))
