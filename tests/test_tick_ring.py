"""`TickRing`: what goes in comes out, what is lost is counted, and what makes no sense is refused."""

from __future__ import annotations

import struct
from itertools import pairwise
from threading import Thread
from typing import Any, get_args

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ring_support import SCHEMA
from ring_support import ticks as frame
from tieout.ticks import TickDecoder, TickRing
from tieout.ticks.ring import CAPACITY_MAX, INSTRUMENTS_MAX, RECORD_BYTES, Policy

POLICIES: tuple[Policy, ...] = get_args(Policy)
HAS_PRICE, HAS_SIZE, HAS_EXCHANGE_NS, PRICE_F64 = 1, 2, 4, 8
HAS_EXTRA_0, HAS_EXTRA_1, SUPERSEDES = 256, 512, 32768
LAST, QUOTE = 4, 1


def drained(ring: TickRing, max_rows: int = CAPACITY_MAX) -> pl.DataFrame:
    return pl.DataFrame(ring.drain(max_rows))


def record(instrument: int, price: int, sequence: int, flags: int = HAS_PRICE) -> bytes:
    """One tick's 64 bytes, by the table of docs/ring.md."""
    return struct.pack("<IBBHqqqqQQQ", instrument, 1, LAST, flags, price, 0, 0, 11, sequence, 0, 0)


def test_one_tick_comes_out_as_it_went_in() -> None:
    with TickRing(4) as ring:
        assert ring.push(3, 1, LAST, -5, 6, exchange_ns=7, received_ns=8, extra_0=9, extra_1=10, flags=PRICE_F64) == 0
        flags = HAS_PRICE | HAS_SIZE | HAS_EXCHANGE_NS | HAS_EXTRA_0 | HAS_EXTRA_1 | PRICE_F64
        assert drained(ring).rows() == [(3, 1, LAST, -5, 6, 7, 8, 0, 9, 10, flags)]


def test_what_was_not_sent_is_null_whatever_the_flags_say() -> None:
    with TickRing(4) as ring:
        ring.push(3, 45, 49, received_ns=8, flags=HAS_PRICE | HAS_EXTRA_1)
        assert drained(ring).rows() == [(3, 45, 49, None, None, None, 8, 0, None, None, 0)]


def test_a_tick_without_a_time_was_received_now() -> None:
    with TickRing(4) as ring:
        ring.push(1, 1, 1)
        ring.push(1, 1, 1)
        first, second = drained(ring)["received_ns"]
        assert 1_700_000_000 * 10**9 < first <= second


def test_the_ring_numbers_single_ticks_and_rows_without_a_number() -> None:
    with TickRing(10) as ring:
        ring.push(1, 1, 1)
        ring.push_batch(frame(3).drop("sequence"))
        ring.push(1, 1, 1)
        assert drained(ring)["sequence"].to_list() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shape", ["polars", "pyarrow batch", "pyarrow table", "the drain's own"])
def test_every_kind_of_arrow_rows_is_taken(shape: str) -> None:
    rows = frame(300, price=[None, 1] * 150, flags=[6, 7] * 150)
    with TickRing(1000) as ring, TickRing(1000) as second:
        match shape:
            case "polars":
                ring.push_batch(rows)
            case "pyarrow batch":
                ring.push_batch(rows.to_arrow().to_batches()[0])
            case "pyarrow table":
                ring.push_batch(pa.concat_tables([rows[:100].to_arrow(), rows[100:].to_arrow()]))
            case _:
                second.push_batch(rows)
                ring.push_batch(second.drain(1000))
        assert drained(ring).equals(rows)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_records_are_taken_from_a_buffer(kind: Any) -> None:
    with TickRing(10) as ring:
        assert ring.push_batch(kind(record(107, 1, 50) + record(108, 2, 51)), base=100) == 0
        found = drained(ring).select("instrument", "price", "received_ns", "sequence", "flags").rows()
        assert found == [(7, 1, 11, 50, HAS_PRICE), (8, 2, 11, 51, HAS_PRICE)]


