"""
Proving that a finished copy, and the dump made of it, hold what the book held.

The dump is loaded into a throw-away book while it is written and while the copy is checked, since loading takes
the longest.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.backup import dump, folder, loading
from tieout.backup.fingerprint import Content, read_content
from tieout.backup.manifest import file_sha256
from tieout.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tieout.backup.loading import Child, Loading
    from tieout.backup.tables import Kinds

_CACHE: Final = "PRAGMA cache_size=-32768"
"""32 MiB of pages: what the checks read twice stays."""


@dataclass(frozen=True, slots=True)
class CopyCheck:
    """A copy that passed: its file's hash, what is in it, and how many rows point at rows that are not."""

    sha256: str
    content: Content
    foreign_key_violations: int | None


def open_finished(path: Path) -> sqlite3.Connection:
    """A connection to a finished file that nothing else writes; no transaction, no statement cache."""
    raw = sqlite3.connect(
        f"file:{_escaped(path)}?mode=rw",
        uri=True,
        isolation_level=None,
        cached_statements=0,
        check_same_thread=False,
    )
    raw.execute(_CACHE)
    return raw


def check_copy(path: Path, kinds: Kinds | None = None) -> CopyCheck:
    """
    Reopen a copy and check all of it.

    Args:
        kinds: what the columns of the content that is expected hold, where one is expected.

    Raises:
        BackupError: SQLite finds it damaged.
        sqlite3.Error, OSError: it cannot be read.
    """
    with closing(open_finished(path)) as raw:
        raw.execute("PRAGMA query_only=ON")
        found = [str(row[0]) for row in raw.execute("PRAGMA integrity_check(3)").fetchall()]
        if found != ["ok"]:
            raise BackupError(
                f"SQLite finds damage in {path.name}: {'; '.join(found)}",
                hint="if it was made just now, the book itself is damaged: restore an older backup"
                " (`tieout backup list`); nothing was changed",
            )
        content = read_content(raw, kinds=kinds)
        violations = _foreign_key_violations(raw)
    return CopyCheck(file_sha256(path), content, violations)


@contextmanager
def dump_in_proof(copy: Path, content: Content, sql: Path, *, child: Child | None) -> Iterator[Loading]:
    """
    Write the dump of a finished copy under its temporary name, while the file's own bytes are loaded into a
    throw-away book, by `child` or, without one, afterwards.

    Yields:
        As soon as the dump is written, what will tell how loading it came out.
    """
    target = folder.temporary(sql)
    with (
        folder.unfinished(target),
        os.fdopen(folder.open_new(target), "wb") as out,
        loading.loading(target, content, child) as started,
    ):
        with closing(open_finished(copy)) as raw:
            raw.execute("BEGIN")
            for piece in dump.statements(raw, content, title=sql.stem):
                out.write(piece)
                out.flush()
                started.wrote(out.tell())
        yield started


def _foreign_key_violations(raw: sqlite3.Connection) -> int | None:
    try:
        return sum(1 for _ in raw.execute("PRAGMA foreign_key_check"))
    except sqlite3.OperationalError as error:
        # A key whose target columns are not unique cannot be looked up at all: the book's own definition.
        if "foreign key mismatch" in str(error):
            return None
        raise


def _escaped(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
