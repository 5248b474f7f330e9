"""
Events to messages, a block at once: what a subscription hears of each event, as bytes.

Every body is shorter than 128 bytes, so that its length prefix is text as well and a block is one text expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from tieout.clock import NS_PER_S
from tieout.fixed import from_e8

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["quotes", "Last", "AllLast", "BidAsk", "MidPoint"]
"""reqMktData, and the four kinds of reqTickByTickData in IB's own words."""

RT_VOLUME, RT_TRADE_VOLUME = "233", "375"
"""Generic ticks that bring tick strings 48 and 77."""

_NS_PER_MS: Final = NS_PER_S // 1000
_PREFIXES: Final = pl.Series([f"\0\0\0{chr(count)}" for count in range(128)])
_NUMBERS: Final = (
    "bid",
    "bid_size",
    "ask",
    "ask_size",
    "price",
    "size",
    "volume",
    "average",
    "middle",
    "last",
    "last_size",
)


@dataclass(frozen=True, slots=True)
class Types:
    """The tick types of live or delayed data: prices, sizes and the last trade's time."""

    bid: int
    ask: int
    last: int
    bid_size: int
    ask_size: int
    last_size: int
    volume: int
    time: int


LIVE: Final = Types(bid=1, ask=2, last=4, bid_size=0, ask_size=3, last_size=5, volume=8, time=45)
DELAYED: Final = Types(bid=66, ask=67, last=68, bid_size=69, ask_size=70, last_size=71, volume=74, time=88)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One subscription: its request id, what it is to, and for quotes the tick types and generic ticks."""

    request: int
    kind: Kind
    types: Types = LIVE
    generics: frozenset[str] = frozenset()
    ignore_size: bool = False


def encode(events: pl.DataFrame, wanted: Wanted, *, start_ns: int) -> list[bytes]:
    """
    What the subscription hears of each event: one entry for each, empty where it hears nothing.

    Args:
        events: schema `EVENT`.
        wanted: the subscription.
        start_ns: UTC nanoseconds of the market's start, from which `at_ns` counts.
    """
    rows = events.with_columns(
        average=(pl.col("value") / (pl.col("volume") / 10**8)).round().fill_nan(0.0).cast(pl.Int64),
        middle=(pl.col("bid") + pl.col("ask")) // 2,
        seconds=((pl.col("at_ns") + start_ns) // NS_PER_S).cast(pl.String),
        milliseconds=((pl.col("at_ns") + start_ns) // _NS_PER_MS).cast(pl.String),
        mask=(pl.col("past_limit").cast(pl.Int8) + 2 * pl.col("unreported").cast(pl.Int8)).cast(pl.String),
    )
    rows = rows.with_columns(_text(rows, name) for name in _NUMBERS)
    heard = _quotes(wanted) if wanted.kind == "quotes" else [_by_tick(wanted)]
    whole = pl.concat_str(heard, ignore_nulls=True).fill_null("")
    return rows.select(whole.cast(pl.Binary)).to_series().to_list()


def standing(state: pl.DataFrame, wanted: Wanted, *, start_ns: int) -> bytes:
    """What a new subscription to quotes hears first: all that stands, and no trade; schema `EVENT`, one row."""
    told = state.with_columns(pl.lit(value=True).alias(name) for name in ("new_bid", "new_ask", "new_last", "trade"))
    nothing = pl.lit(None, dtype=pl.Int64)
    told = told.with_columns(unreported=pl.lit(value=False), price=nothing, size=nothing)
    return encode(told, wanted, start_ns=start_ns)[0]


def _quotes(wanted: Wanted) -> list[pl.Expr]:
    types, request = wanted.types, wanted.request
    heard: list[pl.Expr] = []
    for price, size, price_type, size_type in (
        ("bid", "bid_size", types.bid, types.bid_size),
        ("ask", "ask_size", types.ask, types.ask_size),
    ):
        moved = _frame("1", "6", request, price_type, _col(price), _col(size), "1")
        grown = _frame("2", "6", request, size_type, _col(size))
        new_price = pl.col(f"new_{price}") & pl.col(price).is_not_null()
        new_size = pl.col(f"new_{size}") & pl.col(size).is_not_null()
        heard.append(pl.when(new_price).then(moved).when(new_size).then(grown))
    told = pl.col("trade") & ~pl.col("unreported") & pl.col("last").is_not_null()
    heard.append(pl.when(told).then(_frame("46", "6", request, types.time, _col("seconds"))))
    last = _frame("1", "6", request, types.last, _col("last"), _col("last_size"), "0")
    heard.append(pl.when(told & pl.col("new_last")).then(last))
    heard.append(pl.when(told).then(_frame("2", "6", request, types.last_size, _col("last_size"))))
    heard.append(pl.when(told).then(_frame("2", "6", request, types.volume, _col("volume"))))
    parts = [_col(name) for name in ("price", "size", "milliseconds", "volume", "average")]
    trade = pl.concat_str([*parts, pl.lit("true")], separator=";")
    # Only 233 tells trades that are not reported; they do not count in its volume.
    for generic, tick_type, when in (
        (RT_VOLUME, 48, pl.col("price").is_not_null()),
        (RT_TRADE_VOLUME, 77, told & pl.col("price").is_not_null()),
    ):
        if generic in wanted.generics:
            heard.append(pl.when(when).then(_frame("46", "6", request, tick_type, trade)))
    return heard


def _by_tick(wanted: Wanted) -> pl.Expr:
    request = wanted.request
    seconds = _col("seconds")
    both = pl.col("bid").is_not_null() & pl.col("ask").is_not_null()
    moved = pl.col("new_bid") | pl.col("new_ask")
    match wanted.kind:
        case "BidAsk":
            news = moved if wanted.ignore_size else moved | pl.col("new_bid_size") | pl.col("new_ask_size")
            sides = [_col(name) for name in ("bid", "ask", "bid_size", "ask_size")]
            return pl.when(both & news).then(_frame("99", request, "3", seconds, *sides, "0"))
        case "MidPoint":
            return pl.when(both & moved).then(_frame("99", request, "4", seconds, _col("middle")))
        case _:
            number = "1" if wanted.kind == "Last" else "2"
            heard = pl.col("trade") if wanted.kind == "AllLast" else pl.col("trade") & ~pl.col("unreported")
            about = [_col(name) for name in ("price", "size", "mask", "exchange", "conditions")]
            return pl.when(heard).then(_frame("99", request, number, seconds, *about))


def _frame(*fields: str | int | pl.Expr) -> pl.Expr:
    """One message: its length and its fields, each closed by NUL."""
    parts: list[pl.Expr] = []
    fixed = ""
    for field in fields:
        if isinstance(field, pl.Expr):
            parts += [pl.lit(fixed), field]
            fixed = "\0"
        else:
            fixed += f"{field}\0"
    body = pl.concat_str([*parts, pl.lit(fixed)])
    return pl.concat_str(pl.lit(_PREFIXES).gather(body.str.len_bytes()), body)


def _col(name: str) -> pl.Expr:
    """A column as text; what is missing is an empty field."""
    return pl.col(name).fill_null("")


def _text(rows: pl.DataFrame, name: str) -> pl.Series:
    """A column of 1e-8 as decimals. Few values come often, so each is written once."""
    column = rows[name]
    values = column.unique().drop_nulls()
    texts: Sequence[str | None] = [from_e8(value) for value in values.to_list()]
    if not values.len():
        return column.cast(pl.String)
    return column.replace_strict(values, texts, default=None, return_dtype=pl.String)