def test_what_a_decoder_gives_is_taken_and_told_in_small_numbers() -> None:
    body = b"1\x006\x001800000005\x001\x0099.25\x0010\x001\x00"
    decoded = TickDecoder(178).feed(struct.pack(">I", len(body)) + body, received_ns=77)
    with TickRing(10) as ring:
        ring.push_batch(decoded, base=1_800_000_000)
        expected = pl.DataFrame(decoded).with_columns(instrument=pl.lit(5, pl.UInt32))
        assert expected.height > 0
        assert drained(ring).equals(expected)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 255),
            st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1),
            st.integers(0, 2**64 - 1), st.none() | st.integers(0, 2**64 - 1), st.none() | st.integers(0, 2**64 - 1),
            st.integers(0, 2**16 - 1),
        ),
        max_size=300,
    ),
    slice_from=st.integers(0, 20),
)  # fmt: skip
def test_whole_any_rows_come_out_as_they_went_in(rows: list[tuple[Any, ...]], slice_from: int) -> None:
    given_rows = pl.DataFrame(rows, schema=SCHEMA, orient="row").slice(slice_from)
    has = {"price": 1, "size": 2, "exchange_ns": 4, "extra_0": 256, "extra_1": 512}
    flags = pl.col("flags").and_(pl.lit(0xFFFF - sum(has.values()), pl.UInt16))
    for name, flag in has.items():
        flags = flags + pl.when(pl.col(name).is_null()).then(pl.lit(0, pl.UInt16)).otherwise(pl.lit(flag, pl.UInt16))
    with TickRing(300) as ring:
        assert ring.push_batch(given_rows) == 0
        assert drained(ring).equals(given_rows.with_columns(flags=flags))


def test_drop_oldest_drops_as_many_at_once_as_it_was_told() -> None:
    with TickRing(10, policy="drop_oldest", drop_count=4) as ring:
        assert [ring.push(n % 2, 1, LAST, n) for n in range(11)] == [0] * 10 + [4]
        stats = ring.stats()
        assert (stats.produced, stats.dropped, stats.waiting, dict(stats.lost)) == (11, 4, 7, {0: 2, 1: 2})
        assert drained(ring)["price"].to_list() == [4, 5, 6, 7, 8, 9, 10]


def test_drop_newest_refuses_what_comes() -> None:
    with TickRing(3, policy="drop_newest") as ring:
        assert [ring.push(5, 1, LAST, n) for n in range(5)] == [0, 0, 0, 1, 1]
        assert drained(ring)["price"].to_list() == [0, 1, 2]
        assert (ring.lost_of(5), ring.lost_of(4)) == (2, 0)


def test_conflate_keeps_trades_and_the_newest_quote() -> None:
    with TickRing(3, policy="conflate") as ring:
        ring.push(5, 1, QUOTE, 1, flags=SUPERSEDES)
        ring.push(5, 1, LAST, 100)
        ring.push(5, 1, QUOTE, 2, flags=SUPERSEDES)
        assert ring.push(5, 1, LAST, 101) == 1
        assert drained(ring)["price"].to_list() == [100, 2, 101]
        stats = ring.stats()
        assert (stats.conflated, stats.dropped, dict(stats.lost)) == (1, 0, {5: 1})


def test_losses_of_instruments_beyond_the_listed_ones_are_counted_together() -> None:
    with TickRing(1, policy="drop_newest", instruments=2) as ring:
        for instrument in (0, 1, 2, 3):
            ring.push(instrument, 1, 1)
        stats = ring.stats()
        assert (dict(stats.lost), stats.lost_unlisted, ring.lost_of(2)) == ({1: 1}, 2, 2)


