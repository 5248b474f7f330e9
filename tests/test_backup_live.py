"""Backups beside a busy writer in another process: none bad, none stale."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from backup_books import NOON_NS, new_book, rows_of, run_sql
from tieout.backup import make_backup, verify_backup

if TYPE_CHECKING:
    from pathlib import Path

BACKUPS = 15
# Each transaction writes two rows that belong together, then says that it is committed.
WRITER = """
    import sqlite3, sys
    book = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
    print("ready", flush=True)
    number = 0
    while sys.stdin.readline():
        for _ in range(20):
            number += 1
            book.execute("BEGIN IMMEDIATE")
            book.execute("INSERT INTO left_ledger VALUES (?, hex(randomblob(200)))", (number,))
            book.execute("INSERT INTO right_ledger VALUES (?, hex(randomblob(200)))", (number,))
            book.execute("COMMIT")
            print(number, flush=True)
"""


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_busy_writer(tmp_path: Path, journal: str) -> None:
    book = new_book(tmp_path / "orders.db")
    run_sql(
        book,
        f"""PRAGMA journal_mode={journal};
        CREATE TABLE left_ledger (n INTEGER PRIMARY KEY, t TEXT);
        CREATE TABLE right_ledger (n INTEGER PRIMARY KEY, t TEXT);""",
    )
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(book)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        for number in range(BACKUPS):
            writer.stdin.write("go\n")
            writer.stdin.flush()
            committed = int(writer.stdout.readline())
            made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS + number * 10**9)
            left, right = made.counts["left_ledger"], made.counts["right_ledger"]
            assert left == right
            assert left >= committed
            assert rows_of(made.db, "SELECT max(n), count(*) FROM left_ledger") == [(left, left)]
            while committed < 20 * (number + 1):
                committed = int(writer.stdout.readline())
        writer.stdin.close()
        assert writer.wait() == 0
    assert verify_backup(tmp_path / "backups", made.id).ok
