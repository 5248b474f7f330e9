"""The rows behind the counts, on disk: what each part found, put together in the order of the whole."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tieout.diffing.planning import Plan
from tieout.diffing.spill.chunks import chunks_of, read
from tieout.diffing.spill.dealing import Dealt
from tieout.diffing.spill.folder import Folder
from tieout.diffing.spill.merging import merged
from tieout.diffing.tables import Kind, Tables, null_keys, place_name


class PartTables:
    """`Tables` of many parts. The spill folder goes with it: at `close`, or when nobody has it any more."""

    def __init__(self, folder: Folder, sides: tuple[Dealt, Dealt], plan: Plan, *, nulls: int, empty: Tables) -> None:
        self._folder = folder
        self._sides = sides
        self._plan = plan
        self._nulls = nulls
        self._empty = empty
        self._gone = weakref.finalize(self, folder.remove)

    @property
    def changed(self) -> pl.DataFrame:
        """Pairs that differ."""
        return self._whole("changed", self._empty.changed)

    @property
    def left_only(self) -> pl.DataFrame:
        """Left rows whose key the right side does not have."""
        return self._whole("left_only", self._empty.left_only)

    @property
    def right_only(self) -> pl.DataFrame:
        """Right rows whose key the left side does not have."""
        return self._whole("right_only", self._empty.right_only)

    @property
    def duplicates(self) -> pl.DataFrame:
        """Keys that a side has more than once."""
        return self._whole("duplicate_key", self._empty.duplicates)

    @property
    def null_keys(self) -> pl.DataFrame:
        """Rows with a null in their key."""
        return self._whole("null_key", self._empty.null_keys)

    def stream(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """One of them in pieces, in its order."""
        if kind == "null_key":
            return self._without_key()
        place = place_name(self._plan)
        runs = [_frames(path) for path in sorted(self._folder.path.glob(f"{kind}-*.rows"))]
        return (frame.drop(place) for frame in merged(runs, place))

    def close(self) -> None:
        """Remove the spill folder."""
        self._gone()

    def _without_key(self) -> Iterator[pl.DataFrame]:
        columns = [*self._plan.keys, *self._plan.context, *self._plan.fields]
        template = self._empty.null_keys
        for side, word in zip(self._sides, ("left", "right"), strict=True):
            for chunk in side.chunks(self._nulls):
                rows = null_keys(chunk.select(columns), word)
                yield pl.concat([template, rows], how="vertical_relaxed")

    def _whole(self, kind: Kind, empty: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([empty, *self.stream(kind)])


def _frames(path: Path) -> Iterator[pl.DataFrame]:
    return read(path, chunks_of(path))
