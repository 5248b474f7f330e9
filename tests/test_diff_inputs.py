"""What a side may be: files of every format, several, folders, addresses, tables, frames of other libraries."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pyarrow as pa
import pytest

import tieout
from cli_process import finished, start
from cli_support import adopted_workspace
from diff_support import COUNTS, LEFT, RIGHT, write, write_table
from tieout import locks
from tieout.backup import make_backup
from tieout.clock import now_ns
from tieout.diffing import server
from tieout.errors import BookLocked, BookMissing, InputUnusable


def counts(left: object, right: object, **options: Any) -> dict[str, int]:
    """The counts that `COUNTS` has."""
    told = tieout.diff(left, right, on="perm_id", **options).to_json()
    return {name: told[name] for name in COUNTS}


@pytest.mark.parametrize("ending", ["parquet", "csv", "tsv", "arrow", "ndjson", "db"])
def test_a_file_of_every_format(tmp_path: Path, ending: str) -> None:
    left, right = write(LEFT, tmp_path / f"left.{ending}"), write(RIGHT, tmp_path / f"right.{ending}")
    assert counts(left, str(right)) == COUNTS


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow", "ndjson"])
def test_several_files_are_one_side(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "parts" / "deeper"
    folder.mkdir(parents=True)
    first = write(LEFT.head(1), folder.parent / f"a.{ending}")
    second = write(LEFT.tail(3), folder / f"b.{ending}")
    write(LEFT, folder.parent / f"_not_this.{ending}")
    assert counts([first, second], RIGHT) == COUNTS
    assert counts(folder.parent, RIGHT) == COUNTS
    assert counts(tmp_path / "parts" / "**" / f"[ab].{ending}", RIGHT) == COUNTS


def test_folders_named_key_value_are_columns(tmp_path: Path) -> None:
    for account, part in LEFT.group_by("account"):
        folder = tmp_path / f"account={account[0]}"
        folder.mkdir()
        part.drop("account").write_parquet(folder / "part.parquet")
    result = tieout.diff(tmp_path, LEFT, on=["account", "perm_id"])
    assert (result.equal, result.same, sorted(result.fields)) == (4, True, ["price", "status", "symbol"])


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_an_address_that_fsspec_knows(tmp_path: Path, ending: str) -> None:
    store = fsspec.filesystem("memory")
    store.pipe_file(f"/tieout-{ending}/one.{ending}", write(LEFT.head(2), tmp_path / f"one.{ending}").read_bytes())
    store.pipe_file(f"/tieout-{ending}/two.{ending}", write(LEFT.tail(2), tmp_path / f"two.{ending}").read_bytes())
    assert counts(f"memory://tieout-{ending}", RIGHT) == COUNTS
    assert counts(f"memory://tieout-{ending}/*.{ending}", RIGHT) == COUNTS
    with pytest.raises(InputUnusable, match=r"cannot be read|expected one format"):
        counts(f"memory://tieout-{ending}/three.{ending}", RIGHT)


@pytest.mark.parametrize("convert", [
    pl.DataFrame, pl.DataFrame.lazy, pl.DataFrame.to_arrow, pa.RecordBatchReader.from_stream,
], ids=["polars", "lazy", "pyarrow", "stream"])  # fmt: skip
def test_frames_of_other_libraries(convert: Callable[[pl.DataFrame], object]) -> None:
    assert counts(convert(LEFT), convert(RIGHT)) == COUNTS


def test_a_duckdb_relation_is_a_side(tmp_path: Path) -> None:
    """In a process of its own: DuckDB complains about itself when one ends, and brings a second SQLite."""
    write(LEFT, tmp_path / "left.parquet")
    code = (
        "import duckdb, tieout\n"
        "left = duckdb.sql(\"FROM 'left.parquet' WHERE perm_id > 1\")\n"
        "result = tieout.diff(left, 'left.parquet', on='perm_id')\n"
        "print(result.equal, result.right_only.height, result.same)"
    )
    done = finished(start([sys.executable, "-c", code], tmp_path))
    assert (done.code, done.out) == (0, "3 1 False\n"), done


def test_what_is_no_side_is_named() -> None:
    with pytest.raises(InputUnusable, match="the right side is a int; expected a path, an address, or a frame"):
        counts(LEFT, 7)


def test_a_table_is_named_behind_two_colons(tmp_path: Path) -> None:
    path = tmp_path / "two.db"
    write_table(LEFT, path, "before")
    assert counts(path, RIGHT) == COUNTS  # the only one
    write_table(RIGHT, path, 'after "all"')
    assert counts(f"{path}::before", f'{path}::after "all"') == COUNTS
    with pytest.raises(BookMissing, match='has no table orders; it has after "all", before'):
        counts(path, RIGHT)


def test_a_book_and_its_backup_are_equal(tmp_path: Path) -> None:
    place = adopted_workspace(tmp_path)
    made = make_backup(place.book, backups_dir=tmp_path / "backups", now_ns=now_ns())
    backup = tmp_path / "backups" / f"{made.id}.db"
    result = tieout.diff(backup, place.book, on="id")
    assert (result.same, result.equal) == (True, result.rows_right)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_table_of_either_journal_mode_is_read_and_left_as_it_was(tmp_path: Path, mode: str) -> None:
    path = write(LEFT, tmp_path / "orders.db")
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute(f"PRAGMA journal_mode={mode}").fetchone() == (mode,)
    before = path.read_bytes()
    assert counts(path, path) == {**COUNTS, "equal": 4, "changed": 0, "left_only": 0, "right_only": 0}
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["orders.db"]


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
def test_a_file_with_side_files_may_be_in_use(tmp_path: Path, ending: str) -> None:
    path = write(LEFT, tmp_path / "orders.db")
    (tmp_path / f"orders.db{ending}").touch()
    with pytest.raises(BookLocked, match=f"orders.db{ending} lies beside it") as caught:
        counts(path, RIGHT)
    assert "backup" in caught.value.hint


@pytest.mark.parametrize("name", ["bot", "reconcile"])
def test_the_book_of_a_running_tieout_is_refused(tmp_path: Path, name: str) -> None:
    path = write(LEFT, tmp_path / "orders.db")
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with (
        locks.hold(tmp_path / f"orders.db.{name}.lock", what="run", now_ns=now_ns()),
        pytest.raises(BookLocked, match=f"its {name} lock is held"),
    ):
        counts(link, RIGHT)


def test_a_server_needs_a_reader_and_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://joe:secret@localhost:1/book"
    with pytest.raises(InputUnusable, match="names no table") as caught:
        counts(address, RIGHT)
    assert "secret" not in str(caught.value)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(InputUnusable, match="no reader for PostgreSQL is installed") as caught:
        counts(f"{address}::orders", RIGHT)
    assert caught.value.hint == "pip install 'tieout[postgres]'"


def test_numerics_of_a_server_are_exact_or_refused() -> None:
    texts = pl.DataFrame({"price": ["1.000000000001", None, "-2"]})
    found = server.exact_decimals(texts, ["price"], "book")
    assert found["price"].to_list() == [Decimal("1.000000000001"), None, Decimal(-2)]
    with pytest.raises(InputUnusable, match=r"column price: 0.1234567890123 is not exactly a number of 12 decimal"):
        server.exact_decimals(pl.DataFrame({"price": ["0.1234567890123"]}), ["price"], "book")


def test_a_server_is_shown_without_its_password() -> None:
    assert server.shown("postgresql://joe:s3:cret@host:5432/book::public.orders") == (
        "postgresql://joe@host:5432/book::public.orders"
    )
