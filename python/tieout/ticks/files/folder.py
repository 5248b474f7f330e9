"""
The one writer of a recording's folder: its lock, its drafts, and parts that are there whole or not at all.

1. One process writes ticks below a folder; a second one is `Locked`.
2. A part appears by rename. What a crash left half done lies outside of the recording and goes at the next start.
3. A part that is small grows: it is written anew with what came, and renamed over itself.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout import locks
from tieout.errors import DiskError
from tieout.failpoints import reach
from tieout.files import beside
from tieout.ticks.files.content import digest_of
from tieout.ticks.files.parts import COLUMNS, ROW_GROUP_ROWS, Label, folder_of, part_name, work_folder

if TYPE_CHECKING:
    from datetime import date

    from tieout.ticks.instruments import Instrument

GROWS_BELOW_ROWS: Final = 32_768
"""A part of fewer rows is written anew with what follows, so that a slow instrument has few files."""

LOCK: Final = "record.lock"
_DRAFT: Final = "part-*.tmp"


@dataclass(slots=True)
class _Open:
    path: Path
    rows: int


class RecordingFolder:
    """
    A recording's folder, open for writing.

    Args:
        root: the recording; made where it is missing.
        session: when this recording began, UTC ns; names its parts and stands in their rows.

    Raises:
        Locked: another process records into it.
        DiskError: it cannot be made or written.
    """

    def __init__(self, root: Path, *, session: int) -> None:
        self._root = root
        self._work = work_folder(root)
        self._session = session
        self._numbers = count(1)
        self._growing: dict[tuple[date, int], _Open] = {}
        with ExitStack() as stack:
            stack.enter_context(locks.hold(self._work / LOCK, what="ticks record", now_ns=session))
            try:
                root.mkdir(parents=True, exist_ok=True)
                require_one_disk(root, self._work)
                remove_drafts(self._work, _DRAFT)
                if not os.access(root, os.W_OK | os.X_OK):
                    raise PermissionError(13, os.strerror(13))
            except OSError as error:
                raise DiskError(
                    f"{root} cannot be written: {error.strerror}", hint="check the folder's owner and mode"
                ) from error
            self._held = stack.pop_all()

    def write(self, day: date, instrument: Instrument, ticks: pl.DataFrame, *, name: str, today: date) -> Path:
        """
        Put ticks of one day and instrument on the disk: into the part that still grows, or a new one.

        Several threads may write, each for an instrument of its own.

        Args:
            ticks: schema `TICK`, at least one row, in order of arrival.
            name: the instrument's folder name.
            today: parts of another day do not grow, so that `ticks compact` may take them.

        Raises:
            OSError, polars' errors: it cannot be written; what was there before still is.
        """
        rows = ticks.drop("instrument").with_columns(pl.lit(self._session, pl.UInt64).alias("session"))
        key = (day, instrument.number)
        grown = self._growing.get(key) if day == today else None
        if grown is not None and grown.rows < GROWS_BELOW_ROWS and grown.path.exists():
            rows = pl.concat([pl.read_parquet(grown.path, hive_partitioning=False, memory_map=False), rows])
            path = grown.path
        else:
            path = self._next_path(folder_of(self._root, day, name), ticks["received_ns"][0])
        write_part(path, rows, Label(instrument), work=self._work)
        self._growing[key] = _Open(path, rows.height)
        return path

    def _next_path(self, folder: Path, first_ns: int) -> Path:
        """A name that nothing has: the clock may have been set back onto an older recording."""
        while (path := folder / part_name(first_ns, self._session, next(self._numbers))).exists():
            pass
        return path

    def forget_days_before(self, today: date) -> None:
        """Parts of days that are over grow no more."""
        self._growing = {key: part for key, part in self._growing.items() if key[0] >= today}

    def close(self) -> None:
        """Give the folder back. Twice is once."""
        self._held.close()


def write_part(path: Path, rows: pl.DataFrame, label: Label, *, work: Path) -> None:
    """
    Write a part whole, or not at all; it is synced, its folder is not.

    Args:
        rows: schema `COLUMNS`.
        work: where the draft is made; on the same disk.

    Raises:
        OSError, polars' errors: it could not be written; at `path` is what was there before.
    """
    make_folder(path.parent)
    told = replace(label, content=(rows.height, digest_of(rows)))
    with beside(path, draft_in=work, durable=False) as draft:
        reach("ticks part: made")
        rows.select(list(COLUMNS)).write_parquet(
            draft, compression="zstd", compression_level=1, row_group_size=ROW_GROUP_ROWS, metadata=told.to_metadata()
        )
        reach("ticks part: written")
    reach("ticks part: there")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)


def remove_drafts(work: Path, pattern: str) -> None:
    """Remove what a writer that was killed left half done. Only under that writer's lock."""
    for left in work.glob(pattern):
        left.unlink(missing_ok=True)


def require_one_disk(root: Path, work: Path) -> None:
    """
    A part is renamed from one to the other.

    Raises:
        DiskError: they are on two disks.
    """
    if root.stat().st_dev != work.stat().st_dev:
        raise DiskError(
            f"{root} is a disk of its own, and files cannot be moved into it from {work}",
            hint="record into a folder on that disk instead of its top",
        )