def test_how_long_it_was_full_ends_with_the_drain() -> None:
    with TickRing(2, policy="drop_newest") as ring:
        ring.push(0, 1, 1)
        assert ring.stats().full_ns == 0
        ring.push(0, 1, 1)
        ring.push(0, 1, 1)
        assert 0 < ring.stats().full_ns < ring.stats().full_ns
        drained(ring)
        full_ns = ring.stats().full_ns
        ring.push(0, 1, 1)
        assert full_ns == ring.stats().full_ns > 0


@pytest.mark.parametrize("policy", POLICIES)
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=30), capacity=st.integers(1, 50))
def test_account_bound_and_names_hold_after_every_step(
    policy: Policy, steps: list[tuple[bool, int]], capacity: int
) -> None:
    with TickRing(capacity, policy=policy, drop_count=(capacity + 1) // 2) as ring:
        produced = consumed = lost = 0
        for pushes, count in steps:
            if pushes:
                rows = frame(
                    count, instrument=[n % 3 for n in range(count)], flags=[SUPERSEDES * (n % 2) for n in range(count)]
                )
                lost += ring.push_batch(rows.drop("sequence"))
                produced += count
            else:
                consumed += drained(ring, count).height
            stats = ring.stats()
            assert stats.balances
            assert (produced, consumed) == (stats.produced, stats.consumed)
            assert lost == stats.dropped + stats.conflated == sum(stats.lost.values())
            assert stats.waiting <= capacity


@pytest.mark.parametrize("policy", POLICIES)
def test_several_threads_at_both_ends_lose_nothing_unnoticed(policy: Policy) -> None:
    each, sources = 20_000, 3
    ring = TickRing(1_000, policy=policy, drop_count=100)
    batches: list[pl.DataFrame] = []

    def produce(instrument: int) -> None:
        for start in range(0, each, 500):
            ring.push_batch(frame(250, instrument=instrument, price=list(range(start, start + 250))).drop("sequence"))
            for price in range(start + 250, start + 500):
                ring.push(instrument, 1, LAST, price)

    threads = [Thread(target=produce, args=[number]) for number in range(sources)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        batches.append(drained(ring, 700))
    for thread in threads:
        thread.join()
    batches.append(drained(ring))
    taken = pl.concat(batches)
    stats = ring.stats()
    assert stats.balances
    assert (stats.produced, stats.consumed, stats.waiting) == (each * sources, taken.height, 0)
    for instrument in range(sources):
        prices = taken.filter(instrument=instrument)["price"].to_list()
        assert all(earlier < later for earlier, later in pairwise(prices))
        assert each == len(prices) + stats.lost.get(instrument, 0)


@pytest.mark.parametrize(
    ("capacity", "options", "text"),
    [
        (0, {}, "the ring's capacity is 0; expected 1 to 16777216"),
        (CAPACITY_MAX + 1, {}, "the ring's capacity is 16777217; expected 1 to 16777216"),
        (2**60, {}, "the ring's capacity is 1152921504606846976; expected 1 to 16777216"),
        (4, {"drop_count": 5}, "5 records are to be dropped at once; expected 1 to the ring's capacity, 4"),
        (4, {"drop_count": 0}, "0 records are to be dropped at once; expected 1 to the ring's capacity, 4"),
        (4, {"policy": "drop_all"}, 'policy is "drop_all"; expected drop_oldest, drop_newest or conflate'),
        (4, {"instruments": INSTRUMENTS_MAX + 1},
         "losses are to be counted for 1048577 instruments; expected at most 1048576"),
    ],
)  # fmt: skip
def test_a_ring_that_makes_no_sense_is_refused(capacity: int, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole text is compared
        TickRing(capacity, **options)
    assert text == str(refused.value)


@pytest.mark.parametrize("capacity", [-1, 2**64])
def test_a_capacity_that_is_no_size_is_refused(capacity: int) -> None:
    with pytest.raises(OverflowError):
        TickRing(capacity)


@pytest.mark.parametrize(
    ("ticks", "base", "error", "text"),
    [
        (frame(1).drop("kind"), 0, ValueError, "ticks: there is no column kind"),
        (frame(1).drop("received_ns"), 0, ValueError, "ticks: there is no column received_ns"),
        (frame(1).with_columns(venue=pl.lit(1)), 0, ValueError,
         "ticks: no tick has a column venue; drop it or call it by one of docs/ring.md's names"),
        (frame(1).with_columns(price=pl.lit(1.5)), 0, TypeError, "ticks: column price is Float64, not Int64"),
        (frame(1, kind=[None]), 0, TypeError, "ticks: column kind is UInt8 with nulls, not without nulls"),
        (frame(2, instrument=[100, 99]), 100, ValueError, "ticks: instrument 99 is below instrument_base, 100"),
        (record(99, 1, 1), 100, ValueError, "ticks: instrument 99 is below instrument_base, 100"),
        (bytes(RECORD_BYTES + 1), 0, ValueError, "ticks: 65 bytes are not whole records of 64"),
        ([1, 2], 0, TypeError,
         "ticks are neither Arrow rows (a record batch, table or polars frame) nor bytes of 64-byte records"),
    ],
)  # fmt: skip
def test_rows_that_are_no_ticks_are_refused_whole(ticks: Any, base: int, error: type[Exception], text: str) -> None:
    with TickRing(10) as ring:
        with pytest.raises(error) as refused:
            ring.push_batch(ticks, base=base)
        assert text == str(refused.value)
        assert ring.stats().produced == 0


def test_rows_beyond_the_end_are_refused_whole_and_rows_are_renumbered_where_that_is_asked_for() -> None:
    with TickRing(10) as ring:
        with pytest.raises(ValueError, match="ticks: instrument 102 is not below instrument_end, 102"):
            ring.push_batch(frame(3, instrument=[100, 101, 102]), base=100, end=102)
        assert ring.stats().produced == 0
        for _ in range(2):
            ring.push_batch(frame(2, instrument=[100, 101], sequence=[7, 3]), base=100, end=102, renumber=True)
        assert drained(ring).select("instrument", "sequence").rows() == [(0, 0), (1, 1), (0, 2), (1, 3)]


@pytest.mark.parametrize("values", [(2**32, 1, 1), (1, 256, 1), (1, 1, 1, 2**63), (-1, 1, 1)])
def test_a_value_that_does_not_fit_is_refused(values: tuple[int, ...]) -> None:
    with TickRing(10) as ring:
        with pytest.raises(OverflowError):
            ring.push(*values)
        assert ring.stats().produced == 0


def test_times_that_run_backwards_come_out_as_they_were_pushed() -> None:
    """Order is the order of pushing: the ring compares no times."""
    times = [30, 10, 20, -5]
    with TickRing(10) as ring:
        ring.push_batch(frame(4, exchange_ns=times, received_ns=times))
        got = pl.DataFrame(ring.drain(10))
    assert got["exchange_ns"].to_list() == got["received_ns"].to_list() == times


def test_no_rows_are_no_loss_and_an_empty_ring_is_an_answer() -> None:
    with TickRing(10) as ring:
        assert ring.push_batch(frame(0)) == ring.push_batch(b"") == 0
        assert drained(ring).shape == (0, 11)
        assert drained(ring, 0).schema == pl.Schema(SCHEMA)


def test_a_closed_ring_refuses_and_keeps_its_account() -> None:
    with TickRing(2, policy="drop_newest") as ring:
        for _ in range(3):
            ring.push(6, 1, 1)
    ring.close()
    for use in (lambda: ring.push(1, 1, 1), lambda: ring.push_batch(b""), lambda: ring.drain(1)):
        with pytest.raises(ValueError, match="the ring is closed; make a new one"):
            use()
    stats = ring.stats()
    assert (stats.produced, stats.waiting, dict(stats.lost), ring.lost_of(6), ring.capacity) == (3, 2, {6: 1}, 1, 2)
