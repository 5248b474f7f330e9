"""
A strategy that sent one order again and again, of which the book has forgotten every id: nothing of it can be decided,
and that is said in time near linear, with files that can be read. The true number of possible pairs is checked first.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from phases import Phases
from stage_data import ACCOUNT, NOON_NS, PERM, Drift, make_snapshot
from test_stage_bench import FLAGS, RULES
from tieout.backup import make_backup
from tieout.files import pretty_json
from tieout.model import Snapshot
from tieout.reconcile import plan as planning
from tieout.reconcile.ambiguity import LISTED_MAX
from tieout.reconcile.match import match_orders
from tieout.schema import ORDER, empty
from tieout.staging.planfile import Bound, render
from tieout.store import migrate, reader

ORDERS: Final = int(os.environ.get("TIEOUT_BENCH_ALIKE", "100"))


def make_book(path: Path) -> None:
    """So many live orders that differ in nothing but their row."""
    migrate.create_book(path, now_ns=NOON_NS)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO orders (id, account, con_id, symbol, sec_type, side, quantity, order_type, limit_price, tif,"
            " status, filled_quantity, placed_at, updated_at)"
            f" SELECT i, '{ACCOUNT}', 495512563, 'ES', 'FUT', 'BUY', '2', 'LMT', '4000.25', 'DAY', 'Submitted', '0',"
            " '2025-12-07T11:00:00.000Z', '2025-12-07T11:00:01.000Z' FROM n",
            (ORDERS,),
        )


def make_answer() -> Snapshot:
    """The broker's: as many, each with a permanent id."""
    told = {
        "account": ACCOUNT, "con_id": 495_512_563, "symbol": "ES", "sec_type": "FUT", "side": "BUY",
        "quantity_e8": 2 * 10**8, "order_type": "LMT", "limit_price_e8": 400_025 * 10**6, "tif": "DAY",
        "status": "Submitted", "filled_quantity_e8": 0, "live": True, "inexact": False,
        "placed_ns": NOON_NS - 3_600 * 10**9,
    }  # fmt: skip
    alike = pl.DataFrame({"perm_id": range(PERM, PERM + ORDERS)}).with_columns(
        pl.lit(told.get(name)).alias(name) for name in ORDER if name != "perm_id"
    )
    plain = make_snapshot(Drift(20, 1))
    return replace(
        plain,
        open_orders=alike.select(pl.col(name).cast(kind) for name, kind in ORDER.items()),
        completed_orders=empty(ORDER),
        executions=plain.executions.clear(),
    )


def test_look_alikes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, phases, answer = tmp_path / "orders.db", Phases(), make_answer()
    make_book(book)
    backup = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    with phases.phase("read"):
        read = reader.load(book)
    monkeypatch.setattr(planning, "match_orders", phases.told("match", match_orders))
    with phases.phase("plan"):
        plan = planning.build_plan(answer, read, flags=FLAGS, rules=RULES, symbols=("ES",), moving=frozenset())
        plan_id = plan.plan_id(config={}, lineage=read.identity.lineage, restore_epoch=0, last_applied=None)
    with phases.phase("write"):
        bound = Bound(plan_id=plan_id, config={}, identity=read.identity, snapshot=answer, backup=backup,
                      generated_ns=NOON_NS, expires_ns=NOON_NS + 1, simulated=False)  # fmt: skip
        staged = render(plan, bound)
        listed = pretty_json({"ambiguous_matches": [one.to_json() for one in plan.undecided]})
    (told,) = json.loads(listed)["ambiguous_matches"]
    assert (plan.actions, len(told["broker"]), len(told["book"])) == ((), ORDERS, ORDERS)
    assert (told["possible"], len(told["candidates"])) == (ORDERS**2, min(ORDERS * 64, LISTED_MAX))
    sizes = f"staged {len(staged) >> 20} MiB, ambiguous {len(listed) >> 20} MiB"
    print(f"\n{ORDERS:,} look-alikes: {sizes}\n{phases.table()}")
