"""
What ib_async loses of a tick, or makes up, and the decoder keeps: each difference of docs/wire.md, seen on both sides.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from ib_async import IB, Stock
from ib_async.ticker import Ticker

from tick_calls import client_calls, record_calls
from tick_wire import frame
from tieout.ticks import TickDecoder

DBL_MAX = "1.7976931348623157E308"


def theirs(*frames: bytes) -> list[tuple[Any, ...]]:
    """What ib_async's decoder calls."""
    return client_calls(frames, 176)


def ours(*frames: bytes) -> list[tuple[Any, ...]]:
    """What the records say."""
    return record_calls([TickDecoder(176).feed(b"".join(frames))])


def ticker(*frames: bytes) -> Ticker:
    """ib_async's ticker of request 7 after these messages."""
    wrapper = IB().wrapper
    wrapper.reqId2Ticker[7] = found = Ticker(contract=Stock("SPY", "SMART", "USD"))
    wrapper.tcpDataArrived()
    # All in one go: what arrives later clears the ticks of before.
    client_calls([b"".join(frames)], 176, wrapper)
    return found


def test_an_empty_price_is_dropped_by_ib_async() -> None:
    message = frame(1, 6, 7, 1, "", "300", 0)
    assert theirs(message) == []
    assert ours(message) == [("priceSizeTick", 7, 1, None, 300.0)]


def test_an_empty_size_is_zero_to_ib_async() -> None:
    message = frame(1, 6, 7, 1, "230.5", "", 0)
    assert theirs(message) == [("priceSizeTick", 7, 1, 230.5, 0.0)]
    assert ours(message) == [("priceSizeTick", 7, 1, 230.5, None)]


@pytest.mark.parametrize(
    ("fields", "call"),
    [
        ((2, 6, 7, 0, ""), ("tickSize", 7, 0)),
        ((45, 6, 7, 49, ""), ("tickGeneric", 7, 49)),
        ((12, 1, 7, 0, 1, 1, "1.5", ""), ("updateMktDepth", 7, 0, 1, 1, 1.5)),
    ],
)
def test_an_empty_number_is_zero_to_ib_async(fields: tuple[object, ...], call: tuple[object, ...]) -> None:
    assert theirs(frame(*fields)) == [(*call, 0.0)]
    assert ours(frame(*fields)) == [(*call, None)]


def test_an_empty_price_by_tick_is_an_error_to_ib_async() -> None:
    message = frame(99, 7, 4, 1752606307, "")
    assert theirs(message) == []
    assert ours(message) == [("tickByTickMidPoint", 7, 1752606307, None)]


def test_the_attributes_of_a_price_are_dropped_by_ib_async() -> None:
    message = frame(1, 6, 7, 1, "230.5", "300", 5)
    assert theirs(message) == [("priceSizeTick", 7, 1, 230.5, 300.0)]
    assert pl.DataFrame(TickDecoder(176).feed(message))["flags"].to_list() == [0x8003 | 5 << 12]


@pytest.mark.parametrize("text", [DBL_MAX, "NaN", "Infinity", "2147483647", "9223372036854775807"])
def test_a_size_that_says_none_is_kept_as_a_number_by_ib_async(text: str) -> None:
    message = frame(2, 6, 7, 0, text)
    assert repr(theirs(message)) == repr([("tickSize", 7, 0, float(text))])
    assert ours(message) == [("tickSize", 7, 0, None)]


@pytest.mark.parametrize("text", [DBL_MAX, "NaN", "-Infinity"])
def test_a_price_that_says_none_is_kept_as_a_number_by_ib_async(text: str) -> None:
    message = frame(1, 6, 7, 4, text, "1", 0)
    assert repr(theirs(message)) == repr([("priceSizeTick", 7, 4, float(text), 1.0)])
    assert ours(message) == [("priceSizeTick", 7, 4, None, 1.0)]


def test_the_time_of_a_tick_by_tick_is_dropped_by_ib_asyncs_ticker() -> None:
    message = frame(99, 7, 4, 1, "1.5")
    (tick,) = ticker(message).tickByTicks
    assert (tick.time.year > 2000, tick.midPoint) == (True, 1.5)
    assert ours(message) == [("tickByTickMidPoint", 7, 1, 1.5)]


def test_a_repeated_size_is_dropped_by_ib_asyncs_ticker() -> None:
    messages = [frame(1, 6, 7, 1, "1.5", "100", 0), frame(2, 6, 7, 0, "100"), frame(2, 6, 7, 0, "100")]
    assert [(tick.price, tick.size) for tick in ticker(*messages).ticks] == [(1.5, 100.0)]
    assert [call[0] for call in ours(*messages)] == ["priceSizeTick", "tickSize", "tickSize"]


def test_a_generic_value_that_is_not_positive_is_made_empty_by_ib_asyncs_ticker() -> None:
    message = frame(45, 6, 7, 49, "-1")
    assert ticker(message).halted == 0.0
    assert ours(message) == [("tickGeneric", 7, 49, -1.0)]


def test_values_that_were_not_computed_are_kept_for_two_greeks_by_ib_asyncs_ticker() -> None:
    message = frame(21, 7, 13, 0, *["-2"] * 8)
    greeks = ticker(message).modelGreeks
    assert greeks is not None
    assert (greeks.delta, greeks.gamma, greeks.vega, greeks.theta) == (None, None, -2.0, -2.0)
    (call,) = ours(message)
    assert call[4:] == (-2.0, None, -2.0, -2.0, None, None, None, -2.0)


def test_the_sign_of_a_zero_is_kept_by_ib_async_alone() -> None:
    message = frame(45, 6, 7, 49, "-0.0")
    assert repr(theirs(message)) == "[('tickGeneric', 7, 49, -0.0)]"
    assert repr(ours(message)) == "[('tickGeneric', 7, 49, 0.0)]"


@pytest.mark.parametrize("price", ["1_0", " 10", "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT ZERO}"])
def test_python_reads_numbers_that_no_gateway_writes(price: str) -> None:
    message = frame(45, 6, 7, 49, price)
    assert theirs(message) == [("tickGeneric", 7, 49, 10.0)]
    decoder = TickDecoder(176)
    assert record_calls([decoder.feed(message)]) == []
    assert decoder.malformed == {45: 1}


def test_a_message_whose_end_is_missing_is_cut_by_ib_async() -> None:
    body = frame(1, 6, 7, 1, "1.5", 5, 0)[4:] + b"9"
    spoilt = len(body).to_bytes(4, "big") + body
    assert theirs(spoilt) == [("priceSizeTick", 7, 1, 1.5, 5.0)]
    decoder = TickDecoder(176)
    assert record_calls([decoder.feed(spoilt)]) == []
    assert decoder.malformed == {1: 1}


def test_a_request_id_below_zero_is_left_to_ib_async() -> None:
    message = frame(2, 6, -1, 0, "100")
    heard: list[bytes] = []
    decoder = TickDecoder(176, on_other=heard.append)
    assert record_calls([decoder.feed(message)]) == []
    assert theirs(*heard) == [("tickSize", -1, 0, 100.0)]
    assert decoder.account["beyond"] == 1
