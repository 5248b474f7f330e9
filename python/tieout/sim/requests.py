"""What the gateway answers to each read-only request. `ANSWERS` is the table, by message id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S
from tieout.sim import messages
from tieout.sim.incoming import ContractQuery, ExecutionFilter, Reader, read_contract, read_filter
from tieout.sim.wording import UNSET_DOUBLE
from tieout.sim.world import Contract, Execution, Order, World

if TYPE_CHECKING:
    from tieout.sim.session import Session

Handler = Callable[["Session", Reader], None]


def find_contracts(world: World, query: ContractQuery) -> list[Contract]:
    """The instruments that fit a client's description; its con_id, where given, decides alone."""
    if query.con_id:
        known = world.contracts.get(query.con_id)
        return [] if known is None else [known]
    return [contract for contract in world.contracts.values() if _fits(contract, query)]


def bind_manual_orders(session: Session) -> None:
    """Client 0 takes the manual orders over: they get negative order ids, as at IB."""
    manual = [o for o in session.gateway.world.live_orders() if o.order_id == 0 and o.client_id == 0]
    for order in manual:
        order.order_id = session.gateway.take_bound_id()
        session.send(["100", str(order.perm_id), "0", str(order.order_id)])


def _all_open_orders(session: Session, _: Reader) -> None:
    _answer_open_orders(session, session.gateway.world.live_orders())
    if session.gateway.faults.bind_manual:
        session.gateway.bind_manual()


def _open_orders(session: Session, _: Reader) -> None:
    if session.client_id == 0:
        bind_manual_orders(session)
    own = [o for o in session.gateway.world.live_orders() if o.client_id == session.client_id]
    _answer_open_orders(session, own)


def _answer_open_orders(session: Session, orders: list[Order]) -> None:
    rows = [
        row for order in orders for row in (messages.open_order(order, session.version), messages.order_status(order))
    ]
    session.answer("open_orders", rows, ["53", "1"])


def _auto_open_orders(session: Session, _: Reader) -> None:
    if session.client_id != 0:
        session.error(
            321,
            "Error validating request.-'bR' : cause - Only the default client (i.e 0) can auto bind orders.",
        )


def _completed_orders(session: Session, reader: Reader) -> None:
    api_only = reader.flag()
    now_ns = session.gateway.now_ns()
    orders = session.gateway.world.completed_orders(now_ns)
    wanted = [order for order in orders if not api_only or order.order_id != 0]
    rows = [messages.completed_order(order, session.version) for order in wanted]
    session.answer("completed_orders", rows, ["102"])


def _executions(session: Session, reader: Reader) -> None:
    reader.skip(1)
    request_id = reader.integer()
    wanted = read_filter(reader)
    since_ns = _filter_time_ns(wanted.time)
    if since_ns is None:
        text = f"Error validating request.-'bN' : cause - Invalid time {wanted.time!r}"
        session.error(321, text, request_id=request_id)
        return
    today = session.gateway.world.executions_today(session.gateway.now_ns())
    fills = [fill for fill in today if fill.executed_ns >= since_ns and _passes(fill, wanted)]
    rows = [messages.execution(fill, session.version, request_id=request_id) for fill in fills]
    told = session.answer("executions", rows, ["55", "1", str(request_id)])
    for fill in fills if told else ():
        if session.gateway.conduct.tells_commission(fill, listed=True):
            session.send(messages.commission(fill))


def _positions(session: Session, _: Reader) -> None:
    rows = [messages.position(held) for held in session.gateway.world.positions]
    session.answer("positions", rows, ["62", "1"])


def _positions_multi(session: Session, reader: Reader) -> None:
    reader.skip(1)
    request_id, account = reader.integer(), reader.text()
    for held in session.gateway.world.positions:
        if account in {"", "All", held.account}:
            session.send(messages.position_multi(held, request_id))
    session.send(["72", "1", str(request_id)])


