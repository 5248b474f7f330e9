"""
Ticks as a frame: its columns, and the numbers in `kind` and `field`. docs/wire.md says what each kind holds.

Prices and sizes count 1e-8, times are UTC nanoseconds; a null was not sent.
"""

from __future__ import annotations

from typing import Final

import polars as pl

TICK: Final[dict[str, pl.DataType]] = {
    "instrument": pl.UInt32(),
    "kind": pl.UInt8(),
    "field": pl.UInt8(),
    "price": pl.Int64(),
    "size": pl.Int64(),
    "exchange_ns": pl.Int64(),
    "received_ns": pl.Int64(),
    "sequence": pl.UInt64(),
    "extra_0": pl.UInt64(),
    "extra_1": pl.UInt64(),
    "flags": pl.UInt16(),
}
"""What `TickRing.drain` and `TickDecoder.feed` give; null may be price, size, exchange_ns and the two extras alone."""

PRICE: Final = 1
SIZE: Final = 2
GENERIC: Final = 45
STRING: Final = 46
BAR: Final = 50
BY_TICK: Final = 99
BAR_RANGE: Final = 133
RT_VOLUME: Final = 135
"""Kinds that tieout itself reads; the others are kept and handed on."""

BID, ASK, LAST = 1, 2, 4
BID_SIZE, ASK_SIZE, LAST_SIZE = 0, 3, 5
"""Fields of PRICE and SIZE; delayed ones are 66 to 71."""

BY_TICK_LAST, BY_TICK_ALL_LAST, BY_TICK_BID_ASK, BY_TICK_MIDPOINT = 1, 2, 3, 4
"""Fields of BY_TICK."""

PRICE_IS_FLOAT: Final = 8
SIZE_IS_FLOAT: Final = 16
"""Flags: the word is an f64's bits, as 1e-8 fixed point could not hold what was sent."""
