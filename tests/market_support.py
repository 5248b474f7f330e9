"""Markets that stream in tests, and what their planned events mean on the wire, written from IB's layouts alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import tieout.sim
from sim_support import NOON_NS, RawClient
from tieout.clock import NS_PER_S
from tieout.sim import RunningSim
from tieout.sim.ticks.market import Market

FOUR: Final = Path(tieout.sim.__file__).with_name("scenarios") / "ticks_four_instruments.yml"
ES, NQ, SPY, AAPL = 637533641, 637533593, 756733, 265598
START: Final = "2026-03-04T12:00:00Z"

Call = tuple[Any, ...]


def ask_quotes(client: RawClient, request: int, con_id: int, generics: str = "") -> None:
    """reqMktData as a client writes it."""
    client.send(1, 11, request, con_id, *[""] * 3, 0, *[""] * 7, 0, generics, 0, 0, "")


def ask_by_tick(client: RawClient, request: int, con_id: int, kind: str, ignore_size: int = 0) -> None:
    """reqTickByTickData."""
    client.send(97, request, con_id, *[""] * 3, 0, *[""] * 7, kind, 0, ignore_size)


def market(sim: RunningSim, con_id: int) -> Market:
    return sim.gateway.feed.plan.markets[con_id]


def planned(market: Market, count: int) -> list[dict[str, Any]]:
    """The first events of a market."""
    return list(islice(_rows(market), count))


def _rows(market: Market) -> Iterator[dict[str, Any]]:
    assert market.source is not None
    number = 0
    while (block := market.source.block(number)) is not None:
        yield from block.iter_rows(named=True)
        number += 1


def calls(events: list[dict[str, Any]], request: int, kind: str, *, start_ns: int = NOON_NS) -> list[Call]:
    """The calls of a client's decoder that these events stand for, without the first quotes of a subscription."""
    told = _QUOTES if kind == "quotes" else _BY_TICK[kind]
    return [call for event in events for call in told(event, request, (event["at_ns"] + start_ns) // NS_PER_S)]


def e8(value: int) -> float:
    return value / 100_000_000


def _quotes(event: dict[str, Any], request: int, seconds: int) -> Iterator[Call]:
    for side, price_type, size_type in (("bid", 1, 0), ("ask", 2, 3)):
        size = e8(event[f"{side}_size"])
        if event[f"new_{side}"]:
            yield "priceSizeTick", request, price_type, e8(event[side]), size
        elif event[f"new_{side}_size"]:
            yield "tickSize", request, size_type, size
    if event["trade"] and not event["unreported"]:
        yield "tickString", request, 45, str(seconds)
        if event["new_last"]:
            yield "priceSizeTick", request, 4, e8(event["price"]), e8(event["size"])
        yield "tickSize", request, 5, e8(event["size"])
        yield "tickSize", request, 8, e8(event["volume"])


def _last(event: dict[str, Any], request: int, seconds: int, kind: int = 1) -> Iterator[Call]:
    if event["trade"] and (kind == 2 or not event["unreported"]):
        values = (e8(event["price"]), e8(event["size"]), event["unreported"])
        yield "tickByTickAllLast", request, kind, seconds, *values, event["exchange"], event["conditions"]


def _bid_ask(event: dict[str, Any], request: int, seconds: int) -> Iterator[Call]:
    if any(event[f"new_{name}"] for name in ("bid", "ask", "bid_size", "ask_size")):
        values = (e8(event[name]) for name in ("bid", "ask", "bid_size", "ask_size"))
        yield "tickByTickBidAsk", request, seconds, *values


def _mid_point(event: dict[str, Any], request: int, seconds: int) -> Iterator[Call]:
    if event["new_bid"] or event["new_ask"]:
        yield "tickByTickMidPoint", request, seconds, e8((event["bid"] + event["ask"]) // 2)


_QUOTES: Final = _quotes
_BY_TICK: Final = {
    "Last": _last,
    "AllLast": lambda event, request, seconds: _last(event, request, seconds, 2),
    "BidAsk": _bid_ask,
    "MidPoint": _mid_point,
}


def plainly(call: Call) -> Call:
    """A call of a client's decoder without its attribute objects, as `calls` writes it."""
    if call[0] == "tickByTickAllLast":
        return (*call[:6], call[6].unreported, *call[7:])
    return call[:-1] if call[0] == "tickByTickBidAsk" else call
