"""
Any SQLite file's table, read only and in pieces, for comparing: a finished backup, an archive, somebody else's book.

What may be the book of a running bot is refused: a file with side files (its last transaction is not in it yet), and
one whose bot or reconcile lock is held. A finished backup has neither.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tieout import locks
from tieout.errors import BookLocked, BookMissing
from tieout.store import engine
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIDE_FILES: Final = ("-journal", "-wal", "-shm")
LOCKS: Final = ("bot", "reconcile")
BOOK_TABLE: Final = "orders"
"""What is read of a file with several tables when none is named."""
TABLES_SHOWN_MAX: Final = 10
WHOLE_EXACT_MAX: Final = 1 << 53
"""Beyond it, whole numbers are not exact as floats."""
_CLASSES: Final = {kind: f"typeof({{0}}) = '{kind}'" for kind in ("integer", "real", "text", "blob")} | {
    "large integer": f"typeof({{0}}) = 'integer' AND {{0}} NOT BETWEEN -{WHOLE_EXACT_MAX} AND {WHOLE_EXACT_MAX}"
}
"""Storage class -> when a value is of it."""
_HINT: Final = "compare a finished backup: `tieout backup`, then name backups/db_backup_*.db"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its row count, and by column the storage classes that its values have (sqlite.org/datatype3).

    `large integer` stands beside `integer` where one is not exact as a float.
    """

    name: str
    rows: int
    classes: dict[str, frozenset[str]]


def look(path: Path, table: str | None) -> Table:
    """
    A table or view, and what is in its columns. Without a name: the only one, or `orders`.

    Raises:
        BookMissing: there is no such file, or no such table in it.
        BookLocked: it may be in use: side files lie beside it, or a lock is held.
        BookUnusable: not SQLite, or corrupt.
    """
    refuse_in_use(path)
    with closing(_open(path)) as raw, engine.translated(path):
        name = _chosen(path, table, _names(raw))
        columns = [str(row[1]) for row in raw.execute(f"PRAGMA table_info({quoted(name)})")]
        seen = ", ".join(f"max({test.format(quoted(column))})" for column in columns for test in _CLASSES.values())
        row = raw.execute(f"SELECT count(*), {seen} FROM {quoted(name)}").fetchone()
    flags = iter(row[1:])
    classes = {column: frozenset(kind for kind in _CLASSES if next(flags)) for column in columns}
    return Table(name, int(row[0]), classes)


def rows(path: Path, table: str, columns: Sequence[str], *, piece: int) -> Iterator[list[tuple[object, ...]]]:
    """
    The table's rows in its own order, in lists of at most `piece`, all from one transaction.

    Raises:
        BookLocked, BookUnusable: as `look`.
    """
    refuse_in_use(path)
    with closing(_open(path)) as raw, engine.translated(path):
        raw.execute("BEGIN")
        cursor = raw.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table)}")
        while found := cursor.fetchmany(piece):
            yield found


def refuse_in_use(path: Path) -> None:
    """
    Refuse a file that a bot or another program may be writing.

    Raises:
        BookMissing: there is no such file.
        BookLocked: side files lie beside it, or one of tieout's locks on it is held.
    """
    if not path.is_file():
        raise BookMissing(f"there is no file {path}", hint="check the path; expected an SQLite file")
    real = Path(os.path.realpath(path))
    for ending in SIDE_FILES:
        if real.with_name(real.name + ending).exists():
            raise BookLocked(
                f"{path} is in use, or was left by a crash: {real.name}{ending} lies beside it", hint=_HINT
            )
    for name in LOCKS:
        if locks.is_held(real.with_name(f"{real.name}.{name}.lock")):
            raise BookLocked(f"{path} is the book of a tieout that is at work (its {name} lock is held)", hint=_HINT)


def _open(path: Path) -> sqlite3.Connection:
    """
    For reading alone, never waiting: nobody else may be there.

    Not `mode=ro`: such a connection to a file in WAL mode leaves side files behind that it may not remove.
    """
    with engine.translated(path):
        raw = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        raw.execute("PRAGMA query_only=ON")
        return raw


def _names(raw: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return sorted(str(row[0]) for row in raw.execute(query))


def _chosen(path: Path, table: str | None, names: list[str]) -> str:
    if table is None and len(names) == 1:
        return names[0]
    wanted = BOOK_TABLE if table is None else table
    if wanted in names:
        return wanted
    shown = ", ".join(names[:TABLES_SHOWN_MAX]) + (", ..." if len(names) > TABLES_SHOWN_MAX else "")
    found = f"it has {shown}" if names else "it has no tables"
    raise BookMissing(f"{path} has no table {wanted}; {found}", hint=f"name one: {path.name}::TABLE")
