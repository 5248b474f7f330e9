"""
Events to messages, a block at once: what a subscription hears of each event, as bytes.

Every body is shorter than 128 bytes, so that its length prefix is text as well and a block is one text expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from tieout.clock import NS_PER_S
from tieout.fixed import SCALE, from_e8

Kind = Literal["quotes", "Last", "AllLast", "BidAsk", "MidPoint"]
"""reqMktData, and the four kinds of reqTickByTickData in IB's own words."""

RT_VOLUME, RT_TRADE_VOLUME = "233", "375"
"""Generic ticks that bring tick strings 48 and 77."""

_NS_PER_MS: Final = NS_PER_S // 1000
_PREFIXES: Final = pl.Series([f"\0\0\0{chr(count)}" for count in range(128)])


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
    heard = _quotes(events, wanted, start_ns) if wanted.kind == "quotes" else [_by_tick(events, wanted, start_ns)]
    whole = pl.concat_str(heard, ignore_nulls=True).fill_null("")
    return events.select(whole.cast(pl.Binary)).to_series().to_list()


def standing(state: pl.DataFrame, wanted: Wanted, *, start_ns: int) -> bytes:
    """What a new subscription to quotes hears first: all that stands, and no trade; schema `EVENT`, one row."""
    told = state.with_columns(pl.lit(value=True).alias(name) for name in ("new_bid", "new_ask", "new_last", "trade"))
    nothing = pl.lit(None, dtype=pl.Int64)
    told = told.with_columns(unreported=pl.lit(value=False), price=nothing, size=nothing)
    return encode(told, wanted, start_ns=start_ns)[0]


def _quotes(events: pl.DataFrame, wanted: Wanted, start_ns: int) -> list[pl.Series]:
    types, request = wanted.types, wanted.request
    heard = []
    for price, size, price_type, size_type in (
        ("bid", "bid_size", types.bid, types.bid_size),
        ("ask", "ask_size", types.ask, types.ask_size),
    ):
        new_price = pl.col(f"new_{price}") & pl.col(price).is_not_null()
        new_size = pl.col(f"new_{size}") & pl.col(size).is_not_null() & ~new_price
        moved = _frame("1", "6", request, price_type, pl.col(price), pl.col(size), "1")
        heard.append(_where(events, new_price, moved, numbers=(price, size)))
        heard.append(_where(events, new_size, _frame("2", "6", request, size_type, pl.col(size)), numbers=(size,)))
    told = pl.col("trade") & ~pl.col("unreported") & pl.col("last").is_not_null()
    last = _frame("1", "6", request, types.last, pl.col("last"), pl.col("last_size"), "0")
    trade = pl.concat_str(
        _frame("46", "6", request, types.time, _seconds(start_ns)),
        pl.when("new_last").then(last).otherwise(pl.lit("")),
        _frame("2", "6", request, types.last_size, pl.col("last_size")),
        _frame("2", "6", request, types.volume, pl.col("volume")),
    )
    heard.append(_where(events, told, trade, numbers=("last", "last_size", "volume")))
    # Only 233 tells trades that are not reported; they do not count in its volume.
    traded = pl.col("price").is_not_null()
    for generic, tick_type, when in ((RT_VOLUME, 48, traded), (RT_TRADE_VOLUME, 77, told & traded)):
        if generic in wanted.generics:
            heard.append(_rt_volume(events, when, request, tick_type, start_ns))
    return heard


def _rt_volume(events: pl.DataFrame, when: pl.Expr, request: int, tick_type: int, start_ns: int) -> pl.Series:
    milliseconds = ((pl.col("at_ns") + start_ns) // _NS_PER_MS).cast(pl.String)
    parts = [pl.col("price"), pl.col("size"), milliseconds, pl.col("volume"), pl.col("average"), pl.lit("true")]
    rows = events.with_columns(average=(pl.col("turnover") // pl.col("volume")).cast(pl.Int64).fill_null(0))
    frame = _frame("46", "6", request, tick_type, pl.concat_str(parts, separator=";"))
    return _where(rows, when, frame, numbers=("price", "size", "volume", "average"))


def _by_tick(events: pl.DataFrame, wanted: Wanted, start_ns: int) -> pl.Series:
    request = wanted.request
    seconds = _seconds(start_ns)
    both = pl.col("bid").is_not_null() & pl.col("ask").is_not_null()
    moved = pl.col("new_bid") | pl.col("new_ask")
    match wanted.kind:
        case "BidAsk":
            news = moved if wanted.ignore_size else moved | pl.col("new_bid_size") | pl.col("new_ask_size")
            sides = ("bid", "ask", "bid_size", "ask_size")
            values = [pl.col(name).fill_null("0") for name in sides]
            return _where(events, both & news, _frame("99", request, "3", seconds, *values, "0"), numbers=sides)
        case "MidPoint":
            rows = events.with_columns(middle=(pl.col("bid") + pl.col("ask")) // 2)
            frame = _frame("99", request, "4", seconds, pl.col("middle"))
            return _where(rows, both & moved, frame, numbers=("middle",))
        case _:
            number = "1" if wanted.kind == "Last" else "2"
            heard = pl.col("trade") if wanted.kind == "AllLast" else pl.col("trade") & ~pl.col("unreported")
            mask = (pl.col("past_limit").cast(pl.Int8) + 2 * pl.col("unreported").cast(pl.Int8)).cast(pl.String)
            about = [pl.col("price"), pl.col("size"), mask, pl.col("exchange"), pl.col("conditions")]
            return _where(events, heard, _frame("99", request, number, seconds, *about), numbers=("price", "size"))


def _where(events: pl.DataFrame, when: pl.Expr, text: pl.Expr, *, numbers: tuple[str, ...]) -> pl.Series:
    """A text for each event, null where it is not wanted; `numbers` are the columns in it that count 1e-8."""
    mask = events.select(when).to_series()
    rows = events.filter(mask)
    texts = rows.with_columns(_text(rows[name]) for name in numbers).select(text).to_series()
    places = pl.select(pl.when(mask).then(mask.cum_sum().cast(pl.Int64) - 1)).to_series()
    return texts.gather(places)


def _seconds(start_ns: int) -> pl.Expr:
    return ((pl.col("at_ns") + start_ns) // NS_PER_S).cast(pl.String)


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


def _text(column: pl.Series) -> pl.Series:
    """A column of 1e-8 as decimals without zeros behind. Few values come often, so each is written once."""
    whole = column.to_frame().select((pl.nth(0) % SCALE == 0).all()).item()
    if whole:
        return column.to_frame().select((pl.nth(0) // SCALE).cast(pl.String)).to_series()
    values = column.unique().drop_nulls()
    texts = [from_e8(value) for value in values.to_list()]
    return column.replace_strict(values, texts, default=None, return_dtype=pl.String)
