"""Tick messages as a gateway writes them, for tests of the decoder: frames, and hypothesis' choice of their fields."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

VERSIONS: Final = range(157, 179)
"""The server versions whose messages the decoder knows."""

RT_VOLUME: Final = (48, 77)


def frame(*fields: object) -> bytes:
    """One message: length prefix and fields, each closed by NUL."""
    body = b"".join(field if isinstance(field, bytes) else str(field).encode() for field in _closed(fields))
    return struct.pack(">I", len(body)) + body


def _closed(fields: tuple[object, ...]) -> list[object]:
    return [part for field in fields for part in (field, b"\0")]


def plain(value: Decimal) -> str:
    return f"{value:f}"


SENTINELS: Final = ("2147483647", "-1", "-2")

prices = st.decimals("-9999999", "9999999", allow_nan=False, places=4).map(plain)
"""What prices look like."""

odd_prices = st.one_of(
    st.decimals("-92233720368", "92233720368", allow_nan=False, places=8).map(plain),
    st.decimals("-1e20", "1e20", allow_nan=False, places=12).map(plain),
    st.floats(allow_nan=False, allow_infinity=False, max_value=1e300, min_value=-1e300).map(repr),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: f"{value:E}"),
    st.sampled_from(["0", "0.0", "5.", ".5", "+1.5", "1E-4", "1.0E10", "007", "99999999.99999999", "100000000"]),
)
"""Every form of a number that Java and Python write."""

numbers = st.one_of(prices, prices, odd_prices).filter(lambda text: float(text) not in (-1.0, -2.0))
sizes = st.one_of(st.integers(0, 2_000_000_000).map(str), st.decimals("0", "1e6", allow_nan=False, places=8).map(plain))
ids = st.integers(1, 2**31 - 1)
seconds = st.integers(0, 9_000_000_000)
attributes = st.integers(0, 7)
words = st.one_of(
    st.sampled_from(["", "ISLAND", "IDEALPRO", "OVERNIGHT", "NASDAQOM", " F T I", "   I"]),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40),
)
tick_types = st.integers(0, 110)

_tick_price = st.tuples(st.just(1), st.just(6), ids, tick_types, numbers, sizes, attributes)
_tick_size = st.tuples(st.just(2), st.just(6), ids, tick_types, sizes)
_tick_generic = st.tuples(st.just(45), st.just(6), ids, tick_types, numbers)
_tick_string = st.tuples(st.just(46), st.just(6), ids, tick_types, words)
_rt_volume = st.tuples(
    st.just(46), st.just(6), ids, st.sampled_from(RT_VOLUME),
    st.builds("{};{};{};{};{};{}".format, prices, sizes, st.integers(0, 2**42), sizes, prices,
              st.sampled_from(["true", "false"])),
)  # fmt: skip
_depth_change = (st.integers(0, 2), st.integers(0, 1), numbers, sizes)
_depth = st.tuples(st.just(12), st.just(1), ids, st.integers(0, 200), *_depth_change)
_depth_l2 = st.tuples(
    st.just(13), st.just(1), ids, st.integers(0, 200), words, *_depth_change, st.integers(0, 1)
)  # fmt: skip
_option = st.tuples(st.just(21), ids, tick_types, st.integers(0, 1), *[numbers] * 8)
_efp = st.tuples(
    st.just(47), st.just(6), ids, tick_types, numbers, words, numbers, st.integers(0, 5000), words, numbers, numbers
)  # fmt: skip
_bar = st.tuples(st.just(50), st.just(3), ids, seconds, *[numbers] * 4, sizes, numbers, st.integers(0, 10**9))
_by_tick = st.one_of(
    st.tuples(st.just(99), ids, st.sampled_from([1, 2]), seconds, numbers, sizes, attributes, words, words),
    st.tuples(st.just(99), ids, st.just(3), seconds, numbers, numbers, sizes, sizes, attributes),
    st.tuples(st.just(99), ids, st.just(4), seconds, numbers),
)


def _history(message_id: int, tick: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.tuples(ids, st.lists(tick, max_size=5), st.integers(0, 1)).map(
        lambda parts: (message_id, parts[0], len(parts[1]), *[f for tick in parts[1] for f in tick], parts[2])
    )


KINDS: Final[dict[str, st.SearchStrategy[tuple[object, ...]]]] = {
    "tickPrice": _tick_price,
    "tickSize": _tick_size,
    "tickGeneric": _tick_generic,
    "tickString": _tick_string,
    "rtVolume": _rt_volume,
    "marketDepth": _depth,
    "marketDepthL2": _depth_l2,
    "tickOptionComputation": _option,
    "tickEFP": _efp,
    "realtimeBar": _bar,
    "tickByTick": _by_tick,
    "historicalTicks": _history(96, st.tuples(seconds, st.just(0), numbers, sizes)),
    "historicalTicksBidAsk": _history(97, st.tuples(seconds, attributes, numbers, numbers, sizes, sizes)),
    "historicalTicksLast": _history(98, st.tuples(seconds, attributes, numbers, sizes, words, words)),
}
"""Each kind of tick message -> its fields."""

others = st.one_of(
    st.tuples(st.just(9), st.just(1), ids),
    st.tuples(st.just(15), st.just(1), words),
    st.tuples(st.just(49), st.just(1), seconds),
    st.tuples(st.just(57), st.just(1), ids),
    st.tuples(st.just(58), st.just(1), ids, st.integers(1, 4)),
    st.tuples(st.just(84), ids, seconds, words, words, words, words),
)
"""Messages that are no ticks."""


def streams(*, other_messages: bool = True) -> st.SearchStrategy[list[bytes]]:
    """A few frames of any kind, each frame on its own."""
    kinds = [*KINDS.values(), others] if other_messages else list(KINDS.values())
    return st.lists(st.one_of(kinds).map(lambda fields: frame(*fields)), max_size=8)
