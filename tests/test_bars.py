"""Bars: a plain model trade by trade, polars' own windows, any split of the stream, sessions, what does not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.broker.port import ContractSpec
from tieout.ticks.bars.bar import BAR, bars_of
from tieout.ticks.bars.building import BarBuilder, BarConsumer
from tieout.ticks.bars.cuts import Cut, DollarCut, TickCut, TimeCut, VolumeCut
from tieout.ticks.bars.sessions import Session
from tieout.ticks.instruments import Instrument, Instruments
from tieout.ticks.layout import TICK

E8: Final = 10**8
S: Final = 10**9
ALLOWANCE_S: Final = 1
NEW_YORK: Final = "America/New_York"


def trade(instrument: int, time_ns: int, price: int, size: int, seen_ns: int) -> dict[str, Any]:
    """A trade by tick."""
    return {"instrument": instrument, "kind": 99, "field": 1, "price": price, "size": size, "exchange_ns": time_ns,
            "received_ns": seen_ns, "flags": 7}  # fmt: skip


def frame(rows: Sequence[dict[str, Any]], start: int = 0) -> pl.DataFrame:
    """Rows as a frame of ticks."""
    filled = [{**dict.fromkeys(TICK), **row, "sequence": start + at} for at, row in enumerate(rows)]
    return pl.DataFrame(filled, schema=TICK, orient="row")


def built(builder: BarBuilder, rows: Sequence[dict[str, Any]], cuts: Sequence[int] = ()) -> pl.DataFrame:
    """The bars of the rows, split at these places."""
    ends = sorted({at % (len(rows) + 1) for at in cuts} | {len(rows)})
    found, start = [pl.DataFrame(schema=BAR)], 0
    for end in ends:
        if end > start:
            found.append(builder.take(frame(rows[start:end], start)))
        start = end
    return pl.concat([*found, builder.close()])


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Trades of three instruments over some minutes, some of them told late, with quotes between."""
    rows, now = [], 1_000 * S
    for _ in range(draw(st.integers(0, 60))):
        now += draw(st.sampled_from([0, 1, S // 3, S, 7 * S, 70 * S]))
        if draw(st.integers(0, 5)) == 0:
            rows.append({"instrument": 1, "kind": 1, "field": 1, "price": 5, "size": 6, "received_ns": now, "flags": 3})
            continue
        time_ns = now - draw(st.sampled_from([0, 0, S // 2, S, 3 * S, 65 * S]))
        price = draw(st.integers(-5, 40)) * E8 // 4
        size = draw(st.sampled_from([0, 1, E8, 3 * E8, 250 * E8]))
        rows.append(trade(draw(st.integers(0, 2)), time_ns, price, size, now))
    return rows


def model(rows: Sequence[dict[str, Any]], seconds: int) -> tuple[list[tuple[Any, ...]], int]:
    """Time bars, trade by trade in plain Python; and how many trades were late."""
    held: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
    times: dict[int, tuple[int, int, int]] = {}
    late = 0
    for at, row in enumerate(rows):
        if row["kind"] != 99:
            continue
        number, time_ns = row["instrument"], row["exchange_ns"]
        if number in times:
            latest, seen, through = times[number]
            through = max(through, latest + row["received_ns"] - seen)
        else:
            latest, seen, through = -(1 << 62), 0, -(1 << 62)
        start = time_ns // (seconds * S) * seconds * S
        if time_ns > latest:
            latest, seen = time_ns, row["received_ns"]
        times[number] = (latest, seen, max(through, latest))
        if start + (seconds + ALLOWANCE_S) * S <= through:
            late += 1
        else:
            held.setdefault((start, number), []).append((time_ns, at, row["price"], row["size"]))
    bars = []
    for (start, number), trades in held.items():
        trades.sort()
        prices, sizes = [one[2] for one in trades], [one[3] for one in trades]
        volume = sum(sizes)
        turnover = sum(price * size for price, size in zip(prices, sizes, strict=True))
        vwap = (Decimal(turnover) / volume).quantize(Decimal(1), ROUND_HALF_EVEN) if volume else None
        bars.append((start, number, prices[0], max(prices), min(prices), prices[-1], volume,
                     None if vwap is None else int(vwap), len(trades), trades[0][0], trades[-1][0]))  # fmt: skip
    return sorted(bars), late


@settings(max_examples=20)
@given(rows=streams(), cuts=st.lists(st.integers(0, 60), max_size=8), seconds=st.sampled_from([1, 5, 60]))
def test_time_bars_are_those_of_a_plain_model_however_the_stream_is_split(
    rows: list[dict[str, Any]], cuts: list[int], seconds: int
) -> None:
    builder = BarBuilder(seconds, allowance_s=ALLOWANCE_S)
    bars = built(builder, rows, cuts)
    expected, late = model(rows, seconds)
    columns = (
        "start_ns",
        "instrument",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "vwap",
        "count",
        "first_ns",
        "last_ns",
    )
    assert sorted(bars.select(columns).rows()) == expected
    counts = builder.counts
    assert (counts.late, counts.open, counts.outside) == (late, 0, 0)
    assert counts.trades == counts.finished + late
    assert bars.schema == BAR
    for number in (0, 1, 2):
        assert bars.filter(pl.col("instrument") == number)["start_ns"].is_sorted()


@pytest.mark.parametrize(
    "cut",
    [
        lambda: TickCut(3),
        lambda: VolumeCut(Decimal(5)),
        lambda: DollarCut(Decimal("20.5")),
        lambda: TickCut(3, session=Session("UTC", time(0), time(0, 30))),
        lambda: TimeCut(60, session=Session(NEW_YORK)),
    ],
)
@settings(max_examples=8)
@given(rows=streams(), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_other_bars_are_the_same_however_the_stream_is_split(
    cut: Any, rows: list[dict[str, Any]], cuts: list[int]
) -> None:
    whole, parts = BarBuilder(cut()), BarBuilder(cut())
    key = ["instrument", "first_ns", "last_ns", "count", "close", "volume"]
    one = built(whole, rows).drop("complete").sort(key)
    other = built(parts, rows, cuts).drop("complete").sort(key)
    assert one.equals(other)
    counts = parts.counts
    assert counts == whole.counts
    assert counts.trades == counts.finished + counts.late + counts.outside


@settings(max_examples=20)
@given(rows=streams(), threshold=st.integers(1, 400))
def test_volume_bars_count_what_is_beyond_the_threshold_towards_the_next(
    rows: list[dict[str, Any]], threshold: int
) -> None:
    bars = built(BarBuilder(VolumeCut(Decimal(threshold))), rows)
    for number in (0, 1, 2):
        trades = [row for row in rows if row["kind"] == 99 and row["instrument"] == number]
        groups: dict[int, list[int]] = {}
        total = 0
        for row in trades:
            groups.setdefault(total // (threshold * E8), []).append(row["size"])
            total += row["size"]
        mine = bars.filter(pl.col("instrument") == number)
        assert sorted(mine.select("count", "volume").rows()) == sorted((len(g), sum(g)) for g in groups.values())


@given(
    times=st.lists(st.integers(0, 40 * 3600), min_size=1, max_size=80),
    seconds=st.sampled_from([1, 7, 60, 900, 3600, 86_400]),
)
def test_time_bars_are_those_of_polars_windows(times: list[int], seconds: int) -> None:
    start = 1_772_000_000 * S
    rows = [trade(at % 2, start + second * S, 100 * E8 + at, at * E8, start + second * S)
            for at, second in enumerate(sorted(times))]  # fmt: skip
    ours = built(BarBuilder(seconds), rows).sort("instrument", "start_ns")
    price, size = pl.col("price"), pl.col("size")
    theirs = (
        frame(rows)
        .with_columns(at=pl.from_epoch("exchange_ns", "ns"))
        .group_by_dynamic("at", every=f"{seconds}s", group_by="instrument")
        .agg(open=price.first(), high=price.max(), low=price.min(), close=price.last(), volume=size.sum(),
             count=pl.len())
        .with_columns(start_ns=pl.col("at").dt.timestamp("ns"))
        .sort("instrument", "start_ns")
    )  # fmt: skip
    columns = ["instrument", "start_ns", "open", "high", "low", "close", "volume", "count"]
    assert ours.select(columns).equals(theirs.select(columns))


def day_of_trades(day: date, hours: int, session: Session, seconds: int) -> pl.DataFrame:
    """Bars of a trade every ten minutes from that day's opening on."""
    start, _ = session.bounds(day)
    rows = [trade(0, start + at * 600 * S, E8 + at, E8, start + at * 600 * S) for at in range(hours * 6)]
    return built(BarBuilder(TimeCut(seconds, session=session)), rows)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 7, 1), 24), (date(2026, 11, 1), 25)])
def test_a_local_day_has_as_many_hours_as_its_clocks_show(day: date, hours: int) -> None:
    session = Session(NEW_YORK)
    start, end = session.bounds(day)
    assert end - start == hours * 3600 * S
    by_hour = day_of_trades(day, hours, session, 3600)
    assert by_hour["count"].to_list() == [6] * hours
    assert by_hour["start_ns"].to_list() == [start + at * 3600 * S for at in range(hours)]
    by_day = day_of_trades(day, hours, session, 86_400)
    assert by_day["count"].to_list() == ([24 * 6, 6] if hours == 25 else [hours * 6])
    assert by_day["end_ns"][-1] == end
    # The last bar of four hours is cut where the day ends.
    by_four = day_of_trades(day, hours, session, 4 * 3600)
    assert (by_four["end_ns"] - by_four["start_ns"]).to_list()[-1] == (hours % 4 or 4) * 3600 * S


def test_polars_sees_the_same_hours_on_the_days_of_change() -> None:
    for day, hours in ((date(2026, 3, 8), 23), (date(2026, 11, 1), 25)):
        session = Session(NEW_YORK)
        start, _ = session.bounds(day)
        ours = day_of_trades(day, hours, session, 3600)
        times = pl.Series([start + at * 600 * S for at in range(hours * 6)])
        theirs = (
            pl.DataFrame({"at": times.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")})
            .with_columns(pl.col("at").dt.convert_time_zone(NEW_YORK))
            .group_by_dynamic("at", every="1h")
            .agg(count=pl.len())
        )
        assert theirs["at"].dt.timestamp("ns").to_list() == ours["start_ns"].to_list()
        assert theirs["count"].to_list() == ours["count"].to_list()


def test_a_session_cuts_its_last_bar_and_leaves_out_what_is_outside() -> None:
    session = Session(NEW_YORK, time(9, 30), time(16))
    opens, closes = session.bounds(date(2026, 3, 9))
    assert datetime.fromtimestamp(opens // S, UTC) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)
    times = [opens - 1, opens, opens + 3600 * S - 1, opens + 3600 * S, closes - 1, closes]
    rows = [trade(0, at, E8, E8, at) for at in times]
    builder = BarBuilder(TimeCut(3600, session=session))
    bars = built(builder, rows)
    assert bars.select("start_ns", "end_ns", "count").rows() == [
        (opens, opens + 3600 * S, 2), (opens + 3600 * S, opens + 7200 * S, 1), (opens + 6 * 3600 * S, closes, 1)
    ]  # fmt: skip
    assert builder.counts.outside == 2


def test_a_session_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    session = Session("America/Chicago", time(17), time(16))
    opens, closes = session.bounds(date(2026, 3, 7))  # the clocks go forward inside it
    assert closes - opens == 22 * 3600 * S
    zone = ZoneInfo("America/Chicago")
    assert datetime.fromtimestamp(closes // S, zone) == datetime(2026, 3, 8, 16, tzinfo=zone)
    rows = [trade(0, at, E8, E8, at) for at in (opens, closes - 1, closes + 1800 * S, closes + 3600 * S)]
    builder = BarBuilder(TickCut(100, session=session))
    assert built(builder, rows)["count"].to_list() == [2, 1]
    assert builder.counts.outside == 1


def test_a_late_tick_counts_as_late_and_changes_nothing() -> None:
    builder = BarBuilder(60, allowance_s=2)
    first = builder.take(frame([trade(0, 10 * S, E8, E8, 10 * S), trade(0, 61 * S, 2 * E8, E8, 61 * S)]))
    assert first.height == 0  # within the allowance
    assert builder.take(frame([trade(0, 59 * S, 3 * E8, E8, 61 * S + S // 2)])).height == 0
    assert builder.idle(62 * S - 1).height == 0
    closed = builder.idle(62 * S)
    assert closed.select("start_ns", "close", "count").rows() == [(0, 3 * E8, 2)]
    builder.take(frame([trade(0, 59 * S, 9 * E8, E8, 62 * S)]))
    assert builder.idle(63 * S).height == 0
    assert builder.counts.late == 1


def test_idle_closes_what_is_due_also_where_the_times_are_not_the_clocks() -> None:
    builder = BarBuilder(60)
    now = 1_900_000_000 * S
    builder.take(frame([trade(0, 50 * S, E8, E8, now), trade(1, 5 * S, E8, E8, now)]))
    assert builder.idle(now + 10 * S).height == 0
    assert builder.idle(now + 11 * S)["instrument"].to_list() == [0]
    assert builder.idle(now + 56 * S)["instrument"].to_list() == [1]
    assert builder.close().height == 0


def test_the_first_bar_and_those_that_the_end_cuts_off_are_not_complete() -> None:
    rows = [trade(0, at * S, E8, E8, at * S) for at in (10, 70, 130, 200)]
    assert built(BarBuilder(60), rows)["complete"].to_list() == [False, True, True, False]


def test_flat_bars_fill_gaps_up_to_the_end_of_the_session() -> None:
    session = Session(NEW_YORK, time(9, 30), time(16))
    opens, closes = session.bounds(date(2026, 3, 9))
    builder = BarBuilder(TimeCut(1800, session=session), flat=True)
    rows = [trade(0, opens + at, price * E8, E8, opens + at) for at, price in ((0, 5), (5400 * S, 7))]
    bars = pl.concat([builder.take(frame(rows)), builder.idle(closes + 3600 * S)])
    assert bars["count"].to_list() == [1, 0, 0, 1] + [0] * 9
    assert bars["close"].to_list() == [5 * E8] * 3 + [7 * E8] * 10
    assert bars["start_ns"].to_list() == [opens + at * 1800 * S for at in range(13)]
    assert bars["vwap"].null_count() == 11
    assert builder.idle(closes + 86_400 * S).height == 0


@settings(max_examples=20)
@given(rows=streams(), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_flat_bars_are_the_same_however_the_stream_is_split(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    one = built(BarBuilder(5, flat=True), rows)
    other = built(BarBuilder(5, flat=True), rows, cuts)
    assert one.sort("instrument", "start_ns").equals(other.sort("instrument", "start_ns"))
    for number in (0, 1, 2):
        mine = one.filter(pl.col("instrument") == number)
        assert mine["start_ns"].is_unique().all()
        assert mine["start_ns"].is_sorted()


def test_a_bar_as_a_strategy_gets_it() -> None:
    got: list[pl.DataFrame] = []
    consumer = BarConsumer(BarBuilder(60), got.append)
    consumer.take(frame([trade(3, 10 * S, 660025 * E8 // 100, 2 * E8, 10 * S)]))
    assert got == []
    consumer.idle(80 * S)
    consumer.close()
    instruments = Instruments([Instrument(number, ContractSpec(symbol="ABCD"[number])) for number in range(4)])
    (bar,) = bars_of(got[0], instruments)
    assert (bar.instrument.name, bar.open, bar.vwap, bar.volume) == (
        "D",
        Decimal("6600.25"),
        Decimal("6600.25"),
        Decimal(2),
    )
    assert len(got) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TimeCut(0), "found bars of 0 seconds"),
        (lambda: TickCut(0), "found bars of 0 trades"),
        (lambda: VolumeCut(Decimal(0)), "found bars of 0 units"),
        (lambda: DollarCut(Decimal("0.000000001")), "found bars of 1E-9 turnover"),
        (lambda: Session("Mars/Olympus"), "found zone 'Mars/Olympus'"),
        (lambda: Session("UTC", time(9, tzinfo=UTC)), "found a time with a zone"),
        (lambda: BarBuilder(60, allowance_s=-1), "found an allowance of -1 s"),
        (lambda: BarBuilder(TickCut(1), flat=True), "cut by time"),
    ],
)
def test_what_makes_no_bar_says_so(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_a_cut_of_ones_own() -> None:
    cut: Cut = TimeCut(60)
    assert BarBuilder(cut).take(frame([trade(0, S, E8, E8, S)])).height == 0
