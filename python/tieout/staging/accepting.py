"""
Accepting an audit that is broken: the way on where no backup from before the break is to be had, or worth it.

Nothing is repaired and nothing forgotten: the break stays in every report, with who accepted it, when and why. What
stands there is backed up first, and safe mode stays latched until somebody lifts it with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout.backup import make_backup
from tieout.errors import AuditBroken, PlanStale
from tieout.failpoints import reach
from tieout.staging.chain import known_of, verify_audit
from tieout.store import engine, migrate
from tieout.store.audit import head
from tieout.store.audit_accept import Acceptance, keep_acceptance, write_acceptance
from tieout.store.audit_verify import verify

if TYPE_CHECKING:
    from tieout.staging.desk import Desk
    from tieout.store.audit import Head


@dataclass(frozen=True, slots=True)
class Break:
    """
    What there is to accept.

    Attributes:
        problem: what `verify` found.
        content: the hash of all that stands there.
        head: the chain's end as the book has it.
    """

    problem: str
    content: str
    head: Head


@dataclass(frozen=True, slots=True)
class Done:
    """A break that was accepted: the chain's new end, and the backup of what stood there before."""

    head: Head
    backup_id: str


def find_break(desk: Desk) -> Break | None:
    """
    The break that nobody has accepted yet, or None; one is latched and alerted as by `verify_audit`.

    Raises:
        BookError: the book cannot be read.
    """
    verified = verify_audit(desk)
    if verified.ok:
        return None
    with engine.connect(desk.workspace.book) as connection, engine.read(connection):
        end = head(connection)
    return Break(verified.verdict.problem or "", verified.verdict.content, end)


def accept(desk: Desk, found: Break, *, by: str, reason: str) -> Done:
    """
    Accept the break that was shown. The caller holds the reconcile lock, and has asked.

    Raises:
        PlanStale: the audit is no longer what was shown; nothing was changed.
        AuditBroken: nothing can follow it; nothing was changed.
        BackupError, BookError: nothing was changed.
    """
    space, now_ns = desk.workspace, desk.now()
    made = make_backup(space.book, backups_dir=space.backups_dir, now_ns=now_ns)
    wanted = Acceptance(
        problem=found.problem,
        content=found.content,
        by=by,
        reason=reason,
        signed=desk.who,
        backup_id=made.id,
    )
    with engine.connect(space.book) as connection, engine.write(connection):
        migrate.require_current(connection, space.book)
        lineage = migrate.read_meta(connection, "lineage") or ""
        known = known_of(desk, lineage)
        verdict = verify(connection, **known)
        if (verdict.problem, verdict.content) != (found.problem, found.content):
            raise PlanStale(
                "the audit changed since it was shown; nothing was accepted",
                hint="look again: tieout audit accept",
            )
        try:
            end = write_acceptance(connection, wanted, now_ns=now_ns)
        except TypeError as error:
            raise AuditBroken(
                f"no row can follow the last one of the audit: {error}",
                hint="restore a backup from before (`tieout backup list`)",
            ) from error
        # Before the commit: killed in between, the state knows a row that never came, which settles nothing.
        keep_acceptance(space.state_db, end, heads=len(known["kept"]), lineage=lineage, now_ns=now_ns)
        reach("audit accept: before the commit", database=True)
    reach("audit accept: committed")
    desk.state.keep_head(end, lineage=lineage, now_ns=now_ns)
    desk.log.warning("audit_accepted", problem=found.problem, by=by, reason=reason, audit_head=end.hash, backup=made.id)
    return Done(end, made.id)