def _account_updates(session: Session, reader: Reader) -> None:
    reader.skip(1)
    subscribe, account = reader.flag(), reader.text()
    world = session.gateway.world
    if not subscribe:
        return
    if not account and len(world.accounts) == 1:
        account = world.accounts[0]
    if account not in world.accounts:
        session.error(321, "Error validating request.-'bM' : cause - Invalid account code")
        return
    for line in world.values:
        if line.account == account:
            session.send(messages.account_value(line))
    for held in world.positions:
        if held.account == account:
            session.send(messages.portfolio(held, messages.market_price(world, held)))
    moment = datetime.fromtimestamp(session.gateway.now_ns() // NS_PER_S, UTC)
    session.send(["8", "1", moment.strftime("%H:%M")])
    session.send(["54", "1", account])


def _account_updates_multi(session: Session, reader: Reader) -> None:
    reader.skip(1)
    request_id, account = reader.integer(), reader.text()
    for line in session.gateway.world.values:
        if account in {"", "All", line.account}:
            session.send(messages.account_value_multi(line, request_id))
    session.send(["74", "1", str(request_id)])


def _account_summary(session: Session, reader: Reader) -> None:
    reader.skip(1)
    request_id = reader.integer()
    reader.skip(1)
    tags = set(reader.text().split(","))
    for line in session.gateway.world.values:
        if line.key in tags:
            session.send(messages.account_summary(line, request_id))
    session.send(["64", "1", str(request_id)])


def _profit(session: Session, reader: Reader) -> None:
    session.send(["94", str(reader.integer()), "0.0", "0.0", UNSET_DOUBLE])


def _profit_single(session: Session, reader: Reader) -> None:
    request_id, account = reader.integer(), reader.text()
    reader.skip(1)
    con_id = reader.integer()
    held = [p for p in session.gateway.world.positions if p.account == account and p.contract.con_id == con_id]
    quantity = str(held[0].quantity) if held else "0"
    session.send(["95", str(request_id), quantity, "0.0", "0.0", UNSET_DOUBLE, "0.0"])


def _contract_details(session: Session, reader: Reader) -> None:
    reader.skip(1)
    request_id = reader.integer()
    found = find_contracts(session.gateway.world, read_contract(reader))
    if not found:
        text = "No security definition has been found for the request"
        session.error(200, text, request_id=request_id)
        return
    for contract in found:
        session.send(messages.contract_details(contract, session.version, request_id))
    session.send(["52", "1", str(request_id)])


def _current_time(session: Session, _: Reader) -> None:
    session.send(messages.current_time(session.gateway.now_ns()))


def _ids(session: Session, _: Reader) -> None:
    honest = session.gateway.world.next_id(session.client_id)
    session.send(messages.next_valid_id(session.gateway.conduct.next_id(honest)))


def _managed_accounts(session: Session, _: Reader) -> None:
    session.send(messages.managed_accounts(session.gateway.world.accounts))


def _user_info(session: Session, reader: Reader) -> None:
    session.send(["107", str(reader.integer()), ""])


ANSWERS: Final[dict[str, Handler]] = {
    "5": _open_orders,
    "6": _account_updates,
    "7": _executions,
    "8": _ids,
    "9": _contract_details,
    "15": _auto_open_orders,
    "16": _all_open_orders,
    "17": _managed_accounts,
    "49": _current_time,
    "61": _positions,
    "62": _account_summary,
    "74": _positions_multi,
    "76": _account_updates_multi,
    "92": _profit,
    "94": _profit_single,
    "99": _completed_orders,
    "104": _user_info,
}


def _fits(contract: Contract, query: ContractQuery) -> bool:
    pairs = (
        (query.symbol, contract.symbol),
        (query.sec_type, contract.sec_type),
        (query.right, contract.right),
        (query.multiplier, contract.multiplier),
        (query.currency, contract.currency),
        (query.local_symbol, contract.local_symbol),
        (query.trading_class, contract.trading_class),
    )
    if not (query.symbol or query.local_symbol) or any(asked and asked != held for asked, held in pairs):
        return False
    return contract.expiry.startswith(query.expiry) and query.strike in {0, contract.strike}


def _passes(fill: Execution, wanted: ExecutionFilter) -> bool:
    side = {"BUY": "BUY", "BOT": "BUY", "SELL": "SELL", "SLD": "SELL", "SSHORT": "SELL"}.get(wanted.side.upper())
    pairs = (
        (wanted.client_id, fill.client_id),
        (wanted.account, fill.account),
        (wanted.symbol, fill.contract.symbol),
        (wanted.sec_type, fill.contract.sec_type),
        (wanted.exchange, fill.contract.exchange),
        (side, fill.side),
    )
    return all(not asked or asked == held for asked, held in pairs)


def _filter_time_ns(text: str) -> int | None:
    """0 for no time at all, None for one that cannot be read. Zone names are taken as UTC, the gateway's."""
    if not text:
        return 0
    words = text.replace("-", " ").split()
    try:
        moment = datetime.strptime(" ".join(words[:2]), "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * NS_PER_S
