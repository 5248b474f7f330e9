"""
Which backups stay.

A rule keeps the newest backup of each of its last periods that have one, counted in UTC: `daily=7` the newest of
each of the last seven days with a backup. What any rule keeps stays; so does the newest verified backup, whatever
an open plan names, and every backup with a damaged manifest (somebody has to look at it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.backup import folder, manifest
from tieout.backup.catalogue import list_backups, untouched
from tieout.clock import NS_PER_S
from tieout.errors import BackupError
from tieout.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tieout.backup.manifest import Backup

_HOUR_NS: Final = 3600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS
_WEEK_NS: Final = 7 * _DAY_NS
_MONDAY_NS: Final = 4 * _DAY_NS
"""1970 began on a Thursday; weeks begin on Mondays, the first of them four days later."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How many backups each rule keeps; 0 is no rule."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0


@dataclass(frozen=True, slots=True)
class Pruning:
    """Ids, newest first: what stays with the reasons, and what goes."""

    kept: dict[str, tuple[str, ...]]
    removed: tuple[str, ...]


def plan_pruning(backups_dir: Path, policy: Policy, *, pinned: Collection[str]) -> Pruning:
    """
    What pruning would remove.

    Args:
        pinned: ids that open plans name.

    Raises:
        BackupError: the policy keeps nothing, or a number in it is negative.
    """
    rules = (policy.last, policy.hourly, policy.daily, policy.weekly)
    if min(rules) < 0 or max(rules) == 0:
        raise BackupError(
            "a retention policy that keeps nothing would remove every backup",
            hint="keep at least one: last, hourly, daily or weekly",
        )
    backups = list_backups(backups_dir)
    sound = [backup for backup in backups if not backup.damage]
    newest = next((backup.id for backup in sound if untouched(backup)), None)
    if newest is None:
        # Nothing here is proven: what looks oldest may be the only one that can be saved.
        return Pruning({backup.id: ("none is verified",) for backup in backups}, ())
    reasons: dict[str, list[str]] = {backup.id: [] for backup in backups}
    reasons[newest].append("newest verified")
    for backup in backups:
        if backup.damage:
            reasons[backup.id].append("damaged manifest")
        if backup.id in pinned:
            reasons[backup.id].append("named by a plan")
    for rule, kept in _kept(sound, policy).items():
        for backup_id in kept:
            reasons[backup_id].append(rule)
    return Pruning(
        {backup_id: tuple(why) for backup_id, why in reasons.items() if why},
        tuple(backup_id for backup_id, why in reasons.items() if not why),
    )


def prune(backups_dir: Path, policy: Policy, *, pinned: Collection[str]) -> Pruning:
    """
    Remove what the policy does not keep. The caller holds the reconcile lock, and has just made a verified backup.

    Raises:
        BackupError: as `plan_pruning`, or a file could not be removed.
    """
    planned = plan_pruning(backups_dir, policy, pinned=pinned)
    for backup_id in planned.removed:
        db, sql, listed = manifest.paths(backups_dir, backup_id)
        try:
            listed.unlink()  # from here it is no backup any more, whatever happens next
            sync_folder(backups_dir)
            for path in (db, sql):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise BackupError(
                f"{backup_id} could not be removed: {error.strerror or error}",
                hint="check the owner and mode of the backup folder",
            ) from error
    return planned


def sweep(backups_dir: Path) -> tuple[str, ...]:
    """
    Remove what a killed run left: temporary files, and files of a backup that never got its manifest. The caller
    holds the reconcile lock, so nobody is at work on them.

    Returns:
        The names that were removed.
    """
    if not backups_dir.is_dir():
        return ()
    listed = {backup.id for backup in list_backups(backups_dir)}
    left = []
    for path in sorted(backups_dir.glob(f"{manifest.PREFIX}*")):
        half = path.suffix in {".db", ".sql"} and path.stem not in listed
        if path.is_file() and (half or ".tmp" in path.name):
            folder.remove(path)
            left.append(path.name)
    return tuple(left)


def _kept(backups: list[Backup], policy: Policy) -> dict[str, list[str]]:
    return {
        "last": [backup.id for backup in backups[: policy.last]],
        "hourly": _newest_of_each(backups, _HOUR_NS, policy.hourly),
        "daily": _newest_of_each(backups, _DAY_NS, policy.daily),
        "weekly": _newest_of_each(backups, _WEEK_NS, policy.weekly),
    }


def _newest_of_each(backups: list[Backup], period_ns: int, count: int) -> list[str]:
    offset = _MONDAY_NS if period_ns == _WEEK_NS else 0
    newest: dict[int, str] = {}
    for backup in backups:
        newest.setdefault((backup.created_at_ns - offset) // period_ns, backup.id)
    return list(newest.values())[:count]
