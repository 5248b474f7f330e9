"""The rows behind the counts, on disk: what each part found, put together in the order of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tieout.diffing.planning import Plan
from tieout.diffing.spill.chunks import chunks_of, read
from tieout.diffing.spill.dealing import Dealt
from tieout.diffing.spill.merging import in_order
from tieout.diffing.tables import Kind, null_keys


@dataclass(frozen=True, slots=True)
class PartRows:
    """What the parts found. `nulls`: where the rows without a key were dealt to; `without_key`: none of them."""

    folder: Path
    sides: tuple[Dealt, Dealt]
    plan: Plan
    nulls: int
    without_key: pl.DataFrame

    def read(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """The rows of one kind in pieces, in the order of the whole."""
        if kind == "null_key":
            return self._without_key()
        return in_order([_frames(path) for path in sorted(self.folder.glob(f"{kind}-*.rows"))], self.plan)

    def _without_key(self) -> Iterator[pl.DataFrame]:
        columns = [*self.plan.keys, *self.plan.context, *self.plan.fields]
        for side, word in zip(self.sides, ("left", "right"), strict=True):
            for chunk in side.chunks(self.nulls):
                rows = null_keys(chunk.select(columns), word)
                yield pl.concat([self.without_key, rows], how="vertical_relaxed")


def _frames(path: Path) -> Iterator[pl.DataFrame]:
    return read(path, chunks_of(path))
