"""
Loading a dump into a throw-away book of another state, to prove what it gives.

Loading takes longer than all the rest of a backup together. A large dump is therefore loaded by a process of its
own, which follows the file as it is written; in a thread both sides would wait for each other in SQLite's memory
accounting (measured at 338 MB: 39 s of processor time in threads, 29 s apart). What it gave is then summed up by both
sides, each some of the tables: nothing writes into the throw-away book any more.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from tieout.backup import folder, load
from tieout.backup.fingerprint import Summary, read_content, summed_up
from tieout.errors import BackupError
from tieout.store.tables import BOOK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tieout.backup.fingerprint import Content
    from tieout.backup.tables import Kinds

APART_FROM_BYTES: Final = 16 << 20
"""A smaller dump is loaded faster than a process starts."""
_CHILD: Final = "from tieout.backup.loading import follow; follow()"
_MALLOC: Final = "glibc.malloc.tcache_count=60000:glibc.malloc.trim_threshold=1000000000"
"""Parsing INSERTs is small allocations, of which glibc keeps too few at hand: a sixth of the loading (measured)."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The SHA-256 of the bytes that were loaded, and what the throw-away book held then."""

    sha256: str
    summary: Summary


Child = subprocess.Popen[bytes]


class Loading:
    """A dump that is being loaded while it is written."""

    def __init__(self, sql: Path, content: Content, child: Child | None) -> None:
        self._sql = sql
        self._kinds = content.kinds
        self._child = child
        self._ours = _our_share(content)
        if child is not None:
            task = {"sql": str(sql.absolute()), "kinds": self._kinds, "not": sorted(self._ours)}
            _tell(child, json.dumps(task))

    def wrote(self, position: int) -> None:
        """The file holds whole bytes up to here."""
        if self._child is not None:
            _tell(self._child, str(position))

    def outcome(self) -> Loaded:
        """
        Load what is left, and answer.

        Raises:
            BackupError: the dump cannot be loaded.
        """
        if self._child is None:
            return load_file(self._sql, self._kinds)
        sha256 = str(self._next(self._child)["sha256"])
        try:
            with closing(load.checked_book(_check_path(self._sql))) as raw:
                mine = read_content(raw, kinds=self._kinds, wanted=self._ours.__contains__).tables
        except sqlite3.Error as error:
            raise _not_loaded(self._sql, str(error)) from error
        rest = self._next(self._child)
        tables = {name: (table.rows, table.sha256) for name, table in mine.items()}
        tables |= {name: (rows, told) for name, (rows, told) in rest["tables"].items()}
        counters = [(name, seq) for name, seq in rest["sequences"]]
        return Loaded(sha256, summed_up(rest["schema"], dict(sorted(tables.items())), counters))

    def _next(self, child: Child) -> dict[str, Any]:
        """The child's next answer."""
        with suppress(BrokenPipeError):
            if child.stdin is not None:
                child.stdin.close()
        line = b"" if child.stdout is None else child.stdout.readline()
        if not line:
            said = b"" if child.stderr is None else child.stderr.read()
            raise BackupError(
                f"the process that loads the dump ended with {child.wait()}: {said.decode()[-300:].strip()}",
                hint="check the free space and memory, then run `tieout backup` again",
            )
        told: dict[str, Any] = json.loads(line)
        if "failed" in told:
            raise _not_loaded(self._sql, told["failed"])
        return told


@contextmanager
def helper(*, apart: bool) -> Iterator[Child | None]:
    """
    A process that will load a dump; None where none is wanted. It takes a while until it can, so it is started before
    there is anything to load.
    """
    child = _start() if apart else None
    try:
        yield child
    finally:
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                with suppress(BrokenPipeError):
                    if pipe is not None:
                        pipe.close()


@contextmanager
def loading(sql: Path, content: Content, child: Child | None) -> Iterator[Loading]:
    """
    Start loading a file that is about to be written.

    Args:
        sql: the file, there and empty.
        content: what is expected.
        child: loads it; without one it is loaded here, at the end.
    """
    try:
        yield Loading(sql, content, child)
    finally:
        if child is not None:
            child.kill()
            child.wait()
        folder.remove(_check_path(sql))


def load_file(sql: Path, kinds: Kinds | None = None) -> Loaded:
    """
    Load a finished dump here.

    Raises:
        BackupError: it cannot be loaded.
    """
    folder.remove(_check_path(sql))
    try:
        with sql.open("rb") as file, closing(_scratch_book(sql)) as raw:
            sha256 = load.load_dump(raw, load.file_pieces(file))
            return Loaded(sha256, read_content(raw, kinds=kinds).summary)
    except (sqlite3.Error, ValueError) as error:
        raise _not_loaded(sql, str(error)) from error
    finally:
        folder.remove(_check_path(sql))


def follow() -> None:
    """The other process: the task as a line of JSON on standard input, then positions as they are reached."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    task = json.loads(line)
    sql = Path(task["sql"])
    kinds = {name: tuple(kinds) for name, kinds in task["kinds"].items()}
    theirs = frozenset(task["not"])
    try:
        with sql.open("rb") as file, closing(_scratch_book(sql)) as raw:
            _answer({"sha256": load.load_dump(raw, _behind(file, sys.stdin.buffer))})
            content = read_content(raw, kinds=kinds, wanted=lambda name: name not in theirs)
            tables = content.summary.tables
            _answer({"schema": content.schema.digest, "tables": tables, "sequences": content.sequences})
    except (sqlite3.Error, OSError, ValueError, BackupError) as error:
        _answer({"failed": str(error)})


def _answer(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _scratch_book(sql: Path) -> sqlite3.Connection:
    raw = load.older_book(_check_path(sql), sorted(BOOK.tables))
    raw.execute("PRAGMA cache_size=-32768")
    return raw


def _our_share(content: Content) -> frozenset[str]:
    """The tables that the writer of the dump sums up, about half of all: largest first, each to who has less."""
    weights = {name: table.rows * (4 + len(table.kinds)) for name, table in content.tables.items()}
    ours: set[str] = set()
    lead = 0  # of the other side
    for name in sorted(weights, key=lambda name: (-weights[name], name)):
        if lead > 0:
            ours.add(name)
        lead += -weights[name] if lead > 0 else weights[name]
    return frozenset(ours)


def _start() -> Child:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths, "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", _MALLOC)},
    )


def _tell(child: Child, line: str) -> None:
    # One that has ended early says why in `outcome`.
    with suppress(BrokenPipeError):
        if child.stdin is not None:
            child.stdin.write(line.encode() + b"\n")
            child.stdin.flush()


def _behind(file: IO[bytes], positions: Iterable[bytes]) -> Iterator[bytes]:
    """The file's bytes as the writer gets on: read back from the file, since that is what counts."""
    done = 0
    for position in positions:
        piece = file.read(int(position) - done)
        done += len(piece)
        yield piece


def _check_path(sql: Path) -> Path:
    return folder.temporary(sql.with_name(sql.name + ".check"))


def _not_loaded(sql: Path, why: str) -> BackupError:
    return BackupError(
        f"the dump {sql.name} cannot be loaded: {why}",
        hint="check the free space; a finished dump that cannot be loaded is damaged: use another backup",
    )
