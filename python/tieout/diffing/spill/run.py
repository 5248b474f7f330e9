"""A diff that spills, from its start to its result; what a killed one has done is not done again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final

import polars as pl

from tieout.diffing.elsewhere import TablesElsewhere
from tieout.diffing.kernel import Differ
from tieout.diffing.memory import frame_bytes, shown
from tieout.diffing.options import Notice, Options, Progress
from tieout.diffing.parts import Figures, total
from tieout.diffing.planning import Plan
from tieout.diffing.result import Counts, DiffResult, Sample
from tieout.diffing.spill.chunks import packed
from tieout.diffing.spill.comparing import Comparing
from tieout.diffing.spill.dealing import Dealt, Layout, deal
from tieout.diffing.spill.folder import Folder
from tieout.diffing.spill.place import Sides
from tieout.diffing.spill.tables import PartRows
from tieout.diffing.tables import place_name
from tieout.errors import DiskError

BUFFER_BYTES_MAX: Final = 128 << 20
"""Of rows that are dealt out, before they are written; as many more are being written."""
CHUNK_ROWS_MIN: Final = 256


def compare_spilled(
    sides: Sides,
    agreed: Plan,
    options: Options,
    *,
    folder: Folder,
    available: int,
    progress: Progress,
    notice: Notice,
) -> DiffResult:
    """
    Compare two sides that do not fit into memory, as `folder.state` says.

    Raises:
        GuessWrong, InputUnusable, SchemaMismatch: as `loading.load`.
        DiskError: the spill folder has no room.
    """
    state, (left, right) = folder.state, (sides[0][0], sides[1][0])
    wanted = sides[0][1]
    layout = Layout(int(state["parts"]), wanted.one_in, agreed.keys, place_name(agreed))
    widths = (float(state["widths"][0]), float(state["widths"][1]))
    buffer_bytes = min(BUFFER_BYTES_MAX, available // 8)
    checked = _disk_check(folder, notice, size=sum(r * w for r, w in zip(state["rows"], widths, strict=True)))
    if any(folder.path.glob("*.rows")):
        compared = len(list(folder.path.glob("part-*.json")))
        notice(f"going on where an earlier run stopped: {compared} of {layout.parts} parts are compared")
    with writing_to(folder.path):
        dealt = [
            deal(
                source, columns, layout,
                folder=folder.path, buffer_bytes=buffer_bytes, check_disk=checked, progress=progress,
            )
            for source, columns in sides
        ]  # fmt: skip
        left.check()
        pair = (dealt[0], dealt[1])
        row_bytes = max(1.0, 2 * sum(widths))
        chunk_rows = max(CHUNK_ROWS_MIN, min(1 << 16, int(available / 4 / layout.parts / row_bytes)))
        comparing = Comparing(
            agreed, options, layout, pair, available, folder.path, chunk_rows, Differ(options.threads)
        )
        figures = total([_without_key(pair, layout), *_parts(comparing, progress)])
    sample = Sample(wanted.one_in, dealt[0].rows_read, dealt[1].rows_read) if wanted.one_in > 1 else None
    empty = comparing.nothing().tables
    rows = PartRows(folder.path, pair, agreed, nulls=layout.parts, without_key=empty.null_keys)
    tables = TablesElsewhere(rows.read, empty=empty, leave=folder.remove)
    return DiffResult(
        names=(left.name, right.name), plan=agreed, counts=figures.counts,
        fields={name: figures.fields.get(name, 0) for name in agreed.fields}, tables=tables, sample=sample,
    )  # fmt: skip


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """
    A file of the spill folder that cannot be written is a clear error.

    Raises:
        DiskError: with the room that is left.
    """
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        free = shown(shutil.disk_usage(folder.parent).free)
        raise DiskError(
            f"{folder.parent} cannot be spilled to: {why}; {free} are free there",
            hint="free some space, name another folder with --spill-dir, or give it more memory with --memory-limit",
        ) from error


def _disk_check(folder: Folder, notice: Notice, *, size: float) -> Callable[[Sequence[pl.DataFrame]], None]:
    """Says how much will be written, and refuses what has no room, once the first rows show how small they get."""

    said = False

    def check(frames: Sequence[pl.DataFrame]) -> None:
        nonlocal said
        if said:  # the first side's rows stand for the second's
            return
        said = True
        kept = sum(frame_bytes(frame) for frame in frames)
        need = int(size * sum(len(packed(frame)) for frame in frames) / max(1, kept))
        root, free = folder.path.parent, shutil.disk_usage(folder.path).free
        told = f"about {shown(need)} on disk, and what differs; {root} has {shown(free)} free"
        if need > free:
            raise DiskError(
                f"both sides do not fit into memory and need {told}",
                hint="name another folder with --spill-dir, or give it more memory with --memory-limit",
            )
        notice(f"more than memory: {folder.state['parts']} parts, {told}")

    return check


def _parts(comparing: Comparing, progress: Progress) -> Iterator[Figures]:
    parts, sides = comparing.layout.parts, comparing.sides
    rows = [sides[0].rows(part) + sides[1].rows(part) for part in range(parts)]
    done = 0
    for part in range(parts):
        progress(f"comparing {part + 1}/{parts}", done, sum(rows))
        yield comparing.compare(part)
        done += rows[part]
        progress(f"comparing {part + 1}/{parts}", done, sum(rows))


def _without_key(sides: tuple[Dealt, Dealt], layout: Layout) -> Figures:
    left, right = (side.rows(layout.parts) for side in sides)
    none = dict.fromkeys((one.name for one in fields(Counts)), 0)
    return Figures(Counts(**{**none, "rows_left": left, "rows_right": right, "null_keys": left + right}), {})
