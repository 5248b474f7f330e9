"""
The operator's choices in ambiguous matches, as `data/state.db` keeps them.

A choice holds for the records that were shown when it was made: it carries them, and the fingerprint of each. It
lapses for a record in which anything that was shown has changed since.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, select

from tieout.canonical import Json, digest
from tieout.clock import from_iso, to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

Record = dict[str, Json]
"""An order or execution as it was shown: identity, contract, compared fields, time; a book's with its `row`."""
Choice = Literal["pair", "none"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """
    One choice: `broker` and `book` are the same order ("pair", one of each), or none of them is any of the other
    side's ("none").
    """

    match_id: str
    entity: str
    account: str | None
    choice: Choice
    broker: tuple[Record, ...]
    book: tuple[Record, ...]
    by: str
    reason: str
    at_ns: int

    @property
    def fingerprints(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the broker's records and of the book's, in their order."""
        return tuple(self.fingerprint(one) for one in self.broker), tuple(self.fingerprint(one) for one in self.book)

    @property
    def resolution_id(self) -> str:
        """Stable: the same choice over the same records by the same person."""
        sides: list[Json] = [list(side) for side in self.fingerprints]
        return digest([self.entity, self.account, self.choice, self.by, *sides])[:16]

    def fingerprint(self, record: Record) -> str:
        """Of one of its records."""
        return fingerprint(self.entity, self.account, record)

    def to_json(self) -> dict[str, Json]:
        """The choice as a staged plan carries it."""
        return {
            "resolution_id": self.resolution_id,
            "match_id": self.match_id,
            "entity": self.entity,
            "choice": self.choice,
            "broker": list(self.broker),
            "book": list(self.book),
            "by": self.by,
            "reason": self.reason,
            "at": to_iso(self.at_ns),
        }


def fingerprint(entity: str, account: str | None, record: Record) -> str:
    """SHA-256 of a record as it was shown."""
    return digest([entity, account, dict(record)])


def make_table(metadata: MetaData) -> Table:
    """The table, in the state file's metadata."""
    return Table(
        "resolutions",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("resolution_id", Text, nullable=False),
        Column("match_id", Text, nullable=False),
        Column("entity", Text, nullable=False),
        Column("account", Text),
        Column("choice", Text, nullable=False),
        Column("broker", Text, nullable=False),
        Column("book", Text, nullable=False),
        Column("broker_fingerprints", Text, nullable=False),
        Column("book_fingerprints", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("lineage", Text, nullable=False),
        Column("simulated", Boolean, nullable=False),
        Column("replaced_at", Text),
    )


def keep(connection: Connection, table: Table, resolution: Resolution, *, lineage: str, simulated: bool) -> int:
    """Add a choice; earlier ones over any of its records give way. Answers how many did."""
    ours = {one for side in resolution.fingerprints for one in side}
    rows = connection.execute(_standing(table, lineage=lineage, simulated=simulated)).mappings().all()
    replaced = [
        row["id"]
        for row in rows
        if ours & {*json.loads(row["broker_fingerprints"]), *json.loads(row["book_fingerprints"])}
    ]
    if replaced:
        mine = table.c.id.in_(replaced)
        connection.execute(table.update().where(mine).values(replaced_at=to_iso(resolution.at_ns)))
    broker, book = resolution.fingerprints
    connection.execute(
        table.insert().values(
            **{name: getattr(resolution, name) for name in _PLAIN},
            broker=json.dumps(resolution.broker),
            book=json.dumps(resolution.book),
            broker_fingerprints=json.dumps(broker),
            book_fingerprints=json.dumps(book),
            at=to_iso(resolution.at_ns),
            lineage=lineage,
            simulated=simulated,
        )
    )
    return len(replaced)


def standing(connection: Connection, table: Table, *, lineage: str, simulated: bool) -> list[Resolution]:
    """The choices that were made for that book and kind of gateway and not replaced, oldest first."""
    rows = connection.execute(_standing(table, lineage=lineage, simulated=simulated)).mappings()
    return [
        Resolution(
            **{name: row[name] for name in _PLAIN if name != "resolution_id"},
            broker=tuple(json.loads(row["broker"])),
            book=tuple(json.loads(row["book"])),
            at_ns=from_iso(row["at"]),
        )
        for row in rows
    ]


_PLAIN = ("resolution_id", "match_id", "entity", "account", "choice", "by", "reason")


def _standing(table: Table, *, lineage: str, simulated: bool) -> Any:
    mine = (table.c.lineage == lineage) & (table.c.simulated == simulated) & table.c.replaced_at.is_(None)
    return select(table).where(mine).order_by(table.c.id)
