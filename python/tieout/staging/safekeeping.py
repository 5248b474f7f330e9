"""Backups as a run makes them: swept, made and verified, copied, and old ones pruned, in that order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.backup import Policy, make_backup, prune, sweep
from tieout.backup.copying import copy_backup
from tieout.errors import BackupError

if TYPE_CHECKING:
    from tieout.backup import Backup
    from tieout.staging.desk import Desk


def verified_backup(desk: Desk) -> Backup:
    """
    A verified backup of the book as it is now. The caller holds the reconcile lock.

    The second home and the pruning are not what a reconcile waits for: their failure is told, and it goes on.

    Raises:
        BackupError: none could be made; `backup_failed` was raised.
    """
    folder = desk.workspace.backups_dir
    try:
        sweep(folder)
        backup = make_backup(desk.workspace.book, backups_dir=folder, now_ns=desk.now())
    except BackupError as error:
        desk.alerts.raise_alert("backup_failed", reason=error.message)
        raise
    desk.alerts.metrics.backup_verified(desk.now())
    if not backup.reused:
        _copy(desk, backup)
        _prune(desk)
    return backup


def policy_of(desk: Desk) -> Policy:
    """The settings' retention."""
    keep = desk.settings.backup_keep
    return Policy(last=keep.last, hourly=keep.hourly, daily=keep.daily, weekly=keep.weekly)


def pinned_backups(desk: Desk) -> set[str]:
    """Backups that a waiting plan names."""
    waiting = desk.state.waiting(desk.now())
    return set() if waiting is None else {waiting.backup_id}


def _copy(desk: Desk, backup: Backup) -> None:
    target = desk.workspace.backup_copy_to
    if target is None:
        return
    try:
        copy_backup(backup, target)
    except BackupError as error:
        desk.alerts.raise_alert("backup_copy_failed", backup=backup.id, reason=error.message)
        desk.told.append(error.message)
    else:
        desk.log.info("backup_copied", backup=backup.id)


def _prune(desk: Desk) -> None:
    try:
        done = prune(desk.workspace.backups_dir, policy_of(desk), pinned=pinned_backups(desk))
    except BackupError as error:
        desk.log.warning("backups_not_pruned", reason=error.message)
        return
    if done.removed:
        desk.log.info("backups_pruned", removed=list(done.removed))
