"""
Putting a finished .db where the book is.

Into a sound book, through SQLite's backup API: one transaction, which keeps the file, its mode, its links and
every open connection; left-over journals are SQLite's own to settle, and a kill in the middle leaves the book as
it was. A missing or damaged book is replaced by rename, after its side files went: one that stayed would be
played into the new file (measured: a left-over -wal restored nothing at all).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tieout.backup import folder, proof
from tieout.backup.backup import raw_of
from tieout.clock import NS_PER_S, file_stamp
from tieout.errors import BackupError, BookLocked
from tieout.failpoints import reach
from tieout.files import sync_folder
from tieout.store import engine

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES_PER_STEP: Final = -1
"""All in one step; a test takes fewer, to stop in the middle."""
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NAMES_TRIED: Final = 600


def copy_into(book: Path, source: Path) -> None:
    """
    Make a sound book hold what `source` holds, in one transaction.

    Raises:
        BookLocked: somebody holds the book for longer than we wait.
        BookError: the disk is full, or the book cannot be written; it is as it was.
    """
    with (
        engine.connect(book) as connection,
        engine.translated(book),
        closing(proof.open_finished(source)) as raw,
    ):
        reach("restore: before the pages", database=True)
        raw.backup(raw_of(connection), pages=PAGES_PER_STEP, progress=_give_up_when_busy)
        reach("restore: pages written", database=True)


def replace(book: Path, source: Path, *, mode: int) -> None:
    """
    Put a copy of `source` in the place of a book that is missing or damaged. It is saved already, and nobody has
    it open.

    Raises:
        OSError: the book is as it was.
    """
    fresh = folder.temporary(book.with_name(book.name + ".restore"))
    fresh.unlink(missing_ok=True)
    with folder.unfinished(fresh):
        with source.open("rb") as wanted, os.fdopen(folder.open_new(fresh), "wb") as out:
            shutil.copyfileobj(wanted, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        fresh.chmod(mode)
        reach("restore: new file written")
        for suffix in folder.SIDE_FILES:
            book.with_name(book.name + suffix).unlink(missing_ok=True)
        # On the disk before the new file is: a journal that came back after a power cut would be played into it.
        sync_folder(book.parent)
        reach("restore: side files removed")
        fresh.replace(book)
    reach("restore: new file renamed")
    sync_folder(book.parent)


def has_side_files(book: Path) -> bool:
    """Whether a journal or log lies beside the book."""
    return any(path.is_file() for path in _with_side_files(book)[1:])


def save_raw(book: Path, *, backups_dir: Path, now_ns: int) -> Path | None:
    """
    Copy a damaged book and every side file, byte for byte, into a folder of their own; None where there is nothing.

    Only for a book that this process has no connection to: closing a plain handle drops SQLite's locks.

    Raises:
        OSError: it could not be saved.
    """
    found = [path for path in _with_side_files(book) if path.is_file()]
    if not found:
        return None
    kept = _new_folder(backups_dir, now_ns)
    for path in found:
        copy = kept / path.name
        with path.open("rb") as old, os.fdopen(folder.open_new(copy), "wb") as out:
            shutil.copyfileobj(old, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
    sync_folder(kept)
    return kept


def remove_folder(kept: Path | None) -> None:
    """Remove raw copies that turned out not to be needed."""
    if kept is not None:
        shutil.rmtree(kept)


@contextmanager
def removed_on_error(kept: Path | None) -> Iterator[None]:
    """Remove raw copies if the block fails: nothing is replaced, so nothing needs to be kept."""
    try:
        yield
    except BaseException:
        remove_folder(kept)
        raise


def require_unopened(book: Path) -> None:
    """
    Refuse to replace a file that another process has open: it would go on writing into what nobody sees.

    Raises:
        BackupError: one has. Where /proc does not tell, nobody is found.
    """
    inodes = {(found.st_dev, found.st_ino) for path in _with_side_files(book) if (found := _stat(path))}
    holders = sorted({pid for pid, inode in _open_files() if inode in inodes})
    if holders:
        raise BackupError(
            f"process {', '.join(map(str, holders))} has {book} open, and it must be replaced as a file",
            hint="stop the bot first, then run it again; nothing was changed",
        )


def mode_of(book: Path) -> int:
    """The permission bits that the book has, or a private file's where there is none."""
    found = _stat(book)
    return 0o600 if found is None else stat.S_IMODE(found.st_mode)


def _give_up_when_busy(status: int, _remaining: int, _total: int) -> None:
    # Python would try for ever; SQLite has already waited its timeout.
    if status in _BUSY:
        raise BookLocked(
            "the book is locked by another process, and stayed so while it was to be put back",
            hint="stop the bot, then run it again; nothing was changed",
        )


def _with_side_files(book: Path) -> list[Path]:
    return [book.with_name(book.name + suffix) for suffix in ("", *folder.SIDE_FILES)]


def _new_folder(backups_dir: Path, now_ns: int) -> Path:
    for second in range(_NAMES_TRIED):
        kept = backups_dir / f"replaced_{file_stamp(now_ns + second * NS_PER_S)}"
        try:
            kept.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            continue
        return kept
    raise BackupError(
        f"{backups_dir} has no free name for what is replaced", hint="clear out its old replaced_ folders"
    )


def _open_files() -> Iterator[tuple[int, tuple[int, int]]]:
    """Every open file of every other process that we may look at."""
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            handles = list((process / "fd").iterdir())
        except OSError:
            continue
        for handle in handles:
            if found := _stat(handle):
                yield int(process.name), (found.st_dev, found.st_ino)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
