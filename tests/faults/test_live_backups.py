"""Backups beside a busy writer, with `cp` of the live file as the control: those are right, these are not."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from kill_support import SOAK

from backup_books import NOON_NS, new_book, rows_of, run_sql
from tieout.backup import make_backup, verify_backup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TRIED = 500 if SOAK else 8
"""In each journal mode."""
ROWS = 200
# Each transaction gives every row of both tables its number. Their pages do not fit into the cache, so that half of
# the first one of each round is in the files before it is committed.
WRITER = """
    import sqlite3, sys
    book = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
    book.execute("PRAGMA cache_size=5")
    done = 0

    def write(side):
        book.execute(f"UPDATE {side}_ledger SET v = {done + 1}, t = hex(randomblob(400))")

    def say(word):
        print(word, done, flush=True)

    say("ready")
    while sys.stdin.readline():
        for number in range(4):
            book.execute("BEGIN IMMEDIATE")
            write("left")
            if number == 0:
                say("between")
                sys.stdin.readline()
            write("right")
            book.execute("COMMIT")
            done += 1
            say("committed")
        say("round")
"""


@contextmanager
def writer(book: Path) -> Iterator[tuple[Callable[[], None], Callable[[str], int]]]:
    """The writer, by two words: go on; read until it says that, which answers how many commits there were."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(book)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        said, told = process.stdout, process.stdin
        assert said is not None
        assert told is not None

        def go() -> None:
            told.write("go\n")
            told.flush()

        def until(word: str) -> int:
            found, _, count = said.readline().partition(" ")
            while found != word:
                found, _, count = said.readline().partition(" ")
            return int(count)

        try:
            until("ready")
            yield go, until
        except BaseException:
            process.kill()
            raise
        told.close()
        assert process.wait() == 0


def verdict(copy: Path, committed: int) -> str:
    """What a copy taken after that many transactions were committed is worth."""
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as raw:
            whole = raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            found = raw.execute("SELECT v FROM left_ledger UNION SELECT v FROM right_ledger").fetchall()
    except sqlite3.DatabaseError:
        return "bad"
    return "bad" if not whole or len(found) != 1 else "stale" if found[0][0] < committed else "good"


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_every_backup_is_right_where_cp_is_not(tmp_path: Path, journal: str) -> None:
    book = new_book(tmp_path / "orders.db")
    run_sql(book, f"PRAGMA journal_mode={journal};")
    for side in ("left", "right"):
        run_sql(
            book,
            f"""CREATE TABLE {side}_ledger (n INTEGER PRIMARY KEY, v INTEGER, t TEXT);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
            INSERT INTO {side}_ledger SELECT i, 0, hex(randomblob(400)) FROM n;""",
        )
    backups, copy = tmp_path / "backups", tmp_path / "copy.db"
    made_by: dict[str, Counter[str]] = {"backup": Counter(), "cp": Counter()}
    with writer(book) as (go, until):
        for number in range(TRIED):
            go()
            committed = until("between")
            subprocess.run(["cp", str(book), str(copy)], check=True)
            made_by["cp"][verdict(copy, committed)] += 1
            go()
            committed = until("committed")
            made = make_backup(book, backups_dir=backups, now_ns=NOON_NS + number * 10**9)
            made_by["backup"][verdict(made.db, committed)] += 1
            until("round")
            if number % 20 == 19:
                shutil.rmtree(backups)
    assert made_by["backup"] == {"good": TRIED}
    assert made_by["cp"]["good"] < TRIED
    last = make_backup(book, backups_dir=backups, now_ns=NOON_NS + TRIED * 10**9)
    assert verify_backup(backups, last.id).ok
    assert rows_of(book, "SELECT DISTINCT v FROM left_ledger") == [(4 * TRIED,)]
    print(f"\nbackups beside a busy writer ({journal}): {TRIED} tried, 0 bad, 0 stale; "
          f"the control, cp of the live file: {dict(made_by['cp'])}")  # fmt: skip
