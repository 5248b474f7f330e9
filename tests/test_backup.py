"""Backups: what is made, that it is what the book held, and that the guide's commands put it back."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from backup_books import (
    NOON_ID,
    NOON_NS,
    PipeFailed,
    add_orders,
    new_book,
    old_book,
    pipe,
    pipe_without_program,
    rows_of,
    run_sql,
)
from tieout.backup import find, list_backups, make_backup, read_fingerprint, verify_backup
from tieout.errors import BackupError
from tieout.store import engine, reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tieout.backup import Backup

SECOND_NS = 1_000_000_000


def backup_of(book: Path, seconds: int = 0) -> Backup:
    return make_backup(book, backups_dir=book.parent / "backups", now_ns=NOON_NS + seconds * SECOND_NS)


def test_three_files_that_the_manifest_describes(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == [
        f"{NOON_ID}.db",
        f"{NOON_ID}.manifest.json",
        f"{NOON_ID}.sql",
    ]
    told = json.loads(made.manifest.read_bytes())
    for name, path in (("db", made.db), ("sql", made.sql)):
        data = path.read_bytes()
        assert told[name] == {
            "name": path.name,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with engine.connect(book) as connection, engine.read(connection):
        identity = reader.identity(connection)
    assert (made.lineage, made.restore_epoch) == (identity.lineage, 0)
    assert (made.id, made.counts["orders"], made.reused) == (NOON_ID, 3, False)
    assert made.fingerprint == read_fingerprint(book)
    assert told["previous"] is None


def test_what_is_listed_is_what_was_made(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    first = backup_of(book)
    add_orders(book, 1)
    second = backup_of(book, 1)
    assert list_backups(tmp_path / "backups") == [second, first]
    told = json.loads(second.manifest.read_bytes())
    expected = {"id": first.id, "sha256": hashlib.sha256(first.manifest.read_bytes()).hexdigest()}
    assert told["previous"] == expected


def test_an_unchanged_book_reuses_its_backup(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    first = backup_of(book)
    assert backup_of(book, 60) == replace(first, reused=True)
    add_orders(book, 1)
    third = backup_of(book, 120)
    assert (third.id, third.reused) == ("db_backup_20251207_120200", False)


def test_an_unchanged_book_does_not_reuse_a_damaged_backup(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    first = backup_of(book)
    first.sql.write_bytes(first.sql.read_bytes() + b"\n")
    second = backup_of(book, 60)
    assert (second.reused, second.id) == (False, "db_backup_20251207_120100")


def test_the_same_second_takes_the_next_free_one(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    ids = []
    for _ in range(3):
        ids.append(backup_of(book).id)
        add_orders(book, 1)
    assert ids == [NOON_ID, "db_backup_20251207_120001", "db_backup_20251207_120002"]


def test_a_book_of_the_old_layout(tmp_path: Path) -> None:
    made = backup_of(old_book(tmp_path / "orders.db"))
    assert (made.lineage, made.restore_epoch) == (None, None)
    assert made.counts == {"orders": 2, "order_events": 2, "executions": 1}
    assert made.foreign_key_violations == 1
    assert verify_backup(tmp_path / "backups", made.id).ok


def test_a_book_in_wal_mode_gives_a_backup_without_side_files(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    run_sql(book, "PRAGMA journal_mode=WAL;")
    made = backup_of(book)
    assert rows_of(made.db, "PRAGMA journal_mode") == [("delete",)]
    assert sorted(path.suffix for path in (tmp_path / "backups").iterdir()) == [".db", ".json", ".sql"]


@pytest.mark.parametrize("put_back", [pipe, pipe_without_program])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_dump_piped_into_a_book_that_went_on(
    tmp_path: Path, put_back: Callable[[Path, Path], None], journal: str
) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    run_sql(
        book,
        f"""PRAGMA journal_mode={journal};
        DELETE FROM orders WHERE id = 1; ALTER TABLE orders ADD COLUMN later TEXT;
        CREATE TRIGGER watch AFTER INSERT ON orders BEGIN UPDATE orders SET later = 'x;' WHERE id = 1; END;
        CREATE VIEW live AS SELECT later FROM orders; PRAGMA user_version=5;""",
    )
    add_orders(book, 5)
    run_sql(book, "DROP VIEW live;")
    put_back(made.sql, book)
    assert read_fingerprint(book) == made.fingerprint
    assert rows_of(book, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(book, "SELECT count(*) FROM orders") == [(3,)]


def test_the_dump_piped_into_a_new_file(tmp_path: Path) -> None:
    made = backup_of(old_book(tmp_path / "orders.db"))
    pipe(made.sql, tmp_path / "new.db")
    assert read_fingerprint(tmp_path / "new.db") == made.fingerprint


def test_the_copy_put_over_the_book(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 5)
    shutil.copyfile(made.db, book)
    assert read_fingerprint(book) == made.fingerprint


@pytest.mark.parametrize("put_back", [pipe, pipe_without_program])
def test_a_dump_with_an_error_in_it_changes_nothing(tmp_path: Path, put_back: Callable[[Path, Path], None]) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 1)
    before = read_fingerprint(book)
    broken = made.sql.read_text("utf-8").replace("COMMIT;", "INSERT INTO nowhere VALUES (1);\nCOMMIT;")
    (tmp_path / "broken.sql").write_text(broken, "utf-8")
    with pytest.raises((PipeFailed, sqlite3.OperationalError), match="no such table: nowhere"):
        put_back(tmp_path / "broken.sql", book)
    assert read_fingerprint(book) == before


def test_a_dump_that_meets_a_lock_changes_nothing(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 1)
    before = read_fingerprint(book)
    hasty = made.sql.read_text("utf-8").replace(".timeout 5000", ".timeout 1")
    (tmp_path / "hasty.sql").write_text(hasty, "utf-8")
    with closing(sqlite3.connect(book, isolation_level=None)) as bot:
        bot.execute("BEGIN IMMEDIATE")
        with pytest.raises((PipeFailed, sqlite3.OperationalError), match="database is locked"):
            pipe(tmp_path / "hasty.sql", book)
    assert read_fingerprint(book) == before


@pytest.mark.parametrize("suffix", [".db", ".sql"])
def test_one_flipped_byte_is_found(tmp_path: Path, suffix: str) -> None:
    made = backup_of(new_book(tmp_path / "orders.db"))
    path = made.db.with_suffix(suffix)
    data = bytearray(path.read_bytes())
    for offset in range(0, len(data), max(1, len(data) // 50)):
        data[offset] ^= 1
        path.write_bytes(data)
        found = verify_backup(tmp_path / "backups", made.id)
        assert [check.name for check in found.checks if check.found] == [f"{suffix} SHA-256"]
        data[offset] ^= 1
    path.write_bytes(data)
    assert verify_backup(tmp_path / "backups", made.id).ok


def test_a_damaged_manifest_is_listed_and_not_used(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    made.manifest.write_text('{"format": 1', "utf-8")
    (listed,) = list_backups(tmp_path / "backups")
    assert listed.damage.startswith(f"{made.manifest.name} cannot be used: ")
    with pytest.raises(BackupError, match="cannot be used"):
        verify_backup(tmp_path / "backups", made.id)
    assert backup_of(book).id == "db_backup_20251207_120001"


def test_files_without_a_manifest_are_no_backup(tmp_path: Path) -> None:
    made = backup_of(new_book(tmp_path / "orders.db"))
    made.manifest.unlink()
    assert list_backups(tmp_path / "backups") == []


def test_a_backup_is_found_by_its_id_or_a_files_name(tmp_path: Path) -> None:
    made = backup_of(new_book(tmp_path / "orders.db"))
    for name in (made.id, made.db.name, made.sql.name, made.manifest.name):
        assert find(tmp_path / "backups", name) == made
    with pytest.raises(BackupError, match="there is no backup db_backup_1"):
        find(tmp_path / "backups", "db_backup_1")
