"""
The audit: one row per change, chained by hash.

Each row's `hash` is the SHA-256 of its canonical JSON, `previous_hash` included; the first row's previous is
`GENESIS`. An edit, a deletion in the middle or a swap breaks the chain; a cut tail shows only against the head
that the state and the log keep. Rows that were moved to an archive keep their place in the chain: positions count
from 1 over archives and table together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from tieout.canonical import Json
from tieout.clock import to_iso
from tieout.store.tables import order_audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

GENESIS: Final = "0" * 64

HASHED: Final = (
    "at", "kind", "entity", "row", "plan_id", "action_id", "reason", "before", "after", "approver", "backup_id",
    "previous_hash",
)  # fmt: skip
"""The columns that the hash covers: all but `id` and the hash itself."""
COLUMNS: Final = ("id", *HASHED, "hash")

ARCHIVED: Final = "archived"
"""Kind of the row that says which rows went to which archive."""
RESTORED: Final = "restored"
"""Kind of the row that continues the chain of a book that was put back: what came after the backup is gone."""

Row = dict[str, Any]
"""An audit row, every column by name; `before` and `after` are JSON text."""
_SORTED: Final = tuple(sorted(HASHED))
_INTEGER_MAX: Final = 2**53 - 1


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
    """A point of the chain, mostly its end: the position, which is how many rows it has so far, and the hash there."""

    rows: int
    hash: str


def append_audit(connection: Connection, entries: Sequence[AuditEntry], *, now_ns: int) -> Head:
    """Append the entries to the chain, in order, inside the caller's transaction; answers the new head."""
    last = head(connection)
    previous, at = last.hash, to_iso(now_ns)
    rows: list[Row] = []
    for entry in entries:
        row: Row = {
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
        previous = row_hash(row)
        rows.append({**row, "hash": previous})
    if rows:
        connection.execute(order_audit.insert(), rows)
    return Head(rows=last.rows + len(rows), hash=previous)


def head(connection: Connection) -> Head:
    """The chain's end as the book has it; archived rows count."""
    newest = select(order_audit.c.hash).order_by(order_audit.c.id.desc()).limit(1)
    rows = connection.execute(select(func.count()).select_from(order_audit)).scalar_one()
    return Head(rows=archived_rows(connection) + rows, hash=connection.execute(newest).scalar() or GENESIS)


def archived_rows(connection: Connection) -> int:
    """How many rows of the chain are in archives, as the newest `archived` row says."""
    # The index on `row` finds the few rows that name none; `kind` has no index.
    mine = order_audit.c.row.is_(None) & (order_audit.c.kind == ARCHIVED)
    newest = select(order_audit.c.after).where(mine).order_by(order_audit.c.id.desc()).limit(1)
    told = connection.execute(newest).scalar()
    try:
        return 0 if told is None else int(json.loads(told)["last"])
    except (ValueError, KeyError, TypeError):
        return 0  # somebody edited it: verifying the chain says so


def row_hash(row: Mapping[str, Any]) -> str:
    """
    SHA-256 of the row's canonical JSON (tieout.canonical), nine times as fast as the general form.

    Raises:
        TypeError, ValueError: a column holds what no audit row holds; somebody else wrote it.
    """
    for name in _SORTED:
        value = row[name]
        if value is None or isinstance(value, str):
            continue
        if name != "row" or type(value) is not int or abs(value) > _INTEGER_MAX:
            raise TypeError(f"{name} is {value!r}")
    text = json.dumps({name: row[name] for name in _SORTED}, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def links(row: Row, previous: str) -> bool:
    """Whether the row follows the one with that hash, and its own hash is right."""
    try:
        return bool(row["previous_hash"] == previous and row["hash"] == row_hash(row))
    except (TypeError, ValueError):
        return False


def table_rows(connection: Connection) -> Iterator[Row]:
    """Every audit row that is still in the book, in the chain's order; text that is not UTF-8 comes as it is."""
    raw: Any = connection.connection.driver_connection
    before = raw.text_factory
    raw.text_factory = _decode
    try:
        cursor = connection.execute(select(order_audit).order_by(order_audit.c.id))
        for row in cursor.mappings():
            yield dict(row)
    finally:
        raw.text_factory = before


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _text(row: dict[str, Json] | None) -> str | None:
    return None if row is None else json.dumps(row, sort_keys=True, ensure_ascii=False)
