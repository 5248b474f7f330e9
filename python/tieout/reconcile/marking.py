"""
What a position is worth by a quote, and whether that quote may be judged by. Pure.

1. Only a live quote of the last `QUOTE_AGE_MAX_S` seconds with both sides, not crossed and not wider than
   `SPREAD_MAX_PCT` of the ask. Frozen and delayed prices are none; no other price takes their place.
2. A long position is worth what is bid for it, a short one costs what is asked: what closing it would bring.
3. In money a unit is price x multiplier / priceMagnifier; IB's average cost is that already (a recorded session: ES at
   6302.295, multiplier 50, average cost 315114.75).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tieout.clock import NS_PER_S
from tieout.fixed import SCALE, from_e8, round_e8

if TYPE_CHECKING:
    from tieout.broker.port import Quote

QUOTE_AGE_MAX_S: Final = 60
SPREAD_MAX_PCT: Final = Decimal(1)

_DELAY: Final = {
    "frozen": "the gateway gives frozen prices, those of the last close",
    "delayed": "the gateway gives delayed prices, 15 to 20 minutes old",
    "delayed_frozen": "the gateway gives delayed prices of the last close",
}
_WITHOUT_MULTIPLIER: Final = frozenset({"STK", "CASH", "CRYPTO"})


@dataclass(frozen=True, slots=True)
class Mark:
    """What closing the position would bring a unit: the price, and the gain in percent of what it cost."""

    price_e8: int
    gain_pct: Decimal
    average_price_e8: int | None


def mark_of(position: dict[str, Any], quote: Quote | None, *, now_ns: int) -> Mark | str:
    """
    The position by that quote, or why it cannot be judged by it.

    Args:
        position: one row, schema `POSITION`.
    """
    why = why_not_fresh(quote, now_ns=now_ns)
    if quote is None or why is not None:
        return why or "no quote was asked for"
    assert quote.bid_e8 is not None
    assert quote.ask_e8 is not None
    if position["quantity_e8"] in {None, 0}:
        return "its size was not told"
    units = units_of(position)
    cost = position["average_cost_e8"]
    if units is None:
        return f"the multiplier of this {position['sec_type']} was not told"
    if cost is None or cost <= 0:
        return "its average cost was not told"
    long = position["quantity_e8"] > 0
    price = quote.bid_e8 if long else quote.ask_e8
    worth = Decimal(price) * units / quote.price_magnifier
    gain = (worth - cost) if long else (cost - worth)
    return Mark(price, gain * 100 / cost, average_price_e8(position, price_magnifier=quote.price_magnifier))


def why_not_fresh(quote: Quote | None, *, now_ns: int) -> str | None:
    """Why nothing may be judged by this quote, or None."""
    if quote is None:
        return "no quote was asked for"
    if quote.why is not None:
        return quote.why
    if quote.kind != "live":
        return _DELAY.get(quote.kind or "", "the gateway did not say whether its prices are live")
    age_ns = now_ns - quote.at_ns
    if not 0 <= age_ns <= QUOTE_AGE_MAX_S * NS_PER_S:
        return f"the quote is {age_ns / NS_PER_S:.0f} s old, at most {QUOTE_AGE_MAX_S} s are taken"
    missing = [name for name, price in (("bid", quote.bid_e8), ("ask", quote.ask_e8)) if price is None]
    if quote.bid_e8 is None or quote.ask_e8 is None:
        return f"there is no {' and no '.join(missing)} now; the market may be closed"
    if quote.bid_e8 > quote.ask_e8:
        return f"the quote is crossed: {from_e8(quote.bid_e8)} bid, {from_e8(quote.ask_e8)} asked"
    if (quote.ask_e8 - quote.bid_e8) * 100 > SPREAD_MAX_PCT * quote.ask_e8:
        return f"the quote is too wide: {from_e8(quote.bid_e8)} bid, {from_e8(quote.ask_e8)} asked"
    return None


def units_of(position: dict[str, Any]) -> Decimal | None:
    """The multiplier as a number; None where the contract must have one and none was told."""
    if position["multiplier_e8"]:
        return Decimal(position["multiplier_e8"]) / SCALE
    return Decimal(1) if position["sec_type"] in _WITHOUT_MULTIPLIER else None


def average_price_e8(position: dict[str, Any], *, price_magnifier: int) -> int | None:
    """The average cost as the exchange quotes prices, commission and all: a check, not a source."""
    units, cost = units_of(position), position["average_cost_e8"]
    if units is None or cost is None:
        return None
    return round_e8(Decimal(cost) / SCALE * price_magnifier / units)
