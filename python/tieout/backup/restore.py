"""
Putting a backup back.

1. What is put back was proven first: hash, integrity, fingerprint, and that it is this book's.
2. What it replaces is kept: a sound book as a verified backup, a damaged one byte for byte with its side files.
3. A kill at any point leaves the book as it was, or as the backup is; never between.
4. Afterwards the book's fingerprint is the backup's, and is proven so.
5. The epoch then rises above every one the book ever had, so no plan staged before can run; the audit goes on with
   a `restored` row. Both in one transaction.

The caller holds the reconcile lock, latches safe mode, raises the alert, and keeps the audit's new head. The state
file and the intents are not looked at: what was sent stays known.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.backup import folder, live, swap
from tieout.backup.backup import make_backup, raw_of, read_fingerprint
from tieout.backup.differences import Difference, compare
from tieout.errors import BackupError, BookError
from tieout.store import engine, migrate
from tieout.store.restored import mark_restored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tieout.backup.live import Live
    from tieout.backup.manifest import Backup
    from tieout.canonical import Json
    from tieout.store.audit import Head

    KeepHead = Callable[[Head, str], None]

_NOTHING: Final = Difference((), ())


@dataclass(frozen=True, slots=True)
class RestorePreview:
    """
    What a restore would do.

    Attributes:
        live: the book as it stands.
        difference: rows by table, and the orders that the book would forget; empty where the book is missing or
            damaged, since then nobody can say.
        unchanged: the book holds exactly what the backup holds.
    """

    backup: Backup
    live: Live
    difference: Difference
    unchanged: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """
    What a restore did.

    Attributes:
        saved: the backup of what it replaced, for a sound book.
        saved_raw: the folder with the raw copies, for a damaged one.
        restore_epoch, head: the book's new epoch and audit head; None for a book of an old layout, which has none.
        latch_reason: why safe mode has to be latched now, in the operator's words.
    """

    backup: Backup
    saved: Backup | None
    saved_raw: Path | None
    fingerprint: str
    lineage: str | None
    restore_epoch: int | None
    head: Head | None
    difference: Difference
    latch_reason: str


def plan_restore(
    book: Path, source: str, *, backups_dir: Path, foreign: bool = False, known_lineage: str | None = None
) -> RestorePreview:
    """
    What a restore would do; nothing is changed.

    Args:
        source: a backup's id, or the path of one of its files; with `foreign`, any SQLite book.
        known_lineage: whose book this workspace holds, as its state knows; asked when the book cannot tell.

    Raises:
        BackupError: the source is damaged, not there, or another book's.
        BookError: the book is there but cannot be looked at.
    """
    backup = live.source_of(source, backups_dir=backups_dir, foreign=foreign)
    found = live.inspect(book)
    if not foreign:
        live.require_same_book(found, backup, known_lineage=known_lineage)
    difference = _difference(book, backup) if found.state == "sound" else _NOTHING
    return RestorePreview(backup, found, difference, unchanged=found.fingerprint == backup.fingerprint)


def apply_restore(
    book: Path,
    source: str,
    *,
    backups_dir: Path,
    now_ns: int,
    approver: str,
    foreign: bool = False,
    known_lineage: str | None = None,
    known_epoch: int = 0,
    keep_head: KeepHead | None = None,
) -> Restored:
    """
    Put a backup back.

    Args:
        source, foreign, known_lineage: as for `plan_restore`.
        known_epoch: the highest restore epoch that the workspace's state knows of.
        keep_head: called with the audit's new head and the lineage just before the commit that makes them true.
            Killed in between, the book is the backup's content and is recognised as put back by hand.

    Raises:
        BackupError, BookError: the book is as it was, unless the message says what it is now.
    """
    book = book.resolve()  # a link stays a link: its target is what is replaced
    with _explained(book):
        raw_copy = _copy_before_looking(book, backups_dir=backups_dir, now_ns=now_ns)
        with swap.removed_on_error(raw_copy):
            preview = plan_restore(book, source, backups_dir=backups_dir, foreign=foreign, known_lineage=known_lineage)
            backup, found = preview.backup, preview.live
            epoch = 1 + live.highest_epoch(found, backup, backups_dir=backups_dir, known=known_epoch)
            if found.state != "sound":
                swap.require_unopened(book)
        if found.state == "sound":
            swap.remove_folder(raw_copy)
            saved, saved_raw = make_backup(book, backups_dir=backups_dir, now_ns=now_ns), None
            _into_sound(book, backup.db)
        else:
            saved, saved_raw = None, raw_copy or swap.save_raw(book, backups_dir=backups_dir, now_ns=now_ns)
            swap.replace(book, backup.db, mode=swap.mode_of(book))
    fingerprint = read_fingerprint(book)
    if fingerprint != backup.fingerprint:
        kept = saved.id if saved else saved_raw
        raise BackupError(
            f"{book} does not hold what {backup.id} holds after it was put back",
            hint=f"the bot wrote into it meanwhile, or the disk fails; what was there before is in {kept}",
        )
    told: dict[str, Json] = {"fingerprint": backup.fingerprint, "replaced": _told(saved, saved_raw)}
    head = continue_chain(
        book, backup.id, epoch=epoch, approver=approver, now_ns=now_ns, told=told, keep_head=keep_head
    )
    return Restored(
        backup=backup,
        saved=saved,
        saved_raw=saved_raw,
        fingerprint=fingerprint,
        lineage=backup.lineage,
        restore_epoch=None if head is None else epoch,
        head=head,
        difference=preview.difference,
        latch_reason=f"the book was put back from {backup.id}; orders sent since may be unknown to it",
    )


def continue_chain(
    book: Path,
    backup_id: str,
    *,
    epoch: int,
    approver: str,
    now_ns: int,
    told: dict[str, Json] | None = None,
    keep_head: KeepHead | None = None,
) -> Head | None:
    """
    Raise the epoch of a book that was put back, and continue its audit: after a restore, or where a restore by
    hand is recognised.

    Returns:
        The audit's new head; None for a book of an old layout, which has neither.
    """
    with engine.connect(book) as connection, engine.write(connection):
        head = mark_restored(
            connection, epoch=epoch, backup_id=backup_id, approver=approver, told=told or {}, now_ns=now_ns
        )
        if head is not None and keep_head is not None:
            keep_head(head, migrate.read_meta(connection, "lineage") or "")
    return head


def _copy_before_looking(book: Path, *, backups_dir: Path, now_ns: int) -> Path | None:
    """SQLite, opening a damaged book, may drop or play in its side files: they are kept as they were found."""
    folder.ready(backups_dir)
    return swap.save_raw(book, backups_dir=backups_dir, now_ns=now_ns) if swap.has_side_files(book) else None


def _into_sound(book: Path, source: Path) -> None:
    try:
        swap.copy_into(book, source)
    except BookError as error:
        if not _pages_cannot_change(book, error):
            raise
        swap.require_unopened(book)
        swap.replace(book, source, mode=swap.mode_of(book))


@contextmanager
def _explained(book: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"{book} could not be put back: {error.strerror or error}",
            hint="check free space, owner and mode of its folder and of the backup folder; the book is as it was",
        ) from error


def _pages_cannot_change(book: Path, error: BookError) -> bool:
    """A book in WAL mode keeps its page size: SQLite says `readonly` of a file that is not, if the backup's differs."""
    cause = error.__cause__
    readonly = isinstance(cause, sqlite3.Error) and cause.sqlite_errorname == "SQLITE_READONLY"
    return readonly and os.access(book, os.W_OK)


def _difference(book: Path, backup: Backup) -> Difference:
    with engine.connect(book) as connection, engine.translated(book):
        return compare(raw_of(connection), backup.db)


def _told(saved: Backup | None, saved_raw: Path | None) -> str | None:
    if saved is not None:
        return saved.id
    return None if saved_raw is None else saved_raw.name
