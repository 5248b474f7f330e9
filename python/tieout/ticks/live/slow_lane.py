"""
The slow lane: ticks as the client library's own decoder tells them, into the ring.

It stands beside the fast lane, for a gateway whose version the fast decoder does not know, and for
`LIVE_DATA.fast_lane: false`. The records are the same (docs/wire.md), but for what the library loses on the way: the
attributes of a tickPrice, and the difference between an empty number and 0. EFPs and depth are not told.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tieout import fixed
from tieout.clock import NS_PER_S
from tieout.ticks import layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.ticks.ring import TickRing

_UNSET: Final = 1 << 5
_EXTRA_WIDE: Final = (1 << 10, 1 << 11)
_ATTRIBUTE: Final = 1 << 12
_TEXT_GOES_ON: Final = 1 << 13
_SUPERSEDES: Final = 1 << 15
_PRICE_WIDE, _SIZE_WIDE = layout.PRICE_IS_FLOAT, layout.SIZE_IS_FLOAT

_TEXT, _OPTION, _OPTION_GREEKS, _OPTION_MODEL = 128, 21, 129, 130
_TRADE_FIELDS: Final = frozenset({4, 5, 45, 48, 68, 71, 77, 88})
"""Tick types that tell of a trade: none replaces another."""
_SECONDS_FIELDS: Final = frozenset({45, 88})
_RT_VOLUME_FIELDS: Final = frozenset({48, 77})
_RT_VOLUME: Final = re.compile(
    r"([-+.\deE]*);([-+.\deE]*);(\d*);([-+.\deE]*);([-+.\deE]*);(true|false)", re.ASCII
)  # fmt: skip
_NO_NUMBER: Final = frozenset({1.7976931348623157e308})
_NO_SIZE: Final = frozenset({2147483647.0, 9223372036854775807.0}) | _NO_NUMBER
_NOT_COMPUTED, _NO_GREEK = frozenset({-1.0}), frozenset({-2.0})
_NS_PER_MS: Final = 1_000_000
_WORD_BYTES, _RECORD_TEXT_BYTES = 8, 16

Word = tuple[int | None, int]
"""A number's word, and the flags that belong to it."""


