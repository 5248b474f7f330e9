"""
A backup's manifest: the file whose presence makes two files a backup, and what it proves about them.

    {"format": 1, "id": "db_backup_20251207_120000", "created_at": "2025-12-07T12:00:00.000Z",
     "db": {"name", "sha256", "size"}, "sql": {"name", "sha256", "size"}, "counts": {table: rows},
     "fingerprint", "schema_sha256", "foreign_key_violations", "lineage", "restore_epoch",
     "sqlite_version", "tool_version", "previous": {"id", "sha256"} or null,
     "manifest_sha256": of the file's bytes without this key}
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from tieout.clock import from_iso, to_iso
from tieout.files import pretty_json, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
PREFIX: Final = "db_backup_"
MANIFEST_SUFFIX: Final = ".manifest.json"
_SEAL: Final = "manifest_sha256"
_SIZE_MAX: Final = 1 << 20
"""A manifest is about a kilobyte; a larger file is not one."""


@dataclass(frozen=True, slots=True)
class Backup:
    """
    One backup.

    Attributes:
        id: "db_backup_YYYYMMDD_HHMMSS", UTC.
        sha256, sql_sha256: of the two files.
        created_at_ns: UTC nanoseconds.
        counts: rows by table.
        fingerprint: the content's, as tieout.backup.fingerprint makes it.
        lineage, restore_epoch: the book's identity; None in a book from before tieout.
        foreign_key_violations: rows that point at a row that is not there, as the book itself had them; None
            where a key's target cannot be looked up at all.
        reused: this run made nothing new, since the book had not changed.
        damage: why the manifest cannot be used; empty for a sound one. Then only id and paths count.
    """

    id: str
    db: Path
    sql: Path
    manifest: Path
    sha256: str = ""
    sql_sha256: str = ""
    created_at_ns: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    lineage: str | None = None
    restore_epoch: int | None = None
    foreign_key_violations: int | None = None
    reused: bool = False
    damage: str = ""


def paths(backups_dir: Path, backup_id: str) -> tuple[Path, Path, Path]:
    """Where a backup's .db, .sql and manifest are."""
    return (
        backups_dir / f"{backup_id}.db",
        backups_dir / f"{backup_id}.sql",
        backups_dir / f"{backup_id}{MANIFEST_SUFFIX}",
    )


def read(manifest: Path) -> Backup:
    """The backup that a manifest tells of; one that cannot be used comes back with `damage`."""
    backup_id = manifest.name.removesuffix(MANIFEST_SUFFIX)
    db, sql, _ = paths(manifest.parent, backup_id)
    try:
        if manifest.stat().st_size > _SIZE_MAX:
            raise ValueError("it is too large to be a manifest")
        data = manifest.read_bytes()
        value = json.loads(data)
        backup = _parsed(value, Backup(backup_id, db, sql, manifest))
        if data != _sealed(value):
            raise ValueError("it is not as it was written: its bytes and its manifest_sha256 differ")
        return backup
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return Backup(backup_id, db, sql, manifest, damage=f"{manifest.name} cannot be used: {why}")


def file_sha256(path: Path) -> str:
    """SHA-256 of a finished file; never of the live book."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(backup: Backup, *, previous: Backup | None, schema_sha256: str) -> None:
    """
    Write a backup's manifest; from then on it is a backup.

    Raises:
        OSError: it is not there.
    """
    before = None if previous is None else {"id": previous.id, "sha256": file_sha256(previous.manifest)}
    value = {
        "format": FORMAT,
        "id": backup.id,
        "created_at": to_iso(backup.created_at_ns),
        "db": _file(backup.db, backup.sha256),
        "sql": _file(backup.sql, backup.sql_sha256),
        "counts": backup.counts,
        "fingerprint": backup.fingerprint,
        "schema_sha256": schema_sha256,
        "foreign_key_violations": backup.foreign_key_violations,
        "lineage": backup.lineage,
        "restore_epoch": backup.restore_epoch,
        "sqlite_version": sqlite3.sqlite_version,
        "tool_version": _tool_version(),
        "previous": before,
    }
    write_atomically(backup.manifest, _sealed(value))


def _sealed(value: dict[str, Any]) -> bytes:
    """The manifest's bytes, its own hash last: what nothing else proves (times, lineage) is proven by that."""
    bare = {name: one for name, one in value.items() if name != _SEAL}
    return pretty_json({**bare, _SEAL: hashlib.sha256(pretty_json(bare)).hexdigest()})


def _parsed(value: object, bare: Backup) -> Backup:
    if not isinstance(value, dict):
        raise TypeError("it is not a JSON object")
    if value["format"] != FORMAT:
        raise ValueError(f"its format is {value['format']!r}, this tieout reads {FORMAT}")
    names = (value["id"], value["db"]["name"], value["sql"]["name"])
    if names != (bare.id, bare.db.name, bare.sql.name):
        raise ValueError("it names another backup's files")
    lineage, epoch, violations = value["lineage"], value["restore_epoch"], value["foreign_key_violations"]
    return Backup(
        id=bare.id,
        db=bare.db,
        sql=bare.sql,
        manifest=bare.manifest,
        sha256=_hex(value["db"]["sha256"]),
        sql_sha256=_hex(value["sql"]["sha256"]),
        created_at_ns=from_iso(value["created_at"]),
        counts={str(name): int(rows) for name, rows in value["counts"].items()},
        fingerprint=_hex(value["fingerprint"]),
        lineage=None if lineage is None else str(lineage),
        restore_epoch=None if epoch is None else int(epoch),
        foreign_key_violations=None if violations is None else int(violations),
    )


def _hex(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError(f"{value!r} is not a SHA-256")
    return value


def _file(path: Path, sha256: str) -> dict[str, str | int]:
    return {"name": path.name, "sha256": sha256, "size": path.stat().st_size}


def _tool_version() -> str | None:
    try:
        return version("tieout")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return None
