"""Files that are there whole or not at all, and a look at them that cannot be swapped in between."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tieout.errors import DiskError
from tieout.failpoints import reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """
    Put `data` at `path`: written beside it, synced, renamed over it, the folder synced.

    Args:
        durable: False leaves the syncing away, for what is written again a second later.

    Raises:
        DiskError: it cannot be written; at `path` is what was there before, or, where only the folder could not
            be synced, the new data.
    """
    try:
        _write_atomically(path, data, mode, durable=durable)
    except OSError as error:
        why = error.strerror or str(error)
        raise DiskError(
            f"{path} cannot be written: {why}", hint="check disk space, owner and mode; then run it again"
        ) from error


def _write_atomically(path: Path, data: bytes, mode: int, *, durable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            reach(f"{path.name}: made")
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            reach(f"{path.name}: written")
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        reach(f"{path.name}: synced")
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    reach(f"{path.name}: renamed")
    if durable:
        sync_folder(path.parent)


@contextmanager
def beside(path: Path, *, draft_in: Path | None = None, durable: bool = True) -> Iterator[Path]:
    """
    A new file beside `path` for a writer of its own; renamed over it and synced at the end, removed where that fails.

    Args:
        draft_in: another folder on the same disk for the draft, where nothing half written may lie beside `path`.
        durable: whether the folder is synced as well. Without that a power cut may leave what was there before, whole.

    Raises:
        OSError: it cannot be written; at `path` is what was there before.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    if draft_in is not None:
        draft = draft_in / f"{path.name}.{os.getpid()}.tmp"
    try:
        handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield draft
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def pretty_json(value: object) -> bytes:
    """JSON as a person reads it, keys in the order given, a newline at the end."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
