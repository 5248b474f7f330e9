"""Quotes out of ticks: one for each change, the same however the ticks are split, and what is no price is none."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_wire import frame
from tieout.broker.port import ContractSpec
from tieout.ticks import TickDecoder
from tieout.ticks.instruments import Instrument, Instruments
from tieout.ticks.market import Quote
from tieout.ticks.quotes import QuoteReader

INSTRUMENTS = Instruments([Instrument(number, ContractSpec(symbol=name)) for number, name in enumerate("ABC")])

values = st.sampled_from(["1", "1.25", "2", "-1", "-0.5"])
amounts = st.sampled_from(["0", "1", "7"])
numbers, none, second = st.integers(0, 3), st.just(0), st.just(1)
texts = [st.just("")] * 2
messages = st.one_of(
    st.tuples(st.just(1), st.just(6), numbers, st.sampled_from([1, 2, 4, 66, 67]), values, amounts, none),
    st.tuples(st.just(2), st.just(6), numbers, st.sampled_from([0, 3, 5, 8, 69, 70]), amounts),
    st.tuples(st.just(99), numbers, st.just(3), second, values, values, amounts, amounts, none),
    st.tuples(st.just(99), numbers, st.just(1), second, values, amounts, none, *texts),
)


def ticks_of(*data: bytes) -> pl.DataFrame:
    return pl.DataFrame(TickDecoder(178).feed(b"".join(data), received_ns=5))


def quotes_of(ticks: pl.DataFrame) -> list[tuple[int, Quote]]:
    return list(QuoteReader(INSTRUMENTS).read(ticks))


def told(data: list[bytes]) -> list[tuple[Any, ...]]:
    return [
        (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.delayed) for _, quote in quotes_of(ticks_of(*data))
    ]


@given(st.lists(messages.map(lambda fields: frame(*fields)), max_size=12), st.integers(0, 12))
def test_the_same_quotes_however_the_ticks_are_split(data: list[bytes], cut: int) -> None:
    ticks = ticks_of(*data)
    reader = QuoteReader(INSTRUMENTS)
    parts = [quote for part in (ticks[:cut], ticks[cut:]) for _, quote in reader.read(part)]
    whole = quotes_of(ticks)
    assert parts == [quote for _, quote in whole]
    assert [at for at, _ in whole] == sorted({at for at, _ in whole})
    for number in range(3):
        own = [(q.bid, q.ask, q.bid_size, q.ask_size) for q in parts if q.instrument.number == number]
        assert all(before != after or None in before for before, after in itertools.pairwise(own))


def test_bid_and_ask_come_from_every_kind_of_tick_and_prices_are_exact() -> None:
    data = [
        frame(1, 6, 0, 1, "99.25", "10", 0), frame(1, 6, 0, 2, "99.5", "7", 0), frame(2, 6, 0, 0, "11"),
        frame(2, 6, 0, 0, "11"), frame(99, 0, 3, 1, "99.5", "99.75", "3", "4", 0), frame(1, 6, 0, 4, "99.5", "1", 0),
    ]  # fmt: skip
    assert told(data) == [
        (Decimal("99.25"), None, 10, None, False),
        (Decimal("99.25"), Decimal("99.5"), 10, 7, False),
        (Decimal("99.25"), Decimal("99.5"), 11, 7, False),
        (Decimal("99.5"), Decimal("99.75"), 3, 4, False),
    ]
    (_, last) = quotes_of(ticks_of(*data))[-1]
    assert (last.mid, last.instrument.name, last.received_ns) == (Decimal("99.625"), "A", 5)


@pytest.mark.parametrize(
    ("price", "size", "expected"),
    [("-1", "0", None), ("-1", "5", Decimal(-1)), ("1e30", "1", None), ("-0.5", "0", Decimal("-0.5"))],
)
def test_what_is_no_price_is_none(price: str, size: str, expected: Decimal | None) -> None:
    found = [
        quote for _, quote in quotes_of(ticks_of(frame(1, 6, 1, 1, "7", "1", 0), frame(1, 6, 1, 1, price, size, 0)))
    ]
    assert (found[-1].bid, found[-1].mid) == (expected, None)


def test_delayed_quotes_say_so() -> None:
    assert told([frame(1, 6, 2, 66, "5", "1", 0)]) == [(Decimal(5), None, Decimal(1), None, True)]
