"""
A stage of a book of a million orders with a thousand drifts: time and peak memory of each phase, as a table.

Everything that a stage does but for the network: the broker's answer comes through the port as finished frames, so
sockets, decoding and gathering are left out (`test_snapshot_bench.py` has them). The answer is checked first: the plan
holds exactly the planted drifts.
"""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from phases import Phases
from stage_data import NOON_NS, Drift, make_book, make_snapshot
from tieout.backup import make_backup
from tieout.files import write_atomically
from tieout.flags import Flags, MatchRules
from tieout.reconcile import plan as planning
from tieout.reconcile.match import match_orders
from tieout.staging.planfile import Bound, render
from tieout.store import reader

ORDERS = int(os.environ.get("TIEOUT_BENCH_ORDERS", "2000"))
DRIFT = Drift(ORDERS, min(1000, ORDERS // 20))
FLAGS = Flags(dry_run=False, safe_mode=False, dry_run_confirm=False, force_sync_delete=False)
RULES = MatchRules(window_seconds=300, exact_price=True, price_tolerance=Decimal(0), accept_unique=False)


def test_the_phases_of_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, phases = tmp_path / "orders.db", Phases()
    make_book(book, DRIFT)
    with phases.phase("backup"):
        backup = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    with reader.rereading(book) as read:
        with phases.phase("read"):
            first = read()
        with phases.phase("fetch"):
            snapshot = make_snapshot(DRIFT)
        with phases.phase("read"):
            second = read()
    monkeypatch.setattr(planning, "match_orders", phases.told("match", match_orders))
    with phases.phase("plan"):
        moving = planning.changed_rows(first, second)
        plan = planning.build_plan(snapshot, second, flags=FLAGS, rules=RULES, symbols=("ES",), moving=moving)
        plan_id = plan.plan_id(config={}, lineage=second.identity.lineage, restore_epoch=0, last_applied=None)
    with phases.phase("write"):
        bound = Bound(plan_id=plan_id, config={}, identity=second.identity, snapshot=snapshot, backup=backup,
                      generated_ns=NOON_NS, expires_ns=NOON_NS + 1, simulated=False)  # fmt: skip
        write_atomically(tmp_path / "staged_actions.json", render(plan, bound))
    assert (second.orders.height, plan.undecided) == (ORDERS - 2 * DRIFT.count // 10, ())
    assert Counter((action.entity, action.kind, action.perm_id) for action in plan.actions) == DRIFT.truth()
    print(f"\nstage of {ORDERS:,} orders with {DRIFT.count:,} drifts\n{phases.table()}")
