"""Keys that so many rows have that no split makes their part small: their rows are counted, and not kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from tieout.diffing.kernel import Differ
from tieout.diffing.kinds import is_float
from tieout.diffing.planning import Plan
from tieout.diffing.tables import RIGHT_FIRST, TIMES_LEFT, TIMES_RIGHT, place_name, plain

KEYS_MAX: Final = 1 << 16
"""Of the keys that occur more than once in a chunk, so many of the most frequent are counted."""
_TIMES: Final = {"left": TIMES_LEFT, "right": TIMES_RIGHT}


class Heavy:
    """
    Keys that are known to occur more than once on a side, so that none of their rows is compared.

    A key that fills a part by itself has more rows than there are chunks, so that one of them has it twice.
    """

    def __init__(self, plan: Plan, differ: Differ) -> None:
        self._keys = list(plan.keys)
        self._place = place_name(plan)
        self._rows = f"{self._place}:rows"
        self._differ = differ
        self._known: list[pl.DataFrame] = []

    def look(self, chunks: Iterable[pl.DataFrame]) -> None:
        """Remember which keys these rows of a side show to be duplicates."""
        found: pl.DataFrame | None = None
        for chunk in chunks:
            twice = self._each(chunk).filter(pl.col(self._rows) > 1)
            both = twice if found is None else pl.concat([found, twice])
            grouped = both.group_by(self._keys, maintain_order=True, **self._signs(both))
            found = grouped.agg(pl.col(self._rows).sum(), pl.col(self._place).min())
            found = found.select(twice.columns).sort(self._rows, descending=True).head(KEYS_MAX)
        if found is not None and found.height:
            self._known.append(found.select(self._keys))

    def counted(self, word: str, chunk: pl.DataFrame) -> pl.DataFrame:
        """The known keys among the left or the right side's rows, as `tables.counted_once` takes them."""
        hit = self._hit(chunk)
        first = pl.col(self._place).cast(pl.UInt64) + (RIGHT_FIRST if word == "right" else 0)
        times = [
            (pl.col(self._rows) if one == word else pl.lit(0)).cast(pl.Int64).alias(name)
            for one, name in _TIMES.items()
        ]
        return plain(hit.select(*self._keys, *times, first))

    def without(self, chunk: pl.DataFrame) -> pl.DataFrame:
        """The rows that have other keys."""
        hit, signs = self._hit(chunk), self._signs(chunk)
        if not hit.height:
            return chunk
        by = [*self._keys, *signs]
        known = hit.with_columns(**signs).select(by)
        rest = chunk.with_columns(**signs).join(known, on=by, how="anti", maintain_order="left")
        return rest.select(chunk.columns)

    def _hit(self, chunk: pl.DataFrame) -> pl.DataFrame:
        each = self._each(chunk)
        return each[self._paired(each)]

    def _each(self, chunk: pl.DataFrame) -> pl.DataFrame:
        """Each key of a chunk once, how many rows have it and the first place; NaN is left out, as there are many."""
        floats = [name for name in self._keys if is_float(chunk.schema[name])]
        known = chunk.filter(~pl.col(name).is_nan() for name in floats) if floats else chunk
        grouped = known.group_by(self._keys, maintain_order=True, **self._signs(chunk))
        found = grouped.agg(pl.len().cast(pl.Int64).alias(self._rows), pl.col(self._place).min())
        return found.select(*self._keys, self._rows, self._place)

    def _signs(self, frame: pl.DataFrame) -> dict[str, pl.Expr]:
        """0.0 and -0.0 are two keys, which polars takes for one."""
        floats = [name for name in self._keys if is_float(frame.schema[name])]
        return {f"{self._place}:{name}": 1 / pl.col(name) for name in floats}

    def _paired(self, each: pl.DataFrame) -> pl.Series:
        """Which of the keys are known, as the kernel compares them: the sides' types may differ."""
        rows = [
            self._differ.diff(known, each, keys=self._keys, fields=[]).equal["right"]
            for known in self._known
            if each.height
        ]
        return pl.concat(rows).unique().sort() if rows else pl.Series([], dtype=pl.UInt32)
