"""
The audit: one row per change, chained by hash.

Each row's `hash` is the SHA-256 of its canonical JSON, `previous_hash` included; the first row's previous is
`GENESIS`. An edit, a deletion in the middle or a swap breaks the chain; a cut tail shows only against the head
that the state and the log keep.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from tieout.canonical import Json, digest
from tieout.clock import to_iso
from tieout.store.tables import order_audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

GENESIS: Final = "0" * 64

HASHED: Final = (
    "at", "kind", "entity", "row", "plan_id", "action_id", "reason", "before", "after", "approver", "backup_id",
    "previous_hash",
)  # fmt: skip
"""The columns that the hash covers: all but `id` and the hash itself."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """
    One change, to be written beside the change itself in the same transaction.

    `before` and `after` are whole rows of the table, or None where there was or is none; `row` is the changed
    row's id.
    """

    kind: str
    entity: str
    approver: str
    row: int | None = None
    plan_id: str | None = None
    action_id: str | None = None
    reason: str | None = None
    before: dict[str, Json] | None = None
    after: dict[str, Json] | None = None
    backup_id: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many rows, and the last one's hash."""

    rows: int
    hash: str


def append_audit(connection: Connection, entries: Sequence[AuditEntry], *, now_ns: int) -> Head:
    """Append the entries to the chain, in order, inside the caller's transaction; answers the new head."""
    last = head(connection)
    previous, at = last.hash, to_iso(now_ns)
    rows: list[dict[str, object]] = []
    for entry in entries:
        row: dict[str, Json] = {
            "at": at,
            "kind": entry.kind,
            "entity": entry.entity,
            "row": entry.row,
            "plan_id": entry.plan_id,
            "action_id": entry.action_id,
            "reason": entry.reason,
            "before": _text(entry.before),
            "after": _text(entry.after),
            "approver": entry.approver,
            "backup_id": entry.backup_id,
            "previous_hash": previous,
        }
        previous = digest(row)
        rows.append({**row, "hash": previous})
    if rows:
        connection.execute(order_audit.insert(), rows)
    return Head(rows=last.rows + len(rows), hash=previous)


def head(connection: Connection) -> Head:
    """The chain's end as the book has it."""
    newest = select(order_audit.c.hash).order_by(order_audit.c.id.desc()).limit(1)
    rows = connection.execute(select(func.count()).select_from(order_audit)).scalar_one()
    return Head(rows=rows, hash=connection.execute(newest).scalar() or GENESIS)


def broken_at(rows: Iterable[dict[str, Json]]) -> int | None:
    """The id of the first row whose hash or link is wrong, or None where the chain holds."""
    previous: Json = GENESIS
    for row in rows:
        wanted = digest({name: row[name] for name in HASHED})
        if row["previous_hash"] != previous or row["hash"] != wanted:
            found = row["id"]
            return found if isinstance(found, int) else -1
        previous = row["hash"]
    return None


def chain(connection: Connection) -> Iterable[dict[str, Json]]:
    """Every audit row in order."""
    for row in connection.execute(select(order_audit).order_by(order_audit.c.id)).mappings():
        yield dict(row)


def _text(row: dict[str, Json] | None) -> str | None:
    return None if row is None else json.dumps(row, sort_keys=True, ensure_ascii=False)
