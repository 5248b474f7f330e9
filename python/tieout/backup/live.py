"""The book that a restore replaces: what state it is in, and the source that is to replace it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy.exc import DBAPIError

from tieout.backup import manifest, proof
from tieout.backup.backup import raw_of, read_snapshot
from tieout.backup.catalogue import db_checks, find, list_backups
from tieout.backup.manifest import MANIFEST_SUFFIX, Backup
from tieout.errors import BackupError, BookMissing, BookUnusable
from tieout.store import engine

if TYPE_CHECKING:
    from collections.abc import Iterable

LiveState = Literal["sound", "missing", "damaged"]

_DAMAGE: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


@dataclass(frozen=True, slots=True)
class Live:
    """
    The book as it stands.

    Attributes:
        why: what SQLite says of a damaged one.
        fingerprint, lineage, restore_epoch: of a sound one; lineage and epoch are None in an old layout.
    """

    state: LiveState
    why: str = ""
    fingerprint: str = ""
    lineage: str | None = None
    restore_epoch: int | None = None


def inspect(book: Path) -> Live:
    """
    Look at the book. Opening it rolls back what a killed writer left half done, as every opening does.

    Raises:
        BookLocked, BookError: it is there but cannot be looked at.
    """
    try:
        with engine.connect(book) as connection, engine.read(connection), engine.translated(book):
            raw = raw_of(connection)
            found = [str(row[0]) for row in raw.execute("PRAGMA quick_check(1)").fetchall()]
            if found != ["ok"]:
                return Live("damaged", why="; ".join(found))
            snapshot = read_snapshot(raw)
    except BookMissing:
        return Live("missing")
    except BookUnusable as error:
        if not _is_damage(error):
            raise
        return Live("damaged", why=error.message)
    return Live(
        "sound",
        fingerprint=snapshot.content.fingerprint,
        lineage=snapshot.lineage,
        restore_epoch=snapshot.restore_epoch,
    )


def source_of(named: str, *, backups_dir: Path, foreign: bool) -> Backup:
    """
    The proven source of a restore: a backup's id, or a file of one, or (only when foreign) any SQLite file.

    Raises:
        BackupError: there is none, it is damaged, or it has no manifest and `foreign` is false.
    """
    path = Path(named)
    backup = _of_file(path, foreign=foreign) if path.is_file() else find(backups_dir, named)
    for check in db_checks(backup):
        if check.found:
            raise BackupError(
                f"{backup.db.name} is not what its manifest says: {check.name}: {check.found}",
                hint="use another backup: `tieout backup list`; nothing was changed",
            )
    return backup


def require_same_book(live: Live, source: Backup, *, known_lineage: str | None) -> None:
    """
    Refuse a backup of another book.

    Raises:
        BackupError: the lineages differ.
    """
    ours = live.lineage if live.state == "sound" else known_lineage
    if ours == source.lineage or (live.state != "sound" and ours is None):
        return
    what = f"of another book ({source.lineage})" if source.lineage else "from before this book was adopted"
    raise BackupError(
        f"{source.db.name} is {what}; this workspace's book is {ours or 'of the old layout'}",
        hint="if that is meant, say so: `tieout restore ... --foreign`",
    )


def highest_epoch(live: Live, source: Backup, *, backups_dir: Path, known: int) -> int:
    """The highest restore epoch that this book is known to have had."""
    listed: Iterable[Backup] = (one for one in list_backups(backups_dir) if one.lineage == source.lineage)
    epochs = [known, live.restore_epoch or 0, source.restore_epoch or 0, *(one.restore_epoch or 0 for one in listed)]
    return max(epochs)


def _of_file(path: Path, *, foreign: bool) -> Backup:
    stem = path.name
    for suffix in (MANIFEST_SUFFIX, ".db", ".sql"):
        stem = stem.removesuffix(suffix)
    if (path.parent / (stem + MANIFEST_SUFFIX)).is_file():
        return find(path.parent, stem)
    if not foreign:
        raise BackupError(
            f"{path.name} has no manifest beside it, so nothing says what it should hold",
            hint="if it is to be trusted as it is: `tieout restore FILE --foreign`",
        )
    try:
        with closing(proof.open_finished(path)) as raw:
            raw.execute("BEGIN")
            snapshot = read_snapshot(raw)
    except sqlite3.Error as error:
        raise BackupError(
            f"{path.name} is not an SQLite book: {error}",
            hint="a .sql file without its manifest is put back with `sqlite3 ./data/orders.db < FILE`",
        ) from error
    return Backup(
        id=path.name,
        db=path,
        sql=path,
        manifest=path,
        sha256=manifest.file_sha256(path),
        counts=snapshot.content.counts,
        fingerprint=snapshot.content.fingerprint,
        lineage=snapshot.lineage,
        restore_epoch=snapshot.restore_epoch,
    )


def _is_damage(error: BookUnusable) -> bool:
    cause = error.__cause__
    raw = cause.orig if isinstance(cause, DBAPIError) else cause
    return str(getattr(raw, "sqlite_errorname", "")).startswith(_DAMAGE)
