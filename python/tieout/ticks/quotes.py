"""
Quotes out of ticks: the best bid and ask of each instrument, as rows change them.

1. A quote is given exactly where bid, ask or one of their sizes becomes another than before.
2. However the ticks are split into frames, the same quotes come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tieout.ticks.layout import (
    ASK,
    ASK_SIZE,
    BID,
    BID_SIZE,
    BY_TICK,
    BY_TICK_BID_ASK,
    PRICE,
    PRICE_IS_FLOAT,
    SIZE,
    SIZE_IS_FLOAT,
)
from tieout.ticks.market import Quote, decimal_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from tieout.ticks.instruments import Instruments

DELAYED_BID, DELAYED_ASK, DELAYED_BID_SIZE, DELAYED_ASK_SIZE = 66, 67, 69, 70
PRICE_FIELDS: Final = (BID, ASK, DELAYED_BID, DELAYED_ASK)
SIZE_FIELDS: Final = (BID_SIZE, ASK_SIZE, DELAYED_BID_SIZE, DELAYED_ASK_SIZE)
COLUMNS: Final = ("instrument", "kind", "field", "price", "size", "received_ns", "extra_0", "extra_1", "flags")

_EXTRA_IS_FLOAT: Final = ((1 << 10), (1 << 11))
_BIDS: Final = frozenset({BID, DELAYED_BID, BID_SIZE, DELAYED_BID_SIZE})
_DELAYED: Final = frozenset({DELAYED_BID, DELAYED_ASK, DELAYED_BID_SIZE, DELAYED_ASK_SIZE})
_NO_PRICE_E8: Final = -100_000_000
"""IB's -1. With a size it is a price: spreads have negative ones."""


@dataclass(slots=True)
class _Side:
    price: int | None = None
    size: int | None = None


class QuoteReader:
    """Reads quotes out of one stream of ticks. One thread reads."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._sides = [(_Side(), _Side()) for _ in instruments]
        self._delayed = [False] * len(instruments)

    def read(self, ticks: pl.DataFrame) -> Iterator[tuple[int, Quote]]:
        """The quotes that these ticks of schema `TICK` make, each with the number of its row."""
        for at, row in enumerate(ticks.select(COLUMNS).iter_rows()):
            number = row[0]
            if number < len(self._sides) and self._apply(number, row):
                yield at, self._quote(number, row[5])

    def _apply(self, number: int, row: tuple[Any, ...]) -> bool:
        """Whether the row changed its instrument's quote."""
        _, kind, field, price, size, _, extra_0, extra_1, flags = row
        bid, ask = self._sides[number]
        price = None if flags & PRICE_IS_FLOAT else price
        size = None if flags & SIZE_IS_FLOAT else size
        if kind == BY_TICK and field == BY_TICK_BID_ASK:
            ask_price = None if flags & _EXTRA_IS_FLOAT[0] else _signed(extra_0)
            ask_size = None if flags & _EXTRA_IS_FLOAT[1] else _signed(extra_1)
            changed = _set(bid, price, size) | _set(ask, ask_price, ask_size)
        elif kind == PRICE and field in PRICE_FIELDS:
            side = bid if field in _BIDS else ask
            changed = _set(side, price, side.size if size is None else size)
        elif kind == SIZE and field in SIZE_FIELDS:
            side = bid if field in _BIDS else ask
            changed = _set(side, side.price, size)
        else:
            return False
        self._delayed[number] = field in _DELAYED and kind != BY_TICK
        return changed

    def _quote(self, number: int, received_ns: int) -> Quote:
        bid, ask = self._sides[number]
        return Quote(
            self._instruments[number], _price(bid), _price(ask), _decimal(bid.size), _decimal(ask.size),
            self._delayed[number], received_ns,
        )  # fmt: skip


def _set(side: _Side, price: int | None, size: int | None) -> bool:
    if (side.price, side.size) == (price, size):
        return False
    side.price, side.size = price, size
    return True


def _price(side: _Side) -> Any:
    return None if side.price == _NO_PRICE_E8 and not side.size else _decimal(side.price)


def _decimal(e8: int | None) -> Any:
    return None if e8 is None else decimal_of(e8)


def _signed(word: int | None) -> int | None:
    return word if word is None or word < 1 << 63 else word - (1 << 64)
