"""The slow lane: the library's own decoder and tieout's give the ring the same records."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async.decoder import Decoder

from tick_wire import frame, prices, seconds, sizes, tick_types, words
from tieout.ticks import TickDecoder, TickRing
from tieout.ticks.live.slow_lane import SlowLane

VERSION, BASE, INSTRUMENTS = 178, 1_800_000_000, 3
REPORTED: Final = ["instrument", "kind", "field", "price", "size", "exchange_ns", "extra_0", "extra_1"]

ids = st.integers(BASE, BASE + INSTRUMENTS - 1)
unset_sizes = sizes | st.sampled_from(["2147483647", "9223372036854775807"])
greeks = prices | st.sampled_from(["-1", "-2", "NaN", "1.7976931348623157E308", "0.0001234"])
volumes = st.builds(
    "{};{};{};{};{};{}".format, prices, sizes | st.just(""), st.integers(0, 2**42), sizes, prices,
    st.sampled_from(["true", "false", "maybe"]),
)  # fmt: skip
messages = st.one_of(
    st.tuples(st.just(1), st.just(6), ids, tick_types, prices, unset_sizes, st.just(0)),
    st.tuples(st.just(1), st.just(6), ids, tick_types, st.sampled_from(["1.5E-9", "1E300", "-1"]), sizes, st.just(0)),
    st.tuples(st.just(2), st.just(6), ids, tick_types, unset_sizes),
    st.tuples(st.just(45), st.just(6), ids, tick_types, prices),
    st.tuples(st.just(46), st.just(6), ids, tick_types, words | seconds.map(str)),
    st.tuples(st.just(46), st.just(6), ids, st.sampled_from([48, 77]), volumes | words),
    st.tuples(st.just(21), ids, tick_types, st.integers(0, 1), *[greeks] * 8),
    st.tuples(st.just(99), ids, st.sampled_from([1, 2]), seconds, prices, sizes, st.integers(0, 3), words, words),
    st.tuples(st.just(99), ids, st.just(3), seconds, prices, prices, sizes, sizes, st.integers(0, 3)),
    st.tuples(st.just(99), ids, st.just(4), seconds, prices),
)


def slowly(data: list[bytes]) -> tuple[list[Any], SlowLane]:
    """The ring's rows, by ib_async's decoder."""
    with TickRing(10_000) as ring:
        lane = SlowLane(ring, base=BASE, instruments=INSTRUMENTS)
        decoder = Decoder(SimpleNamespace(**lane.taker()), VERSION)
        for one in data:
            (length,) = struct.unpack(">I", one[:4])
            assert length == len(one) - 4
            decoder.interpret(one[4:-1].decode(errors="backslashreplace").split("\0"))
        return rows(ring), lane


def quickly(data: list[bytes]) -> list[Any]:
    """The ring's rows, by tieout's decoder."""
    with TickRing(10_000) as ring:
        ring.push_batch(TickDecoder(VERSION).feed(b"".join(data)), base=BASE)
        return rows(ring)


def rows(ring: TickRing) -> list[Any]:
    ticks = pl.DataFrame(ring.drain(10_000))
    without_attributes = pl.when(pl.col("kind") == 1).then(pl.col("flags") & 0x8FFF).otherwise(pl.col("flags"))
    return ticks.select(*REPORTED, without_attributes.alias("flags")).rows()


@given(st.lists(messages.map(lambda fields: frame(*fields)), max_size=8))
def test_both_lanes_give_the_same_records(data: list[bytes]) -> None:
    found, lane = slowly(data)
    assert found == quickly(data)
    assert (lane.told, lane.unknown) == (len(found), 0)


@pytest.mark.parametrize("request_id", [5, BASE - 1, BASE + INSTRUMENTS])
def test_ticks_of_unknown_request_ids_are_counted_and_go_nowhere(request_id: int) -> None:
    found, lane = slowly([frame(2, 6, request_id, 5, 100), frame(2, 6, BASE, 5, 100)])
    assert (len(found), lane.unknown) == (1, 1)


def test_tick_price_attributes_are_what_the_library_loses() -> None:
    data = [frame(1, 6, BASE, 1, "99.5", 10, attribute) for attribute in (0, 7)]
    found, _ = slowly(data)
    assert found == quickly(data)
