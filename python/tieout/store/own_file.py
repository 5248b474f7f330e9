"""
An SQLite file of tieout's own beside the book: its tables, its version, its transactions. No restore touches it.

A rollback journal with synchronous=FULL: what a transaction wrote is on the disk when it returns, after SIGKILL and a
power cut, too.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from tieout.errors import BookUnusable
from tieout.store import engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, MetaData


class OwnFile:
    """One open file. Close it, or use it as a context manager. Threads may share it, one at a time, if it says so."""

    def __init__(
        self, path: Path, tables: MetaData, *, version: int, any_thread: bool = False, keep_journal: bool = False
    ) -> None:
        """
        Open it; make it where it is not there.

        Args:
            path: the file.
            tables: what is in it.
            version: of the tables.
            any_thread: whether several threads use it, one at a time by a lock of their own.
            keep_journal: for many small transactions: the journal's header is synced away at each commit, and no folder
                must be.

        Raises:
            BookUnusable: it is of another version, or cannot be used.
            BookError: it cannot be read or written.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(engine.connect(path, create=True, any_thread=any_thread))
        try:
            self._prepare(tables, version, keep_journal=keep_journal)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """May be called again."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _prepare(self, tables: MetaData, version: int, *, keep_journal: bool) -> None:
        with engine.translated(self.path):
            found = self._connection.exec_driver_sql("PRAGMA user_version").scalar()
            self._connection.rollback()
            if keep_journal:
                self._connection.exec_driver_sql("PRAGMA journal_mode=PERSIST")
                self._connection.rollback()
        if found == 0:
            with self._write() as connection:
                tables.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={version}")
        elif found != version:
            raise BookUnusable(
                f"{self.path} is of version {found}, this tieout knows {version}", hint="install a newer tieout"
            )

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with engine.translated(self.path), engine.write(self._connection):
            yield self._connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with engine.translated(self.path), engine.read(self._connection):
            yield self._connection
