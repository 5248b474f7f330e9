"""
A statement's trades as rows of schema `FLEX_EXECUTION`: IB's report words into ours.

1. `ibExecID` is the API's execId, letter by letter; `ibOrderID` is *not* sure to be the permId, so it is kept as
   `flex_order`, which only says which executions are of one order.
2. Quantities are signed in a report and commissions negative where they cost; both turn round here.
3. A busted trade comes as a second row ("BUY (Ca.)"): neither of the two is an execution any more.
4. Book trades (exercises, assignments, expiries) are no executions of an order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout import fixed
from tieout.broker.flex.times import REPORT_ZONE, utc_ns
from tieout.schema import FLEX_EXECUTION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tieout.broker.flex.read import Document, TradeRow

_SIDES: Final = {"BUY": "BUY", "SELL": "SELL"}
_NO_EXECUTION: Final = frozenset({"BookTrade", "TradeCancel", "FracShareCancel"})
_DERIVED: Final = frozenset({"FUT", "OPT", "FOP", "WAR", "FSFOP", "FSOPT"})
"""A report's symbol is the local symbol here, and the API's symbol is the underlying's."""
_ORDER_TYPES: Final = {"STPLMT": "STP LMT", "TRAILLMT": "TRAIL LIMIT"}


def executions(document: Document, *, zone: str = REPORT_ZONE) -> tuple[pl.DataFrame, int]:
    """
    The executions of a statement, and how many rows were none (busted, or booked without an order).

    Returns:
        Schema `FLEX_EXECUTION`, in the statement's order; one row for each execution id.
    """
    busted = set(_busted(document.trades))
    rows: dict[str, dict[str, Any]] = {}
    dropped = 0
    for trade in document.trades:
        row = _row(trade, document, zone=zone)
        word = trade.words["transactionType"]
        known = row["exec_id"] is not None and row["side"] is not None and row["quantity_e8"]
        if not known or word in _NO_EXECUTION or row["exec_id"] in busted or trade.words["tradeID"] in busted:
            dropped += 1
        else:
            rows[row["exec_id"]] = row
    columns = [[row[name] for name in FLEX_EXECUTION] for row in rows.values()]
    return pl.DataFrame(columns, schema=dict(FLEX_EXECUTION), orient="row"), dropped


def _busted(trades: Iterable[TradeRow]) -> Iterable[str]:
    """Execution and trade ids that a cancelling row takes back."""
    for trade in trades:
        words = trade.words
        if words["transactionType"] in {"TradeCancel", "FracShareCancel"} or words["buySell"].endswith("(Ca.)"):
            yield from (one for one in (_exec_id(trade.values), words["origTradeID"]) if one)


def _row(trade: TradeRow, document: Document, *, zone: str) -> dict[str, Any]:
    values, words = trade.values, trade.words
    exact = _Exact()
    sec_type = words["assetCategory"] or None
    commission = _first(values, "ibCommission", "commission")
    symbol, local_symbol = _symbols(values, sec_type)
    expiry = _first(values, "expiry")
    return dict.fromkeys(FLEX_EXECUTION) | {
        "account": document.account,
        "exec_id": _exec_id(values),
        "order_ref": _text(_first(values, "orderReference")),
        "con_id": _number(_first(values, "conid")),
        "symbol": symbol,
        "sec_type": sec_type,
        "expiry": None if expiry is None else f"{expiry:%Y%m%d}",
        "strike_e8": exact.e8(_first(values, "strike")) or None,
        "right": words["putCall"] if words["putCall"] in {"C", "P"} else None,
        "multiplier_e8": _multiplier(_first(values, "multiplier"), sec_type),
        "currency": words["currency"] or None,
        "local_symbol": local_symbol,
        "exchange": _text(_first(values, "exchange")),
        "side": _SIDES.get(words["buySell"]),
        "quantity_e8": exact.size(_first(values, "quantity")),
        "price_e8": exact.e8(_first(values, "tradePrice", "price")),
        "executed_ns": _time(trade, "dateTime", zone),
        "commission_e8": None if commission is None else fixed.round_e8(-commission),
        "commission_currency": words["ibCommissionCurrency"] or words["commissionCurrency"] or None,
        "inexact": exact.inexact,
        "flex_order": _order_id(values),
        "flex_order_type": _ORDER_TYPES.get(words["orderType"], words["orderType"]) or None,
        "ordered_ns": _time(trade, "orderTime", zone),
        "statement": document.statement_id,
    }


class _Exact:
    """Numbers of one row; `inexact` tells whether one of them could not be held."""

    def __init__(self) -> None:
        self.inexact = False

    def e8(self, value: Decimal | None) -> int | None:
        if value is None:
            return None
        found = fixed.to_e8(value)
        self.inexact = self.inexact or found is None
        return found

    def size(self, value: Decimal | None) -> int | None:
        return None if value is None else self.e8(abs(value))


def _exec_id(values: object) -> str | None:
    return _text(_first(values, "ibExecID", "execID"))


def _order_id(values: object) -> str | None:
    found = _text(_first(values, "ibOrderID", "orderID"))
    return None if found in {None, "0"} else found


def _symbols(values: object, sec_type: str | None) -> tuple[str | None, str | None]:
    """The API's symbol and local symbol."""
    shown = _text(_first(values, "symbol"))
    if sec_type in _DERIVED:
        return _text(_first(values, "underlyingSymbol")), shown
    if sec_type == "CASH" and shown:
        return shown.partition(".")[0], shown
    return shown, shown


def _multiplier(value: Decimal | None, sec_type: str | None) -> int | None:
    """A report says 1 where the API says nothing."""
    if value is None or (value == 1 and sec_type not in _DERIVED):
        return None
    return fixed.to_e8(value) or None


def _time(trade: TradeRow, name: str, zone: str) -> int | None:
    wall = _first(trade.values, name)
    return None if wall is None else utc_ns(wall, trade.zones.get(name), default_zone=zone)


def _first(values: object, *names: str) -> Any:
    """The first of these attributes that has a value."""
    return next((found for name in names if (found := getattr(values, name, None)) is not None), None)


def _text(value: object) -> str | None:
    return (str(value).strip() or None) if value is not None else None


def _number(value: object) -> int | None:
    text = str(value).strip()
    return int(text) or None if text.isdecimal() else None