class SlowLane:
    """
    Pushes what a decoder of ib_async or ib_insync calls. One thread calls it.

    Args:
        ring: takes the ticks, with their request id less `base` as instrument.
        base: the first request id of ticks.
        instruments: how many there are from there on. Ticks of other ids are counted in `unknown` and go nowhere.
    """

    def __init__(self, ring: TickRing, *, base: int, instruments: int) -> None:
        self._ring = ring
        self._base, self._count = base, instruments
        self.unknown = 0
        self.told = 0
        """Ticks that came this way."""

    def taker(self) -> dict[str, Callable[..., None]]:
        """The decoder's names for ticks -> what takes them."""
        return {
            "priceSizeTick": self.price,
            "tickSize": self.size,
            "tickGeneric": self.generic,
            "tickString": self.string,
            "tickOptionComputation": self.option,
            "tickByTickAllLast": self.by_tick_last,
            "tickByTickBidAsk": self.by_tick_bid_ask,
            "tickByTickMidPoint": self.by_tick_midpoint,
        }

    def price(self, request_id: int, field: int, price: float, size: float) -> None:
        """tickPrice, with its size."""
        self._push(request_id, layout.PRICE, field, _word(price), _word(size, _NO_SIZE), flags=_quote(field))

    def size(self, request_id: int, field: int, size: float) -> None:
        """tickSize."""
        self._push(request_id, layout.SIZE, field, size=_word(size, _NO_SIZE), flags=_quote(field))

    def generic(self, request_id: int, field: int, value: float) -> None:
        """tickGeneric."""
        self._push(request_id, layout.GENERIC, field, _word(value), flags=_SUPERSEDES)

    def string(self, request_id: int, field: int, text: str) -> None:
        """tickString."""
        trade = _RT_VOLUME.fullmatch(text) if field in _RT_VOLUME_FIELDS else None
        if trade is not None and self._trade(request_id, field, trade):
            return
        at_ns = int(text) * NS_PER_S if field in _SECONDS_FIELDS and text.isascii() and text.isdigit() else None
        data = text.encode("utf-8", "replace")
        whole = len(data) <= _RECORD_TEXT_BYTES
        flags = _quote(field) if whole else _EXTRA_WIDE[0]
        self._push(request_id, layout.STRING, field, extra=_packed(data), exchange_ns=at_ns, flags=flags)
        if not whole:
            self._text(request_id, field, 0, data)

    def option(self, request_id: int, field: int, attribute: int, *values: float) -> None:
        """tickOptionComputation: implied volatility, delta, option price, dividends, gamma, vega, theta, underlying."""
        volatility, delta, price, dividends, gamma, vega, theta, underlying = values
        parts = (
            (_OPTION, price, (volatility, _NOT_COMPUTED), (delta, _NO_GREEK)),
            (_OPTION_GREEKS, underlying, (gamma, _NO_GREEK), (vega, _NO_GREEK)),
            (_OPTION_MODEL, dividends, (theta, _NO_GREEK), None),
        )
        for kind, number, first, second in parts:
            extra_0, flags_0 = _bits(*first, wide=_EXTRA_WIDE[0])
            extra_1, flags_1 = (None, 0) if second is None else _bits(*second, wide=_EXTRA_WIDE[1])
            flags = _SUPERSEDES | flags_0 | flags_1 | (attribute * _ATTRIBUTE if kind == _OPTION else 0)
            word = _word(number, _NOT_COMPUTED | _NO_NUMBER)
            self._push(request_id, kind, field, word, extra=(extra_0, extra_1), flags=flags)

    def by_tick_last(self, *fields: Any) -> None:
        """tickByTick of types 1 and 2: id, type, seconds, price, size, attributes, exchange, conditions."""
        request_id, field, seconds, price, size, attributes, *texts = fields
        data = [text.encode("utf-8", "replace") for text in texts]
        words = [_packed(one)[0] for one in data]
        flags = (attributes.pastLimit + 2 * attributes.unreported) * _ATTRIBUTE
        flags |= sum(_EXTRA_WIDE[at] for at, one in enumerate(data) if len(one) > _WORD_BYTES)
        self._push(
            request_id, layout.BY_TICK, field, _word(price), _word(size, _NO_SIZE), extra=(words[0], words[1]),
            exchange_ns=seconds * NS_PER_S, flags=flags,
        )  # fmt: skip
        for at, one in enumerate(data):
            if len(one) > _WORD_BYTES:
                self._text(request_id, field, at, one)

    def by_tick_bid_ask(self, *fields: Any) -> None:
        """tickByTick of type 3: id, seconds, bid, ask, their sizes, attributes."""
        request_id, seconds, bid, ask, bid_size, ask_size, attributes = fields
        ask_word, ask_wide = _word(ask)
        size_word, size_wide = _word(ask_size, _NO_SIZE)
        flags = _SUPERSEDES | (attributes.bidPastLow + 2 * attributes.askPastHigh) * _ATTRIBUTE
        flags |= _moved(ask_wide, _EXTRA_WIDE[0]) | _moved(size_wide, _EXTRA_WIDE[1])
        self._push(
            request_id, layout.BY_TICK, layout.BY_TICK_BID_ASK, _word(bid), _word(bid_size, _NO_SIZE),
            extra=(ask_word, size_word), exchange_ns=seconds * NS_PER_S, flags=flags,
        )  # fmt: skip

    def by_tick_midpoint(self, request_id: int, seconds: int, midpoint: float) -> None:
        """tickByTick of type 4."""
        self._push(
            request_id, layout.BY_TICK, layout.BY_TICK_MIDPOINT, _word(midpoint), exchange_ns=seconds * NS_PER_S,
            flags=_SUPERSEDES,
        )  # fmt: skip

    def _trade(self, request_id: int, field: int, trade: re.Match[str]) -> bool:
        """A tickString that has the six parts of a trade; whether its numbers are numbers."""
        price, size, at_ms, volume, average, single = trade.groups()
        numbers = [_number(text) for text in (price, size, volume, average)]
        if any(number is None and text for number, text in zip(numbers, (price, size, volume, average), strict=True)):
            return False
        words = [(None, 0) if number is None else _word(number) for number in numbers]
        flags = _moved(words[2][1], _EXTRA_WIDE[0]) | _moved(words[3][1], _EXTRA_WIDE[1])
        flags |= _ATTRIBUTE if single == "true" else 0
        self._push(
            request_id, layout.RT_VOLUME, field, words[0], words[1], extra=(words[2][0], words[3][0]),
            exchange_ns=int(at_ms) * _NS_PER_MS if at_ms else None, flags=flags,
        )  # fmt: skip
        return True

    def _text(self, request_id: int, field: int, word: int, data: bytes) -> None:
        """A text that was too long for its record, as records of its own."""
        starts = range(0, len(data), _RECORD_TEXT_BYTES)
        for start in starts:
            flags = (_ATTRIBUTE if word else 0) | (_TEXT_GOES_ON if start != starts[-1] else 0)
            self._push(request_id, _TEXT, field, extra=_packed(data[start : start + _RECORD_TEXT_BYTES]), flags=flags)

    def _push(
        self,
        request_id: int,
        kind: int,
        field: int,
        price: Word = (None, 0),
        size: Word = (None, 0),
        *,
        extra: tuple[int | None, int | None] = (None, None),
        exchange_ns: int | None = None,
        flags: int = 0,
    ) -> None:
        number = request_id - self._base
        if not 0 <= number < self._count:
            self.unknown += 1
            return
        flags |= _moved(price[1], _PRICE_WIDE) | _moved(size[1], _SIZE_WIDE)
        self._ring.push(
            number, kind, field, price[0], size[0], exchange_ns=exchange_ns,
            extra_0=_unsigned(extra[0]), extra_1=_unsigned(extra[1]), flags=flags,
        )  # fmt: skip
        self.told += 1


