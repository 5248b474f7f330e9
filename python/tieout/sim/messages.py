"""
What the gateway says: the world's records turned into wire messages of one server version.

Each function answers the fields of one message. IB's habits live here: an open order carries no time, a
completed one no order id and no client id, a filled completed order a total quantity of 0 (use its filled
quantity), a contract without a right is `?` in order messages, a position in a future has no exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from tieout.fixed import plain
from tieout.model import uses_limit_price, uses_stop_price
from tieout.sim import layouts, layouts_order
from tieout.sim.layout import build
from tieout.sim.wording import UNSET_DOUBLE, flag, number, price, stamp
from tieout.sim.world import AccountValue, Contract, Execution, Order, Position, World

NO_REQUEST: Final = -1
"""The request id of what the gateway says by itself."""

Message = list[str]


def error(version: int, code: int, text: str, *, request_id: int = NO_REQUEST) -> Message:
    """An error, a warning or a notice."""
    values = {"message": "4", "version": "2", "request_id": str(request_id), "code": str(code), "text": text}
    return build(layouts.ERROR, version, values)


def next_valid_id(order_id: int) -> Message:
    """The next order id that this client may use."""
    return ["9", "1", str(order_id)]


def managed_accounts(accounts: Sequence[str]) -> Message:
    """The accounts that this login sees."""
    return ["15", "1", ",".join(accounts)]


def current_time(now_ns: int) -> Message:
    """The gateway's clock in whole seconds."""
    return ["49", "1", str(now_ns // 1_000_000_000)]


def open_order(order: Order, version: int, *, what_if: bool = False) -> Message:
    """openOrder: no time of any kind."""
    values = {
        "message": "5",
        "order_id": str(order.order_id),
        "client_id": str(order.client_id),
        "parent_id": str(order.parent_id),
        "what_if": flag(what_if),
        **_order_terms(order, number(order.quantity)),
    }
    if what_if:
        # Clients take an answer with unset margins for no answer.
        values |= dict.fromkeys(layouts_order.MARGINS, "0.0")
        values["warning"] = "Simulated: margins are not computed."
    return build(layouts_order.OPEN_ORDER, version, values)


def order_status(order: Order) -> Message:
    """orderStatus, which carries what is filled so far."""
    values = {
        "message": "3",
        "order_id": str(order.order_id),
        "status": order.status,
        "filled": number(order.filled),
        "remaining": number(order.remaining),
        "average_price": price(order.average_price or None),
        "perm_id": str(order.perm_id),
        "parent_id": str(order.parent_id),
        "last_price": price(order.last_price or None),
        "client_id": str(order.client_id),
        "why_held": "locate" if order.status == "Inactive" else "",
        "market_cap_price": "0",
    }
    return build(layouts.ORDER_STATUS, 0, values)


def completed_order(order: Order, version: int) -> Message:
    """completedOrder: permId stays, orderId and clientId are gone; a filled one says total quantity 0."""
    total = Decimal(0) if order.status == "Filled" else order.quantity
    values = {
        "message": "101",
        "filled_quantity": number(order.filled),
        "completed_time": stamp(order.ended_ns or 0),
        "completed_status": order.completed_status or _completed_status(order),
        **_order_terms(order, number(total)),
    }
    return build(layouts_order.COMPLETED_ORDER, version, values)


def execution(fill: Execution, version: int, *, request_id: int = NO_REQUEST) -> Message:
    """execDetails: the side is BOT or SLD."""
    values = {
        "message": "11",
        "request_id": str(request_id),
        "order_id": str(fill.order_id),
        **_contract(fill.contract),
        "exec_id": fill.exec_id,
        "time": stamp(fill.executed_ns),
        "account": fill.account,
        "exec_exchange": fill.contract.exchange,
        "side": "BOT" if fill.side == "BUY" else "SLD",
        "quantity": number(fill.quantity),
        "price": number(fill.price),
        "perm_id": str(fill.perm_id),
        "client_id": str(fill.client_id),
        "cumulative": number(fill.cumulative),
        "average_price": number(fill.average_price),
        "order_ref": fill.order_ref,
    }
    return build(layouts.EXECUTION, version, values)


def commission(fill: Execution) -> Message:
    """commissionReport, joined to its execution by the exec id alone."""
    values = {
        "message": "59",
        "version": "1",
        "exec_id": fill.exec_id,
        "commission": number(fill.commission or Decimal(0)),
        "currency": fill.commission_currency,
        "realized_pnl": UNSET_DOUBLE if fill.realized_pnl is None else number(fill.realized_pnl),
    }
    return build(layouts.COMMISSION, 0, values)


def position(held: Position) -> Message:
    """position: blank exchange on what is not a stock."""
    return build(layouts.POSITION, 0, {"message": "61", "version": "3", **_position(held)})


def position_multi(held: Position, request_id: int) -> Message:
    """position of one account, by request."""
    values = {"message": "71", "version": "1", "request_id": str(request_id), **_position(held)}
    return build(layouts.POSITION_MULTI, 0, values)


def portfolio(held: Position, market_price: Decimal) -> Message:
    """updatePortfolio: a position with its value at that price."""
    contract = held.contract
    value = market_price * held.quantity * contract.units
    fields = _contract(contract)
    del fields["exchange"]
    values = {
        "message": "7",
        "version": "8",
        **fields,
        "primary_exchange": contract.primary_exchange or contract.exchange,
        "quantity": number(held.quantity),
        "market_price": number(market_price),
        "market_value": number(value),
        "average_cost": number(held.average_cost),
        "unrealized_pnl": number(value - held.quantity * held.average_cost),
        "realized_pnl": "0.0",
        "account": held.account,
    }
    return build(layouts.PORTFOLIO, 0, values)


def account_value(line: AccountValue) -> Message:
    """updateAccountValue."""
    return ["6", "2", line.key, line.value, line.currency, line.account]


def account_value_multi(line: AccountValue, request_id: int) -> Message:
    """accountUpdateMulti."""
    return ["73", "1", str(request_id), line.account, "", line.key, line.value, line.currency]


def account_summary(line: AccountValue, request_id: int) -> Message:
    """accountSummary."""
    return ["63", "1", str(request_id), line.account, line.key, line.value, line.currency]


def contract_details(contract: Contract, version: int, request_id: int) -> Message:
    """contractDetails of an instrument the world holds."""
    fields = _contract(contract)
    values = {
        "message": "10",
        "request_id": str(request_id),
        **fields,
        "market_name": contract.trading_class or contract.symbol,
        "min_tick": plain(contract.min_tick),
        "price_magnifier": str(contract.price_magnifier),
        "order_types": "LMT,MKT,STP,STPLMT,TRAIL",
        "valid_exchanges": contract.exchange,
        "long_name": contract.symbol,
        "primary_exchange": contract.primary_exchange,
        "contract_month": contract.expiry[:6],
        "under_symbol": contract.symbol if contract.expiry else "",
        "under_sec_type": "IND" if contract.sec_type == "FUT" else "",
        "real_expiry": contract.expiry,
    }
    return build(layouts.CONTRACT_DETAILS, version, values)


def market_price(world: World, held: Position) -> Decimal:
    """The scenario's price, or the one that the average cost implies."""
    known = world.prices.get(held.contract.con_id)
    return held.average_cost / held.contract.units if known is None else known


def _order_terms(order: Order, quantity: str) -> dict[str, str]:
    contract = _contract(order.contract)
    contract["right"] = contract["right"] or "?"
    return {
        **contract,
        "side": order.side,
        "quantity": quantity,
        "order_type": order.order_type,
        "limit_price": price(order.limit_price if uses_limit_price(order.order_type) else None),
        "stop_price": price(order.stop_price if uses_stop_price(order.order_type) else None),
        "tif": order.tif,
        "oca_group": order.oca_group,
        "account": order.account,
        "order_ref": order.order_ref,
        "perm_id": str(order.perm_id),
        "outside_rth": flag(order.outside_rth),
        "good_till_date": order.good_till_date,
        "status": order.status,
    }


def _contract(contract: Contract) -> dict[str, str]:
    return {
        "con_id": str(contract.con_id),
        "symbol": contract.symbol,
        "sec_type": contract.sec_type,
        "expiry": contract.expiry,
        "strike": number(contract.strike),
        "right": contract.right,
        "multiplier": contract.multiplier,
        "exchange": contract.exchange,
        "currency": contract.currency,
        "local_symbol": contract.local_symbol,
        "trading_class": contract.trading_class,
    }


def _position(held: Position) -> dict[str, str]:
    contract = held.contract
    return {
        **_contract(contract),
        "exchange": contract.primary_exchange if contract.sec_type == "STK" else "",
        "account": held.account,
        "quantity": number(held.quantity),
        "average_cost": number(held.average_cost),
    }


def _completed_status(order: Order) -> str:
    if order.status == "Filled":
        return f"Filled Size: {number(order.filled)}"
    return "Cancelled by Trader" if order.status == "Cancelled" else order.status
