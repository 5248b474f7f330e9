"""
A diff of more than memory: dealt out to files by key, compared part by part, and still the same answer.

1. Counts, fields, summary and every frame, its order included, are those of the diff in memory. 2. So they are with one
key that most rows have, and with keys that no split makes fewer. 3. What is written is the same byte by byte.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import tieout
from diff_support import spilled, write
from tieout.diffing import output
from tieout.diffing.result import DiffResult
from tieout.errors import InputUnusable

FRAMES = ("changed", "left_only", "right_only", "duplicate_keys", "null_keys")
KEY = st.one_of(st.integers(0, 12), st.just(3))
ROW = st.tuples(
    KEY, st.sampled_from([0.0, -0.0, 1.5]), st.sampled_from(["DU1", "DU2", None]),
    st.one_of(st.none(), st.sampled_from(["", "a", "a text that is longer than twelve bytes", "ß"])),
    st.one_of(st.none(), st.integers(-2, 2)), st.one_of(st.none(), st.sampled_from([0.0, -0.0, float("nan"), 1.0])),
)  # fmt: skip
SCHEMA = {"id": pl.Int64, "part": pl.Float64, "account": pl.String, "text": pl.String, "whole": pl.Int8,
          "real": pl.Float64}  # fmt: skip
SIDE = st.lists(ROW, max_size=60)


def frame(rows: list[tuple[Any, ...]], **types: pl.DataType) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").cast(types)


def assert_same(found: DiffResult, expected: DiffResult) -> None:
    assert found.to_json() == expected.to_json()
    assert str(found) == str(expected)
    for name in FRAMES:
        assert_frame_equal(getattr(found, name), getattr(expected, name))


@settings(max_examples=40, deadline=None)
@given(SIDE, SIDE, st.sampled_from([1500, 4000]), st.sampled_from([("id",), ("id", "part")]))
def test_spilled_is_what_memory_gives(
    left: list[tuple[Any, ...]], right: list[tuple[Any, ...]], room: int, keys: tuple[str, ...]
) -> None:
    one, other = frame(left), frame(right, id=pl.Int32(), whole=pl.Int16())
    expected = tieout.diff(one, other, on=keys, threads=1)
    with tempfile.TemporaryDirectory() as folder, spilled(room):
        found = tieout.diff(one, other, on=keys, threads=1, spill_dir=folder)
        assert_same(found, expected)
        assert list(Path(folder).iterdir()) or len(left) + len(right) < 60
        found.close()
        assert list(Path(folder).iterdir()) == []


def test_one_key_that_most_rows_have_is_counted_and_not_kept() -> None:
    left = pl.DataFrame({"id": [7] * 900 + list(range(1000, 1100)), "price": [1.0] * 1000})
    right = pl.DataFrame({"id": [7] * 500 + list(range(1001, 1101)), "price": [1.0] * 500 + [2.0] * 100})
    expected = tieout.diff(left, right, on="id")
    with tempfile.TemporaryDirectory() as folder, spilled(10_000):
        found = tieout.diff(left, right, on="id", spill_dir=folder)
        assert_same(found, expected)
        assert found.duplicate_keys.rows() == [(7, 900, 500)]
        assert (found.counts.duplicate_rows, found.counts.changed) == (1400, 99)


def test_rows_that_no_split_tells_apart_are_a_clear_error() -> None:
    nan = pl.DataFrame({"at": [float("nan")] * 500, "price": [1.0] * 500})
    with tempfile.TemporaryDirectory() as folder, spilled(10_000):
        with pytest.raises(InputUnusable, match=r"500 and 500 rows have keys like at nan and need .* are there"):
            tieout.diff(nan, nan, on="at", spill_dir=folder)
        assert list(Path(folder).iterdir()) == []


def test_rows_without_a_key_are_listed_in_order_too() -> None:
    left = pl.DataFrame({"id": [None if n % 3 == 0 else n for n in range(300)], "v": range(300)})
    right = left.with_columns(v=pl.col("v") + 1).reverse()
    expected = tieout.diff(left, right, on="id", null_keys="list")
    with tempfile.TemporaryDirectory() as folder, spilled(8000):
        assert_same(tieout.diff(left, right, on="id", null_keys="list", spill_dir=folder), expected)


def test_a_sample_is_the_same_sample() -> None:
    left = pl.DataFrame({"id": range(9000), "v": range(9000)})
    right = left.with_columns(v=pl.when(pl.col("id") % 7 == 0).then(0).otherwise("v"))
    expected = tieout.diff(left, right, on="id", sample=900)
    with tempfile.TemporaryDirectory() as folder, spilled(20_000):
        found = tieout.diff(left, right, on="id", sample=900, spill_dir=folder)
        assert len(list(Path(folder).iterdir())) == 1
        assert_same(found, expected)


TYPES = pl.DataFrame(
    {
        "id": pl.Series([f"0000e0d5.{n:08}.01.01" for n in range(200)]),
        "price": pl.Series([f"{n}.25" for n in range(200)]).cast(pl.Decimal(12, 2)),
        "status": pl.Series(["Filled", "Cancelled"] * 100).cast(pl.Categorical),
        "side": pl.Series(["BUY", "SELL"] * 100).cast(pl.Enum(["BUY", "SELL"])),
        "placed_at": pl.Series(range(200)).cast(pl.Datetime("ms", "UTC")),
        "day": pl.Series(range(200)).cast(pl.Date),
        "raw": pl.Series([bytes([n]) * 20 for n in range(200)]),
        "live": pl.Series([True, None] * 100),
        "nothing": pl.Series([None] * 200),
    }
)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".ndjson", ".html"])
def test_what_is_written_is_the_same_too(tmp_path: Path, ending: str) -> None:
    left = TYPES.drop("raw") if ending == ".ndjson" else TYPES
    right = left[[*range(199, 20, -1), 30]].with_columns(
        pl.col("price").cast(pl.Decimal(20, 4)) + (pl.col("price") > 100).cast(pl.Int32),
        pl.col("status").cast(pl.String), pl.col("placed_at").dt.cast_time_unit("ns"),
    )  # fmt: skip
    expected, spill = tieout.diff(left, right, on="id"), tmp_path / "spill"
    spill.mkdir()
    output.write(expected, tmp_path / f"memory{ending}", examples=50)
    with spilled(20_000):
        found = tieout.diff(left, right, on="id", spill_dir=spill)
        assert_same(found, expected)
        output.write(found, tmp_path / f"spilled{ending}", examples=50)
    files = [tmp_path / f"{name}{ending}" for name in ("memory", "spilled")]
    if ending == ".parquet":
        assert_frame_equal(*map(pl.read_parquet, files))
    else:
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("left_ending", ["csv", "ndjson", "arrow", "db"])
@pytest.mark.parametrize("right_ending", ["parquet", "db"])
def test_every_format_is_dealt_out(tmp_path: Path, left_ending: str, right_ending: str) -> None:
    rows = pl.DataFrame({"id": range(400), "price": [n * 0.25 for n in range(400)], "status": ["Filled", None] * 200})
    left = write(rows, tmp_path / f"left.{left_ending}")
    right = write(rows.with_columns(pl.col("price").replace(25.0, 26.0)).reverse(), tmp_path / f"right.{right_ending}")
    expected, spill = tieout.diff(left, right, on="id"), tmp_path / "spill"
    spill.mkdir()
    with spilled(20_000):
        found = tieout.diff(left, right, on="id", spill_dir=spill)
        assert len(list(spill.iterdir())) == 1
        assert_same(found, expected)
    assert found.changed["id"].to_list() == [100]
