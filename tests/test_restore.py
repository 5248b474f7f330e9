"""Restoring: what is previewed, what is put back, and what the book is told afterwards."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from backup_books import NOON_NS, add_orders, new_book, old_book, rows_of, run_sql
from tieout.backup import (
    TableDifference,
    apply_restore,
    find,
    list_backups,
    make_backup,
    plan_restore,
    read_fingerprint,
    run_drill,
)
from tieout.errors import BackupError, BookLocked
from tieout.store import engine, reader
from tieout.store.audit import Head
from tieout.store.audit_verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.backup import Backup, Restored

MINUTE_NS = 60 * 10**9


def backup_of(book: Path, minutes: int = 0) -> Backup:
    return make_backup(book, backups_dir=book.parent / "backups", now_ns=NOON_NS + minutes * MINUTE_NS)


def restore(book: Path, source: str, **more: Any) -> Restored:
    options = {"backups_dir": book.parent / "backups", "now_ns": NOON_NS + 60 * MINUTE_NS, "approver": "ann", **more}
    return apply_restore(book, source, **options)


def test_the_preview_tells_rows_and_forgotten_orders_and_changes_nothing(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 2)
    run_sql(book, "DELETE FROM orders WHERE id = 1; UPDATE orders SET status = 'Filled' WHERE id = 2;")
    before = book.read_bytes()
    preview = plan_restore(book, made.id, backups_dir=tmp_path / "backups")
    assert preview.difference.tables == (
        TableDifference("orders", live_rows=4, backup_rows=3, forgotten=2, coming_back=1, changed=1),
    )
    assert [(order["id"], order["symbol"]) for order in preview.difference.forgotten_orders] == [
        (4, "ES"),
        (5, "ES"),
    ]
    assert (preview.live.state, preview.unchanged) == ("sound", False)
    assert book.read_bytes() == before
    assert [backup.id for backup in list_backups(tmp_path / "backups")] == [made.id]


def test_the_preview_of_an_unchanged_book(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    preview = plan_restore(book, backup_of(book).id, backups_dir=tmp_path / "backups")
    assert (preview.unchanged, preview.difference.tables) == (True, ())


def test_a_restore_puts_back_the_rows_keeps_what_was_there_and_goes_on_with_the_audit(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 2)
    replaced, inode = read_fingerprint(book), book.stat().st_ino
    kept: list[tuple[Head, str]] = []
    done = restore(book, made.id, keep_head=lambda head, lineage: kept.append((head, lineage)))
    assert rows_of(book, "SELECT count(*) FROM orders") == [(3,)]
    assert (done.restore_epoch, done.lineage, done.fingerprint) == (1, made.lineage, made.fingerprint)
    assert done.saved is not None
    assert find(tmp_path / "backups", done.saved.id).fingerprint == replaced
    assert book.stat().st_ino == inode
    with engine.connect(book) as connection, engine.read(connection):
        identity = reader.identity(connection)
        verdict = verify(connection, archives_dir=tmp_path, kept=[kept[0][0]])
    assert (identity.restore_epoch, identity.lineage) == (1, made.lineage)
    assert (verdict.problem, verdict.head, kept) == (None, done.head, [(done.head, made.lineage)])
    audit = rows_of(book, "SELECT kind, entity, approver, backup_id FROM order_audit")
    assert audit == [("restored", "book", "ann", made.id)]
    assert made.id in done.latch_reason


def test_the_epoch_rises_above_every_one_the_book_ever_had(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    first = backup_of(book)
    assert restore(book, first.id).restore_epoch == 1
    assert restore(book, first.id, now_ns=NOON_NS + 70 * MINUTE_NS).restore_epoch == 2
    assert restore(book, first.id, now_ns=NOON_NS + 80 * MINUTE_NS, known_epoch=9).restore_epoch == 10
    book.unlink()
    assert restore(book, first.id, now_ns=NOON_NS + 90 * MINUTE_NS, known_lineage=first.lineage).restore_epoch == 3


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_connection_that_is_open_sees_what_was_put_back(tmp_path: Path, journal: str) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    run_sql(book, f"PRAGMA journal_mode={journal};")
    with closing(sqlite3.connect(book)) as bot:
        add_orders(book, 2)
        assert bot.execute("SELECT count(*) FROM orders").fetchall() == [(5,)]
        restore(book, made.id)
        assert bot.execute("SELECT count(*) FROM orders").fetchall() == [(3,)]
        assert bot.execute("PRAGMA journal_mode").fetchall() == [(journal.lower(),)]
        assert bot.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_book_that_stays_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 1)
    before = read_fingerprint(book)
    real = engine.connect
    monkeypatch.setattr(engine, "connect", lambda path: real(path, timeout_s=0.05))
    with closing(sqlite3.connect(book, isolation_level=None)) as bot:
        bot.execute("BEGIN IMMEDIATE")
        with pytest.raises(BookLocked, match="is locked"):
            restore(book, made.id)
    assert read_fingerprint(book) == before


def test_another_books_backup_needs_to_be_meant(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    (tmp_path / "other").mkdir()
    other = backup_of(new_book(tmp_path / "other" / "orders.db", rows=7))
    before = read_fingerprint(book)
    with pytest.raises(BackupError, match="is of another book"):
        restore(book, str(other.db))
    assert read_fingerprint(book) == before
    done = restore(book, str(other.db), foreign=True)
    assert (done.lineage, done.restore_epoch) == (other.lineage, 1)
    assert rows_of(book, "SELECT count(*) FROM orders") == [(7,)]


def test_a_file_without_a_manifest_needs_to_be_meant(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    plain = new_book(tmp_path / "plain.db", rows=5)
    with pytest.raises(BackupError, match="has no manifest beside it"):
        restore(book, str(plain))
    restore(book, str(plain), foreign=True)
    assert rows_of(book, "SELECT count(*) FROM orders") == [(5,)]


def test_an_old_layout_has_no_epoch_and_no_chain(tmp_path: Path) -> None:
    book = old_book(tmp_path / "orders.db")
    made = backup_of(book)
    run_sql(book, "DELETE FROM executions;")
    done = restore(book, made.id)
    assert (done.restore_epoch, done.head) == (None, None)
    assert read_fingerprint(book) == made.fingerprint


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 1)
    before = read_fingerprint(book)
    data = bytearray(made.db.read_bytes())
    data[5000] ^= 1
    made.db.write_bytes(data)
    with pytest.raises(BackupError, match=r"is not what its manifest says: \.db SHA-256"):
        restore(book, made.id)
    assert read_fingerprint(book) == before


def test_a_missing_book_is_put_back(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    book.unlink()
    done = restore(book, made.id, known_lineage=made.lineage)
    assert (done.saved, done.saved_raw, done.restore_epoch) == (None, None, 1)
    assert rows_of(book, "SELECT count(*) FROM orders") == [(3,)]
    assert stat.S_IMODE(book.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = new_book(tmp_path / "real.db")
    book = tmp_path / "orders.db"
    book.symlink_to(real)
    made = backup_of(book)
    real.write_bytes(b"spoiled" * 1000)
    restore(book, made.id, known_lineage=made.lineage)
    assert book.is_symlink()
    assert rows_of(real, "SELECT count(*) FROM orders") == [(3,)]


def test_a_wal_book_of_another_page_size_is_replaced_as_a_file(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    add_orders(book, 1)
    run_sql(book, "PRAGMA page_size=8192; VACUUM; PRAGMA journal_mode=WAL;")
    replaced = read_fingerprint(book)
    done = restore(book, made.id)
    assert done.saved is not None
    assert done.saved.fingerprint == replaced
    assert rows_of(book, "SELECT count(*) FROM orders") == [(3,)]


def test_a_drill_tries_every_way_and_leaves_nothing(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    names = sorted(path.name for path in (tmp_path / "backups").iterdir())
    found = run_drill(tmp_path / "backups", made.id)
    assert [(way.way, way.found) for way in found.ways] == [
        ("into a book in use", ""),
        ("into no book", ""),
        ("the .db copied over", ""),
        ("the .sql piped in", ""),
    ]
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == names
    made.sql.write_text(made.sql.read_text("utf-8").replace("'BUY'", "'SELL'"), "utf-8")
    assert [bool(way.found) for way in run_drill(tmp_path / "backups", made.id).ways] == [False, False, False, True]
