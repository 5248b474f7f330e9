"""New content into a live book, through SQLite's backup API: the file keeps its inode, owner, mode and readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tieout.failpoints import reach
from tieout.store.engine import BUSY_TIMEOUT_S, translated

if TYPE_CHECKING:
    from pathlib import Path


def replace_content(live: Path, new: Path) -> None:
    """
    Make the live book's content that of `new`, in one transaction: a kill leaves the one or the other.

    Raises:
        BookError: locked, read-only, or the disk is full; the live book is as it was.
    """
    with (
        translated(live),
        closing(sqlite3.connect(f"{new.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(f"{live.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S)) as target,
    ):
        target.execute("PRAGMA synchronous=FULL")
        reach("content: before it is replaced", database=True)
        source.backup(target, pages=-1)
        reach("content: replaced", database=True)
