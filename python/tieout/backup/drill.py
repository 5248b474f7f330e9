"""A restore that is practised: the backup is really put back, into a throw-away place, in every way there is."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tieout.backup import folder, load, swap
from tieout.backup.backup import read_fingerprint
from tieout.backup.catalogue import find
from tieout.errors import BackupError, BookError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.backup.manifest import Backup

_WAYS: Final = ("into a book in use", "into no book", "the .db copied over", "the .sql piped in")


@dataclass(frozen=True, slots=True)
class Practised:
    """One way of putting the backup back; `found` is empty where the book then held what it should."""

    way: str
    found: str


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill's outcome."""

    backup: Backup
    ways: tuple[Practised, ...]

    @property
    def ok(self) -> bool:
        """Whether every way gave the backup's content."""
        return not any(way.found for way in self.ways)


def run_drill(backups_dir: Path, backup_id: str) -> Drill:
    """
    Put a backup back in each way, in a temporary folder beside it, and compare fingerprints.

    Raises:
        BackupError: there is no such backup, or the disk has no room for the drill.
    """
    backup = find(backups_dir, backup_id)
    folder.require_space(backups_dir, backup.db)
    acts = (_into_a_book_in_use, _into_no_book, _copied_over, _piped_in)
    ways = tuple(_practise(way, act, backup) for way, act in zip(_WAYS, acts, strict=True))
    return Drill(backup, ways)


def _practise(way: str, act: Callable[[Backup, Path], None], backup: Backup) -> Practised:
    with tempfile.TemporaryDirectory(prefix=".drill-", dir=backup.db.parent) as place:
        book = Path(place) / "orders.db"
        try:
            act(backup, book)
            found = read_fingerprint(book)
        except (BackupError, BookError, sqlite3.Error, OSError) as error:
            return Practised(way, str(error))
    return Practised(way, "" if found == backup.fingerprint else f"fingerprint {found}")


def _into_a_book_in_use(backup: Backup, book: Path) -> None:
    with closing(load.older_book(book, backup.counts)) as raw:
        swap.copy_into(book, backup.db)
        raw.execute("SELECT count(*) FROM sqlite_master").fetchall()


def _into_no_book(backup: Backup, book: Path) -> None:
    swap.replace(book, backup.db, mode=0o600)


def _copied_over(backup: Backup, book: Path) -> None:
    load.older_book(book, backup.counts).close()
    shutil.copyfile(backup.db, book)


def _piped_in(backup: Backup, book: Path) -> None:
    with closing(load.older_book(book, backup.counts)) as raw, backup.sql.open("rb") as file:
        load.load_dump(raw, load.file_pieces(file))
