"""Putting a backup back, and taking note of one that an operator put back by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.backup import Restored, apply_restore, continue_chain, find
from tieout.backup.live import highest_epoch, inspect
from tieout.staging.chain import require_chain

if TYPE_CHECKING:
    from tieout.staging.desk import Desk
    from tieout.store.audit import Head


def restore(desk: Desk, source: str, *, foreign: bool) -> Restored:
    """
    Put a backup back; open plans are stale then, and safe mode is latched. The caller holds the reconcile lock and
    the bot's.

    Args:
        source: a backup's id, or the path of one of its files.
        foreign: whether it may be another book's, or have no manifest.

    Raises:
        BackupError, BookError: the book is as it was, unless the message says what it is now.
    """
    now_ns = desk.now()
    done = apply_restore(
        desk.workspace.book,
        source,
        backups_dir=desk.workspace.backups_dir,
        now_ns=now_ns,
        approver=desk.who,
        foreign=foreign,
        known_lineage=desk.state.known_lineage(),
        keep_head=lambda head, lineage: _keep(desk, head, lineage),
    )
    desk.latch(by="restore", reason=done.latch_reason)
    forgotten = len(done.difference.forgotten_orders)
    desk.alerts.raise_alert("book_restored", backup=done.backup.id, by=desk.who, forgotten_orders=forgotten)
    desk.log.warning("book_restored", backup=done.backup.id, by=desk.who, restore_epoch=done.restore_epoch)
    return done


def note_restore(desk: Desk) -> None:
    """
    Take note of a book that was put back by hand: its content is a known backup's, its audit is shorter than the one
    we knew. Its epoch rises, so that every plan staged before is stale, and its audit goes on with a `restored`
    row, whatever the flags say: nothing else could tell later that nobody cut it.

    Raises:
        AuditBroken: the audit is shorter, and the content is no backup's; safe mode is latched.
        BookError: the book cannot be read or written.
    """
    backup_id = require_chain(desk)
    if backup_id is None:
        return
    book, folder = desk.workspace.book, desk.workspace.backups_dir
    backup = find(folder, backup_id)
    continue_chain(
        book,
        backup_id,
        epoch=1 + highest_epoch(inspect(book), backup, backups_dir=folder, known=0),
        approver=f"{desk.who} (by hand)",
        now_ns=desk.now(),
        keep_head=lambda head, lineage: _keep(desk, head, lineage),
    )
    desk.alerts.raise_alert("book_restored", backup=backup_id, by="hand")
    desk.told.append(f"the book was put back from {backup_id} by hand: plans staged before are stale")


def _keep(desk: Desk, head: Head, lineage: str) -> None:
    desk.state.keep_head(head, lineage=lineage, now_ns=desk.now())
