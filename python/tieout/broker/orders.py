"""Sending and cancelling one order, and the gateway's first word on it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tieout import fixed
from tieout.broker import codes
from tieout.broker.ib import Link
from tieout.broker.port import Acknowledgement, ContractSpec, OrderSpec
from tieout.errors import OutcomeUnknown


async def place(
    link: Link, contract: ContractSpec, order: OrderSpec, *, order_id: int, account: str
) -> Acknowledgement:
    """
    Send the order under `order_id` and wait for openOrder, orderStatus or an error that names it.

    Raises:
        OutcomeUnknown: none came; the socket was dropped.
    """
    link.collector.forget()
    sent = _order(link, order, account)
    sent.clientId = link.settings.client_id
    link.client.placeOrder(order_id, _contract(link, contract), sent)
    return await _first_word(link, order_id, what="was sent")


async def cancel(link: Link, order_id: int) -> Acknowledgement:
    """
    Ask for the order to be cancelled and wait for a status or an error that names it.

    Raises:
        OutcomeUnknown: none came; the socket was dropped.
    """
    link.collector.forget()
    link.client.cancelOrder(order_id)
    return await _first_word(link, order_id, what="was asked to be cancelled")


async def _first_word(link: Link, order_id: int, *, what: str) -> Acknowledgement:
    collector, client_id = link.collector, link.settings.client_id

    def word() -> Acknowledgement | None:
        for status in reversed(collector.statuses):
            if (status.order_id, status.client_id) == (order_id, client_id):
                return Acknowledgement(order_id=order_id, perm_id=status.perm_id or None, status=status.status)
        for message in collector.messages:
            if message.req_id == order_id and message.code not in codes.ORDER_WARNINGS:
                return Acknowledgement(order_id=order_id, code=message.code, text=message.text)
        for raw in reversed(collector.open_orders):
            if (raw.order.orderId, raw.order.clientId) == (order_id, client_id):
                return Acknowledgement(
                    order_id=order_id, perm_id=raw.order.permId or None, status=raw.state.status or None
                )
        return None

    await collector.wait(lambda: word() is not None, timeout_s=link.settings.timeout_s)
    found = word()
    if found is None:
        why = collector.closed_why or f"nothing came within {link.settings.timeout_s:g} s"
        await link.drop()
        raise OutcomeUnknown(
            f"Order {order_id} {what} and the gateway did not acknowledge it: {why}.",
            hint="It may be live. Do not send it again; read a snapshot and look for its order_ref.",
        )
    return found


def _contract(link: Link, spec: ContractSpec) -> Any:
    contract = link.library.Contract()
    contract.conId = spec.con_id or 0
    contract.symbol = spec.symbol or ""
    contract.secType = spec.sec_type or ""
    contract.exchange = spec.exchange or ""
    contract.currency = spec.currency or ""
    contract.lastTradeDateOrContractMonth = spec.expiry or ""
    contract.strike = _number(spec.strike) if spec.strike is not None else 0.0
    contract.right = spec.right or ""
    contract.multiplier = fixed.plain(spec.multiplier) if spec.multiplier is not None else ""
    contract.localSymbol = spec.local_symbol or ""
    contract.tradingClass = spec.trading_class or ""
    return contract


def _order(link: Link, spec: OrderSpec, account: str) -> Any:
    order = link.library.Order()
    order.account = account
    order.action = spec.side
    order.totalQuantity = _number(spec.quantity)
    order.orderType = spec.order_type
    if spec.limit_price is not None:
        order.lmtPrice = _number(spec.limit_price)
    if spec.stop_price is not None:
        order.auxPrice = _number(spec.stop_price)
    order.tif = spec.tif
    order.orderRef = spec.order_ref or ""
    order.parentId = spec.parent_id or 0
    order.ocaGroup = spec.oca_group or ""
    order.outsideRth = spec.outside_rth
    order.transmit = spec.transmit
    return order


def _number(value: Decimal) -> Decimal:
    """Without an exponent, which IB does not read."""
    return Decimal(fixed.plain(value))
