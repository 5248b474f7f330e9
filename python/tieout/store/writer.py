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
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from tieout.clock import to_iso
from tieout.store.audit import AuditEntry, Head, append_audit
from tieout.store.batches import batched
from tieout.store.ledger import owners_of, refresh_averages
from tieout.store.rowwise import TABLES, change_rows, insert_rows
from tieout.store.tables import applied_plans, order_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from tieout.canonical import Json
    from tieout.store.reader import Image

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
    """What was done: the row each action touched, counts by kind, the audit's new head."""

    rows: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    head: Head | None = None


_ORDERING = {"insert": 0, "update": 1, "soft_delete": 2, "hard_delete": 3}


def apply_changes(connection: Connection, changes: Sequence[Change], approval: Approval) -> Applied:
    """
    Do all of it, with audit and journal, inside the caller's transaction: orders before executions, what is
    inserted before what is changed, deletes last; statements of one shape are sent together.

    Raises:
        PlanStale: a row is not what the plan saw, or an insert's identity is taken; the caller's transaction
            must roll back.
    """
    done = Applied()
    ordered = sorted(changes, key=_turn)
    before = _whole_rows(connection, [(c.entity, c.row) for c in ordered if c.row is not None])
    for row in (c.row for c in ordered if c.kind == "hard_delete" and c.row is not None):
        before["order", row]["events"] = _events(connection, row)
    for entity, group in _grouped(ordered, lambda change: change.entity):
        inserts = [change for change in group if change.kind == "insert"]
        insert_rows(connection, TABLES[entity], inserts, approval=approval, done=done)
        change_rows(connection, TABLES[entity], [c for c in group if c.kind != "insert"], now_ns=approval.now_ns)
    for change in ordered:
        if change.row is not None:
            done.rows[change.action_id] = change.row
        done.counts[change.kind] += 1
    touched = [done.rows[change.action_id] for change in ordered if change.entity == "execution"]
    refresh_averages(connection, owners_of(connection, touched))
    kept = [(c.entity, done.rows[c.action_id]) for c in ordered if c.kind != "hard_delete"]
    after = _whole_rows(connection, kept)
    entries = [
        AuditEntry(
            kind=change.kind,
            entity=change.entity,
            approver=approval.approver,
            row=(row := done.rows[change.action_id]),
            plan_id=approval.plan_id,
            action_id=change.action_id,
            reason=change.reason,
            before=before.get((change.entity, row)) if change.kind != "insert" else None,
            after=after.get((change.entity, row)),
            backup_id=approval.backup_id,
        )
        for change in ordered
    ]
    done.head = append_audit(connection, entries, now_ns=approval.now_ns)
    _journal(connection, done, approval)
    return done


def _turn(change: Change) -> tuple[int, int, str]:
    return (0 if change.entity == "order" else 1, _ORDERING[change.kind], change.action_id)


def _grouped(changes: Sequence[Change], key: Callable[[Change], str]) -> Iterator[tuple[str, list[Change]]]:
    for name, group in groupby(changes, key=key):
        yield name, list(group)


def _whole_rows(connection: Connection, wanted: Sequence[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Json]]:
    """The rows as they stand in the table, every column; one that is gone is not in the answer."""
    found: dict[tuple[str, int], dict[str, Json]] = {}
    for entity, table in TABLES.items():
        names = [column.name for column in table.columns]
        ids = [row for name, row in wanted if name == entity]
        for some in batched(ids):
            for values in connection.execute(select(table).where(table.c.id.in_(some))):
                found[entity, values[0]] = dict(zip(names, values, strict=True))
    return found


def _events(connection: Connection, row: int) -> list[Json]:
    query = select(order_events).where(order_events.c.order_row == row).order_by(order_events.c.id)
    return [{str(name): value for name, value in event.items()} for event in connection.execute(query).mappings()]


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
