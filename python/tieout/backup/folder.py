"""
The backup folder: names, space, and files that are whole or not there.

A file is written under a `.tmp` name that nobody else can hold (O_EXCL, mode 0600), flushed to the disk, then
renamed, then the folder is flushed: after a power cut it is either complete or absent.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from tieout.backup.manifest import PREFIX, paths
from tieout.clock import NS_PER_S, file_stamp
from tieout.errors import BackupError
from tieout.failpoints import reach
from tieout.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIDE_FILES: Final = ("-journal", "-wal", "-shm")
SPARE_BYTES: Final = 64 << 20
"""What has to be free beyond the backup itself."""
BOOKS_NEEDED: Final = 4
"""The .db, the .sql (a little larger), and the throw-away book that proves the .sql."""
_SECONDS_TRIED: Final = 600


def ready(backups_dir: Path) -> None:
    """
    Make the folder.

    Raises:
        BackupError: it is a file, or cannot be made or written.
    """
    try:
        backups_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(
            f"the backup folder {backups_dir} cannot be used: {error.strerror or error}",
            hint="check BACKUP_DIR and the folder's owner and mode",
        ) from error
    if not os.access(backups_dir, os.W_OK | os.X_OK):
        raise BackupError(
            f"the backup folder {backups_dir} cannot be written", hint="check the folder's owner and mode"
        )


def require_space(backups_dir: Path, book: Path) -> None:
    """
    Refuse early what would end in a full disk.

    Raises:
        BackupError: less is free than four times the book and 64 MiB.
    """
    sizes = [path.stat().st_size for path in (book, book.with_name(book.name + "-wal")) if path.exists()]
    needed = BOOKS_NEEDED * sum(sizes) + SPARE_BYTES
    free = shutil.disk_usage(backups_dir).free
    if free < needed:
        raise BackupError(
            f"{backups_dir} has {free >> 20} MiB free; a verified backup of this book needs {needed >> 20} MiB",
            hint="free disk space, or point BACKUP_DIR at a larger disk",
        )


def claim(backups_dir: Path, now_ns: int) -> str:
    """
    The id of the first second, from now on, that no backup has; its `.db.tmp` is created and ours.

    Raises:
        BackupError: the folder cannot be written, or the next ten minutes are taken.
    """
    for second in range(_SECONDS_TRIED):
        backup_id = PREFIX + file_stamp(now_ns + second * NS_PER_S)
        if any(path.exists() for path in paths(backups_dir, backup_id)):
            continue
        try:
            os.close(open_new(temporary(paths(backups_dir, backup_id)[0])))
        except FileExistsError:
            continue
        except OSError as error:
            raise BackupError(
                f"{backups_dir} cannot be written: {error.strerror or error}",
                hint="check the folder's owner, mode and free space",
            ) from error
        return backup_id
    raise BackupError(
        f"{backups_dir} holds a backup for each of the next {_SECONDS_TRIED} seconds",
        hint="the clock may have been set back; see `tieout backup list`",
    )


def temporary(path: Path) -> Path:
    """The name under which a file is written."""
    return path.with_name(path.name + ".tmp")


@contextmanager
def unfinished(*files: Path) -> Iterator[None]:
    """Take the files and their SQLite side files away if the block does not end well, whatever stopped it."""
    try:
        yield
    except BaseException:
        for file in files:
            remove(file)
        raise


def remove(file: Path) -> None:
    """Remove an SQLite file that is ours and its side files, where they exist."""
    for suffix in ("", *SIDE_FILES):
        with suppress(FileNotFoundError):
            file.with_name(file.name + suffix).unlink()


def publish(path: Path) -> None:
    """Flush the file under its temporary name, and give it its own."""
    reach(f"{path.suffix} of a backup: written")
    descriptor = os.open(temporary(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    reach(f"{path.suffix} of a backup: synced")
    temporary(path).rename(path)
    reach(f"{path.suffix} of a backup: renamed")
    sync_folder(path.parent)


def open_new(path: Path) -> int:
    """A descriptor to a new file that only its owner reads. FileExistsError if there is one."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
