"""
A backup with all that makes it verified, beside the stock program's `.backup`, integrity check, SHA-256 and `.dump`;
and the `.sql` alone beside `.dump`. The answers are checked first. Without the program its side is done by Python.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from bench_report import ratio_in_pairs, tell
from tieout.backup import make_backup, read_fingerprint
from tieout.backup.dump import statements
from tieout.backup.fingerprint import read_content
from tieout.backup.load import file_pieces, load_dump
from tieout.backup.proof import open_finished
from tieout.store import migrate

ORDERS = min(300_000, int(os.environ.get("TIEOUT_BENCH_ORDERS", "2000")))
"""An order brings four events and a fill; the most of them make a book of some 300 MiB."""
PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
PROGRAM = shutil.which("sqlite3")
NOON_NS = 1_765_108_800_000_000_000


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "orders.db"
    migrate.create_book(path, now_ns=NOON_NS)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO orders (account, perm_id, client_id, order_id, order_ref, symbol, sec_type, expiry, side,"
            " quantity, order_type, limit_price, tif, status, filled_quantity, avg_fill_price, placed_at, updated_at)"
            " SELECT 'DU123456', 1700000000 + i, 7, i % 5000, printf('strategy-%08d', i), 'ES', 'FUT', '20251219',"
            " 'BUY', '3', 'LMT', printf('%d.25', 4000 + i % 3000), 'DAY', 'Filled', '3', printf('%d.25', 4000 + i),"
            " '2025-12-07T12:00:00.000Z', '2025-12-07T12:00:01.000Z' FROM n",
            (ORDERS,),
        )
        raw.execute(
            "INSERT INTO order_events (order_row, order_id, at, event_type, status, filled, remaining, message)"
            " SELECT orders.id, order_id, placed_at, e.value, 'Submitted', '0', '3', 'it''s a message of some length'"
            ' FROM orders, json_each(\'["PLACED", "STATUS", "STATUS", "FILLED"]\') AS e'
        )
        raw.execute(
            "INSERT INTO executions (order_row, account, exec_id, perm_id, symbol, side, quantity, price, executed_at,"
            " commission) SELECT id, account, printf('0000e0d5.%08x.01.01', id), perm_id, symbol, 'BOT', '3',"
            " limit_price, placed_at, '2.05' FROM orders"
        )
    return path


def stock(book: Path) -> None:
    """What an operator's script does: copy, integrity check, SHA-256, dump."""
    copy, dump = book.with_name("stock.db"), book.with_name("stock.sql")
    copy.unlink(missing_ok=True)
    if PROGRAM:
        subprocess.run([PROGRAM, str(book), f".backup {copy}"], check=True)
        checked = subprocess.run([PROGRAM, str(copy), "PRAGMA integrity_check"], check=True, capture_output=True)
        assert checked.stdout == b"ok\n"
    else:
        with closing(sqlite3.connect(book)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            assert target.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stock_dump(copy, dump)
    for path in (copy, dump):
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")


def stock_dump(copy: Path, dump: Path) -> None:
    with dump.open("wb") as out:
        if PROGRAM:
            subprocess.run([PROGRAM, str(copy), ".dump"], check=True, stdout=out)
            return
        with closing(sqlite3.connect(copy)) as raw:
            out.writelines(f"{line}\n".encode() for line in raw.iterdump())


def ours(book: Path) -> None:
    backups = book.with_name("backups")
    shutil.rmtree(backups, ignore_errors=True)
    made = make_backup(book, backups_dir=backups, now_ns=NOON_NS)
    assert (made.counts["orders"], made.reused) == (ORDERS, False)


def test_a_verified_backup_beside_the_stock_program(book: Path) -> None:
    ours(book)
    made = make_backup(book, backups_dir=book.with_name("backups"), now_ns=NOON_NS)
    assert (made.reused, made.fingerprint) == (True, read_fingerprint(book))
    size = book.stat().st_size >> 20
    figures = ratio_in_pairs(lambda: ours(book), lambda: stock(book), pairs=PAIRS)
    tell(f"verified backup of {size} MiB", "the program's", figures)


def test_the_dump_alone_beside_the_stock_program(book: Path) -> None:
    ours_sql, restored = book.with_name("ours.sql"), book.with_name("restored.db")
    with closing(open_finished(book)) as raw:
        content = read_content(raw)

    def dump() -> None:
        with closing(open_finished(book)) as raw, ours_sql.open("wb") as out:
            out.writelines(statements(raw, content, title="bench"))

    dump()
    with closing(sqlite3.connect(restored, isolation_level=None)) as raw, ours_sql.open("rb") as file:
        load_dump(raw, file_pieces(file))
    assert read_fingerprint(restored) == content.fingerprint
    stock_sql = book.with_name("stock.sql")
    tell(".sql", ".dump", ratio_in_pairs(dump, lambda: stock_dump(book, stock_sql), pairs=PAIRS))
