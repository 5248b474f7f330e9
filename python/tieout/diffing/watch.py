"""Files that must not change while they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tieout.errors import InputUnusable


def unchanged(paths: Sequence[Path]) -> Callable[[], None]:
    """
    A check that the files are still what they are now: inode, size and time of the last write.

    The check raises InputUnusable, which names the file.
    """
    before = {path: _identity(path) for path in paths}

    def check() -> None:
        for path, identity in before.items():
            if _identity(path) != identity:
                raise InputUnusable(
                    f"{path} changed while it was read", hint="wait until its writer is done, or compare a copy"
                )

    return check


def _identity(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
