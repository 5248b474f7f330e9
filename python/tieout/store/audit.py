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
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from tieout.canonical import EXACT, Json
from tieout.clock import to_iso
from tieout.store.columns import Written, filled, plain, written
from tieout.store.prepared import Prepared, parameters, prepared, send
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
ACCEPTED: Final = "accepted"
"""Kind of the row that begins a new segment after a break that an operator accepted."""

Row = dict[str, Any]
"""An audit row, every column by name; `before` and `after` are JSON text."""
Column = list[Any] | str | None
"""A column's values, entry by entry, or the one value of all of them."""
_SORTED: Final = tuple(sorted(HASHED))
_PREVIOUS: Final = "previous_hash"


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
    columns: dict[str, Column] = {
        "kind": [entry.kind for entry in entries],
        "entity": [entry.entity for entry in entries],
        "row": [entry.row for entry in entries],
        "plan_id": [entry.plan_id for entry in entries],
        "action_id": [entry.action_id for entry in entries],
        "reason": [entry.reason for entry in entries],
        "before": [row_text(entry.before) for entry in entries],
        "after": [row_text(entry.after) for entry in entries],
        "approver": [entry.approver for entry in entries],
        "backup_id": [entry.backup_id for entry in entries],
    }
    made = make_links(connection, head(connection), columns, count=len(entries), now_ns=now_ns)
    return write_links(connection, made)


@dataclass(frozen=True, slots=True)
class Links:
    """Audit rows ready to be written behind the chain's end as it was, and the end that it will have then."""

    statement: Prepared
    rows: list[Any]
    head: Head


def make_links(connection: Connection, last: Head, columns: Mapping[str, Column], *, count: int, now_ns: int) -> Links:
    """
    Chain entries that are given column by column. The connection is asked nothing.

    Args:
        last: the chain's end as it is.
        columns: every column that the hash covers but `at` and `previous_hash`; `before` and `after` are JSON text.
        count: how many entries.

    Raises:
        TypeError: a column holds what no audit row holds.
    """
    told = {**columns, "at": to_iso(now_ns)}
    hashes = _chain(told, count=count, previous=last.hash)
    previous = [last.hash, *hashes]
    told |= {"previous_hash": previous[:-1], "hash": hashes}
    statement = prepared(connection, order_audit.insert(), columns=COLUMNS[1:])
    rows = parameters(statement, told, count=count)
    return Links(statement, rows, Head(rows=last.rows + count, hash=previous[-1]))


def write_links(connection: Connection, links: Links) -> Head:
    """Write them inside the caller's transaction, in which nobody else added to the chain; answers the new head."""
    send(connection, links.statement, links.rows)
    return links.head


def _chain(columns: Mapping[str, Column], *, count: int, previous: str) -> list[str]:
    """The hashes of rows that follow one another: `row_hash` of each, of which only `previous_hash` has to wait."""
    json_of = {name: _column_json(columns[name], name=name) for name in _SORTED if name != _PREVIOUS}
    left = filled({name: column for name, column in json_of.items() if name < _PREVIOUS}, count=count)
    right = filled({name: column for name, column in json_of.items() if name > _PREVIOUS}, count=count)
    hashes = []
    for before, after in zip(left, right, strict=True):
        text = f'{before[:-1]},"{_PREVIOUS}":{encode_basestring(previous)},{after[1:]}'
        previous = hashlib.sha256(text.encode()).hexdigest()
        hashes.append(previous)
    return hashes


def _column_json(column: Column, *, name: str) -> Written:
    values = column if isinstance(column, list) else [column]
    kinds: set[type] = set(map(type, values)) - {type(None)}
    if not all(issubclass(kind, str) or (name == "row" and kind is int) for kind in kinds):
        raise TypeError(f"{name} holds {', '.join(sorted(kind.__name__ for kind in kinds))}")
    found = written(values, _refused if name == "row" else plain)
    return found if isinstance(column, list) or isinstance(found, str) else str(found[0])


def _refused(value: object) -> str:
    raise TypeError(f"row is {value!r}")


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
        if name != "row" or type(value) is not int or abs(value) > EXACT:
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


def row_text(row: Mapping[str, Json] | None) -> str | None:
    """A row as `before` and `after` hold it."""
    return None if row is None else json.dumps(row, sort_keys=True, ensure_ascii=False)
