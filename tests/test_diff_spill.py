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
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import tieout
from diff_support import spilled
from tieout.diffing.result import DiffResult

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


@settings(max_examples=100, deadline=None)
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
