"""What backups there are, and whether they still are what their manifests say."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout.backup import loading, manifest, proof
from tieout.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tieout.backup.manifest import Backup


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `found` is empty where it is as it should be."""

    name: str
    found: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The checks of one backup, in order. A check that rests on a failed one is not made."""

    backup: Backup
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return not any(check.found for check in self.checks)


def list_backups(backups_dir: Path) -> list[Backup]:
    """Every backup that has a manifest, newest first; `damage` says why one cannot be used."""
    if not backups_dir.is_dir():
        return []
    names = sorted(backups_dir.glob(f"{manifest.PREFIX}*{manifest.MANIFEST_SUFFIX}"), reverse=True)
    return [manifest.read(path) for path in names]


def newest_sound(backups_dir: Path) -> Backup | None:
    """The newest backup whose manifest can be used."""
    return next((backup for backup in list_backups(backups_dir) if not backup.damage), None)


def find(backups_dir: Path, backup_id: str) -> Backup:
    """
    The backup of that id; the name of one of its three files will do.

    Raises:
        BackupError: there is none, or its manifest cannot be used.
    """
    wanted = backup_id.removesuffix(".tmp")
    for suffix in (manifest.MANIFEST_SUFFIX, ".db", ".sql"):
        wanted = wanted.removesuffix(suffix)
    for backup in list_backups(backups_dir):
        if backup.id == wanted:
            if backup.damage:
                raise BackupError(backup.damage, hint="use another backup: `tieout backup list`")
            return backup
    raise BackupError(
        f"there is no backup {backup_id} in {backups_dir}", hint="`tieout backup list` shows what there is"
    )


def untouched(backup: Backup) -> bool:
    """Whether both files still have the bytes that were verified."""
    try:
        found = (manifest.file_sha256(backup.db), manifest.file_sha256(backup.sql))
    except OSError:
        return False
    return found == (backup.sha256, backup.sql_sha256)


def verify_backup(backups_dir: Path, backup_id: str) -> Verification:
    """
    Prove a backup anew: hashes, integrity, counts and fingerprint of the .db, and of the .sql loaded into a
    throw-away book.

    Raises:
        BackupError: there is no such backup, or its manifest cannot be used.
    """
    backup = find(backups_dir, backup_id)
    return Verification(backup, (*db_checks(backup), *_sql_checks(backup)))


def db_checks(backup: Backup) -> Iterator[Check]:
    """The checks of the .db: what a restore rests on."""
    hashed = _hash_check(backup.db, backup.sha256)
    yield hashed
    if hashed.found:
        return
    try:
        content = proof.check_copy(backup.db).content
    except (BackupError, sqlite3.Error, OSError) as error:
        yield Check("integrity", str(error))
        return
    yield Check("integrity", "")
    yield Check("rows", _difference(backup.counts, content.counts))
    yield Check("fingerprint", _difference(backup.fingerprint, content.fingerprint))


def _sql_checks(backup: Backup) -> Iterator[Check]:
    hashed = _hash_check(backup.sql, backup.sql_sha256)
    yield hashed
    if hashed.found:
        return
    try:
        loaded = loading.load_file(backup.sql)
    except (BackupError, OSError) as error:
        yield Check(".sql loads", str(error))
        return
    yield Check(".sql loads", _difference(backup.fingerprint, loaded.summary.fingerprint))


def _hash_check(path: Path, expected: str) -> Check:
    name = f"{path.suffix} SHA-256"
    try:
        return Check(name, _difference(expected, manifest.file_sha256(path)))
    except OSError as error:
        return Check(name, f"{path.name} cannot be read: {error.strerror or error}")


def _difference(expected: object, found: object) -> str:
    return "" if expected == found else f"found {found}, expected {expected}"
