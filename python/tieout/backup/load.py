"""
Reading a `.sql` dump back with Python's SQLite, as the `sqlite3` program would.

Statement by statement: `executescript` would commit the dump's own transaction at each call. The file's
SHA-256 is taken from the same bytes that were executed.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING, BinaryIO, Final

from tieout.errors import BackupError
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_PIECE_BYTES: Final = 1 << 18


def load_dump(raw: sqlite3.Connection, pieces: Iterable[bytes]) -> str:
    """
    Execute a dump.

    Args:
        raw: a connection with `isolation_level=None`, no transaction open.
        pieces: the file's bytes in order, cut anywhere.

    Returns:
        The SHA-256 of the bytes.

    Raises:
        sqlite3.Error: a statement failed; the dump's transaction is still open and is not committed.
        BackupError: the dump ends in the middle.
    """
    total = hashlib.sha256()
    for statement in _statements(pieces, total):
        raw.execute(statement)
    if raw.in_transaction:
        raise BackupError("the dump ends before its COMMIT", hint="it was cut off; use another backup")
    return total.hexdigest()


def file_pieces(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file."""
    return iter(lambda: file.read(_PIECE_BYTES), b"")


def older_book(path: Path, tables: Iterable[str]) -> sqlite3.Connection:
    """A throw-away book of another state, which a dump has to get rid of: other columns, and a row each."""
    raw = sqlite3.connect(path, isolation_level=None, cached_statements=0, check_same_thread=False)
    raw.execute("PRAGMA journal_mode=OFF")
    raw.execute("PRAGMA synchronous=OFF")
    for name in tables:
        raw.execute(f"CREATE TABLE {quoted(name)} (other_state TEXT PRIMARY KEY)")
        raw.execute(f"INSERT INTO {quoted(name)} VALUES ('old')")
    return raw


def checked_book(path: Path) -> sqlite3.Connection:
    """A throw-away book that a dump was loaded into, to look at what it holds."""
    raw = sqlite3.connect(path, isolation_level=None, cached_statements=0)
    raw.execute("PRAGMA query_only=ON")
    raw.execute("PRAGMA cache_size=-32768")
    return raw


def _statements(pieces: Iterable[bytes], total: hashlib._Hash) -> Iterator[str]:
    """Whole statements. A semicolon at the end of a line may end one; SQLite says whether it does."""
    held, rest = "", b""
    for piece in pieces:
        total.update(piece)
        *ends, rest = (rest + piece).split(b";\n")
        for end in ends:
            held += end.decode("utf-8") + ";\n"
            if _is_insert(held) or sqlite3.complete_statement(held):
                yield _without_program_lines(held)
                held = ""
    if rest.strip() or held:
        raise BackupError("the dump ends inside a statement", hint="it was cut off; use another backup")


def _is_insert(statement: str) -> bool:
    """
    Whether it is an INSERT as the dump writes them: a line that ends in VALUES, then rows, in which no text holds a
    line break. It is most of a dump, and need not be read once more to know that it is complete.
    """
    head = statement[: statement.find("\n")]
    return head.startswith("INSERT INTO ") and head.endswith(" VALUES") and head.count('"') % 2 == 0


def _without_program_lines(statement: str) -> str:
    while statement.startswith((".", "--")):
        statement = statement.partition("\n")[2]
    return statement
