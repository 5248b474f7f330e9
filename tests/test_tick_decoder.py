"""The decoder's Python face: pieces, other messages, errors, threads; and the record of each kind."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tick_wire import frame
from tieout.errors import TicksUnreadable
from tieout.ticks import Malformed, TickDecoder

RECORDED = Path(__file__).parent / "recorded" / "session_173.txt"

SCHEMA = {
    "instrument": pl.UInt32,
    "kind": pl.UInt8,
    "field": pl.UInt8,
    "price": pl.Int64,
    "size": pl.Int64,
    "exchange_ns": pl.Int64,
    "received_ns": pl.Int64,
    "sequence": pl.UInt64,
    "extra_0": pl.UInt64,
    "extra_1": pl.UInt64,
    "flags": pl.UInt16,
}

QUOTE = frame(1, 6, 7, 1, "230.51", "300", 1)
SIZE = frame(2, 6, 7, 0, "400")
OTHER = frame(9, 1, 42)


def rows(*frames: bytes, version: int = 176) -> list[tuple[Any, ...]]:
    """Without the times of receipt."""
    return pl.DataFrame(TickDecoder(version).feed(b"".join(frames))).drop("received_ns").rows()


def word(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


def bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def test_a_feed_gives_one_row_for_each_record() -> None:
    frame_ = pl.DataFrame(TickDecoder(176).feed(QUOTE + SIZE, received_ns=5))
    assert dict(frame_.schema) == SCHEMA
    assert frame_.rows() == [
        (7, 1, 1, 23_051_000_000, 30_000_000_000, None, 5, 0, None, None, 0x9003),
        (7, 2, 0, None, 40_000_000_000, None, 5, 1, None, None, 0x8002),
    ]


def test_no_bytes_give_no_rows() -> None:
    frame_ = pl.DataFrame(TickDecoder(176).feed(b""))
    assert (dict(frame_.schema), frame_.height) == (SCHEMA, 0)


def test_receipt_is_now_unless_it_is_given() -> None:
    before = time.time_ns()
    (received,) = pl.DataFrame(TickDecoder(176).feed(SIZE))["received_ns"]
    assert before <= received <= time.time_ns()


@pytest.mark.parametrize("cut", range(len(QUOTE) + 1))
def test_a_message_cut_anywhere_comes_with_its_rest(cut: int) -> None:
    decoder = TickDecoder(176)
    first = pl.DataFrame(decoder.feed(QUOTE[:cut]))
    assert decoder.pending_bytes == cut % len(QUOTE)
    both = pl.concat([first, pl.DataFrame(decoder.feed(QUOTE[cut:]))])
    assert both.drop("received_ns").rows() == rows(QUOTE)


def test_a_trade_by_tick_has_its_time_exchange_and_conditions() -> None:
    assert rows(frame(99, 7, 1, 1752606307, "230.5", "100", 2, "ISLAND", " F I")) == [
        (7, 99, 1, 23_050_000_000, 10_000_000_000, 1752606307 * 10**9, 0, word("ISLAND"), word(" F I"), 0x2307),
    ]


def test_a_long_exchange_follows_in_records_of_its_own() -> None:
    assert rows(frame(99, 7, 1, 1752606307, "230.5", "100", 0, "OVERNIGHT", "")) == [
        (7, 99, 1, 23_050_000_000, 10_000_000_000, 1752606307 * 10**9, 0, word("OVERNIGH"), 0, 0x0707),
        (7, 128, 1, None, None, None, 1, word("OVERNIGH"), word("T"), 0x0300),
    ]


def test_bid_and_ask_by_tick_are_one_record() -> None:
    assert rows(frame(99, 7, 3, 1752606307, "1.5", "1.6", "100", "200", 3)) == [
        (7, 99, 3, 150_000_000, 10_000_000_000, 1752606307 * 10**9, 0, 160_000_000, 20_000_000_000, 0xB307),
    ]


def test_a_change_of_the_book_says_where_and_what() -> None:
    assert rows(frame(13, 1, 7, 4, "ARCA", 1, 1, "1.5", "100", 1)) == [
        (7, 13, 3, 150_000_000, 10_000_000_000, None, 0, 4, word("ARCA"), 0x1303),
    ]


def test_an_options_values_are_three_records_and_what_was_not_computed_is_null() -> None:
    assert rows(frame(21, 7, 13, 1, "0.25", "-2", "5.75", "-1", "0.05", "0.15", "-0.01", "145.5")) == [
        (7, 21, 13, 575_000_000, None, None, 0, bits(0.25), None, 0x9521),
        (7, 129, 13, 14_550_000_000, None, None, 1, bits(0.05), bits(0.15), 0x8F01),
        (7, 130, 13, None, None, None, 2, bits(-0.01), None, 0x8520),
    ]


def test_a_bar_is_two_records() -> None:
    assert rows(frame(50, 3, 7, 1752606305, "1.1", "1.4", "1.0", "1.3", "1000", "1.25", 12)) == [
        (7, 50, 0, 130_000_000, 100_000_000_000, 1752606305 * 10**9, 0, 110_000_000, 12, 0x0307),
        (7, 133, 0, 140_000_000, None, 1752606305 * 10**9, 1, 100_000_000, 125_000_000, 0x0305),
    ]


def test_a_last_time_is_the_exchanges_time() -> None:
    assert rows(frame(46, 6, 7, 45, "1752606307")) == [
        (7, 46, 45, None, None, 1752606307 * 10**9, 0, word("17526063"), word("07"), 0x0304),
    ]


def test_a_historical_answer_says_how_many_and_whether_it_is_complete() -> None:
    assert rows(frame(96, 7, 0, 1)) == [(7, 134, 96, None, None, None, 0, 0, None, 0x1100)]


def test_a_price_that_does_not_fit_is_an_f64_and_says_so() -> None:
    row = rows(frame(45, 6, 7, 49, "1e300"))[0]
    assert (row[3], row[-1]) == (bits(1e300), 0x8009)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_other_messages_come_untouched_and_in_order(kind: Callable[[bytes], bytes]) -> None:
    heard: list[bytes] = []
    decoder = TickDecoder(176, on_other=heard.append)
    batch = decoder.feed(kind(OTHER + QUOTE + frame(4, 2, -1, 2104, "fine") + SIZE))
    assert heard == [OTHER, frame(4, 2, -1, 2104, "fine")]
    assert pl.DataFrame(batch)["kind"].to_list() == [1, 2]
    assert decoder.account == {
        "frames": 4, "decoded": 2, "ticks": 2, "handed_on": 2, "beyond": 0, "malformed": 0
    }  # fmt: skip


def test_a_recorded_session_passes_untouched() -> None:
    lines = [line for line in RECORDED.read_text().splitlines() if line and line[0] not in "#>"]
    frames = [frame(*line.split("|")) for line in lines]
    heard: list[bytes] = []
    decoder = TickDecoder(173, on_other=heard.append)
    stream = b"".join(frames)
    ticks = sum(pl.DataFrame(decoder.feed(stream[at : at + 100])).height for at in range(0, len(stream), 100))
    assert (heard, ticks, decoder.pending_bytes) == (frames, 0, 0)


def test_a_kind_of_tick_can_be_handed_on() -> None:
    heard: list[bytes] = []
    assert pl.DataFrame(TickDecoder(176, on_other=heard.append, hand_on=[1]).feed(QUOTE + SIZE))["kind"].to_list() == [
        2
    ]
    assert heard == [QUOTE]


def test_rows_and_messages_survive_a_failing_callback() -> None:
    heard: list[bytes] = []

    def fails_once(message: bytes) -> None:
        heard.append(message)
        if len(heard) == 1:
            raise OSError("no room")

    decoder = TickDecoder(176, on_other=fails_once)
    with pytest.raises(OSError, match="no room"):
        decoder.feed(QUOTE + OTHER + OTHER)
    assert pl.DataFrame(decoder.feed(SIZE))["sequence"].to_list() == [1]
    assert heard == [OTHER, OTHER, OTHER]
    assert [pl.DataFrame(batch)["sequence"].to_list() for batch in decoder.take()] == [[0]]
    assert decoder.take() == []


def test_a_malformed_tick_is_counted_and_told() -> None:
    decoder = TickDecoder(176)
    assert decoder.last_malformed is None
    assert pl.DataFrame(decoder.feed(frame(2, 6, 7, 0, "many") + SIZE)).height == 1
    assert decoder.malformed == {2: 1}
    assert decoder.last_malformed == Malformed(2, "a field is not a number", b"2\x006\x007\x000\x00many\x00")


def test_a_prefix_of_4_gib_breaks_the_stream_and_loses_nothing() -> None:
    decoder = TickDecoder(176)
    message = (
        "a message of 4294967295 bytes is announced, expected at most 16777215: this is not a TWS stream, or bytes of "
        "it are missing; connect anew"
    )
    with pytest.raises(TicksUnreadable) as caught:
        decoder.feed(QUOTE + b"\xff\xff\xff\xff")
    assert str(caught.value) == message
    assert [pl.DataFrame(batch).height for batch in decoder.take()] == [1]
    with pytest.raises(TicksUnreadable):
        decoder.feed(SIZE)
    assert [pl.DataFrame(batch).height for batch in decoder.take()] == [0]


@pytest.mark.parametrize("version", [156, 179])
def test_an_unknown_server_version_is_refused(version: int) -> None:
    message = f"server version {version}, expected 157 to 178; let the client decode the ticks of this gateway"
    with pytest.raises(ValueError, match=message):
        TickDecoder(version)


def test_only_ticks_can_be_handed_on() -> None:
    with pytest.raises(ValueError, match="message id 4 is no tick message"):
        TickDecoder(176, hand_on=[4])


def test_text_is_refused() -> None:
    with pytest.raises(TypeError):
        TickDecoder(176).feed("text")  # type: ignore[arg-type]


def test_decoders_in_threads_do_not_disturb_each_other() -> None:
    stream = (QUOTE + SIZE) * 5_000
    found: list[int] = []

    def run() -> None:
        decoder = TickDecoder(176)
        found.append(
            sum(pl.DataFrame(decoder.feed(stream[at : at + 4096])).height for at in range(0, len(stream), 4096))
        )

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [10_000] * 4