_WIDE: Final = 1
"""In a word's flags before it has a place: it is an f64's bits."""


def _moved(flags: int, wide: int) -> int:
    """A word's flags, for the place where it stands."""
    return (flags & _UNSET) | (wide if flags & _WIDE else 0)


def _quote(field: int) -> int:
    return 0 if field in _TRADE_FIELDS else _SUPERSEDES


def _number(text: str) -> float | Decimal | None:
    try:
        return Decimal(text) if text else None
    except ArithmeticError:
        return None


def _word(value: float | Decimal, unset: frozenset[float] = _NO_NUMBER) -> Word:
    """A count of 1e-8 where that is exact, else an f64's bits; none where it says that there is none."""
    if not math.isfinite(value) or float(value) in unset:
        return None, _UNSET
    e8 = fixed.to_e8(Decimal(repr(value)) if isinstance(value, float) else value)
    if e8 is not None:
        return e8, 0
    return _signed_bits(float(value)), _WIDE


def _bits(value: float, none: frozenset[float], *, wide: int) -> tuple[int | None, int]:
    """An f64's bits, which is how volatilities and greeks are kept."""
    if not math.isfinite(value) or value in none or value in _NO_NUMBER:
        return None, _UNSET
    return _signed_bits(value), wide


def _signed_bits(value: float) -> int:
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits)


def _unsigned(word: int | None) -> int | None:
    return None if word is None else word & 0xFFFF_FFFF_FFFF_FFFF


def _packed(data: bytes) -> tuple[int, int]:
    """A text's first 16 bytes as two words, the first byte lowest."""
    head = data[:_RECORD_TEXT_BYTES].ljust(_RECORD_TEXT_BYTES, b"\0")
    return int.from_bytes(head[:_WORD_BYTES], "little"), int.from_bytes(head[_WORD_BYTES:], "little")
