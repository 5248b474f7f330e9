"""Sending and cancelling orders, and the gateway's first word on each."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from tieout import fixed
from tieout.broker import codes
from tieout.broker.ib import Link
from tieout.broker.port import Acknowledgement, ContractSpec, OrderSpec
from tieout.errors import OutcomeUnknown

OCA_CANCEL_WITH_BLOCK: Final = 1
"""When one order of the group fills, IB cancels the others, and only one of them is at the exchange at a time."""


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
    link.client.placeOrder(order_id, contract_of(link, contract), sent)
    return await _first_word(link, order_id, what="was sent")


async def place_group(
    link: Link, contract: ContractSpec, group: Sequence[tuple[int, OrderSpec]], *, account: str
) -> list[Acknowledgement | None]:
    """
    Send orders that belong together, one behind the other without waiting, and then wait for a word on each.

    An order with `transmit` false stays at TWS, which may say nothing of it, until the group's last order is there.
    None stands for an order of which nothing was heard in time; then the socket was dropped.
    """
    link.collector.forget()
    for order_id, order in group:
        sent = _order(link, order, account)
        sent.clientId = link.settings.client_id
        link.client.placeOrder(order_id, contract_of(link, contract), sent)

    def words() -> list[Acknowledgement | None]:
        return [_word(link, order_id) for order_id, _ in group]

    await link.collector.wait(lambda: None not in words(), timeout_s=link.settings.timeout_s)
    found = words()
    if None in found:
        await link.drop()
    return found


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
    collector = link.collector
    await collector.wait(lambda: _word(link, order_id) is not None, timeout_s=link.settings.timeout_s)
    found = _word(link, order_id)
    if found is None:
        why = collector.closed_why or f"nothing came within {link.settings.timeout_s:g} s"
        await link.drop()
        raise OutcomeUnknown(
            f"Order {order_id} {what} and the gateway did not acknowledge it: {why}.",
            hint="It may be live. Do not send it again; read a snapshot and look for its order_ref.",
        )
    return found


def _word(link: Link, order_id: int) -> Acknowledgement | None:
    """What was said of this order since the collector last forgot: its status, else an error, else openOrder."""
    collector, client_id = link.collector, link.settings.client_id
    warnings = codes.ORDER_WARNINGS | link.settings.warning_codes
    for status in reversed(collector.statuses):
        if (status.order_id, status.client_id) == (order_id, client_id):
            return Acknowledgement(order_id=order_id, perm_id=status.perm_id or None, status=status.status)
    for message in collector.messages:
        if message.req_id == order_id and message.code not in warnings:
            return Acknowledgement(order_id=order_id, code=message.code, text=message.text)
    for raw in reversed(collector.open_orders):
        if (raw.order.orderId, raw.order.clientId) == (order_id, client_id):
            return Acknowledgement(order_id=order_id, perm_id=raw.order.permId or None, status=raw.state.status or None)
    return None


def contract_of(link: Link, spec: ContractSpec) -> Any:
    """The contract in the library's class."""
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
    if spec.oca_group:
        order.ocaGroup = spec.oca_group
        order.ocaType = OCA_CANCEL_WITH_BLOCK
    order.outsideRth = spec.outside_rth
    order.transmit = spec.transmit
    return order


def _number(value: Decimal) -> Decimal:
    """Without an exponent, which IB does not read."""
    return Decimal(fixed.plain(value))
