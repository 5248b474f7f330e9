"""Restores that meet left-over journals, a damaged book, a full disk, or are killed: before or after, never between."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from backup_books import NOON_NS, add_orders, new_book, rows_of, run_sql
from tieout.backup import apply_restore, make_backup, read_fingerprint
from tieout.errors import BackupError, BookError
from tieout.store import engine

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.backup import Backup, Restored

# Leaves the book as a killed writer does: with a hot journal, or with a log that nobody has checkpointed.
KILLED_WRITER = """
    import os, signal, sqlite3, sys
    book = sqlite3.connect(sys.argv[1], isolation_level=None)
    book.execute(f"PRAGMA journal_mode={sys.argv[2]}")
    book.execute("PRAGMA wal_autocheckpoint=0")
    book.execute("PRAGMA cache_size=5")
    book.execute("BEGIN IMMEDIATE")
    book.execute("UPDATE filler SET t = hex(randomblob(500))")
    if sys.argv[2] == "WAL":
        book.execute("COMMIT")
    os.kill(os.getpid(), signal.SIGKILL)
"""
RESTORE = """
    import os, signal, sys
    from pathlib import Path
    from tieout.backup import apply_restore, folder, restore, swap
    book = Path(sys.argv[1])

    def die(*_args, **_options):
        os.kill(os.getpid(), signal.SIGKILL)

    {fault}
    apply_restore(book, sys.argv[2], backups_dir=book.parent / "backups", now_ns=int(sys.argv[3]), approver="ann")
"""
# Each stops a restore at another point; the first two in the middle of writing pages into the book.
KILLS = {
    "first pages": "swap.PAGES_PER_STEP = 1; swap._give_up_when_busy = die",
    "most pages": (
        "swap.PAGES_PER_STEP = 1; "
        "swap._give_up_when_busy = lambda _status, left, total: die() if left < total // 4 else None"
    ),
    "before the copy": "swap.copy_into = die",
    "after the copy": "restore.read_fingerprint = die",
    "before the mark": "restore.continue_chain = die",
    "inside the mark": "restore.migrate.read_meta = die",
}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def run(script: str, *arguments: object) -> int:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, env=environment()).returncode


def filled_book(path: Path) -> Path:
    new_book(path)
    run_sql(
        path,
        """CREATE TABLE filler (n INTEGER PRIMARY KEY, t TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO filler SELECT i, hex(randomblob(500)) FROM n;""",
    )
    return path


def backup_of(book: Path) -> Backup:
    return make_backup(book, backups_dir=book.parent / "backups", now_ns=NOON_NS)


def restore(book: Path, made: Backup) -> Restored:
    return apply_restore(
        book,
        made.id,
        backups_dir=book.parent / "backups",
        now_ns=NOON_NS + 10**9,
        approver="ann",
        known_lineage=made.lineage,
    )


def assert_put_back(book: Path, made: Backup, done: Restored) -> None:
    assert done.fingerprint == made.fingerprint
    assert rows_of(book, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(book, "SELECT count(*) FROM orders") == [(3,)]
    assert rows_of(book, "SELECT value FROM book_meta WHERE key = 'restore_epoch'") == [("1",)]


@pytest.mark.parametrize(("journal", "side"), [("DELETE", "-journal"), ("WAL", "-wal")])
def test_what_a_killed_writer_left_does_not_come_through(tmp_path: Path, journal: str, side: str) -> None:
    book = filled_book(tmp_path / "orders.db")
    made = backup_of(book)
    assert run(KILLED_WRITER, book, journal) == -signal.SIGKILL
    assert (tmp_path / f"orders.db{side}").stat().st_size > 0
    assert_put_back(book, made, restore(book, made))
    assert rows_of(book, "SELECT n, t FROM filler") == rows_of(made.db, "SELECT n, t FROM filler")


@pytest.mark.parametrize(("journal", "side"), [("DELETE", "-journal"), ("WAL", "-wal")])
def test_a_left_over_of_a_book_that_is_gone_does_not_come_through(tmp_path: Path, journal: str, side: str) -> None:
    book = filled_book(tmp_path / "orders.db")
    made = backup_of(book)
    assert run(KILLED_WRITER, book, journal) == -signal.SIGKILL
    book.unlink()
    left = (tmp_path / f"orders.db{side}").read_bytes()
    done = restore(book, made)
    assert_put_back(book, made, done)
    assert done.saved_raw is not None
    assert (done.saved_raw / f"orders.db{side}").read_bytes() == left


def test_a_damaged_book_is_kept_byte_for_byte(tmp_path: Path) -> None:
    book = filled_book(tmp_path / "orders.db")
    book.chmod(0o640)
    made = backup_of(book)
    add_orders(book, 1)
    data = bytearray(book.read_bytes())
    data[4096 : len(data) // 2] = b"\xff" * (len(data) // 2 - 4096)
    book.write_bytes(data)
    for side in ("-wal", "-shm"):
        (tmp_path / f"orders.db{side}").write_bytes(b"left over")
    done = restore(book, made)
    assert_put_back(book, made, done)
    assert done.saved_raw is not None
    assert (done.saved_raw / "orders.db").read_bytes() == data
    assert (done.saved_raw / "orders.db-wal").read_bytes() == b"left over"
    assert book.stat().st_mode & 0o777 == 0o640


def test_a_book_that_is_not_sqlite_is_replaced_but_not_while_somebody_has_it_open(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    book.write_bytes(b"no database " * 1000)
    reading = "import sys; f = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", reading, str(book)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(BackupError, match=f"process {other.pid} has"):
            restore(book, made)
        other.communicate()
    assert book.read_bytes() == b"no database " * 1000
    assert_put_back(book, made, restore(book, made))


@pytest.mark.parametrize("fault", KILLS)
def test_a_restore_that_is_killed_leaves_before_or_after_and_can_be_run_again(tmp_path: Path, fault: str) -> None:
    book = filled_book(tmp_path / "orders.db")
    made = backup_of(book)
    run_sql(book, "UPDATE filler SET t = 'changed';")
    add_orders(book, 2)
    before = read_fingerprint(book)
    script = RESTORE.format(fault=KILLS[fault])
    assert run(script, book, made.id, NOON_NS + 10**9) == -signal.SIGKILL
    after = fault in {"after the copy", "before the mark", "inside the mark"}
    assert read_fingerprint(book) == (made.fingerprint if after else before)
    assert_put_back(book, made, restore(book, made))


def test_a_full_disk_leaves_the_book_as_it_was(tmp_path: Path) -> None:
    """RLIMIT_FSIZE at every size from nothing to enough."""
    book = filled_book(tmp_path / "orders.db")
    made = backup_of(book)
    run_sql(book, "UPDATE filler SET t = hex(randomblob(2000));")
    before = read_fingerprint(book)
    make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS + 10**9)
    size = book.stat().st_size
    codes = []
    for limit in (0, 4096, size // 8, size // 4, size // 2, 2 * size):
        script = RESTORE.format(
            fault=f"import resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
        )
        codes.append(run(script, book, made.id, NOON_NS + 2 * 10**9))
        if codes[-1]:
            assert read_fingerprint(book) == before
    assert (codes[0], codes[-1]) == (1, 0)
    assert rows_of(book, "SELECT n, t FROM filler") == rows_of(made.db, "SELECT n, t FROM filler")


def test_a_book_that_cannot_be_looked_at_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = new_book(tmp_path / "orders.db")
    made = backup_of(book)
    monkeypatch.setattr(engine, "connect", partial(engine.connect, timeout_s=0.05))
    with closing(sqlite3.connect(book, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BookError, match="is locked by another process"):
            restore(book, made)
