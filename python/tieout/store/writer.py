"""
The only SQL that changes rows of a book: a plan's changes, each a compare-and-set on its before-image.

Invariants, inside one transaction that the caller opened with `engine.write`:
1. A change finds exactly one row that still equals its before-image, or the whole transaction fails.
2. An insert finds no row with its identity, or the whole transaction fails.
3. Every change has its audit row; the execution journal names them all.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tieout.clock import to_iso
from tieout.store.audit import Head, write_links
from tieout.store.ledger import owners_of, refresh_averages
from tieout.store.ready import Ready, as_found, make_ready, read_standing, whole_rows
from tieout.store.rowwise import TABLES, change_rows, insert_rows
from tieout.store.tables import applied_plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tieout.store.reader import Image, Known

Kind = Literal["insert", "update", "soft_delete", "hard_delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """
    One action, as the store sees it.

    `row` is the changed row's id (None on an insert); `order_row` or `order_action` name the order that an
    inserted execution belongs to: a row that is there, or another change of the same plan that inserts it.
    """

    action_id: str
    entity: Literal["order", "execution"]
    kind: Kind
    row: int | None
    before: Image | None
    after: Image | None
    reason: str
    order_row: int | None = None
    order_action: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who lets which plan happen, on what backup, when."""

    plan_id: str
    file_sha256: str
    approver: str
    backup_id: str
    now_ns: int
    predicted_fingerprint: str
    subset: str | None = None
    """SHA-256 of the chosen actions' ids where the operator confirmed only some of the plan."""


@dataclass(slots=True)
class Applied:
    """
    What was done: the row each action touched, counts by kind, the audit's new head.

    `content` is what the kept rows should have become: the caller proves it by reading them.
    """

    rows: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    head: Head | None = None
    content: Known | None = None


def apply_changes(
    connection: Connection, changes: Sequence[Change], approval: Approval, *, ready: Ready | None = None
) -> Applied:
    """
    Do all of it, with audit and journal, inside the caller's transaction: orders before executions, what is
    inserted before what is changed, deletes last; statements of one shape are sent together.

    Args:
        ready: what `make_ready` made of the same changes and approval on this connection; used if it still holds.

    Raises:
        PlanStale: a row is not what the plan saw, or an insert's identity is taken; the caller's transaction
            must roll back.
    """
    if ready is None or not ready.holds(connection):
        ready = make_ready(connection, read_standing(connection, changes), changes, approval)
    for entity, table in TABLES.items():
        insert_rows(connection, table, ready.inserts[entity])
        change_rows(connection, table, ready.updates[entity])
    rows_of = ready.rows_of
    touched = [rows_of[change.action_id] for change in ready.changes if change.entity == "execution"]
    refresh_averages(connection, owners_of(connection, touched))
    kept = [(c.entity, rows_of[c.action_id]) for c in ready.changes if c.kind != "hard_delete"]
    links = as_found(connection, ready, whole_rows(connection, kept), now_ns=approval.now_ns)
    done = Applied(rows_of, Counter(change.kind for change in ready.changes), content=ready.content)
    done.head = write_links(connection, links)
    _journal(connection, done, approval)
    return done


def _journal(connection: Connection, done: Applied, approval: Approval) -> None:
    connection.execute(
        applied_plans.insert().values(
            plan_id=approval.plan_id,
            file_sha256=approval.file_sha256,
            applied_at=to_iso(approval.now_ns),
            approver=approval.approver,
            actions=json.dumps(sorted(done.rows)),
            counts=json.dumps(dict(sorted(done.counts.items()))),
            backup_id=approval.backup_id,
            fingerprint=approval.predicted_fingerprint,
            subset=approval.subset,
        )
    )
