"""What the gateway does on placeOrder, cancelOrder and reqGlobalCancel, with IB's error codes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tieout.model import uses_limit_price, uses_stop_price
from tieout.sim import conduct, linked, matching, messages
from tieout.sim.incoming import OrderTicket, Reader, read_order
from tieout.sim.requests import find_contracts
from tieout.sim.world import Contract, Order

if TYPE_CHECKING:
    from tieout.sim.session import Session

DEFAULT_TIF: Final = "DAY"


def place(session: Session, reader: Reader) -> None:
    """placeOrder: a new order, or a change to a live one of the same client under the same id."""
    ticket = read_order(reader.fields, session.version)
    faults = session.gateway.faults
    existing = session.gateway.world.order_of(session.client_id, ticket.order_id)
    if faults.reuse_ids and ticket.order_id not in session.placed_ids:
        existing = None  # an earlier connection's order: this gateway does not remember that the id is taken
    contract = _resolve(session, ticket)
    if contract is None or not _valid(session, ticket):
        return
    if ticket.what_if:
        order = _new_order(session, ticket, contract)
        order.status = "PreSubmitted"
        session.send(messages.open_order(order, session.version, what_if=True))
    elif existing is not None and existing.live:
        _modify(session, existing, ticket)
    elif existing is not None and existing.status == "Filled":
        session.error(104, "Cannot modify a filled order.", request_id=ticket.order_id)
    elif existing is not None or (
        not faults.reuse_ids and ticket.order_id < session.gateway.world.next_id(session.client_id)
    ):
        session.error(103, "Duplicate order id", request_id=ticket.order_id)
    else:
        session.placed_ids.add(ticket.order_id)
        order = _new_order(session, ticket, contract)
        if faults.keep_orders:
            _keep(session, order)
            return
        order.perm_id = session.gateway.world.take_perm_id()
        _submit(session, session.gateway.world.add_order(order), ticket)


def cancel(session: Session, reader: Reader) -> None:
    """cancelOrder: only the client that sent an order may cancel it."""
    reader.skip(1)
    order_id = reader.integer()
    order = session.gateway.world.order_of(session.client_id, order_id)
    if order is None:
        text = f"OrderId {order_id} that needs to be cancelled is not found."
        session.error(10147, text, request_id=order_id)
    elif not order.live:
        text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
        session.error(10148, text, request_id=order_id)
    else:
        _cancel(session, order)


def global_cancel(session: Session, _: Reader) -> None:
    """reqGlobalCancel: every live order of every client, manual ones too."""
    for order in session.gateway.world.live_orders():
        _cancel(session.gateway.sessions.get(order.client_id, session), order)


TRADES: Final[dict[str, Callable[[Session, Reader], None]]] = {"3": place, "4": cancel, "58": global_cancel}


def _cancel(session: Session, order: Order) -> None:
    session.gateway.publish(matching.cancel(order, session.gateway.now_ns()))
    if order.client_id == session.client_id:
        session.error(202, "Order Canceled - reason:", request_id=order.order_id)


def _keep(session: Session, order: Order) -> None:
    """The client hears that the order is there; IB never does."""
    order.status = "PendingSubmit"
    session.send(messages.open_order(order, session.version))
    session.send(messages.order_status(order))


def _submit(session: Session, order: Order, ticket: OrderTicket) -> None:
    if not ticket.transmit:
        order.status = "ApiPending"
        session.gateway.publish([matching.event("open_order", order), matching.event("order_status", order)])
        return
    world = session.gateway.world
    for one in linked.transmitted(world, order):
        if not one.live:
            continue
        if world.waits(one):
            one.status = "PreSubmitted"
            session.gateway.publish([matching.event("open_order", one), matching.event("order_status", one)])
        else:
            session.gateway.publish(matching.accept(world, one, session.gateway.now_ns()))


def _modify(session: Session, order: Order, ticket: OrderTicket) -> None:
    if ticket.side != order.side or ticket.quantity <= order.filled:
        text = "Order rejected - reason:The side cannot change and the quantity must exceed what is filled."
        session.error(201, text, request_id=ticket.order_id)
        return
    if session.gateway.faults.fork_perm_id:
        order = conduct.fork(session.gateway.world, order)
    order.quantity, order.order_type = ticket.quantity, ticket.order_type
    order.limit_price, order.stop_price = ticket.limit_price, ticket.stop_price
    order.tif, order.outside_rth = ticket.tif or DEFAULT_TIF, ticket.outside_rth
    order.good_till_date, order.order_ref = ticket.good_till_date, ticket.order_ref
    _submit(session, order, ticket)


def _new_order(session: Session, ticket: OrderTicket, contract: Contract) -> Order:
    return Order(
        account=_account(session, ticket) or "",
        perm_id=0,
        client_id=session.client_id,
        order_id=ticket.order_id,
        contract=contract,
        side=ticket.side,
        quantity=ticket.quantity,
        order_type=ticket.order_type,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        tif=ticket.tif or DEFAULT_TIF,
        order_ref=ticket.order_ref,
        parent_id=ticket.parent_id,
        oca_group=ticket.oca_group,
        outside_rth=ticket.outside_rth,
        good_till_date=ticket.good_till_date,
    )


def _account(session: Session, ticket: OrderTicket) -> str | None:
    accounts = session.gateway.world.accounts
    if ticket.account in accounts:
        return ticket.account
    return accounts[0] if not ticket.account and len(accounts) == 1 else None


def _resolve(session: Session, ticket: OrderTicket) -> Contract | None:
    found = find_contracts(session.gateway.world, ticket.contract)
    if len(found) == 1:
        return found[0]
    text = "No security definition has been found for the request"
    if found:
        text = f"The contract description specified for {ticket.contract.symbol} is ambiguous."
    session.error(200, text, request_id=ticket.order_id)
    return None


def _valid(session: Session, ticket: OrderTicket) -> bool:
    cause = _objection(session, ticket)
    if cause:
        text = f"Error validating request.-'bW' : cause - {cause}"
        session.error(321, text, request_id=ticket.order_id)
    return not cause


def _objection(session: Session, ticket: OrderTicket) -> str:
    if _account(session, ticket) is None:
        return "Invalid account code" if ticket.account else "You must specify an account."
    if ticket.side not in {"BUY", "SELL"}:
        return "Please enter a valid side (BUY or SELL)"
    if ticket.quantity <= 0:
        return "The size value should be greater than zero"
    if ticket.order_id <= 0 and not ticket.what_if:
        return "Order id must be greater than zero"
    if _needs(ticket.limit_price, used=uses_limit_price(ticket.order_type) and "LMT" in ticket.order_type):
        return "Please enter a limit price"
    if _needs(ticket.stop_price, used=uses_stop_price(ticket.order_type) and "STP" in ticket.order_type):
        return "Please enter a stop price"
    return ""


def _needs(price: Decimal | None, *, used: bool) -> bool:
    return used and (price is None or price == 0)
