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

from sqlalchemy import and_, func, select

from tieout.clock import to_iso
from tieout.errors import PlanStale
from tieout.model import is_live
from tieout.store.audit import AuditEntry, Head, append_audit
from tieout.store.ledger import refresh_averages
from tieout.store.tables import applied_plans, executions, order_events, orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, RowMapping, Table

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


@dataclass(frozen=True, slots=True)
class _Seen:
    """A change that was made, with the whole row as it was before."""

    change: Change
    row: int
    before: dict[str, Json] | None


_ORDERING = {"insert": 0, "update": 1, "soft_delete": 2, "hard_delete": 3}


def apply_changes(connection: Connection, changes: Sequence[Change], approval: Approval) -> Applied:
    """
    Do all of it, with audit and journal, inside the caller's transaction.

    Raises:
        PlanStale: a row is not what the plan saw, or an insert's identity is taken; the caller's transaction
            must roll back.
    """
    done = Applied()
    seen: list[_Seen] = []
    for change in sorted(changes, key=_turn):
        table = orders if change.entity == "order" else executions
        before = None if change.row is None else _whole(connection, table, change.row)
        if before is not None and change.kind == "hard_delete":
            before["events"] = _events(connection, change.row)
        row = _apply_one(connection, table, change, approval=approval, done=done)
        done.rows[change.action_id] = row
        done.counts[change.kind] += 1
        seen.append(_Seen(change, row, before))
    fills = [one.row for one in seen if one.change.entity == "execution"]
    refresh_averages(connection, {owner for row in fills if (owner := _owner(connection, row)) is not None})
    entries = [_entry(connection, one, approval) for one in seen]
    done.head = append_audit(connection, entries, now_ns=approval.now_ns)
    _journal(connection, done, approval)
    return done


def _entry(connection: Connection, seen: _Seen, approval: Approval) -> AuditEntry:
    change = seen.change
    table = orders if change.entity == "order" else executions
    return AuditEntry(
        kind=change.kind,
        entity=change.entity,
        approver=approval.approver,
        row=seen.row,
        plan_id=approval.plan_id,
        action_id=change.action_id,
        reason=change.reason,
        before=seen.before,
        after=None if change.kind == "hard_delete" else _whole(connection, table, seen.row),
        backup_id=approval.backup_id,
    )


def _apply_one(connection: Connection, table: Table, change: Change, *, approval: Approval, done: Applied) -> int:
    if change.kind == "insert":
        return _insert(connection, table, change, approval=approval, done=done)
    if change.row is None or change.before is None:
        raise PlanStale(f"action {change.action_id} names no row to change", hint="stage again")
    same = and_(table.c.id == change.row, *_equals(table, change.before))
    if change.kind == "hard_delete":
        found = connection.execute(table.delete().where(same)).rowcount
    else:
        values = _changed(change)
        if table is orders:
            values["updated_at"] = to_iso(approval.now_ns)
            if change.kind == "update" and is_live(str((change.after or {}).get("status", ""))):
                values["last_live_at"] = to_iso(approval.now_ns)  # seen open just now, whatever field changed
        found = connection.execute(table.update().where(same).values(values)).rowcount
    if found != 1:
        raise PlanStale(
            f"{change.entity} row {change.row} is no longer what the plan saw; nothing was changed",
            hint="stage again and review the new plan",
        )
    return change.row


def _insert(connection: Connection, table: Table, change: Change, *, approval: Approval, done: Applied) -> int:
    values: dict[str, object] = dict(change.after or {})
    _refuse_taken(connection, table, values)
    now = to_iso(approval.now_ns)
    values |= {"created_at": now, "origin": "broker"}
    if table is orders:
        values |= {"updated_at": now, "last_live_at": now if is_live(str(values["status"])) else None}
    else:
        owner = change.order_row if change.order_action is None else done.rows.get(change.order_action)
        if owner is None:
            raise PlanStale(f"action {change.action_id}: its order is not in the book", hint="stage again")
        values["order_row"] = owner
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    if key is None:
        raise PlanStale(f"action {change.action_id}: the book gave the new row no id", hint="stage again")
    return int(key[0])


def _refuse_taken(connection: Connection, table: Table, values: Mapping[str, object]) -> None:
    name = "perm_id" if table is orders else "exec_id"
    if values.get(name) is None:
        return
    taken = select(func.count()).where(table.c.account == values["account"], table.c[name] == values[name])
    if connection.execute(taken).scalar_one():
        raise PlanStale(
            f"the book has {name} {values[name]} by now; nothing was changed",
            hint="stage again and review the new plan",
        )


def _equals(table: Table, before: Image) -> list[ColumnElement[bool]]:
    return [table.c[name].is_not_distinct_from(value) for name, value in before.items()]


def _changed(change: Change) -> dict[str, object]:
    before, after = change.before or {}, change.after or {}
    return {name: value for name, value in after.items() if before.get(name) != value}


def _turn(change: Change) -> tuple[int, int, str]:
    return (0 if change.entity == "order" else 1, _ORDERING[change.kind], change.action_id)


def _whole(connection: Connection, table: Table, row: int) -> dict[str, Json] | None:
    found = connection.execute(select(table).where(table.c.id == row)).mappings().first()
    return None if found is None else _plain(found)


def _owner(connection: Connection, row: int) -> int | None:
    owner = connection.execute(select(executions.c.order_row).where(executions.c.id == row)).scalar()
    return None if owner is None else int(owner)


def _events(connection: Connection, row: int | None) -> list[Json]:
    query = select(order_events).where(order_events.c.order_row == row).order_by(order_events.c.id)
    return [_plain(event) for event in connection.execute(query).mappings()]


def _plain(row: RowMapping) -> dict[str, Json]:
    return {str(name): value for name, value in row.items()}


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
