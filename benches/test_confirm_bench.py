"""
The transaction of a confirm, alone, beside `executemany` of the very same statements in one transaction.

Ours is all that happens between BEGIN and COMMIT, while the bot has to wait: it compares and sets each row, reads every
row again, writes the audit and the journal, and proves the predicted fingerprint. What a confirm works out before BEGIN
(reading each row, proving the fingerprint that the plan rests on, the audit's texts and hashes) is told apart. The peer
is handed every parameter ready-made and only writes. The answer is checked first: both leave the same rows.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from bench_report import medians, tell
from tieout.store import engine, migrate, reader
from tieout.store.ready import make_ready, read_standing
from tieout.store.tables import RECONCILED_ORDER, order_audit, orders
from tieout.store.writer import Approval, Change, apply_changes

COUNT = int(os.environ.get("TIEOUT_BENCH_ACTIONS", "2000"))
PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
NOW = 1_765_000_000_000_000_000
APPROVAL = Approval("p" * 64, "f" * 64, "bench", "backup", NOW, "0" * 64)
ROWS = range(1, COUNT + 1)
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan's file says: the changes, the fingerprint that they rest on, and the one they lead to."""

    changes: list[Change]
    fingerprint: str
    predicted: str


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """Every parameter of the statements of one transaction."""

    updates: list[Row]
    audit: list[Row]
    journal: Row


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of live orders as the bot writes them."""
    path = tmp_path_factory.mktemp("confirm") / "orders.db"
    migrate.create_book(path, now_ns=NOW)
    at = "2025-12-06T05:46:40.000Z"
    plain = {"account": "DU1234567", "client_id": 7, "session_id": "20251206-054640-7", "con_id": 495_512_563,
             "symbol": "ES", "sec_type": "FUT", "expiry": "20251219", "multiplier": "50", "currency": "USD",
             "local_symbol": "ESZ5", "trading_class": "ES", "exchange": "CME", "side": "BUY", "quantity": "2",
             "order_type": "LMT", "tif": "DAY", "status": "Submitted", "filled_quantity": "0", "placed_at": at,
             "last_live_at": at, "created_at": at, "updated_at": at}  # fmt: skip
    rows = [
        {**plain, "perm_id": 1_700_000_000 + n, "order_id": n, "order_ref": f"strategy-{n:08d}",
         "limit_price": f"{4000 + n % 3000}.25"}
        for n in ROWS
    ]  # fmt: skip
    with engine.connect(path) as connection, engine.write(connection):
        connection.execute(orders.insert(), rows)
    return path


@pytest.fixture(scope="module")
def planned(book: Path) -> Planned:
    """Every order was filled; an action's id is a hash, as in a plan."""
    with engine.connect(book) as connection, engine.read(connection):
        images = reader.images(connection, orders, ROWS)
    filled = {"status": "Filled", "filled_quantity": "2"}
    changes = [
        Change(
            sha256(b"%d" % row).hexdigest()[:16],
            "order",
            "update",
            row,
            before,
            {**before, **filled},
            "completed there",
        )
        for row, before in images.items()
    ]
    predicted = reader.content_fingerprint(("order", change.after) for change in changes if change.after is not None)
    return Planned(changes, reader.rows_fingerprint(images, {}), predicted)


def rows_of(path: Path, table: str) -> list[Row]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def ours(path: Path, planned: Planned, *, disturbed: bool = False) -> tuple[float, float]:
    """
    As `tieout.staging.confirm` has it; answers the seconds before BEGIN, and from BEGIN to COMMIT.

    `disturbed`: somebody wrote elsewhere in the book just before BEGIN, and all of it is worked out again inside.
    """
    with engine.connect(path) as connection:
        start = time.perf_counter()
        with engine.read(connection):
            assert reader.fingerprint_of_rows(connection, {"order": ROWS}) == planned.fingerprint
            standing = read_standing(connection, planned.changes)
        ready = make_ready(connection, standing, planned.changes, APPROVAL)
        if disturbed:
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("INSERT INTO order_events (event_type) VALUES ('STATUS')")
        begin = time.perf_counter()
        with engine.write(connection):
            assert ready.holds(connection) != disturbed
            if disturbed:
                assert reader.fingerprint_of_rows(connection, {"order": ROWS}) == planned.fingerprint
            done = apply_changes(connection, planned.changes, APPROVAL, ready=ready)
            became = reader.fingerprint_of_content(connection, {"order": done.rows.values()}, known=done.content)
            assert became == planned.predicted
        return begin - start, time.perf_counter() - begin


def peer(path: Path, made: ReadyMade) -> float:
    """The seconds from BEGIN to COMMIT."""
    same = " AND ".join(f'"{name}" IS ?' for name in RECONCILED_ORDER)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA synchronous=FULL")
        begin = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        new = "status = ?, filled_quantity = ?, updated_at = ?"
        raw.executemany(f"UPDATE orders SET {new} WHERE id = ? AND {same}", made.updates)
        raw.executemany(f"INSERT INTO order_audit VALUES ({', '.join('?' * len(order_audit.columns))})", made.audit)
        raw.execute(f"INSERT INTO applied_plans VALUES ({', '.join('?' * len(made.journal))})", made.journal)
        raw.execute("COMMIT")
        return time.perf_counter() - begin


@pytest.mark.benchmark(group="confirm")
def test_the_transaction_of_a_confirm(book: Path, planned: Planned, tmp_path: Path) -> None:
    done, written = shutil.copyfile(book, tmp_path / "ours.db"), shutil.copyfile(book, tmp_path / "peer.db")
    ours(done, planned)
    ((journal,), audit) = rows_of(done, "applied_plans"), rows_of(done, "order_audit")
    with closing(sqlite3.connect(done)) as raw:
        ((stamp,),) = raw.execute("SELECT DISTINCT updated_at FROM orders").fetchall()
    seen = [(change.row, *((change.before or {})[name] for name in RECONCILED_ORDER)) for change in planned.changes]
    made = ReadyMade([("Filled", "2", stamp, *one) for one in seen], audit, journal)
    peer(written, made)
    for table in ("orders", "order_audit", "applied_plans"):
        assert rows_of(done, table) == rows_of(written, table)
    assert len(audit) == COUNT

    mine, theirs = tmp_path / "ours.db", tmp_path / "peer.db"
    alone, whole, disturbed = [], [], []
    for _ in range(PAIRS):
        before, within = ours(shutil.copyfile(book, mine), planned)
        other = peer(shutil.copyfile(book, theirs), made)
        _, again = ours(shutil.copyfile(book, mine), planned, disturbed=True)
        alone.append((within, other))
        whole.append((before + within, other))
        disturbed.append((again, other))
    what, beside = f"confirm of {COUNT:,} actions", "executemany of the same statements"
    tell(f"{what}, the transaction alone", beside, medians(alone))
    tell(f"{what}, with what goes before it", beside, medians(whole))
    tell(f"{what}, the transaction alone, somebody wrote just before it", beside, medians(disturbed))
