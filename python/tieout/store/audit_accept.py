"""
Accepting an audit whose chain is broken: the break stays on record for ever, and a new segment begins after it.

The `accepted` row says what was found, who accepted it, when and why, and holds a hash of every row before it as it
stood: from then on those are held to that, and the rows after it to the chain. The row counts only where
`data/state.db` knows it, so that nobody who can write into the book alone can accept his own forgery.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, inspect, select

from tieout.clock import to_iso
from tieout.errors import AuditBroken
from tieout.store import engine
from tieout.store.audit import ACCEPTED, AuditEntry, Head, append_audit, head
from tieout.store.tables import order_audit

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tieout.store.audit import Row

_STATE: Final = MetaData()
_acceptances: Final = Table(
    "audit_acceptances",
    _STATE,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("heads", Integer, nullable=False),
    Column("lineage", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Settled:
    """An acceptance as the state knows it: the row's hash, and how many heads had been kept when it was made."""

    hash: str
    heads: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    What an `accepted` row tells.

    Attributes:
        position: of the row in the chain.
        problem: what was found broken.
        content: the hash of every row before it, as `Walk` takes it.
    """

    position: int
    at: str
    by: str
    reason: str
    problem: str
    content: str

    @classmethod
    def of_row(cls, row: Row, position: int) -> Self | None:
        """What the row tells; None where somebody made it tell something else."""
        try:
            told = json.loads(row["after"])
            problem, content = told["problem"], told["content_sha256"]
        except (ValueError, KeyError, TypeError):
            return None
        words = (row["at"], row["approver"], row["reason"], problem, content)
        return cls(position, *words) if all(isinstance(word, str) for word in words) else None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an operator accepts: the break as `verify` told it, and the content that it was told of."""

    problem: str
    content: str
    by: str
    reason: str
    signed: str
    """Who runs the command, as the system knows them."""
    backup_id: str


def write_acceptance(connection: Connection, accepted: Acceptance, *, now_ns: int) -> Head:
    """
    Append the `accepted` row inside the caller's transaction; answers the chain's new head.

    Raises:
        AuditBroken: nothing can follow the last row: its hash is no text.
    """
    before = head(connection)
    if not isinstance(before.hash, str):
        raise AuditBroken(
            "the last audit row's hash is no text: no row can follow it",
            hint="restore a backup from before (`tieout backup list`)",
        )
    entry = AuditEntry(
        kind=ACCEPTED,
        entity="audit",
        approver=accepted.by,
        reason=accepted.reason,
        after={
            "problem": accepted.problem,
            "content_sha256": accepted.content,
            "head_before": before.hash,
            "signed": accepted.signed,
        },
        backup_id=accepted.backup_id,
    )
    return append_audit(connection, [entry], now_ns=now_ns)


def holds_acceptance(connection: Connection) -> bool:
    """Whether the book holds an `accepted` row."""
    # The index on `row` finds the few rows that name none.
    mine = order_audit.c.row.is_(None) & (order_audit.c.kind == ACCEPTED)
    return connection.execute(select(order_audit.c.id).where(mine).limit(1)).first() is not None


def keep_acceptance(state_db: Path, accepted: Head, *, heads: int, lineage: str, now_ns: int) -> None:
    """
    Remember an acceptance where no restore forgets it.

    Args:
        accepted: the chain's end that the row made.
        heads: how many heads were kept for this book so far: these it settles.
    """
    with engine.connect(state_db) as connection, engine.write(connection):
        _acceptances.create(connection, checkfirst=True)
        values = {"at": to_iso(now_ns), "hash": accepted.hash, "rows": accepted.rows, "heads": heads}
        connection.execute(_acceptances.insert().values(values | {"lineage": lineage}))


def kept_acceptances(state_db: Path, lineage: str) -> list[Settled]:
    """The acceptances of that book's audit, oldest first."""
    if not state_db.is_file():
        return []
    with engine.connect(state_db) as connection, engine.read(connection):
        if not inspect(connection).has_table(_acceptances.name):
            return []
        mine = select(_acceptances).where(_acceptances.c.lineage == lineage).order_by(_acceptances.c.id)
        return [Settled(row["hash"], row["heads"]) for row in connection.execute(mine).mappings()]
