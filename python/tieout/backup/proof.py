"""
Proving that a finished copy, and the dump made of it, hold what the book held.

The dump is loaded into a throw-away book while it is written, and while the copy is checked: loading takes the
longest, and SQLite works outside Python's lock, so the two share the processors.
"""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Final

from tieout.backup import dump, folder, load
from tieout.backup.fingerprint import Content, read_content
from tieout.backup.manifest import file_sha256
from tieout.errors import BackupError
from tieout.store.tables import BOOK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

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


def check_copy(path: Path) -> CopyCheck:
    """
    Reopen a copy and check all of it.

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
        content = read_content(raw)
        violations = _foreign_key_violations(raw)
    return CopyCheck(file_sha256(path), content, violations)


def check_dump(sql: Path) -> tuple[str, Content]:
    """
    Load a finished dump into a throw-away book of another state beside it.

    Returns:
        The dump's SHA-256 and what the book then holds.
    """
    check = _check_path(sql)
    folder.remove(check)
    try:
        with sql.open("rb") as file:
            return _loaded(check, load.file_pieces(file))
    finally:
        folder.remove(check)


@contextmanager
def dump_in_proof(copy: Path, content: Content, sql: Path) -> Iterator[Future[tuple[str, Content]]]:
    """
    Write the dump of a finished copy under its temporary name, while another thread loads the file's own bytes
    into a throw-away book.

    Yields:
        As soon as the dump is written, what will be its SHA-256 and the throw-away book's content.
    """
    target = folder.temporary(sql)
    check = _check_path(sql)
    written: SimpleQueue[int | None] = SimpleQueue()
    with (
        folder.unfinished(target),
        folder.unfinished(check),
        os.fdopen(folder.open_new(target), "wb") as out,
        target.open("rb") as back,
        ThreadPoolExecutor(1, "tieout-load") as pool,
    ):
        loading = pool.submit(_loaded, check, _behind(back, written))
        try:
            _write(copy, content, sql.stem, out, written)
        finally:
            written.put(None)
        yield loading
    folder.remove(check)


def _write(copy: Path, content: Content, title: str, out: BinaryIO, written: SimpleQueue[int | None]) -> None:
    with closing(open_finished(copy)) as raw:
        raw.execute("BEGIN")
        for piece in dump.statements(raw, content, title=title):
            out.write(piece.encode("utf-8"))
            out.flush()
            written.put(out.tell())


def _check_path(sql: Path) -> Path:
    return folder.temporary(sql.with_name(sql.name + ".check"))


def _behind(file: BinaryIO, written: SimpleQueue[int | None]) -> Iterator[bytes]:
    """The file's bytes as the writer gets on: read back from the file, since that is what counts."""
    done = 0
    while (position := written.get()) is not None:
        piece = file.read(position - done)
        done += len(piece)
        yield piece


def _loaded(check: Path, pieces: Iterator[bytes]) -> tuple[str, Content]:
    with closing(load.older_book(check, sorted(BOOK.tables))) as raw:
        raw.execute(_CACHE)
        sha256 = load.load_dump(raw, pieces)
        return sha256, read_content(raw)


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
