"""Reading the book twice: it is read again only where somebody wrote, or another file is there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from plan_support import make_book
from tieout.errors import BookMissing
from tieout.store import engine, reader
from tieout.store.tables import orders


def change(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE orders SET tif = 'GTC'")


def test_nobody_wrote_so_it_is_the_same_book(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    with reader.rereading(book) as read:
        first = read()
        with engine.connect(book) as connection, engine.read(connection):
            assert reader.counts(connection)["orders"] == 1
        assert read() is first


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_row_that_was_written_is_seen(tmp_path: Path, mode: str) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    with closing(sqlite3.connect(book)) as other:
        assert other.execute(f"PRAGMA journal_mode={mode}").fetchone() == (mode,)
    with reader.rereading(book) as read:
        first = read()
        change(book)
        second = read()
        assert (first.orders["tif"][0], second.orders["tif"][0]) == ("DAY", "GTC")
        assert read() is second


def test_a_row_that_this_process_wrote_is_seen(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    with reader.rereading(book) as read:
        assert read().orders["tif"][0] == "DAY"
        with engine.connect(book) as connection, engine.write(connection):
            connection.execute(orders.update().values(tif="IOC"))
        assert read().orders["tif"][0] == "IOC"


def test_another_file_in_its_place_is_read(tmp_path: Path) -> None:
    book, other = make_book(tmp_path / "b.db", {"perm_id": 7}), make_book(tmp_path / "o.db", {"perm_id": 8})
    with reader.rereading(book) as read:
        assert read().orders["perm_id"].to_list() == [7]
        other.replace(book)
        assert read().orders["perm_id"].to_list() == [8]
        book.unlink()
        with pytest.raises(BookMissing):
            read()
