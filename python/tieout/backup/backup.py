"""
Taking a backup: the copy, the dump, the proof, the manifest.

    one read transaction of the live book: fingerprint, copy with SQLite's backup API
    the copy alone: reopened, checked, dumped; the dump loaded and compared
    renames, manifest last

While the first part lasts, a writer with a rollback journal waits (measured: 15 ms per MiB of book, so half a
second at 30 MiB); the rest does not touch the live book. Without the manifest it is no backup.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tieout.backup import folder, loading, manifest, proof
from tieout.backup.catalogue import newest_sound, untouched
from tieout.backup.fingerprint import Content, Summary, read_content
from tieout.backup.manifest import Backup
from tieout.errors import BackupError, BookError, DiskError
from tieout.store import engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_META: Final = "SELECT key, value FROM book_meta WHERE key IN ('lineage', 'restore_epoch')"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one read transaction of a book held."""

    content: Content
    lineage: str | None
    restore_epoch: int | None


def make_backup(book: Path, *, backups_dir: Path, now_ns: int) -> Backup:
    """
    A verified backup of the book as it is now; the last one again if the book has not changed since.

    Args:
        book: any SQLite order book, of the present layout or an old one, in use or not.
        backups_dir: made if it is not there.
        now_ns: UTC nanoseconds; names the backup (or the next free second does).

    Raises:
        BackupError: nothing that could be taken for a backup is left behind. A book that is missing, locked
            or unusable is its cause and has the same words.
    """
    with _as_backup_error(backups_dir), ExitStack() as helpers:
        folder.ready(backups_dir)
        before = newest_sound(backups_dir)
        with engine.connect(book) as connection, engine.read(connection):
            raw = raw_of(connection)
            snapshot = read_snapshot(raw)
            if before is not None and before.fingerprint == snapshot.content.fingerprint and untouched(before):
                return replace(before, reused=True)
            folder.require_space(backups_dir, book)
            backup_id = folder.claim(backups_dir, now_ns)
            db, sql, listed = manifest.paths(backups_dir, backup_id)
            child = helpers.enter_context(loading.helper(apart=_size(raw) >= loading.APART_FROM_BYTES))
            with folder.unfinished(folder.temporary(db)):
                _copy(raw, folder.temporary(db))
        with folder.unfinished(folder.temporary(db), folder.temporary(sql), db, sql, listed):
            made = _prove(Backup(backup_id, db, sql, listed, created_at_ns=now_ns), snapshot, child=child)
            folder.publish(db)
            folder.publish(sql)
            manifest.write(made, previous=before, schema_sha256=snapshot.content.schema.digest)
        return made


def read_fingerprint(book: Path) -> str:
    """
    The content fingerprint of a live book, from one read transaction.

    Raises:
        BookError: it cannot be read.
        BackupError: it holds a virtual table.
    """
    with engine.connect(book) as connection, engine.read(connection), engine.translated(book):
        return read_content(raw_of(connection)).fingerprint


def raw_of(connection: Connection) -> sqlite3.Connection:
    """Python's own connection below the store's: the backup API is its."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise BackupError("a book is read through Python's sqlite3 alone", hint="open it with tieout.store.engine")
    return raw


def read_snapshot(raw: sqlite3.Connection) -> Snapshot:
    """The book behind a connection, inside the transaction that is open on it."""
    content = read_content(raw)
    columns = {table.name: table.columns for table in content.schema.tables}.get("book_meta", ())
    meta = dict(raw.execute(_META).fetchall()) if {"key", "value"} <= set(columns) else {}
    lineage, epoch = meta.get("lineage"), meta.get("restore_epoch")
    return Snapshot(
        content,
        lineage=None if lineage is None else str(lineage),
        restore_epoch=int(str(epoch)) if str(epoch).isdecimal() else None,
    )


def _copy(source: sqlite3.Connection, target: Path) -> None:
    """All pages in one step, in the transaction open on the source; then as one file without side files."""
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # The file is nobody's until it is renamed, and is flushed before: a journal would only cost time.
        copy.execute("PRAGMA journal_mode=OFF")
        copy.execute("PRAGMA synchronous=OFF")
        try:
            source.backup(copy, pages=-1)
        except sqlite3.OperationalError as error:
            # A DatabaseError is the book's own damage; what cannot be read or written is here.
            raise _unwritten(target, error) from error
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        mode = copy.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        if mode != "delete":
            raise BackupError(f"the copy stayed in journal mode {mode}", hint="run `tieout backup` again")


def _size(raw: sqlite3.Connection) -> int:
    pages, size = (int(raw.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    return pages * size


def _prove(planned: Backup, snapshot: Snapshot, *, child: loading.Child | None) -> Backup:
    copy, expected = folder.temporary(planned.db), snapshot.content.summary
    with proof.dump_in_proof(copy, snapshot.content, planned.sql, child=child) as started:
        checked = proof.check_copy(copy, snapshot.content.kinds)
        require_equal(expected, checked.content.summary, "the copy")
        loaded = started.outcome()
        require_equal(expected, loaded.summary, "the .sql dump, loaded,")
    return replace(
        planned,
        sha256=checked.sha256,
        sql_sha256=loaded.sha256,
        counts=snapshot.content.counts,
        fingerprint=snapshot.content.fingerprint,
        lineage=snapshot.lineage,
        restore_epoch=snapshot.restore_epoch,
        foreign_key_violations=checked.foreign_key_violations,
    )


def require_equal(expected: Summary, found: Summary, what: str) -> None:
    """BackupError that names the first table that differs."""
    if expected.fingerprint == found.fingerprint:
        return
    for name, (rows, sha256) in expected.tables.items():
        other_rows, other_sha256 = found.tables.get(name, (None, ""))
        if other_rows != rows:
            told = "no such table" if other_rows is None else f"{other_rows} rows"
            raise _unequal(f"{what} holds {told} in {name}, the book {rows} rows")
        if other_sha256 != sha256:
            raise _unequal(f"{what} holds other values than the book in {name}")
    raise _unequal(f"{what} has other table definitions or counters than the book")


def _unwritten(path: Path, error: sqlite3.Error) -> BackupError:
    return BackupError(
        f"the backup failed: SQLite could not work in {path}: {error}",
        hint="check the free space, owner and mode of the backup folder; the book was not changed",
    )


def _unequal(message: str) -> BackupError:
    return BackupError(message, hint="run `tieout backup` again; if it stays so, check the disk and the memory")


@contextmanager
def _as_backup_error(backups_dir: Path) -> Iterator[None]:
    try:
        yield
    except (BookError, DiskError) as error:
        raise BackupError(error.message, hint=error.hint) from error
    except sqlite3.Error as error:
        raise _unwritten(backups_dir, error) from error
    except OSError as error:
        raise BackupError(
            f"the backup failed in {backups_dir}: {error.strerror or error}",
            hint="check the folder's free space, owner and mode; nothing was changed",
        ) from error
