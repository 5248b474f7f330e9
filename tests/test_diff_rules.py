"""What counts as equal (docs/diff.md): numbers, floats, times, texts, nulls; duplicates; what result frames hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import tieout
from tieout.errors import InputUnusable, SchemaMismatch

NAN, INF = float("nan"), float("inf")
UTC = dt.UTC
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=UTC)


def same(left: pl.Series, right: pl.Series, **options: Any) -> list[bool]:
    """For each row, whether the two values are equal to a diff."""
    rows = pl.int_range(left.len(), eager=True)
    sides = [pl.DataFrame({"id": rows, "value": values}) for values in (left, right)]
    changed = tieout.diff(*sides, on="id", **options).changed["id"].to_list()
    return [row not in changed for row in rows]


@pytest.mark.parametrize(("left", "right", "equal"), [
    (pl.Series([1, 200], dtype=pl.Int16), pl.Series([1, 201], dtype=pl.UInt64), [True, False]),
    (pl.Series([1, 2**53 - 1]), pl.Series([1.0, 2.0**53 - 1]), [True, True]),
    (pl.Series(["1.50", "1.01"]).cast(pl.Decimal(10, 2)), pl.Series(["1.5", "1.010001"]).cast(pl.Decimal(20, 6)),
     [True, False]),
    (pl.Series([3, 4]), pl.Series(["3.00", "4.01"]).cast(pl.Decimal(10, 2)), [True, False]),
    (pl.Series([NAN, NAN, 0.0, INF, -INF, None, None]), pl.Series([NAN, 1.0, -0.0, INF, INF, None, NAN]),
     [True, False, False, True, False, True, False]),
    (pl.Series([0.5, 0.1], dtype=pl.Float32), pl.Series([0.5, 0.1]), [True, False]),
    (pl.Series(["a", "", None, "ß"]), pl.Series(["a", None, None, "ss"]), [True, False, True, False]),
    (pl.Series(["a", "b"], dtype=pl.Categorical), pl.Series(["a", "c"], dtype=pl.Enum(["c", "a"])), [True, False]),
    (pl.Series(["a", "b"], dtype=pl.Categorical), pl.Series(["a", "c"]), [True, False]),
    (pl.Series([True, False, None]), pl.Series([True, True, None]), [True, False, True]),
    (pl.Series([b"\xff", b"a"]), pl.Series([b"\xff", b"b"]), [True, False]),
    (pl.Series([None, None]), pl.Series([None, 1]), [True, False]),
    (pl.Series([NOON, NOON]).cast(pl.Datetime("ms", "UTC")),
     pl.Series([NOON, NOON + dt.timedelta(microseconds=1)]).cast(pl.Datetime("us", "UTC"))
     .dt.convert_time_zone("America/New_York"), [True, False]),
    (pl.Series([dt.timedelta(seconds=1)] * 2).cast(pl.Duration("ms")),
     pl.Series([1, 2]).cast(pl.Duration("ns")) * 10**9, [True, False]),
    (pl.Series([2**70, 1], dtype=pl.Int128), pl.Series([2**70, 2], dtype=pl.Int128), [True, False]),
])  # fmt: skip
def test_what_is_equal(left: pl.Series, right: pl.Series, equal: list[bool]) -> None:
    assert same(left, right) == equal
    assert same(right, left) == equal


def test_a_tolerance_is_inclusive_and_for_all_numbers() -> None:
    left, right = pl.Series([1.0, 1.0, NAN, INF, 0.0]), pl.Series([1.5, 1.75, NAN, INF, -0.0])
    assert same(left, right, tolerance={"value": 0.5}) == [True, False, True, True, True]
    decimals = pl.Series(["1.0", "1.0"]).cast(pl.Decimal(10, 2))
    assert same(decimals, pl.Series(["1.5", "1.75"]).cast(pl.Decimal(10, 3)), tolerance={"value": 0.5}) == [True, False]
    for tolerance in ({"value": -1.0}, {"value": NAN}, {"other": 1.0}, {"id": 1.0}):
        with pytest.raises(SchemaMismatch, match="tolerance"):
            same(left, right, tolerance=tolerance)


@pytest.mark.parametrize(("left", "right", "says"), [
    (pl.Series(["1"]), pl.Series([1]), r"value is text \(String\) on the left and a number \(Int64\) on the right"),
    (pl.Series([1.5]), pl.Series([Decimal("1.5")]), "floating point"),
    (pl.Series([NOON]), pl.Series([NOON.replace(tzinfo=None)]), "a time without a zone"),
    (pl.Series([NOON.date()]), pl.Series([NOON]), "a date"),
])  # fmt: skip
def test_what_means_something_else_is_named_with_both_types(left: pl.Series, right: pl.Series, says: str) -> None:
    with pytest.raises(SchemaMismatch, match=says):
        same(left, right)


def test_a_whole_number_that_no_float_holds_is_no_float() -> None:
    with pytest.raises(InputUnusable, match="9007199254740993 is not exactly floating point"):
        same(pl.Series([2**53 + 1]), pl.Series([2.0**53]))


def test_all_schema_trouble_is_named_at_once() -> None:
    left = pl.DataFrame({"id": [1], "price": [1.0], "qty": ["x"]})
    right = pl.DataFrame({"ID": [1], "price": [1.0], "qty": [1]})
    with pytest.raises(SchemaMismatch) as caught:
        tieout.diff(left, right, on="id", compare=["prise", "qty"])
    assert str(caught.value).splitlines() == [
        "the right side (right frame) has no column id; did you mean ID?",
        "the left side (left frame) has no column prise; did you mean price?",
        "the right side (right frame) has no column prise; did you mean price?",
        "column qty is text (String) on the left and a number (Int64) on the right",
    ]


def test_a_key_has_to_be_named() -> None:
    frame = pl.DataFrame({"id": [1]})
    with pytest.raises(SchemaMismatch, match="no key is named") as caught:
        tieout.diff(frame, frame)
    assert caught.value.hint == "say which columns tell rows apart, as in --key perm_id"


def test_columns_of_one_side_are_told_and_not_compared() -> None:
    left = pl.DataFrame({"id": [1], "a": [1], "tags": [[1]]})
    right = pl.DataFrame({"id": [1], "b": [1], "tags": [[2]]})
    told = tieout.diff(left, right, on="id").to_json()
    assert told["fields"] == {}
    assert told["notes"] == [
        "only on the left, not compared: a",
        "only on the right, not compared: b",
        "not compared: tags (List(Int64))",
        "no field is compared: only which keys are there",
    ]


def test_duplicate_keys_are_reported_and_never_joined() -> None:
    left = pl.DataFrame({"id": [1, 1, 2, 3, 4], "v": [1, 2, 3, 4, 5]})
    right = pl.DataFrame({"id": [1, 2, 2, 3, 5, 5], "v": [1, 3, 3, 4, 0, 0]})
    result = tieout.diff(left, right, on="id")
    assert (result.equal, result.changed.height, result.counts.duplicate_rows, result.same) == (1, 0, 8, False)
    assert sorted(result.duplicate_keys.rows()) == [(1, 2, 1), (2, 1, 2), (5, 0, 2)]
    assert result.left_only["id"].to_list() == [4]
    assert "8 rows with a duplicate key were not compared" in str(result)
    assert "  duplicate   id 1 (2 and 1 rows); id 2 (1 and 2 rows); id 5 (0 and 2 rows)" in str(result).splitlines()


def test_duplicate_keys_of_other_types_meet() -> None:
    left = pl.DataFrame({"id": pl.Series(["1.00", "1.00"]).cast(pl.Decimal(10, 2))})
    right = pl.DataFrame({"id": pl.Series(["1.0000", "1.0050", "1.0050"]).cast(pl.Decimal(10, 4))})
    found = tieout.diff(left, right, on="id").duplicate_keys.rows()
    assert sorted(found) == [(Decimal("1.0000"), 2, 1), (Decimal("1.0050"), 0, 2)]


@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0), (0, 0)])
def test_empty_sides(left: int, right: int) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "v": [1, 2, 3]})
    result = tieout.diff(frame.head(left), frame.head(right), on="id")
    assert (result.equal, result.left_only.height, result.right_only.height) == (0, left, right)
    assert result.same is (left == right)
    assert str(result).splitlines()[-1] == ("equal: both sides are empty" if result.same else "different: 3 of 3 keys")


def test_a_null_key_is_refused_or_listed() -> None:
    left = pl.DataFrame({"id": [1, None, None], "side": ["BUY", "SELL", "BUY"]})
    right = pl.DataFrame({"id": [1, None], "side": ["BUY", "SELL"]})
    with pytest.raises(SchemaMismatch, match="left frame: key column id: 2 nulls of 3 rows"):
        tieout.diff(left, right, on="id")
    result = tieout.diff(left, right, on="id", null_keys="list")
    assert (result.equal, result.same) == (1, False)
    assert result.null_keys.rows() == [("left", None, "SELL"), ("left", None, "BUY"), ("right", None, "SELL")]


def test_names_never_collide() -> None:
    left = pl.DataFrame({"price_left": [1], "differs": [1], "kind": [1], "price": [1]})
    right = left.with_columns(price=pl.lit(2))
    result = tieout.diff(left, right, on=["price_left", "differs", "kind"])
    assert result.changed.columns == ["price_left", "differs", "kind", "differs_", "price__left", "price__right"]


def test_more_fields_than_a_mask_has_bits() -> None:
    names = [f"f{n}" for n in range(150)]
    left = pl.DataFrame({"id": [1, 2, 3], **{name: [0, 0, 0] for name in names}})
    right = left.with_columns(pl.Series("f0", [1, 0, 0]), pl.Series("f64", [1, 0, 0]), pl.Series("f149", [0, 1, 0]))
    result = tieout.diff(left, right, on="id")
    assert (result.equal, result.fields["f0"], result.fields["f64"], result.fields["f149"]) == (1, 1, 1, 1)
    assert sum(result.fields.values()) == 3
    assert result.changed.select("id", "differs").rows() == [(1, ["f0", "f64"]), (2, ["f149"])]


def test_a_sample_takes_the_same_keys_of_both_sides() -> None:
    left = pl.DataFrame({"id": range(10_000), "v": range(10_000)})
    right = left.sample(fraction=1, shuffle=True, seed=1).with_columns(pl.col("id").cast(pl.UInt32))
    result = tieout.diff(left, right, on="id", sample=500)
    assert (result.same, result.equal, result.rows_left) == (True, result.rows_right, result.rows_right)
    assert 300 < result.equal < 700
    assert result.to_json()["sample"] == {"one_in": 20, "rows_left": 10_000, "rows_right": 10_000}
    assert tieout.diff(left, right, on="id", sample=500).equal == result.equal
