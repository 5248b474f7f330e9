"""The mapping file: names, types, nulls of either side; everything unknown in it is named with its line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tieout
from cli_process import assert_error
from diff_support import LEFT, RIGHT, tieout_diff, write
from tieout.errors import InputUnusable, SchemaMismatch, SettingsError

MAPPING = """
key: [perm_id]
fields: [price, status, placed_at]
tolerance: {price: 0.25}
left:
  rename: {permId: perm_id, px: price}
  cast:
    placed_at: {type: timestamp, zone: America/New_York}
  "null": ["", N/A]
right:
  cast: {price: float}
"""


def test_a_mapping_brings_two_schemas_together(tmp_path: Path) -> None:
    left = tmp_path / "left.csv"
    left.write_text(
        "permId,px,status,placed_at\n"
        "1,10.00,Filled,2026-01-05 09:30:00\n2,N/A,Filled,2026-07-06 09:30:00.5\n3,1,Filled,2026-07-06 09:30:00\n"
    )
    noon = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.UTC)
    summer = dt.datetime(2026, 7, 6, 13, 30, 0, 500_000, tzinfo=dt.UTC)
    right = pl.DataFrame(
        {
            "perm_id": [1, 2, 3],
            "price": pl.Series([Decimal("10.25"), None, Decimal("1.5")], dtype=pl.Decimal(10, 2)),
            "status": ["Filled"] * 3,
            "placed_at": [noon, summer, summer],
        }
    )
    (tmp_path / "map.yml").write_text(MAPPING)
    done = tieout_diff(left, write(right, tmp_path / "right.parquet"), "--mapping", tmp_path / "map.yml", "--json")
    assert (done.code, done.told["equal"], done.told["key"]) == (3, 2, ["perm_id"])
    assert done.told["fields"] == {"price": 1, "status": 0, "placed_at": 1}


@pytest.mark.parametrize(("text", "says"), [
    ("keys: [a]", "map.yml:1: keys is not a key; did you mean key?"),
    ("left:\n  casts: {a: text}", "map.yml:2: left.casts is not a key; did you mean cast?"),
    ("left:\n  cast:\n    a: {type: text, zones: UTC}", "map.yml:3: left.cast.a.zones is not a key; did you mean"),
    ("left:\n  cast: {a: varchar}", "expected: input should be 'text', 'integer'"),
    ("left:\n  cast: {a: {type: timestamp, zone: Mars}}", "'Mars'; expected: a time zone's name"),
    ("tolerance: {a: -1}", "map.yml:1: tolerance.a"),
    ("key: [a\nfields", "map.yml:"),
    ("", "the file is empty"),
])  # fmt: skip
def test_whatever_is_unknown_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "map.yml").write_text(text)
    left = write(LEFT, tmp_path / "left.parquet")
    assert_error(tieout_diff(left, left, "--key", "perm_id", "--mapping", tmp_path / "map.yml"), 2, says=says)


def test_a_mapping_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        tieout.diff(LEFT, RIGHT, on="perm_id", mapping=tmp_path / "no.yml")
    (tmp_path / "latin.yml").write_bytes(b"key: [\xe9]")
    with pytest.raises(SettingsError, match="not UTF-8"):
        tieout.diff(LEFT, RIGHT, on="perm_id", mapping=tmp_path / "latin.yml")


@pytest.mark.parametrize(("values", "says"), [
    ({"left": {"rename": {"prise": "price"}}}, "the left side has no column prise to rename"),
    ({"right": {"rename": {"status": "price"}}}, "the right side has two columns that are price: price and status"),
    ({"right": {"cast": {"prise": "float"}}}, "the right side has no column prise to cast"),
])  # fmt: skip
def test_names_that_no_column_has(values: dict[str, Any], says: str) -> None:
    with pytest.raises(SchemaMismatch, match=says):
        tieout.diff(LEFT, RIGHT, on="perm_id", mapping=values)


def cast(values: list[Any], how: object, other: list[Any], dtype: pl.DataType | None = None) -> list[bool]:
    """For each row, whether the left value is equal to the right one, once it is cast."""
    rows = range(len(values))
    left = pl.DataFrame({"id": rows, "value": values})
    right = pl.DataFrame({"id": rows, "value": pl.Series(other, dtype=dtype)})
    changed = tieout.diff(left, right, on="id", mapping={"left": {"cast": {"value": how}}}).changed["id"].to_list()
    return [row not in changed for row in rows]


MOMENT = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(("values", "how", "other"), [
    ([1.5, 0.1], "decimal", [Decimal("1.5"), Decimal("0.1")]),
    (["1.50", "2e1"], {"type": "decimal", "scale": 2}, [Decimal("1.5"), Decimal(20)]),
    ([1, 20], "text", ["1", "20"]),
    (["1", "-20"], "integer", [1, -20]),
    (["yes", "F"], "boolean", [True, False]),
    (["2026-01-05"], "date", [MOMENT.date()]),
    (["05.01.2026"], {"type": "date", "format": "%d.%m.%Y"}, [MOMENT.date()]),
    (["14:30:00"], "time", [dt.time(14, 30)]),
    (["2026-01-05T14:30Z", "2026-01-05 09:30:00-0500"], "timestamp", [MOMENT, MOMENT]),
    ([1767623400, 1767623400], {"type": "timestamp", "unit": "s"}, [MOMENT, MOMENT]),
    (["20260105 09:30:00"], {"type": "timestamp", "format": "%Y%m%d %H:%M:%S", "zone": "America/New_York"}, [MOMENT]),
    ([MOMENT.replace(tzinfo=None)], {"type": "timestamp", "zone": "UTC"}, [MOMENT]),
])  # fmt: skip
def test_every_cast(values: list[Any], how: object, other: list[Any]) -> None:
    assert cast(values, how, other) == [True] * len(values)


@pytest.mark.parametrize(("values", "how", "other"), [
    (["1.005"], {"type": "decimal", "scale": 2}, [Decimal("1.00")]),
    ([1e-13], "decimal", [Decimal(0)]),
    (["1.5"], "integer", [1]),
    (["2026-01-05 14:30:00"], "timestamp", [MOMENT]),
    (["2026-03-08 02:30:00"], {"type": "timestamp", "zone": "America/New_York"}, [MOMENT]),
    (["2026-11-01 01:30:00"], {"type": "timestamp", "zone": "America/New_York"}, [MOMENT]),
    (["2026-02-30"], "date", [MOMENT.date()]),
])  # fmt: skip
def test_a_cast_that_would_lose_or_guess_is_refused(values: list[Any], how: object, other: list[Any]) -> None:
    with pytest.raises(InputUnusable, match=r"column value, row 1: .* is not exactly"):
        cast(values, how, other)
