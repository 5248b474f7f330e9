"""
Market data: what the gateway answers to a request for an instrument's prices, one snapshot of them above all.

    live            type 1: bid, ask and last of now, the last trade's time
    frozen          type 2: what was there when the market closed
    delayed         10167, then type 3 with the delayed tick types 66, 67, 68, 88
    delayed_frozen  the same as type 4
    closed          type 1 with -1 for bid and ask, as outside trading hours
    silent          nothing comes, not even the End

An instrument without a quote answers 354, as one without a market data subscription. A lasting request to one that
streams is `tieout.sim.ticks`' affair; to any other it hears the quote once.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from tieout.clock import NS_PER_S
from tieout.fixed import plain
from tieout.sim.incoming import Reader, read_contract
from tieout.sim.requests import find_contracts
from tieout.sim.ticks.requests import cancel, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.sim.session import Session

QuoteKind = Literal["live", "frozen", "delayed", "delayed_frozen", "closed", "silent"]

_TYPE_OF: Final[dict[QuoteKind, int]] = {"live": 1, "closed": 1, "frozen": 2, "delayed": 3, "delayed_frozen": 4}
_LIVE_TICKS: Final = (1, 2, 4, 45)
_DELAYED_TICKS: Final = (66, 67, 68, 88)
"""Bid, ask, last and the last trade's time."""
_NOTHING: Final = Decimal(-1)


@dataclass(frozen=True, slots=True)
class SimQuote:
    """The prices of one instrument; `last_ns` is the last trade's time, None the moment of asking."""

    kind: QuoteKind = "live"
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    last_ns: int | None = None


def market_data(session: Session, reader: Reader) -> None:
    """reqMktData: one snapshot, or a subscription."""
    reader.skip(1)
    request_id, query = reader.integer(), read_contract(reader)
    if query.sec_type == "BAG":
        reader.skip(4 * reader.integer())
    if reader.flag():
        reader.skip(3)  # the delta-neutral contract
    generics, snapshot = frozenset(reader.text().split(",")), reader.flag()
    world = session.gateway.world
    found = find_contracts(world, query)
    if len(found) != 1:
        session.error(200, "No security definition has been found for the request", request_id=request_id)
        return
    quote = world.quotes.get(found[0].con_id)
    if not snapshot and (quote is None or found[0].con_id in session.gateway.feed.plan.markets):
        subscribe(session, request_id, found[0], generics)
    elif quote is None:
        session.error(354, "Requested market data is not subscribed.", request_id=request_id)
    elif quote.kind != "silent":
        _tell(session, quote, str(request_id))
        if snapshot:
            session.send(["57", "1", str(request_id)])


def nothing(_session: Session, _reader: Reader) -> None:
    """reqMarketDataType: the scenario says what kind comes."""


QUOTES: Final[dict[str, Callable[[Session, Reader], None]]] = {"1": market_data, "2": cancel, "59": nothing}


def _tell(session: Session, quote: SimQuote, request_id: str) -> None:
    delayed = quote.kind in {"delayed", "delayed_frozen"}
    if delayed:
        session.error(
            10167, "Requested market data is not subscribed. Displaying delayed market data.",
            request_id=int(request_id),
        )  # fmt: skip
    session.send(["58", "1", request_id, str(_TYPE_OF[quote.kind])])
    bid, ask, last, time = _DELAYED_TICKS if delayed else _LIVE_TICKS
    shut = quote.kind == "closed"
    prices = ((bid, _NOTHING if shut else quote.bid), (ask, _NOTHING if shut else quote.ask), (last, quote.last))
    for tick_type, price in prices:
        if price is not None:
            session.send(["1", "6", request_id, str(tick_type), plain(price), "1", "0"])
    if quote.last is not None:
        at_ns = session.gateway.now_ns() if quote.last_ns is None else quote.last_ns
        session.send(["46", "6", request_id, str(time), str(at_ns // NS_PER_S)])
