"""
The transaction of a confirm, alone, beside `executemany` of the very same statements in one transaction.

Ours reads the rows before and after, proves each before-image, chains the audit and writes the journal; the peer is
handed all of it ready-made and only writes. The answer is checked first: both leave the same rows.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bench_report import ratio_in_pairs, tell
from tieout.store import engine, migrate, reader
from tieout.store.tables import RECONCILED_ORDER, order_audit, orders
from tieout.store.writer import Approval, Change, apply_changes

COUNT = int(os.environ.get("TIEOUT_BENCH_ACTIONS", "2000"))
PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
NOW = 1_765_000_000_000_000_000
APPROVAL = Approval("p" * 64, "f" * 64, "bench", "backup", NOW, "0" * 64)
Row = tuple[object, ...]
AUDIT = [column.name for column in order_audit.columns]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of live orders."""
    path = tmp_path_factory.mktemp("confirm") / "orders.db"
    migrate.create_book(path, now_ns=NOW)
    plain = {"account": "DU1", "symbol": "ES", "side": "BUY", "quantity": "2", "order_type": "LMT", "tif": "DAY",
             "limit_price": "5000.25", "status": "Submitted", "filled_quantity": "0"}  # fmt: skip
    with engine.connect(path) as connection, engine.write(connection):
        connection.execute(orders.insert(), [{**plain, "perm_id": n, "order_id": n} for n in range(1, COUNT + 1)])
    return path


@pytest.fixture(scope="module")
def changes(book: Path) -> list[Change]:
    """Every order was filled."""
    with engine.connect(book) as connection, engine.read(connection):
        images = reader.images(connection, orders, range(1, COUNT + 1))
    filled = {"status": "Filled", "filled_quantity": "2"}
    return [
        Change(f"{row:016x}", "order", "update", row, before, before | filled, "completed at the broker")
        for row, before in images.items()
    ]


def rows_of(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def ours(path: Path, changes: list[Change]) -> None:
    with engine.connect(path) as connection, engine.write(connection):
        apply_changes(connection, changes, APPROVAL)


def peer(path: Path, updates: list[Row], audit: list[Row], journal: Row) -> None:
    same = " AND ".join(f'"{name}" IS ?' for name in RECONCILED_ORDER)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("BEGIN IMMEDIATE")
        new = "status = ?, filled_quantity = ?, updated_at = ?"
        raw.executemany(f"UPDATE orders SET {new} WHERE id = ? AND {same}", updates)
        raw.executemany(f"INSERT INTO order_audit VALUES ({', '.join('?' * len(AUDIT))})", audit)
        raw.execute(f"INSERT INTO applied_plans VALUES ({', '.join('?' * len(journal))})", journal)
        raw.execute("COMMIT")


@pytest.mark.benchmark(group="confirm")
def test_the_transaction_of_a_confirm(book: Path, changes: list[Change], tmp_path: Path) -> None:
    done = shutil.copyfile(book, tmp_path / "ours.db")
    ours(done, changes)
    audit, (journal,) = rows_of(done, "order_audit"), rows_of(done, "applied_plans")
    with closing(sqlite3.connect(done)) as raw:
        ((stamp,),) = raw.execute("SELECT DISTINCT updated_at FROM orders").fetchall()
    updates = [("Filled", "2", stamp, c.row, *((c.before or {})[name] for name in RECONCILED_ORDER)) for c in changes]
    written = shutil.copyfile(book, tmp_path / "peer.db")
    peer(written, updates, audit, journal)
    for table in ("orders", "order_audit", "applied_plans"):
        assert rows_of(done, table) == rows_of(written, table)
    assert len(audit) == COUNT

    def fresh(run: Callable[[Path], None]) -> Callable[[], None]:
        copies = iter(range(1_000))
        return lambda: run(shutil.copyfile(book, tmp_path / f"{run.__name__}-{next(copies)}.db"))

    def by_us(path: Path) -> None:
        ours(path, changes)

    def by_peer(path: Path) -> None:
        peer(path, updates, audit, journal)

    figures = ratio_in_pairs(fresh(by_us), fresh(by_peer), pairs=PAIRS)
    tell(f"confirm of {COUNT:,} actions", "executemany of the same statements", figures)
