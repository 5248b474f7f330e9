"""
The audit's chain, as a run meets it: verified before anything rests on the book, and the latch where it is broken.

A book that was put back by hand (its content is a known backup's) has a shorter chain and is no forgery: it passes
here. Its `restored` row, which excuses the heads that went with it, is written by whoever recognises the restore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypedDict

from tieout.backup import list_backups
from tieout.backup.backup import read_fingerprint
from tieout.errors import AuditBroken, Forbidden
from tieout.store import engine, migrate
from tieout.store.audit_accept import holds_acceptance, kept_acceptances
from tieout.store.audit_archive import archive_old
from tieout.store.audit_verify import holds_quickly, verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tieout.config import Workspace
    from tieout.staging.desk import Desk
    from tieout.store.audit import Head
    from tieout.store.audit_accept import Settled
    from tieout.store.audit_archive import Archive
    from tieout.store.audit_verify import Verdict

_HINT: Final = (
    "find out who changed the book; restore a backup from before (`tieout backup list`), or accept it as it is "
    "(`tieout audit accept`), then run `tieout safe-mode off --reason TEXT`"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A verdict, and the backup that the book is where it was put back by hand (its shorter chain is then no harm)."""

    verdict: Verdict
    restored_from: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the audit is what was written."""
        return self.verdict.problem is None or self.restored_from is not None


class Known(TypedDict):
    """What a chain is verified against, as `tieout.store.audit_verify.verify` takes it."""

    archives_dir: Path
    kept: Sequence[Head]
    settled: Sequence[Settled]


def archives_of(workspace: Workspace) -> Path:
    """Where old audit rows go."""
    return workspace.backups_dir / "audit"


def verify_audit(desk: Desk, *, expected: str = "") -> Verified:
    """
    Verify the whole chain, archives and kept heads included; a broken one latches safe mode and alerts.

    Args:
        expected: a hash, or its beginning, that the chain must hold.

    Raises:
        BookError: the book cannot be read.
    """
    verified = _verified(desk, expected)
    if not verified.ok:
        _latch(desk, verified.verdict.problem or "")
    return verified


def require_chain(desk: Desk) -> str | None:
    """
    Pass where the chain holds and reaches the end that was kept last; keeps its end where it grew.

    Returns:
        The backup that the book is where it was put back by hand, which nobody has taken note of yet; else None.

    Raises:
        AuditBroken: it does not; safe mode is latched, and `audit_chain_broken` was raised.
        BookError: the book cannot be read.
    """
    book = desk.workspace.book
    with engine.connect(book) as connection, engine.read(connection):
        migrate.require_current(connection, book)
        lineage = migrate.read_meta(connection, "lineage") or ""
        newest = desk.state.newest_head(lineage)
        holds, end = holds_quickly(connection, newest)
    if not holds:
        verified = _verified(desk)
        if not verified.ok:
            _refuse(desk, verified.verdict.problem or "")
        if verified.restored_from is not None:
            desk.log.warning("book_was_put_back", backup=verified.restored_from, audit_rows=end.rows)
            return verified.restored_from
    if end.rows > (0 if newest is None else newest.rows):
        desk.state.keep_head(end, lineage=lineage, now_ns=desk.now())
    return None


def archive_audit(desk: Desk) -> Archive | None:
    """
    Move audit rows past AUDIT.retention_days into an archive; None where there are none. The caller holds the
    reconcile lock.

    Raises:
        Forbidden: DRY_RUN, SAFE_MODE or the latch: the book is not to be changed. Or a break was accepted: the rows
            that it covers prove nothing by themselves, and stay where they are.
        AuditBroken, BookError: nothing was moved.
    """
    flags, latch = desk.settings.flags, desk.latched()
    if flags.dry_run or flags.safe_mode or latch is not None:
        why = "DRY_RUN is true" if flags.dry_run else "SAFE_MODE is true" if flags.safe_mode else "safe mode is latched"
        raise Forbidden(f"{why}: the book is not changed, so no audit row was moved", hint="`tieout check` says more")
    if require_chain(desk) is not None:
        return None  # a row more, and the book would no longer be known as that backup
    book, now_ns = desk.workspace.book, desk.now()
    with engine.connect(book) as connection, engine.read(connection):
        if holds_acceptance(connection):
            raise Forbidden(
                "a break of the audit was accepted in this book: its rows stay in the book, none was moved",
                hint="`tieout audit verify` tells what was accepted",
            )
    done = archive_old(
        book,
        archives_of(desk.workspace),
        keep_days=desk.settings.audit.retention_days,
        now_ns=now_ns,
        approver=desk.who,
    )
    if done is None:
        return None
    archive, head = done
    with engine.connect(book) as connection, engine.read(connection):
        lineage = migrate.read_meta(connection, "lineage") or ""
    desk.state.keep_head(head, lineage=lineage, now_ns=now_ns)
    desk.log.info("audit_archived", file=archive.file, first=archive.first, last=archive.last, audit_head=head.hash)
    return archive


def _verified(desk: Desk, expected: str = "") -> Verified:
    book = desk.workspace.book
    with engine.connect(book) as connection, engine.read(connection):
        migrate.require_current(connection, book)
        lineage = migrate.read_meta(connection, "lineage") or ""
        verdict = verify(connection, **known_of(desk, lineage), expected=expected)
    return Verified(verdict, _put_back(desk, lineage) if verdict.cut else None)


def known_of(desk: Desk, lineage: str) -> Known:
    """What the workspace knows of that book's audit beside the book."""
    return {
        "archives_dir": archives_of(desk.workspace),
        "kept": desk.state.kept_heads(lineage),
        "settled": kept_acceptances(desk.workspace.state_db, lineage),
    }


def _put_back(desk: Desk, lineage: str) -> str | None:
    """The backup whose content the book has, if it has one's from before the end that it lacks was kept."""
    kept_ns = desk.state.newest_head_ns(lineage) or 0
    listed = list_backups(desk.workspace.backups_dir)
    # A later one was taken of the book as it is now, without that end: it proves nothing.
    backups = [backup for backup in listed if not backup.damage and backup.created_at_ns <= kept_ns]
    if not backups:
        return None
    found = read_fingerprint(desk.workspace.book)
    return next((backup.id for backup in backups if backup.fingerprint == found), None)


def _latch(desk: Desk, problem: str) -> None:
    desk.alerts.raise_alert("audit_chain_broken", problem=problem)
    desk.latch(by="audit_chain_broken", reason=f"the audit is not what was written: {problem}")


def _refuse(desk: Desk, problem: str) -> NoReturn:
    _latch(desk, problem)
    desk.status("FAILED", reason=f"the audit is not what was written: {problem}")
    raise AuditBroken(f"the audit is not what was written: {problem}", hint=_HINT)
