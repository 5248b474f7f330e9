"""
`ticks compact`: the many parts of a day and instrument as one.

1. Every row is in the recording once, before, after, and after a kill at any point: the new file says which ones it
   replaces, appears by rename once it was read back and found to hold exactly their rows, and readers count what it
   replaces no more. What a kill leaves of the old ones goes with the next run.
2. Rows are sorted by `received_ns`, then `sequence`; equal ones stay as they came.
3. A day that a running recorder may still write to is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout import locks
from tieout.clock import NS_PER_S
from tieout.errors import DiskError, InputUnusable
from tieout.failpoints import reach
from tieout.files import beside, sync_folder
from tieout.ticks.files.content import Content, content_of, whole
from tieout.ticks.files.folder import LOCK, remove_drafts
from tieout.ticks.files.parts import (
    COLUMNS,
    DAY_NS,
    INSTRUMENT_FOLDER,
    ROW_GROUP_ROWS,
    Label,
    day_folders,
    day_of,
    part_name,
    work_folder,
)
from tieout.ticks.files.recording import Part, counted_once, read_label
from tieout.ticks.instruments import identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


COMPACT_LOCK: Final = "compact.lock"
SETTLED_AFTER_NS: Final = 600 * NS_PER_S
"""So long after midnight a recorder may still be writing the last ticks of the day before."""

RECORDED: Final = "a recorder may still write to that day"
REMOVED: Final = "it was removed meanwhile"
HARMLESS: Final = frozenset({RECORDED, REMOVED})
"""Why a folder is skipped though nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A day and instrument whose parts became one file."""

    day: date
    instrument: str
    parts: int
    rows: int
    bytes_before: int
    bytes_after: int


@dataclass(slots=True)
class Compacted:
    """
    What a run did.

    Attributes:
        merged: what became one file each.
        left_over: parts of an earlier run that was killed, removed now.
        skipped: folder -> why it was left as it is.
    """

    merged: list[Merged] = field(default_factory=list)
    left_over: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The result as `--json` prints it."""
        return {
            "merged": [
                {
                    "date": one.day.isoformat(), "instrument": one.instrument, "parts": one.parts, "rows": one.rows,
                    "bytes_before": one.bytes_before, "bytes_after": one.bytes_after,
                }
                for one in self.merged
            ],
            "left_over": self.left_over,
            "skipped": [{"folder": folder, "why": why} for folder, why in self.skipped.items()],
        }  # fmt: skip


def compact(
    root: Path,
    *,
    now_ns: int,
    older_than_days: int = 1,
    progress: Callable[[str, int, int | None], None] = lambda _what, _done, _total: None,
) -> Compacted:
    """
    Compact the days that are at least so many days old; 0 is today as well.

    Raises:
        InputUnusable: there is no recording.
        Locked: another compact is at work on it.
        DiskError: a file cannot be written; nothing is lost by that.
    """
    days = day_folders(root)
    if not days:
        raise InputUnusable(f"{root} holds no recorded day", hint="name the folder that has date=YYYY-MM-DD folders")
    result = Compacted()
    work = work_folder(root)
    with locks.hold(work / COMPACT_LOCK, what="ticks compact", now_ns=now_ns):
        remove_drafts(work, "day-*.tmp")
        chosen = [day for day in days if day <= day_of(now_ns) - timedelta(days=older_than_days)]
        folders = [(day, one) for day in chosen for one in sorted(days[day].glob(f"{INSTRUMENT_FOLDER}*"))]
        for done, (day, folder) in enumerate(folders):
            progress("compacting", done, len(folders))
            if locks.is_held(work / LOCK) and now_ns < _settled_ns(day):
                result.skipped[str(folder)] = RECORDED
                continue
            try:
                _compact_folder(folder, day, work, now_ns, result)
            except InputUnusable as error:
                result.skipped[str(folder)] = error.message
            except (OSError, pl.exceptions.PolarsError) as error:
                if not folder.exists():  # retention took the day away meanwhile
                    result.skipped[str(folder)] = REMOVED
                    continue
                raise DiskError(
                    f"{folder} cannot be compacted: {error}", hint="make room; its parts are as they were"
                ) from error
    return result


def _settled_ns(day: date) -> int:
    midnight = (day - date(1970, 1, 1)).days + 1
    return midnight * DAY_NS + SETTLED_AFTER_NS


def _compact_folder(folder: Path, day: date, work: Path, now_ns: int, result: Compacted) -> None:
    parts = [Part(path, label) for path in sorted(folder.glob("*.parquet")) if (label := read_label(path)) is not None]
    counted = counted_once(parts)
    gone = [part.path for part in parts if part not in counted]
    result.left_over += len(gone)
    _remove(gone, folder)
    by_identity: dict[object, list[Part]] = {}
    for part in counted:
        by_identity.setdefault(identity(part.contract), []).append(part)
    for number, same in enumerate(by_identity.values()):
        if len(same) > 1:
            merged = _merge(same, day, work, (now_ns, number))
            _remove([part.path for part in same], folder)
            result.merged.append(merged)


def _merge(parts: list[Part], day: date, work: Path, name: tuple[int, int]) -> Merged:
    """The new file in its place; the old ones are still there."""
    contents = [content_of(part.path, part.label.content) for part in parts]
    frames = [_sorted_run([parts[at] for at in run], [contents[at] for at in run]) for run in _runs(contents)]
    first_ns = min(one.first_ns for one in contents)
    path = parts[0].path.with_name(part_name(first_ns, *name, kind="day"))
    expected = whole(contents)
    label = Label(parts[0].label.instrument, tuple(part.path.name for part in parts), expected.content)
    with beside(path, draft_in=work) as draft:
        reach("ticks compact: made")
        pl.concat(frames).select(list(COLUMNS)).sink_parquet(
            draft, compression="zstd", row_group_size=ROW_GROUP_ROWS, metadata=label.to_metadata(), maintain_order=True
        )
        reach("ticks compact: written")
        written = content_of(draft)
        if (written.content, written.hashes) != (expected.content, expected.hashes):
            raise DiskError(
                f"{path.parent}: what was written is not what was read ({written.rows} rows, not {expected.rows})",
                hint="the parts are as they were; look at the disk",
            )
    reach("ticks compact: there")
    before = sum(part.path.stat().st_size for part in parts)
    name_shown = parts[0].label.instrument.name
    return Merged(day, name_shown, len(parts), written.rows, before, path.stat().st_size)


def _sorted_run(parts: list[Part], contents: list[Content]) -> pl.LazyFrame:
    frame = pl.concat([pl.scan_parquet(part.path, hive_partitioning=False, glob=False) for part in parts])
    if len(parts) == 1 and contents[0].is_sorted:
        return frame
    return frame.sort("received_ns", "sequence", maintain_order=True)


def _runs(contents: list[Content]) -> list[list[int]]:
    """The parts in groups that follow each other in time; parts that overlap are in one group."""
    order = sorted(range(len(contents)), key=lambda at: (contents[at].first_ns, at))
    runs: list[list[int]] = []
    until: int | None = None
    for at in order:
        if until is not None and contents[at].first_ns <= until:
            runs[-1].append(at)
        else:
            runs.append([at])
        until = contents[at].last_ns if until is None else max(until, contents[at].last_ns)
    return [sorted(run) for run in runs]


def _remove(paths: list[Path], folder: Path) -> None:
    for path in paths:
        reach("ticks compact: before an old part goes")
        path.unlink()
    if paths:
        sync_folder(folder)
        reach("ticks compact: old parts gone")
