"""What a strategy gets of the market: a trade, a quote. Prices and sizes are exact decimals, times UTC nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tieout.ticks.instruments import Instrument

_ONE: Final = Decimal(100_000_000)


@dataclass(frozen=True, slots=True)
class Tick:
    """
    One trade.

    Attributes:
        size: 0 where it was not told.
        time_ns: the exchange's time where it was told, else that of receipt.
        received_ns: when it was read from the socket.
    """

    instrument: Instrument
    price: Decimal
    size: Decimal
    time_ns: int
    received_ns: int


@dataclass(frozen=True, slots=True)
class Quote:
    """
    The best bid and ask of an instrument, after one of them or its size changed.

    Attributes:
        bid, ask: None where there is none (IB's -1 without a size), where it was not told yet, and where 1e-8 cannot
            hold it.
        bid_size, ask_size: None where it was not told.
        delayed: IB told of it late, as to an account without a subscription: nothing to trade on.
        received_ns: when the change was read from the socket.
    """

    instrument: Instrument
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None
    ask_size: Decimal | None
    delayed: bool
    received_ns: int

    @property
    def mid(self) -> Decimal | None:
        """Half way between bid and ask; None where one of them is missing."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


@lru_cache(maxsize=1 << 16)
def decimal_of(e8: int) -> Decimal:
    """A count of 1e-8 as the number it is. The same prices come again and again."""
    return e8 / _ONE
