"""
Loading a dump into a throw-away book of another state, to prove what it gives.

Loading takes longer than all the rest of a backup together. A large dump is therefore loaded by a process of its
own, which follows the file as it is written; in a thread both sides would wait for each other in SQLite's memory
accounting (measured at 338 MB: 39 s of processor time in threads, 29 s apart).
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
from tieout.backup.fingerprint import Summary, read_content
from tieout.errors import BackupError
from tieout.store.tables import BOOK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tieout.backup.tables import Kinds

APART_FROM_BYTES: Final = 16 << 20
"""A smaller dump is loaded faster than a process starts."""
_CHILD: Final = "from tieout.backup.loading import follow; follow()"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The SHA-256 of the bytes that were loaded, and what the throw-away book held then."""

    sha256: str
    summary: Summary


class Loading:
    """A dump that is being loaded while it is written."""

    def __init__(self, sql: Path, kinds: Kinds, child: subprocess.Popen[bytes] | None) -> None:
        self._sql = sql
        self._kinds = kinds
        self._child = child

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
        out, said = self._child.communicate()
        if self._child.returncode != 0:
            raise BackupError(
                f"the process that loads the dump ended with {self._child.returncode}: {said.decode()[-300:].strip()}",
                hint="check the free space and memory, then run `tieout backup` again",
            )
        told = json.loads(out)
        if "failed" in told:
            raise _not_loaded(self._sql, told["failed"])
        return Loaded(told["sha256"], Summary(told["fingerprint"], {k: (n, h) for k, (n, h) in told["tables"].items()}))


@contextmanager
def loading(sql: Path, kinds: Kinds, *, apart: bool) -> Iterator[Loading]:
    """
    Start loading a file that is about to be written.

    Args:
        sql: the file, there and empty.
        kinds: what the columns of the content that is expected hold.
        apart: load in a process of its own.
    """
    child = _start(sql, kinds) if apart else None
    try:
        yield Loading(sql, kinds, child)
    finally:
        if child is not None and child.poll() is None:
            child.kill()
            child.communicate()
        folder.remove(_check_path(sql))


def load_file(sql: Path, kinds: Kinds | None = None) -> Loaded:
    """
    Load a finished dump here.

    Raises:
        BackupError: it cannot be loaded.
    """
    folder.remove(_check_path(sql))
    try:
        with sql.open("rb") as file:
            return _loaded(sql, load.file_pieces(file), kinds)
    except (sqlite3.Error, ValueError) as error:
        raise _not_loaded(sql, str(error)) from error
    finally:
        folder.remove(_check_path(sql))


def follow() -> None:
    """The other process: the task as a line of JSON on standard input, then positions as they are reached."""
    task = json.loads(sys.stdin.buffer.readline())
    sql = Path(task["sql"])
    kinds = {name: tuple(kinds) for name, kinds in task["kinds"].items()}
    told: dict[str, Any]
    try:
        with sql.open("rb") as file:
            done = _loaded(sql, _behind(file, sys.stdin.buffer), kinds)
        told = {"sha256": done.sha256, "fingerprint": done.summary.fingerprint, "tables": done.summary.tables}
    except (sqlite3.Error, OSError, ValueError, BackupError) as error:
        told = {"failed": str(error)}
    sys.stdout.write(json.dumps(told))


def _loaded(sql: Path, pieces: Iterable[bytes], kinds: Kinds | None) -> Loaded:
    with closing(load.older_book(_check_path(sql), sorted(BOOK.tables))) as raw:
        raw.execute("PRAGMA cache_size=-32768")
        sha256 = load.load_dump(raw, pieces)
        return Loaded(sha256, read_content(raw, kinds=kinds).summary)


def _start(sql: Path, kinds: Kinds) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(path for path in sys.path if path)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    _tell(child, json.dumps({"sql": str(sql.absolute()), "kinds": kinds}))
    return child


def _tell(child: subprocess.Popen[bytes], line: str) -> None:
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
