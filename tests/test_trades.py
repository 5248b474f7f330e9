"""Which ticks are trades: one source for each instrument, nothing twice, whatever way the ticks are split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_support import AAPL, SPY, ask_by_tick, ask_quotes, market, planned
from sim_support import RawClient, noon
from test_sim_ticks import scenario, stop, stream_of
from tieout.sim import run_in_thread
from tieout.ticks import TickDecoder
from tieout.ticks.layout import TICK
from tieout.ticks.trades import TRADE, TradeReader

E8: Final = 10**8
UNREPORTED, PAST_LIMIT, FLOAT_PRICE = 8192, 4096, 8


def tick(kind: int, field: int, price: float | None, size: float | None = 1, **more: Any) -> dict[str, Any]:
    row = {"instrument": 0, "kind": kind, "field": field, "received_ns": 50, "flags": 7} | more
    return row | {
        "price": None if price is None else round(price * E8),
        "size": None if size is None else round(size * E8),
    }


def last(price: float, size: float = 1, **more: Any) -> dict[str, Any]:
    return tick(1, 4, price, size, **more)


def last_size(size: float, **more: Any) -> dict[str, Any]:
    return tick(2, 5, None, size, **more)


def frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{**dict.fromkeys(TICK), **row, "sequence": 0} for row in rows], schema=TICK, orient="row")


def read(reader: TradeReader, rows: Sequence[dict[str, Any]], cuts: Sequence[int] = ()) -> list[tuple[float, float]]:
    """Price and size of the trades of these rows, split at these places."""
    ends = sorted({at % (len(rows) + 1) for at in cuts} | {len(rows)})
    found, start = [pl.DataFrame(schema=TRADE)], 0
    for end in ends:
        if end > start:
            found.append(reader.read(frame(rows[start:end])))
        start = end
    return [(price / E8, size / E8) for price, size in pl.concat(found).select("price", "size").rows()]


def test_a_last_price_that_stood_and_a_size_that_repeats_are_no_trades() -> None:
    reader = TradeReader()
    rows = [last(10, 3), last_size(3), last(11, 2), last_size(2), last_size(5), last_size(5), last(11, 5), last_size(4)]
    assert read(reader, rows) == [(11, 2), (11, 5), (11, 5), (11, 5), (11, 4)]
    assert (reader.counts.standing, reader.counts.repeated, reader.counts.trades) == (1, 2, 5)


def test_delayed_last_prices_count_as_well() -> None:
    rows = [tick(1, 68, 10), tick(2, 71, None, 1), tick(1, 68, 11), tick(2, 71, None, 1), tick(2, 71, None, 9)]
    assert read(TradeReader(), rows) == [(11, 1), (11, 9)]


def test_the_best_source_counts_and_the_others_do_not() -> None:
    rows = [last(1), last(2), tick(135, 48, 3), last(3), tick(135, 77, 4), tick(135, 48, 4), tick(99, 1, 5),
            tick(135, 77, 5), tick(99, 2, 6), tick(99, 1, 6), last(6), tick(99, 3, 7), tick(99, 4, 7)]  # fmt: skip
    reader = TradeReader()
    assert read(reader, rows) == [(2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]
    assert reader.counts.lesser == 5


@pytest.mark.parametrize(("source", "expected"), [("last", [(2, 1)]), ("rt_volume", [(3, 1)]), ("by_tick", [(4, 1)])])
def test_a_named_source_is_the_only_one(source: Any, expected: list[tuple[float, float]]) -> None:
    rows = [last(1), tick(135, 48, 3), last(2), tick(99, 1, 4)]
    assert read(TradeReader({0: source}), rows) == expected
    other = [{**row, "instrument": 1} for row in rows]
    assert read(TradeReader({0: source}), other) == [(3, 1), (4, 1)]


def test_unreported_trades_are_left_out_unless_asked_for_and_past_limit_is_a_trade() -> None:
    rows = [tick(99, 2, 1), tick(99, 2, 2, flags=7 | UNREPORTED), tick(99, 2, 3, flags=7 | PAST_LIMIT)]
    reader = TradeReader()
    assert read(reader, rows) == [(1, 1), (3, 1)]
    assert reader.counts.unreported == 1
    assert read(TradeReader(unreported=True), rows) == [(1, 1), (2, 1), (3, 1)]


def test_what_no_count_of_1e8_holds_is_no_trade() -> None:
    reader = TradeReader()
    rows = [tick(99, 1, None), tick(99, 1, 2, flags=7 | FLOAT_PRICE), tick(99, 1, 3, -1), tick(99, 1, 4, None)]
    assert read(reader, rows) == [(4, 0)]
    assert reader.counts.unusable == 3


def test_a_trades_time_is_the_exchanges_where_it_was_told() -> None:
    rows = frame([tick(99, 1, 1, exchange_ns=30), last(1, instrument=1), last(2, instrument=1, received_ns=40)])
    trades = TradeReader().read(rows)
    assert trades.select("time_ns", "seen_ns").rows() == [(30, 50), (40, 50)]
    assert TradeReader(time="received").read(rows)["time_ns"].to_list() == [50, 40]


rows_of_all_kinds = st.lists(
    st.builds(
        lambda kind, price, size, number, flags: tick(*kind, price, size, instrument=number, flags=flags),
        st.sampled_from([(1, 4), (1, 68), (2, 5), (135, 48), (135, 77), (99, 1), (99, 2), (99, 3), (1, 1), (45, 49)]),
        st.sampled_from([None, 1, 2]), st.sampled_from([None, 0, 1, 2]), st.integers(0, 2),
        st.sampled_from([7, 7, 7 | UNREPORTED, 7 | FLOAT_PRICE]),
    ), max_size=40,
)  # fmt: skip


@settings(max_examples=40)
@given(rows=rows_of_all_kinds, cuts=st.lists(st.integers(0, 40), max_size=6))
def test_the_same_trades_however_the_ticks_are_split(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    whole, parts = TradeReader({1: "rt_volume"}), TradeReader({1: "rt_volume"})
    assert read(whole, rows) == read(parts, rows, cuts)
    assert whole.counts == parts.counts
    counts = whole.counts
    kinds = [(1, 4), (1, 68), (2, 5), (135, 48), (135, 77), (99, 1), (99, 2)]
    telling = sum((row["kind"], row["field"]) in kinds for row in rows)
    assert telling == sum(
        (counts.trades, counts.unreported, counts.unusable, counts.lesser, counts.standing, counts.repeated)
    )


@pytest.mark.parametrize("kind", ["Last", "AllLast", "233", "375"])
def test_what_the_gateway_streams_gives_the_planned_trades(tmp_path: Path, kind: str) -> None:
    """From the simulated gateway through the decoder; AAPL's plan holds unreported trades as well."""
    with run_in_thread(scenario(tmp_path, faults=f"{stop(AAPL, 2000)}, {stop(SPY, 0)}")) as sim:
        events = [event for event in planned(market(sim, AAPL), 2000) if event["trade"]]
        reported = [(e["price"] / E8, e["size"] / E8) for e in events if not e["unreported"]]
        assert 0 < len(reported) < len(events)
        with RawClient(sim.port) as client:
            client.start(5)
            if kind.isdigit():
                ask_quotes(client, 0, AAPL, kind)
            else:
                ask_by_tick(client, 0, AAPL, kind)
            client.send(49, 1)
            data = b""
            while market(sim, AAPL).told.number < 2000:
                data += stream_of(client, 1)
            client.send(2, 2, 0)
            client.send(98, 0)
            client.send(98, 99)
            while not data.endswith(b"tickerId:99\0\0"):
                data += stream_of(client, 1)
    reader = TradeReader({0: "rt_volume" if kind.isdigit() else "by_tick"})
    trades = reader.read(pl.DataFrame(TickDecoder(178).feed(data, received_ns=noon())))
    # Tick string 48 tells the unreported ones as well, and not which they are.
    expected = [(e["price"] / E8, e["size"] / E8) for e in events] if kind == "233" else reported
    assert [(price / E8, size / E8) for price, size in trades.select("price", "size").rows()] == expected
