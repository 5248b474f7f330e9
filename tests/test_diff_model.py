"""
Any two frames against a model in plain dicts.

1. Every row is in exactly one of equal, changed, left only, right only, duplicate. 2. Fields and frames are the
model's. 3. The sides may be swapped. 4. The order of rows and the format of the files change nothing.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

import tieout
from diff_support import write

TEXT = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ß", "007", "1,5", 'quo"te', "line\nbreak"]))
ROW = st.tuples(st.integers(0, 6), st.sampled_from("xy"), st.one_of(st.none(), st.integers(-2, 2)), TEXT,
                st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.25, 1e300, -3.5])))  # fmt: skip
SCHEMA = {"id": pl.Int64, "part": pl.String, "whole": pl.Int64, "text": pl.String, "real": pl.Float64}
KEYS = ["id", "part"]
FIELDS = ["whole", "text", "real"]
SIDE = st.lists(ROW, max_size=25)


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def model(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> dict[str, Any]:
    """What a diff must find, by key."""
    counts = [Counter(row[:2] for row in side) for side in (left, right)]
    twice = {key for count in counts for key, number in count.items() if number > 1}
    a, b = ({row[:2]: row[2:] for row in side if row[:2] not in twice} for side in (left, right))
    both = a.keys() & b.keys()
    return {
        "equal": sum(a[key] == b[key] for key in both),
        "changed": {key: [name for name, x, y in zip(FIELDS, a[key], b[key], strict=True) if x != y] for key in both
                    if a[key] != b[key]},
        "left_only": a.keys() - b.keys(),
        "right_only": b.keys() - a.keys(),
        "duplicates": {key: (counts[0][key], counts[1][key]) for key in twice},
    }  # fmt: skip


def found(result: tieout.diffing.DiffResult) -> dict[str, Any]:
    """The same of a result."""
    return {
        "equal": result.equal,
        "changed": {row[:2]: row[2] for row in result.changed.select(*KEYS, "differs").iter_rows()},
        "left_only": set(result.left_only.select(KEYS).iter_rows()),
        "right_only": set(result.right_only.select(KEYS).iter_rows()),
        "duplicates": {row[:2]: row[2:] for row in result.duplicate_keys.iter_rows()},
    }


@given(SIDE, SIDE, st.randoms(use_true_random=False))
def test_a_diff_is_the_models(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]], random: Any) -> None:
    result = tieout.diff(frame(left), frame(right), on=KEYS, threads=1)
    assert found(result) == model(left, right)
    c = result.counts
    duplicate = {side: sum(pair[side] for pair in model(left, right)["duplicates"].values()) for side in (0, 1)}
    assert c.rows_left == c.equal + c.changed + c.left_only + duplicate[0]
    assert c.rows_right == c.equal + c.changed + c.right_only + duplicate[1]
    assert sum(result.fields.values()) == sum(map(len, model(left, right)["changed"].values()))
    swapped = tieout.diff(frame(right), frame(left), on=KEYS, threads=1)
    assert found(swapped) == model(right, left)
    assert swapped.fields == result.fields
    shuffled = [random.sample(side, len(side)) for side in (left, right)]
    assert found(tieout.diff(frame(shuffled[0]), frame(shuffled[1]), on=KEYS, threads=1)) == model(left, right)
    assert str(result).splitlines()[-1].startswith("equal" if result.same else "different")


@settings(max_examples=25)
@given(SIDE, SIDE, st.sampled_from(["parquet", "db", "ndjson", "arrow"]), st.sampled_from(["parquet", "db"]))
def test_files_are_the_frames(
    left: list[tuple[Any, ...]], right: list[tuple[Any, ...]], left_ending: str, right_ending: str
) -> None:
    if left_ending == "ndjson" and not left:
        left_ending = "arrow"  # a file of no lines has no columns either
    with tempfile.TemporaryDirectory() as folder:
        a = write(frame(left), Path(folder) / f"left.{left_ending}")
        b = write(frame(right), Path(folder) / f"right.{right_ending}")
        assert found(tieout.diff(a, b, on=KEYS, threads=1)) == model(left, right)


@settings(max_examples=25)
@given(SIDE, SIDE)
def test_csv_is_the_frames_where_an_empty_text_is_a_null(
    left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]
) -> None:
    left, right = ([(*row[:3], row[3] or None, row[4]) for row in side] for side in (left, right))
    with tempfile.TemporaryDirectory() as folder:
        a, b = (Path(folder) / name for name in ("left.csv", "right.csv"))
        write(frame(left), a), write(frame(right), b)
        assert found(tieout.diff(a, b, on=KEYS, threads=1)) == model(left, right)
        assert found(tieout.diff(a, frame(right), on=KEYS, threads=1)) == model(left, right)
