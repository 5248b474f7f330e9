"""
A whole reconcile of an adopted book of real size, without the network: read, match, plan, write the file.

Told beside reading the same rows with bare sqlite3: what no reconcile can do without.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from bench_report import ratio_in_pairs, tell
from tieout.broker import BrokerSettings, open_broker
from tieout.flags import Flags, MatchRules
from tieout.model import Snapshot
from tieout.reconcile.actions import LISTS
from tieout.reconcile.plan import Plan, build_plan
from tieout.samples import TIMEZONE, write_sample_book
from tieout.sim import SimOptions, run_in_thread
from tieout.store import reader
from tieout.store.adopt import adopt_book

COPIES = 3
PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
FLAGS = Flags(dry_run=False, safe_mode=False, dry_run_confirm=False, force_sync_delete=False)
RULES = MatchRules(window_seconds=300, exact_price=True, price_tolerance=Decimal(0), accept_unique=False)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample book three times over, under other ids: about a thousand orders; adopted."""
    folder = tmp_path_factory.mktemp("bench")
    old = folder / "old.db"
    write_sample_book(old)
    with closing(sqlite3.connect(old)) as connection, connection:
        for table, key in (("orders", None), ("order_events", "id"), ("executions", "id")):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != key]
            for copy in range(1, COPIES):
                moved = ", ".join(f"order_id + {copy * 100_000}" if c == "order_id" else c for c in columns)
                names = ", ".join(columns)
                connection.execute(f"INSERT INTO {table} ({names}) SELECT {moved} FROM {table} WHERE order_id < 100000")
    adopted = folder / "orders.db"
    adopt_book(old, target=adopted, account="DU1", client_id=11, timezone=TIMEZONE, now_ns=0, approver="bench")
    return adopted


@pytest.fixture(scope="module")
def said(book: Path) -> tuple[Snapshot, dict[str, list[object]]]:
    """What the simulated gateway answered once, and what a correct plan for it holds."""
    truth = book.with_name("truth.json")
    with run_in_thread(SimOptions(book=book, truth=truth)) as sim:
        settings = BrokerSettings(client="ib_async", host="127.0.0.1", port=sim.port, client_id=12)
        with open_broker(settings) as broker:
            broker.connect()
            snapshot = broker.snapshot()
    return snapshot, json.loads(truth.read_text())


def reconcile(book: Path, snapshot: Snapshot) -> Plan:
    """Everything between the broker's answer and the plan's file."""
    plan = build_plan(snapshot, reader.load(book), flags=FLAGS, rules=RULES, symbols=("ES",), moving=frozenset())
    json.dumps([action.to_json() for action in plan.actions])
    return plan


def bare_read(book: Path) -> int:
    """The same rows through sqlite3 alone."""
    with closing(sqlite3.connect(book)) as connection:
        return sum(len(connection.execute(f"SELECT * FROM {table}").fetchall()) for table in ("orders", "executions"))


@pytest.mark.benchmark(group="reconcile")
def test_whole_reconcile_of_a_book_of_real_size(book: Path, said: tuple[Snapshot, dict[str, list[object]]]) -> None:
    snapshot, truth = said
    plan = reconcile(book, snapshot)
    assert plan.summary() == {name: len(truth[name]) for name in LISTS}
    assert plan.summary()["to_update"] == 20 * COPIES
    assert bare_read(book) > 1_000
    figures = ratio_in_pairs(lambda: reconcile(book, snapshot), lambda: bare_read(book), pairs=PAIRS)
    tell("whole reconcile of about 1,000 orders", "bare read of the same rows", figures)
