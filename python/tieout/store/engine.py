"""
Opening SQLite files, and what went wrong in the operator's words.

One SQLite library touches the live book in this process: Python's `sqlite3`, through SQLAlchemy. Nothing here
opens the file by itself (to hash it, say): closing such a handle drops the locks of every other one in the
process, and commits are lost silently. Source: sqlite.org/howtocorrupt, section 2.2.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tieout.errors import BookError, BookLocked, BookMissing, BookUnusable
from tieout.failpoints import reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

BUSY_TIMEOUT_S: Final = 5.0
"""How long a statement waits for another process's lock before it is a BookLocked."""


@contextmanager
def connect(
    path: Path, *, create: bool = False, timeout_s: float = BUSY_TIMEOUT_S, any_thread: bool = False
) -> Iterator[Connection]:
    """
    A connection to the SQLite file, closed at the end; errors become BookError.

    `any_thread` is for a connection that threads share, one at a time by a lock of their own.

    No transaction is open: `with read(connection):` or `with write(connection):` opens one.

    Raises:
        BookMissing: there is no file and `create` is false.
        BookLocked, BookUnusable, BookError: as `translated` says.
    """
    if not create and not path.is_file():
        raise BookMissing(
            f"there is no book at {path}",
            hint="check DATABASE.orders_db_path; to bring an old book in, run `tieout adopt BOOK`",
        )
    engine = _engine(path, create=create, timeout_s=timeout_s, any_thread=any_thread)
    try:
        with translated(path), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def read(connection: Connection) -> Iterator[None]:
    """One consistent view: everything read inside comes from the same moment."""
    with connection.begin():
        connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").all()
        yield


@contextmanager
def write(connection: Connection) -> Iterator[None]:
    """One `BEGIN IMMEDIATE` transaction: all of it, or none of it."""
    connection.info["begin"] = "BEGIN IMMEDIATE"
    try:
        with connection.begin():
            reach("transaction: begun", database=True)
            yield
            reach("transaction: before its commit", database=True)
        reach("transaction: committed", database=True)
    finally:
        connection.info["begin"] = "BEGIN"


def data_version(connection: Connection) -> int | None:
    """
    A number that stays the same, on this connection, until another one commits to the file; None where nobody counts.

    As long as it does, reading again finds what was read: SQLite's own cache rests on the same counter.
    """
    if connection.dialect.name != "sqlite":
        return None
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """
    SQLite's errors in the operator's words.

    Raises:
        BookLocked: another process holds it for longer than the timeout.
        BookUnusable: not SQLite, corrupt, read-only, not to be opened.
        BookError: the disk is full, or input and output failed; nothing was written.
    """
    try:
        yield
    except DBAPIError as error:
        cause = error.orig if isinstance(error.orig, sqlite3.Error) else None
        raise (explain(path, cause) if cause else BookError(f"{path}: {error}")) from error
    except sqlite3.Error as error:
        raise explain(path, error) from error


def explain(path: Path, error: sqlite3.Error) -> BookError:
    """The BookError that says what SQLite's error means for the operator."""
    name = getattr(error, "sqlite_errorname", "") or ""
    base = "_".join(name.split("_")[:2])
    if base in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
        return BookLocked(
            f"{path} is locked by another process, and stayed so for {BUSY_TIMEOUT_S:.0f} s",
            hint="see who holds it (fuser, lsof); nothing was changed",
        )
    if base == "SQLITE_NOTADB":
        return BookUnusable(
            f"{path} is not an SQLite database", hint="check DATABASE.orders_db_path; nothing was changed"
        )
    if base == "SQLITE_CORRUPT":
        return BookUnusable(
            f"{path} is corrupt: {error}",
            hint="restore a backup (`tieout backup list` shows them); nothing was changed",
        )
    if base == "SQLITE_READONLY":
        return BookUnusable(
            f"{path} cannot be written: {error}",
            hint="check the owner and mode of the file and of its folder",
        )
    if base == "SQLITE_CANTOPEN":
        return BookUnusable(
            f"{path} cannot be opened: {error}", hint="check the owner and mode of the file and of its folder"
        )
    if base in {"SQLITE_FULL", "SQLITE_IOERR"}:
        return BookError(
            f"{path}: writing failed ({error}); the change was rolled back",
            hint="free disk space, then run it again",
        )
    return BookError(f"{path}: {error}", hint="nothing was changed")


def _engine(path: Path, *, create: bool, timeout_s: float, any_thread: bool = False) -> Engine:
    mode = "rwc" if create else "rw"
    uri = f"file:{_quoted(path)}?mode={mode}"

    def open_file() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=not any_thread)

    engine = create_engine("sqlite://", creator=open_file, poolclass=NullPool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(raw: sqlite3.Connection, _record: object) -> None:
    # FULL: an acknowledged commit survives a power cut, which an order's record must.
    raw.execute("PRAGMA foreign_keys=ON")
    raw.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(str(connection.info.get("begin", "BEGIN")))


def _quoted(path: Path) -> str:
    """A path as an SQLite URI carries it: only what would end the path part is escaped."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
