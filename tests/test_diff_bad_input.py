"""Input that is broken, is no input at all, or changes while it is read: a clear error, before anything is said."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import tieout
from cli_process import assert_error
from diff_support import LEFT, RIGHT, tieout_diff, write
from tieout.diffing import paths, sqlite
from tieout.diffing.options import silent
from tieout.errors import BookUnusable, InputUnusable, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow", "ndjson"])
def test_a_file_that_is_not_there(tmp_path: Path, ending: str) -> None:
    missing = tmp_path / f"missing.{ending}"
    right = write(RIGHT, tmp_path / "right.parquet")
    assert_error(tieout_diff(missing, right, "--key", "perm_id"), 1, says="there is no such file (the left side)")
    assert_error(tieout_diff(right, tmp_path / f"*.{ending}x", "--key", "perm_id"), 1, says="no file is named like")


@pytest.mark.parametrize("keep", [0, 3, 8, 200])
def test_a_cut_parquet_file(tmp_path: Path, keep: int) -> None:
    left, right = write(LEFT, tmp_path / "left.parquet"), write(RIGHT, tmp_path / "right.parquet")
    left.write_bytes(left.read_bytes()[:keep])
    says = {0: "is empty", 3: "cannot be read"}.get(keep, "is not a whole Parquet file: its end is missing")
    assert_error(tieout_diff(left, right, "--key", "perm_id"), 1, says=says)


def test_a_parquet_file_with_broken_pages(tmp_path: Path) -> None:
    frame = pl.DataFrame({"perm_id": range(10_000), "text": [f"row {n}" for n in range(10_000)]})
    left = write(frame, tmp_path / "left.parquet")
    raw = bytearray(left.read_bytes())
    raw[4:5000] = bytes(4996)
    left.write_bytes(raw)
    assert_error(tieout_diff(left, left, "--key", "perm_id"), 1, says="left.parquet cannot be read")


@pytest.mark.parametrize("row", [0, 50_000])
def test_text_that_is_not_utf8_is_found_by_its_line(tmp_path: Path, row: int) -> None:
    lines = [b"perm_id,status\n", *(b"%d,Filled\n" % n for n in range(100_000))]
    lines[row + 1] = b"%d,Fill\xe9d\n" % row
    left = tmp_path / "left.csv"
    left.write_bytes(b"".join(lines))
    assert_error(tieout_diff(left, left, "--key", "perm_id"), 1, says=f"line {row + 2}, byte 0xe9, is not UTF-8")


def test_a_csv_with_ragged_rows(tmp_path: Path) -> None:
    left = tmp_path / "left.csv"
    left.write_text("perm_id,status\n1,a,b,c\n")
    assert_error(tieout_diff(left, left, "--key", "perm_id"), 1, says="left.csv cannot be read")


@pytest.mark.parametrize(("name", "says"), [
    ("orders", "unknown format: its name ends in nothing"), ("orders.xlsx", "ends in .xlsx"),
])  # fmt: skip
def test_an_unknown_format(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_text("?")
    assert_error(tieout_diff(tmp_path / name, tmp_path / name, "--key", "perm_id"), 1, says=says)


def test_a_folder_of_several_formats_or_none(tmp_path: Path) -> None:
    with pytest.raises(InputUnusable, match="has no file that can be compared"):
        tieout.diff(tmp_path, LEFT, on="perm_id")
    write(LEFT, tmp_path / "a.parquet")
    write(LEFT, tmp_path / "b.csv")
    with pytest.raises(InputUnusable, match="files of several formats: csv, parquet"):
        tieout.diff(tmp_path, LEFT, on="perm_id")


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "db"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, ending: str) -> None:
    left, right = write(LEFT, tmp_path / f"left.{ending}"), write(RIGHT, tmp_path / "right.parquet")

    def touch_it(what: str, done: int, _total: int | None) -> None:
        if what == "reading left" and done:
            os.utime(left, ns=(1, 1))

    with pytest.raises(InputUnusable, match=f"left.{ending} changed while it was read"):
        tieout.diff(left, right, on="perm_id", progress=touch_it)
    assert tieout.diff(left, right, on="perm_id", progress=silent).equal == 2


def test_a_left_file_that_changes_while_the_right_is_read(tmp_path: Path) -> None:
    left, right = write(LEFT, tmp_path / "left.csv"), write(RIGHT, tmp_path / "right.csv")

    def replace_it(what: str, done: int, _total: int | None) -> None:
        if what == "reading right" and done:
            write(RIGHT, tmp_path / "new.csv").replace(left)

    with pytest.raises(InputUnusable, match=r"left.csv changed while it was read"):
        tieout.diff(left, right, on="perm_id", progress=replace_it)


def test_a_file_that_is_no_sqlite_and_a_column_of_many_kinds(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is not SQLite, whatever it is called, and it is long enough to be seen")
    with pytest.raises(BookUnusable, match="is not an SQLite database"):
        tieout.diff(tmp_path / "no.db", LEFT, on="perm_id")
    mixed = write(LEFT.with_columns(status=pl.Series([1, "a", b"b", None], dtype=pl.Object)), tmp_path / "mixed.db")
    with pytest.raises(SchemaMismatch, match="column status is values of several kinds: blob and integer and text on"):
        tieout.diff(mixed, LEFT, on="perm_id", compare="status")
    assert tieout.diff(mixed, LEFT, on="perm_id").same
    assert tieout.diff(mixed, LEFT, on="perm_id", ignore="status").plan.notes == ()


def test_whole_numbers_among_floats_are_exact_or_refused(tmp_path: Path) -> None:
    for name, number in (("small", 2**53), ("large", -(2**53) - 1)):
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as raw, raw:
            raw.execute("CREATE TABLE t (id INTEGER, value)")
            raw.executemany("INSERT INTO t VALUES (?, ?)", [(1, 0.5), (2, number)])
    right = pl.DataFrame({"id": [1, 2], "value": [0.5, 2.0**53]})
    assert tieout.diff(tmp_path / "small.db", right, on="id").same
    with pytest.raises(SchemaMismatch, match="values of several kinds: integer and large integer and real"):
        tieout.diff(tmp_path / "large.db", right, on="id", compare="value")


def test_an_all_null_key_is_refused_in_every_format(tmp_path: Path) -> None:
    empty = LEFT.with_columns(perm_id=pl.lit(None, dtype=pl.Int64))
    for ending in ("parquet", "csv", "ndjson", "db"):
        path = write(empty, tmp_path / f"empty.{ending}")
        with pytest.raises(SchemaMismatch, match="key column perm_id"):
            tieout.diff(path, LEFT, on="perm_id")


def test_a_csv_whose_later_rows_are_something_else(tmp_path: Path) -> None:
    rows = [f"{n},{n}\n" for n in range(12_000)]
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text("perm_id,price\n" + "".join(rows) + "12000,1.5\n007,x\n")
    right.write_text("perm_id,price\n" + "".join(rows) + "12000,1.50\n7,x\n")
    result = tieout.diff(left, right, on="perm_id")
    assert result.left_only["perm_id"].to_list() == ["007"]
    assert result.duplicate_keys.rows() == [("7", 1, 2)]
    assert result.changed["perm_id"].to_list() == ["12000"]  # a price is x, so prices are texts


def test_a_value_that_is_not_of_the_other_sides_type_is_named(tmp_path: Path) -> None:
    left = write(LEFT.with_columns(price=pl.Series(["101.25", "4000.5", "ninety", "12.5"])), tmp_path / "left.csv")
    done = tieout_diff(left, write(RIGHT, tmp_path / "right.parquet"), "--key", "perm_id")
    assert_error(done, 1, says="column price, row 3: 'ninety' is not exactly floating point (Float64)")


@pytest.mark.parametrize("opened", [paths.FORMATS.__contains__, lambda name: sqlite.is_sqlite(Path(f"x{name}"))])
def test_endings_are_told_in_the_docs(opened: Callable[[str], bool]) -> None:
    text = (Path(__file__).parents[1] / "docs" / "diff.md").read_text("utf-8")
    for ending in (*paths.FORMATS, *sqlite.ENDINGS):
        if opened(ending):
            assert f"`{ending}`" in text
