"""What a client asks of market data that lasts, and what it cancels. `STREAMS` is the table, by message id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast, get_args

from tieout.fixed import plain
from tieout.sim.incoming import Reader, read_contract
from tieout.sim.requests import find_contracts
from tieout.sim.ticks.wire import Kind, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.sim.session import Session
    from tieout.sim.ticks.market import Market, Source
    from tieout.sim.world import Contract

_BY_TICK: Final = tuple(kind for kind in get_args(Kind) if kind != "quotes")


def subscribe(session: Session, request: int, contract: Contract, generics: frozenset[str]) -> None:
    """reqMktData without snapshot, of an instrument that streams."""
    found = _market(session, request, contract, by_tick=False)
    if found is None:
        return
    market, source = found
    if market.kind == "delayed":
        text = "Requested market data is not subscribed. Displaying delayed market data."
        session.error(10167, text, request_id=request)
    session.send(["58", "1", str(request), str(market.data_type)])
    session.send(["81", str(request), plain(contract.min_tick), "9c0001", "3"])
    session.ticks.add(market, source, Wanted(request, "quotes", market.types, generics))


def cancel(session: Session, reader: Reader) -> None:
    """cancelMktData; of a snapshot, or of what does not stream, nothing is left to cancel."""
    reader.skip(1)
    request = reader.integer()
    if session.ticks.has(request, by_tick=False):
        session.ticks.remove(request)


def _by_tick(session: Session, reader: Reader) -> None:
    request, query = reader.integer(), read_contract(reader)
    kind = reader.text()
    reader.skip(1)  # past ticks: the gateway keeps none
    ignore_size = reader.flag()
    found = find_contracts(session.gateway.world, query)
    if kind not in _BY_TICK:
        text = f"Error validating request.-'bH' : cause - Invalid tick type {kind!r}"
        session.error(321, text, request_id=request)
    elif len(found) != 1:
        session.error(200, "No security definition has been found for the request", request_id=request)
    else:
        allowed = _market(session, request, found[0], by_tick=True)
        if allowed is not None:
            session.ticks.add(*allowed, Wanted(request, cast("Kind", kind), ignore_size=ignore_size))


def _cancel_by_tick(session: Session, reader: Reader) -> None:
    request = reader.integer()
    if session.ticks.has(request, by_tick=True):
        session.ticks.remove(request)
    else:
        session.error(300, f"Can't find EId with tickerId:{request}", request_id=request)


STREAMS: Final[dict[str, Callable[[Session, Reader], None]]] = {"97": _by_tick, "98": _cancel_by_tick}


def _market(session: Session, request: int, contract: Contract, *, by_tick: bool) -> tuple[Market, Source] | None:
    """The instrument's market, or None: the client was told why not."""
    feed = session.gateway.feed
    market = feed.plan.markets.get(contract.con_id)
    if session.ticks.has(request):
        session.error(322, "Error processing request.-'bM' : cause - Duplicate ticker id", request_id=request)
    elif market is None or market.source is None or (by_tick and market.kind != "live"):
        if by_tick:
            text = f"Failed to request tick-by-tick data: No market data permissions for {contract.exchange}"
            session.error(10189, text, request_id=request)
        else:
            session.error(354, "Requested market data is not subscribed.", request_id=request)
    elif feed.full(by_tick=by_tick):
        if by_tick:
            session.error(10190, "Max number of tick-by-tick requests has been reached.", request_id=request)
        else:
            session.error(101, "Max number of tickers has been reached", request_id=request)
    else:
        return market, market.source
    return None
