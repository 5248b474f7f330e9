"""Recordings and other files read back: the same ticks, in one order, in batches that are always the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tick_file_support import DAY, NAMES, NOON, batch, instruments, write_recording
from tieout.clock import NS_PER_S
from tieout.errors import InputUnusable, SchemaMismatch, UsageError
from tieout.ticks.files.parts import Label
from tieout.ticks.instruments import Instrument
from tieout.ticks.layout import TICK
from tieout.ticks.sources.mapped import Columns
from tieout.ticks.sources.merge import AT, merged
from tieout.ticks.sources.tape import Tape, cut

TIMES = st.lists(st.sampled_from([0, 1, 2, 1_000_000_000, 86_400_000_000_000]), min_size=1, max_size=30)


def ticks_of(tape: Tape) -> pl.DataFrame:
    frames = [*tape.batches()]
    return pl.concat(frames).select(list(TICK)) if frames else pl.DataFrame(schema=TICK)


@settings(max_examples=25)
@given(steps=TIMES, data=st.data())
def test_what_was_recorded_is_played_back_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("ticks") / "ticks"
    rows = len(steps)
    whole = st.integers(-(2**63), 2**63 - 1)
    one_of_three = st.lists(st.integers(0, 2), min_size=rows, max_size=rows)
    times = [NOON + sum(steps[: at + 1]) for at in range(rows)]
    ticks = batch(
        rows,
        instrument=data.draw(one_of_three),
        received_ns=times,
        price=data.draw(st.lists(whole | st.none(), min_size=rows, max_size=rows)),
        exchange_ns=data.draw(st.lists(whole | st.none(), min_size=rows, max_size=rows)),
    )
    write_recording(root, ticks, every=data.draw(st.integers(1 + rows // 3, rows)))
    there = sorted(set(ticks["instrument"]))
    tape = Tape.open([root])
    assert [one.name for one in tape.instruments] == [NAMES[number] for number in there]
    dense = {number: at for at, number in enumerate(there)}
    assert ticks_of(tape).equals(ticks.with_columns(pl.col("instrument").replace_strict(dense).cast(pl.UInt32)))
    shutil.rmtree(root.parent)


KEYS = {"received_ns": pl.Int64, "sequence": pl.UInt64, "source": pl.Int64, "row": pl.Int64}


@given(
    streams=st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=12), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
def test_merging_keeps_each_stream_and_does_not_depend_on_pieces(
    streams: list[list[tuple[int, int]]], sizes: list[int]
) -> None:
    frames = [
        pl.DataFrame([(time, order, source, row) for row, (time, order) in enumerate(stream)], KEYS, orient="row")
        for source, stream in enumerate(streams)
    ]

    def pieces(frame: pl.DataFrame, size: int) -> Iterator[pl.DataFrame]:
        return iter(frame.iter_slices(size)) if frame.height else iter([])

    def run(sizes: list[int]) -> list[tuple[Any, ...]]:
        cut_up = [pieces(frame, sizes[at % len(sizes)]) for at, frame in enumerate(frames)]
        found = [*merged(cut_up, at_least=sizes[0])]
        return pl.concat(found).rows() if found else []

    whole = run([1000])
    assert run(sizes) == whole
    for source, frame in enumerate(frames):
        assert [row[3] for row in whole if row[2] == source] == list(range(frame.height))
    assert [row[4] for row in whole] == sorted(row[4] for row in whole)


@given(times=st.lists(st.integers(0, 40), max_size=30).map(sorted), size=st.integers(1, 7), rows=st.integers(1, 5))
def test_batches_are_of_one_span_and_of_so_many_rows(times: list[int], size: int, rows: int) -> None:
    frame = pl.DataFrame({AT: times}, schema={AT: pl.Int64})
    found = [batch[AT].to_list() for batch in cut(iter(frame.iter_slices(size)), rows=rows, span_ns=10)]
    expected: list[list[int]] = []
    for span in range(5):
        of_span = [time for time in times if time // 10 == span]
        expected += [of_span[at : at + rows] for at in range(0, len(of_span), rows)]
    assert found == expected


def test_a_tape_plays_some_instruments_and_some_time(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(3000, step_ns=NS_PER_S))
    tape = Tape.open([tmp_path / "ticks"], names=["ES"], start_ns=NOON + 30 * NS_PER_S, end_ns=NOON + 60 * NS_PER_S)
    assert ticks_of(tape)["sequence"].to_list() == list(range(30, 60, 3))
    with pytest.raises(UsageError, match="QQQ is none of the instruments"):
        Tape.open([tmp_path / "ticks"], names=["QQQ"])


def test_a_part_that_another_replaces_counts_once(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30), every=9)
    parts = sorted((root / "date=2026-03-02/instrument=ES").iterdir())
    assert len(parts) == 4
    rows = pl.concat([pl.read_parquet(part, hive_partitioning=False) for part in parts[:2]])
    label = Label(instruments()[0], tuple(part.name for part in parts[:2]))
    rows.write_parquet(parts[0].with_name("part-0000000000000000000-0-0.parquet"), metadata=label.to_metadata())
    assert ticks_of(Tape.open([root])).equals(batch(30))


def test_a_contract_of_which_more_is_known_later_is_the_same_instrument(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(6))
    write_recording(root, batch(6, at_ns=NOON + DAY))
    for path in root.rglob("instrument=ES/*.parquet"):
        if "date=2026-03-03" in str(path):
            more = Instrument(0, replace(instruments()[0].contract, exchange="CME"))
            pl.read_parquet(path, hive_partitioning=False).write_parquet(path, metadata=Label(more).to_metadata())
    tape = Tape.open([root])
    assert (len(tape.instruments), tape.instruments[0].contract.exchange) == (3, "CME")
    assert ticks_of(tape).height == 12


def test_a_corrupt_recording_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(300))
    broken = next((root / "date=2026-03-02/instrument=ES").iterdir())
    whole = broken.read_bytes()
    for data, expected in [
        (whole[:-9], "is not a whole Parquet file: its end is missing"),
        (b"", "is not a whole Parquet file"),
        (whole[:4] + bytes(200) + whole[204:], "cannot be read|does not hold what was written"),
    ]:
        broken.write_bytes(data)
        with pytest.raises(InputUnusable, match=expected) as told:
            ticks_of(Tape.open([root]))
        assert str(broken) in told.value.message
    assert ticks_of(Tape.open([root / "date=2026-03-02" / "instrument=EUR%2FUSD"])).height == 100


def test_another_schema_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30))
    path = next((root / "date=2026-03-02/instrument=ES").iterdir())
    rows, label = pl.read_parquet(path, hive_partitioning=False), Label(instruments()[0]).to_metadata()
    rows.write_parquet(path, metadata={**label, "tieout.schema": "tieout-ticks/2"})
    with pytest.raises(InputUnusable, match="has the schema 'tieout-ticks/2'; expected tieout-ticks/1"):
        Tape.open([root])
    rows.drop("price").write_parquet(path, metadata=label)
    with pytest.raises(InputUnusable, match=r"its columns are not those of a recording \(price\)"):
        Tape.open([root])
    rows.write_parquet(path, metadata={**label, "tieout.instrument": "{}"})
    with pytest.raises(InputUnusable, match="does not say which instrument"):
        Tape.open([root])


CSV = """symbol,ts,last,qty,bid,ask
SPY,1772452800000,500.25,3,500.24,500.26
QQQ,1772452800001,430.1,1,,
SPY,1772452800002,,,500.23,nan
"""


def test_a_csv_with_its_own_names_gives_quotes_and_trades(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text(CSV)
    found = Tape.open([path], Columns({"time": "ts"}, time_unit="ms"))
    assert [one.name for one in found.instruments] == ["QQQ", "SPY"]
    rows = [(*row[:5], row[6], row[8]) for row in ticks_of(found).rows()]
    assert rows == [
        (1, 99, 3, 50_024_000_000, None, NOON, 50_026_000_000),
        (1, 99, 1, 50_025_000_000, 300_000_000, NOON, None),
        (0, 99, 1, 43_010_000_000, 100_000_000, NOON + 1_000_000, None),
        (1, 99, 3, 50_023_000_000, None, NOON + 2_000_000, None),
    ]


@pytest.mark.parametrize(
    ("text", "columns", "error", "expected"),
    [
        ("ts,last\n1772452800,1\n", Columns(), InputUnusable, "ts counts ns, and so begins before 1990"),
        ("ts,last\n2026-03-02T12:00:00,1\n", Columns(), SchemaMismatch, "the times in ts name no offset"),
        ("ts,last\nnoon,1\n", Columns(timezone="UTC"), InputUnusable, "'noon' in ts is no time"),
        ("ts,last\n2026-03-02T12:00:00Z,x\n", Columns(), InputUnusable, "'x' in last is no number"),
        ("ts,last\n2026-03-02T12:00:00Z,1e30\n", Columns(), InputUnusable, "which no tick can hold"),
        ("ts,last\n,1\n2026-03-02T12:00:00Z,1\n", Columns(), InputUnusable, "a row has no ts"),
        ("when,last\n1,1\n", Columns(), SchemaMismatch, "has no time of its ticks"),
        ("ts,lost\n1,1\n", Columns(), SchemaMismatch, "has neither prices nor bids or asks"),
        ("ts,last\n1,1\n", Columns({"price": "px"}), SchemaMismatch, "has no column 'px' for price"),
        ("ts,last\n1,1\n", Columns({"prize": "last"}), SchemaMismatch, "prize is nothing that a tick has"),
        ("", Columns(), InputUnusable, "is empty"),
    ],
)
def test_a_file_that_cannot_be_ticks_is_told(
    tmp_path: Path, text: str, columns: Columns, error: type[Exception], expected: str
) -> None:
    path = tmp_path / "day.csv"
    path.write_text(text)
    with pytest.raises(error, match=expected):
        ticks_of(Tape.open([path], columns))


def test_times_of_a_zone_and_prices_of_a_scale(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("ts,last\n2026-03-02 07:00:00.5,500250000000\n")
    found = ticks_of(Tape.open([path], Columns(timezone="America/New_York", price_scale=1e-9)))
    assert found.select("received_ns", "price").rows() == [(NOON + NS_PER_S // 2, 50_025_000_000)]


def test_drained_frames_in_a_file_are_taken_as_they_are(tmp_path: Path) -> None:
    ticks = batch(100)
    ticks.write_parquet(tmp_path / "mine.parquet")
    ticks.write_ipc(tmp_path / "mine.arrow")
    assert ticks_of(Tape.open([tmp_path / "mine.parquet"])).equals(ticks)
    assert ticks_of(Tape.open([tmp_path / "mine.arrow"])).equals(ticks)


def test_several_sources_are_one_and_days_follow_each_other(tmp_path: Path) -> None:
    write_recording(tmp_path / "a", batch(30, at_ns=NOON + DAY))
    write_recording(tmp_path / "b", batch(30))
    found = ticks_of(Tape.open([tmp_path / "a", tmp_path / "b" / "date=*"]))
    assert found.equals(pl.concat([batch(30), batch(30, at_ns=NOON + DAY)]))


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    for source, error, expected in [
        ("missing", InputUnusable, "there is no such file or folder"),
        ("*.parquet", InputUnusable, "no file is named like"),
        ("empty", InputUnusable, "has no ticks"),
        ("notes.txt", UsageError, "is of an unknown kind"),
    ]:
        with pytest.raises(error, match=expected):
            Tape.open([tmp_path / source])
    with pytest.raises(UsageError, match="no source is named"):
        Tape.open([])


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T12:00:00Z",
        "2026-03-02 12:00:00.000+00:00",
        "2026-03-02T07:00:00.000000000-05:00",
        "1772452800000000000",
    ],
)
def test_times_in_their_usual_spellings(tmp_path: Path, text: str) -> None:
    path = tmp_path / "day.csv"
    path.write_text(f"ts,last\n{text},1\n")
    assert ticks_of(Tape.open([path]))["received_ns"].to_list() == [NOON]
