"""
What an instrument is quoted at: one snapshot of market data and its contract details, each asked once.

1. A price is worth what the gateway says about its kind: live, or not (frozen, delayed, delayed-frozen).
2. -1 and 0 are no price, and a price that 1e-8 cannot hold is none either.
3. A question that fails is a quote without prices that says why, never an error. The socket of an unanswered one is
   dropped.

Sources: IB's API guide, "Market Data Types" and "Requesting Watchlist Data" (a snapshot ends after at most 11 s).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tieout import fixed
from tieout.broker import codes, orders
from tieout.broker.collect import Collector
from tieout.broker.ib import Link
from tieout.broker.port import ContractSpec, Quote, QuoteKind
from tieout.broker.translate import decimal_of
from tieout.clock import NS_PER_S, now_ns

SNAPSHOT_TIMEOUT_S: Final = 12.0
"""IB ends a snapshot of market data after at most 11 seconds, whatever came."""

ALL_TIMEOUT_S: Final = 60.0
"""The most that all quotes of one question may take."""

DISPLAYING_DELAYED: Final = 10167
"""Not subscribed, delayed prices follow: they say themselves of which kind they are."""

_KINDS: Final[Mapping[int, QuoteKind]] = {1: "live", 2: "frozen", 3: "delayed", 4: "delayed_frozen"}
_PRICES: Final = {1: "bid", 2: "ask", 4: "last", 66: "bid", 67: "ask", 68: "last"}
_TIMES: Final = frozenset({45, 88})
_DELAYED_TICKS: Final = frozenset({66, 67, 68, 75, 88})
_DIGITS_MAX: Final = 15


@dataclass(slots=True)
class _Heard:
    """What came for one instrument."""

    prices: dict[str, int] = field(default_factory=dict)
    last_ns: int | None = None
    kind: QuoteKind | None = None
    delayed: bool = False


async def ask(link: Link, contracts: Sequence[ContractSpec]) -> list[Quote]:
    """A quote for each contract, in their order."""
    found: list[Quote] = []
    deadline = asyncio.get_running_loop().time() + ALL_TIMEOUT_S
    for contract in contracts:
        left_s = deadline - asyncio.get_running_loop().time()
        if not link.alive or left_s <= 0:
            why = link.collector.closed_why if not link.alive else f"all quotes took longer than {ALL_TIMEOUT_S:g} s"
            found.append(Quote(contract=contract, at_ns=now_ns(), why=f"not asked: {why}"))
            continue
        found.append(await _quote(link, contract, left_s=left_s))
    return found


async def _quote(link: Link, contract: ContractSpec, *, left_s: float) -> Quote:
    details = await details_of(link, contract, timeout_s=min(left_s, link.settings.timeout_s))
    if isinstance(details, str):
        return Quote(contract=contract, at_ns=now_ns(), why=details)
    magnifier = int(details.priceMagnifier or 0)
    if magnifier < 1:
        return Quote(contract=contract, at_ns=now_ns(), why=f"the contract's priceMagnifier is {magnifier}")
    wanted = details.contract
    request_id = link.new_req_id()
    link.collector.forget()
    link.client.reqMktData(request_id, wanted, "", True, False, "")
    why = await _answer(link, request_id, timeout_s=min(left_s, SNAPSHOT_TIMEOUT_S))
    heard = _heard(link.collector, request_id)
    return Quote(
        contract=contract,
        at_ns=now_ns(),
        exchange=wanted.exchange or None,
        price_magnifier=magnifier,
        kind=heard.kind or ("delayed" if heard.delayed else None),
        bid_e8=heard.prices.get("bid"),
        ask_e8=heard.prices.get("ask"),
        last_e8=heard.prices.get("last"),
        last_ns=heard.last_ns,
        why=why,
    )


async def details_of(link: Link, contract: ContractSpec, *, timeout_s: float) -> Any:
    """The contract's details in the library's class, or why there are none."""
    request_id = link.new_req_id()
    link.collector.forget()
    link.client.reqContractDetails(request_id, orders.contract_of(link, contract))
    why = await _answer(link, request_id, timeout_s=timeout_s)
    if why is not None:
        return f"its contract details did not come: {why}"
    found = [details for number, details in link.collector.details if number == request_id]
    if len({details.contract.conId for details in found}) != 1:
        return f"the gateway knows {len(found)} contracts of that description"
    return found[0]  # one contract may be told once for each of its exchanges


async def _answer(link: Link, request_id: int, *, timeout_s: float) -> str | None:
    """Wait for the End; why the answer is worth nothing, or None."""
    collector = link.collector
    await collector.wait(
        lambda: request_id in collector.ends or _error(collector, request_id) is not None, timeout_s=timeout_s
    )
    error = _error(collector, request_id)
    if error is not None:
        return error
    if collector.link_lost:
        return f"the gateway has lost IB ({collector.link_lost})"
    if request_id not in collector.ends:
        why = collector.closed_why or f"its end did not come within {timeout_s:g} s"
        await link.drop()
        return why
    return f"it held {collector.unreadable[0]}" if collector.unreadable else None


def _error(collector: Collector, request_id: int) -> str | None:
    for message in collector.messages:
        if message.req_id == request_id and message.code != DISPLAYING_DELAYED and not codes.is_notice(message.code):
            return f"IB error {message.code}: {message.text}"
    return None


def _heard(collector: Collector, request_id: int) -> _Heard:
    heard = _Heard()
    for tick in collector.ticks:
        if tick.req_id != request_id:
            continue
        if tick.what == "kind":
            heard.kind = _KINDS.get(int(tick.value))
            continue
        heard.delayed = heard.delayed or tick.tick_type in _DELAYED_TICKS
        name = _PRICES.get(tick.tick_type)
        if tick.what == "price" and name is not None:
            price = _price_e8(tick.value)
            if price is not None:
                heard.prices[name] = price
        elif tick.what == "text" and tick.tick_type in _TIMES and str(tick.value).isdigit():
            heard.last_ns = int(tick.value) * NS_PER_S
    if heard.delayed and heard.kind in {None, "live", "frozen"}:
        heard.kind = "delayed"  # the ticks themselves say so, whatever was said of the request
    return heard


def _price_e8(value: float | str) -> int | None:
    number = decimal_of(value)
    if number is None or number <= 0 or len(number.normalize().as_tuple().digits) > _DIGITS_MAX:
        return None
    return fixed.to_e8(number)
