"""The bulk diff through Python: frames of every type in, frames out. rust/core/tests/bulk_* hold the kernel itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.diffing.kernel import Diff, Differ, split_by_key

DIFFER = Differ(2)


def diff(left: dict[str, Any], right: dict[str, Any], keys: list[str], **more: Any) -> Diff:
    one, other = pl.DataFrame(left), pl.DataFrame(right)
    return DIFFER.diff(one, other, keys=keys, fields=[c for c in one.columns if c not in keys], **more)


def changed(found: Diff) -> list[tuple[int, int, int]]:
    return found.changed.sort("left").rows()


def test_every_row_is_in_one_list() -> None:
    found = diff(
        {
            "id": [1, 2, 3, 4, 4, None],
            "price": [1.5, 2.5, 3.5, 4.5, 4.5, 0.0],
            "status": ["a", None, "c", "d", "d", "n"],
        },
        {"id": [3, 2, 1, 9, 4], "price": [3.5, 2.0, 1.5, 0.0, 4.5], "status": ["x", None, "a", "e", "d"]},
        ["id"],
    )
    assert found.equal.rows() == [(0, 2)]
    assert found.equal_count == 1
    assert changed(found) == [(1, 1, 0b01), (2, 0, 0b10)]
    assert (found.left_only.to_list(), found.right_only.to_list()) == ([], [3])
    assert (found.duplicate_left.to_list(), found.duplicate_right.to_list()) == ([3, 4], [4])
    assert found.duplicate_keys == 1
    assert (found.null_left.to_list(), found.null_right.to_list()) == ([5], [])
    assert found.by_field() == {"price": 1, "status": 1}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pl.Series([1, None, 3], dtype=pl.Int8), pl.Series([1, None, 4], dtype=pl.UInt64)),
        (pl.Series([1, None, 3], dtype=pl.Int32), pl.Series([1, None, 4], dtype=pl.Int64)),
        (pl.Series([1, None, 3], dtype=pl.Int64), pl.Series(["1.00", None, "3.01"]).cast(pl.Decimal(10, 2))),
        (pl.Series(["0.10", None, "3"]).cast(pl.Decimal(9, 2)), pl.Series(["0.1", None, "4"]).cast(pl.Decimal(20, 8))),
        (pl.Series([0.5, None, 3.0], dtype=pl.Float32), pl.Series([0.5, None, 4.0], dtype=pl.Float64)),
        (pl.Series(["Filled", None, "x" * 20]), pl.Series(["Filled", None, "x" * 21])),
        (pl.Series(["Filled", None, "Sent"]).cast(pl.Categorical), pl.Series(["Filled", None, "Held"])),
        (
            pl.Series(["b", None, "a"]).cast(pl.Enum(["a", "b"])),
            pl.Series(["b", None, "c"]).cast(pl.Enum(["c", "b"])),
        ),
        (pl.Series([b"\x00", None, b"\x01"]), pl.Series([b"\x00", None, b"\x02"])),
        (pl.Series([date(2025, 1, 2), None, date(2025, 1, 3)]), pl.Series([date(2025, 1, 2), None, date(2025, 1, 4)])),
        (
            pl.Series([datetime(2025, 1, 2), None, datetime(2025, 1, 3)], dtype=pl.Datetime("ms")),  # noqa: DTZ001
            pl.Series([datetime(2025, 1, 2), None, datetime(2025, 1, 4)], dtype=pl.Datetime("ns")),  # noqa: DTZ001
        ),
        (
            pl.Series([datetime(2025, 1, 2, tzinfo=UTC), None, datetime(2025, 1, 3, tzinfo=UTC)]),
            pl.Series([datetime(2025, 1, 2, tzinfo=UTC), None, datetime(2025, 1, 4, tzinfo=UTC)]).dt.convert_time_zone(
                "America/New_York"
            ),
        ),
    ],
    ids=lambda series: str(series.dtype),
)
def test_types_are_compared_by_value(left: pl.Series, right: pl.Series) -> None:
    found = diff({"id": [0, 1, 2], "value": left}, {"id": [0, 1, 2], "value": right}, ["id"])
    assert sorted(found.equal.rows()) == [(0, 0), (1, 1)]
    assert changed(found) == [(2, 2, 1)]
    keyed = diff({"value": left, "n": [0, 0, 0]}, {"value": right, "n": [0, 0, 0]}, ["value"])
    assert keyed.equal.rows() == [(0, 0)]
    assert (keyed.null_left.to_list(), keyed.left_only.to_list(), keyed.right_only.to_list()) == ([1], [2], [2])


def test_booleans_are_compared_and_may_be_a_key() -> None:
    found = diff({"id": [0, 1, 2], "b": [True, None, False]}, {"id": [0, 1, 2], "b": [True, None, None]}, ["id"])
    assert changed(found) == [(2, 2, 1)]
    keyed = diff({"b": [True, False], "n": [0, 0]}, {"b": [False, True], "n": [0, 1]}, ["b"])
    assert (keyed.equal.rows(), changed(keyed)) == ([(1, 0)], [(0, 1, 1)])


def test_floats_are_equal_by_their_bits_or_within_a_tolerance() -> None:
    left = {"id": [0, 1, 2, 3, 4], "a": [0.0, float("nan"), float("inf"), 1.0, 1.0]}
    right = {"id": [0, 1, 2, 3, 4], "a": [-0.0, float("nan"), float("-inf"), 1.25, 1.5]}
    assert [row[0] for row in changed(diff(left, right, ["id"]))] == [0, 2, 3, 4]
    assert [row[0] for row in changed(diff(left, right, ["id"], tolerances={"a": 0.25}))] == [2, 4]


def test_a_value_beyond_the_finer_unit_equals_nothing() -> None:
    left = pl.Series([10**37, 10**37], dtype=pl.Decimal(38, 0))
    right = pl.Series([Decimal("0.5"), Decimal("1.5")], dtype=pl.Decimal(38, 10))
    assert changed(diff({"id": [1, 2], "a": left}, {"id": [1, 2], "a": right}, ["id"])) == [(0, 0, 1), (1, 1, 1)]


def test_empty_sides() -> None:
    empty, one = pl.DataFrame(schema={"id": pl.Int64, "a": pl.String}), pl.DataFrame({"id": [1], "a": ["x"]})
    for left, right, expected in ((empty, empty, (0, 0)), (one, empty, (1, 0)), (empty, one, (0, 1))):
        found = DIFFER.diff(left, right, keys=["id"], fields=["a"])
        assert (found.left_only.len(), found.right_only.len()) == expected
        assert (found.equal.height, found.changed.height) == (0, 0)
        assert found.by_field() == {"a": 0}


def test_pairs_may_be_counted_only() -> None:
    found = diff({"id": [1, 2], "a": [1, 2]}, {"id": [1, 2], "a": [1, 3]}, ["id"], list_equal=False)
    assert (found.equal_count, found.equal.height, changed(found)) == (1, 0, [(1, 1, 1)])


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ([1], ["1"], r"column 1 \(a\) is a number on the left and text on the right; cast one of them first"),
        ([1.0], [1], r"column 1 \(a\) is floating point on the left and a number on the right"),
        ([[1]], [[1]], r"left: column a is LargeList.*, not a type that can be compared"),
    ],
)
def test_columns_that_cannot_be_compared_are_named(left: list[Any], right: list[Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        diff({"id": [1], "a": left}, {"id": [1], "a": right}, ["id"])


def test_senseless_requests_are_refused() -> None:
    frame = pl.DataFrame({"id": [1], "a": [1]})
    for keys, fields, tolerances in (([], ["a"], None), (["id"], ["id"], None), (["id"], ["a"], {"b": 0.1})):
        with pytest.raises(ValueError, match="at least one key, each column once"):
            DIFFER.diff(frame, frame, keys=keys, fields=fields, tolerances=tolerances)
    with pytest.raises(ValueError, match=r"column 1 \(a\) is a number and cannot have a tolerance of 0.5"):
        DIFFER.diff(frame, frame, keys=["id"], fields=["a"], tolerances={"a": 0.5})
    wide = pl.DataFrame({"id": [1]} | {f"f{n}": [n] for n in range(65)})
    with pytest.raises(ValueError, match="65 compared columns; one call takes at most 64"):
        DIFFER.diff(wide, wide, keys=["id"], fields=wide.columns[1:])
    with pytest.raises(ValueError, match="-1 threads"):
        Differ(-1)
    with pytest.raises(ValueError, match="0 parts"):
        split_by_key(frame, keys=["id"], parts=0)


KEYS = st.lists(st.one_of(st.none(), st.integers(-3, 40)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(KEYS, KEYS, st.integers(1, 7))
def test_parts_add_up_to_the_whole(left: list[int | None], right: list[int | None], parts: int) -> None:
    """Compared part by part, each key's rows land where the whole puts them, widths aside."""
    one = pl.DataFrame({"id": pl.Series(left, dtype=pl.Int64), "a": pl.Series([n or 0 for n in left], dtype=pl.Int64)})
    other = pl.DataFrame({"id": pl.Series(right, dtype=pl.Int8), "a": pl.Series([0] * len(right), dtype=pl.Int64)})
    whole = DIFFER.diff(one, other, keys=["id"], fields=["a"])
    split = [split_by_key(frame, keys=["id"], parts=parts) for frame in (one, other)]
    assert all(sorted(row for part in side for row in part.rows) == list(range(len(rows)))
               for side, rows in zip(split, (left, right), strict=True))  # fmt: skip
    found: dict[str, list[int]] = {"changed": [], "left_only": [], "duplicate_left": [], "null_left": []}
    for a, b in zip(*split, strict=True):
        piece = DIFFER.diff(one[a.rows], other[b.rows], keys=["id"], fields=["a"])
        found["changed"] += a.rows.gather(piece.changed["left"]).to_list()
        for name in ("left_only", "duplicate_left", "null_left"):
            found[name] += a.rows.gather(getattr(piece, name)).to_list()
    assert sorted(found["changed"]) == sorted(whole.changed["left"].to_list())
    for name in ("left_only", "duplicate_left", "null_left"):
        assert sorted(found[name]) == getattr(whole, name).to_list()


@settings(max_examples=30, deadline=None)
@given(KEYS, st.integers(1, 9), st.integers(1, 9))
def test_a_part_split_further_is_parts_of_its_own(keys: list[int | None], parts: int, pieces: int) -> None:
    """Part i of n is parts i k to i k + k - 1 of n k; a row without a key is in the first of each."""
    frame = pl.DataFrame({"id": pl.Series(keys, dtype=pl.Int64)})
    whole, split = (split_by_key(frame, keys=["id"], parts=n) for n in (parts, parts * pieces))
    for part in whole:
        own = [row for piece in split[part.number * pieces : (part.number + 1) * pieces] for row in piece.rows]
        assert sorted(own) == part.rows.to_list()
