"""
`data/state.db`: what a restore of the book must not forget.

The staging journal (which plan waits, with the SHA-256 of its file), plans ever applied, audit heads, broker
sessions. Small, in a file of its own, rollback journal, synchronous=FULL.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text, select

from tieout.clock import from_iso, to_iso
from tieout.errors import BookUnusable
from tieout.store import engine, migrate, resolutions, sessions
from tieout.store.audit import Head
from tieout.store.tables import applied_plans as book_applied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, RowMapping

    from tieout.model import Gateway, Snapshot
    from tieout.store.resolutions import Resolution

VERSION: Final = 1
STATE: Final = MetaData()

PlanState = Literal["writing", "waiting", "empty", "superseded", "applied"]

staged = Table(
    "staged_plans",
    STATE,
    Column("id", Integer, primary_key=True),
    Column("plan_id", Text, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("staged_at", Text, nullable=False),
    Column("staged_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("backup_id", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("executable", Integer, nullable=False),
    Column("simulated", Boolean, nullable=False),
)
applied = Table(
    "applied_plans",
    STATE,
    Column("plan_id", Text, primary_key=True),
    Column("applied_at", Text, nullable=False),
    Column("backup_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("counts", Text, nullable=False),
)
heads = Table(
    "audit_heads",
    STATE,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("lineage", Text, nullable=False),
)
journal = sessions.make_table(STATE)
choices = resolutions.make_table(STATE)


@dataclass(frozen=True, slots=True)
class StagedPlan:
    """A line of the staging journal."""

    plan_id: str
    file_sha256: str
    staged_ns: int
    expires_ns: int
    state: PlanState
    backup_id: str
    summary: dict[str, int]
    executable: int
    """How many actions a confirm could execute; 0 is a plan that asks for nothing."""
    simulated: bool


class State:
    """The state file of one workspace; every method is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def waiting(self, now_ns: int) -> StagedPlan | None:
        """The plan that waits for a confirm, if one does and has not expired."""
        newest = self.newest()
        return newest if newest and newest.state == "waiting" and newest.expires_ns > now_ns else None

    def newest(self) -> StagedPlan | None:
        """The plan staged last, whatever became of it."""
        if not self.path.is_file():
            return None
        with self._connect() as connection, engine.read(connection):
            finished = select(staged).where(staged.c.state != "writing").order_by(staged.c.id.desc()).limit(1)
            row = connection.execute(finished).mappings().first()
        return None if row is None else _staged(row)

    def find(self, prefix: str) -> list[StagedPlan]:
        """The plans ever staged whose id begins so, newest first, each id once."""
        if not self.path.is_file():
            return []
        with self._connect() as connection, engine.read(connection):
            named = staged.c.plan_id.startswith(prefix, autoescape=True) & (staged.c.state != "writing")
            query = select(staged).where(named).order_by(staged.c.id.desc())
            rows = [_staged(row) for row in connection.execute(query).mappings()]
        return list({plan.plan_id: plan for plan in reversed(rows)}.values())[::-1]

    def announce(self, plan: StagedPlan) -> None:
        """Journal that this plan's file is about to be written: a crash in between is no edit."""
        with self._connect() as connection, engine.write(connection):
            connection.execute(staged.delete().where(staged.c.state == "writing"))
            connection.execute(staged.insert().values(_columns(plan) | {"state": "writing"}))

    def is_announced(self, file_sha256: str) -> bool:
        """Whether a file with that SHA-256 was being written when its stage was cut off."""
        if not self.path.is_file():
            return False
        query = select(staged.c.id).where(staged.c.file_sha256 == file_sha256, staged.c.state == "writing")
        with self._connect() as connection, engine.read(connection):
            return connection.execute(query).first() is not None

    def stage(self, plan: StagedPlan) -> None:
        """Journal a plan as the one that waits; what waited before is superseded."""
        with self._connect() as connection, engine.write(connection):
            connection.execute(staged.delete().where(staged.c.state == "writing"))
            connection.execute(staged.update().where(staged.c.state == "waiting").values(state="superseded"))
            connection.execute(staged.insert().values(_columns(plan)))

    def settle(self, plan_id: str, state: PlanState) -> None:
        """Say what became of a waiting plan."""
        with self._connect() as connection, engine.write(connection):
            waiting = (staged.c.plan_id == plan_id) & (staged.c.state == "waiting")
            connection.execute(staged.update().where(waiting).values(state=state))

    def is_applied(self, plan_id: str) -> bool:
        """Whether that plan ever ran; a restore does not undo this."""
        if not self.path.is_file():
            return False
        with self._connect() as connection, engine.read(connection):
            return connection.execute(select(applied).where(applied.c.plan_id == plan_id)).first() is not None

    def last_applied(self) -> str | None:
        """The plan applied last, or None."""
        if not self.path.is_file():
            return None
        with self._connect() as connection, engine.read(connection):
            newest = select(applied.c.plan_id).order_by(applied.c.applied_at.desc(), applied.c.plan_id).limit(1)
            return connection.execute(newest).scalar()

    def carry_over(self, book: Path) -> list[str]:
        """
        Take over what only the book's execution journal tells: a confirm that died after its commit.

        Raises:
            BookError: there is no book of the present layout.
        """
        with engine.connect(book) as connection, engine.read(connection):
            migrate.require_current(connection, book)
            rows = connection.execute(select(book_applied)).mappings().all()
        if not rows:
            return []
        with self._connect() as connection, engine.write(connection):
            known = set(connection.execute(select(applied.c.plan_id)).scalars())
            news = [row for row in rows if row["plan_id"] not in known]
            for row in news:
                names = ("plan_id", "applied_at", "backup_id", "fingerprint", "counts")
                connection.execute(applied.insert().values({name: row[name] for name in names}))
                mine = (staged.c.plan_id == row["plan_id"]) & (staged.c.state == "waiting")
                connection.execute(staged.update().where(mine).values(state="applied"))
        return [str(row["plan_id"]) for row in news]

    def keep_head(self, head: Head, *, lineage: str, now_ns: int) -> None:
        """Remember the audit chain's end, so that a cut tail shows."""
        with self._connect() as connection, engine.write(connection):
            values = {"at": to_iso(now_ns), "rows": head.rows, "hash": head.hash, "lineage": lineage}
            connection.execute(heads.insert().values(values))

    def kept_heads(self, lineage: str) -> list[Head]:
        """The ends that the audit chain of that book ever had, as they were kept, oldest first."""
        if not self.path.is_file():
            return []
        query = select(heads.c.rows, heads.c.hash).where(heads.c.lineage == lineage).order_by(heads.c.id)
        with self._connect() as connection, engine.read(connection):
            return [Head(rows=row.rows, hash=row.hash) for row in connection.execute(query)]

    def newest_head(self, lineage: str) -> Head | None:
        """The end of the audit chain of that book that was kept last, or None."""
        if not self.path.is_file():
            return None
        query = select(heads.c.rows, heads.c.hash).where(heads.c.lineage == lineage).order_by(heads.c.id.desc())
        with self._connect() as connection, engine.read(connection):
            row = connection.execute(query.limit(1)).first()
        return None if row is None else Head(rows=row.rows, hash=row.hash)

    def newest_head_ns(self, lineage: str) -> int | None:
        """When it was kept."""
        if not self.path.is_file():
            return None
        query = select(heads.c.at).where(heads.c.lineage == lineage).order_by(heads.c.id.desc()).limit(1)
        with self._connect() as connection, engine.read(connection):
            at = connection.execute(query).scalar()
        return None if at is None else from_iso(at)

    def resolve(self, resolution: Resolution, *, lineage: str, simulated: bool) -> int:
        """Keep the operator's choice; earlier ones over any of its records give way. Answers how many did."""
        with self._connect() as connection, engine.write(connection):
            return resolutions.keep(connection, choices, resolution, lineage=lineage, simulated=simulated)

    def resolutions(self, *, lineage: str, simulated: bool) -> list[Resolution]:
        """The operator's choices for that book and kind of gateway that stand, oldest first."""
        if not self.path.is_file():
            return []
        with self._connect() as connection, engine.read(connection):
            return resolutions.standing(connection, choices, lineage=lineage, simulated=simulated)

    def known_lineage(self) -> str | None:
        """Whose audit was kept last: the book that this workspace holds, as far as the state knows."""
        if not self.path.is_file():
            return None
        with self._connect() as connection, engine.read(connection):
            return connection.execute(select(heads.c.lineage).order_by(heads.c.id.desc()).limit(1)).scalar()

    def open_session(self, snapshot: Snapshot) -> None:
        """Journal a connection to the broker with what it answered."""
        with self._connect() as connection, engine.write(connection):
            sessions.add(connection, journal, snapshot)

    def ids_went_back(self, gateway: Gateway) -> str | None:
        """What it says where nextValidId is lower than the last time: a sign that the gateway was restarted."""
        with self._connect() as connection, engine.read(connection):
            before = sessions.last_next_order_id(connection, journal, gateway)
        if before is None or gateway.next_order_id is None or gateway.next_order_id >= before:
            return None
        return f"nextValidId went back from {before} to {gateway.next_order_id}"

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with engine.connect(self.path, create=True) as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            connection.rollback()
            if version == 0:
                with engine.write(connection):
                    STATE.create_all(connection)
                    connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
            elif version != VERSION:
                raise BookUnusable(
                    f"{self.path} is of version {version}, this tieout knows {VERSION}",
                    hint="install a newer tieout",
                )
            yield connection


def _columns(plan: StagedPlan) -> dict[str, object]:
    return {
        "plan_id": plan.plan_id,
        "file_sha256": plan.file_sha256,
        "staged_at": to_iso(plan.staged_ns),
        "staged_ns": plan.staged_ns,
        "expires_ns": plan.expires_ns,
        "state": plan.state,
        "backup_id": plan.backup_id,
        "summary": json.dumps(plan.summary),
        "executable": plan.executable,
        "simulated": plan.simulated,
    }


def _staged(row: RowMapping) -> StagedPlan:
    return StagedPlan(
        plan_id=row["plan_id"],
        file_sha256=row["file_sha256"],
        staged_ns=row["staged_ns"],
        expires_ns=row["expires_ns"],
        state=row["state"],
        backup_id=row["backup_id"],
        summary=json.loads(row["summary"]),
        executable=row["executable"],
        simulated=row["simulated"],
    )
