"""The rows behind the counts, as frames; gathered when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import polars as pl

from tieout.diffing.kernel import FIELDS_MAX
from tieout.diffing.planning import Plan

DIFFERS: Final = "differs"
"""The column that lists a changed row's differing fields."""
TIMES_LEFT: Final = "rows_left"
TIMES_RIGHT: Final = "rows_right"
FOUND_ON: Final = "found_on"
"""Which side a row without a key is on: left or right. `side` is BUY or SELL."""


class Tables(Protocol):
    """
    Frames of what was found. Key columns come first, then `context`, then the compared fields.

    `changed` is ascending by the left side's rows, and has `differs` (list of field names) and FIELD_left, FIELD_right
    for each field. `duplicates` has one row for each key that a side has more than once: the key, `rows_left`,
    `rows_right`. `null_keys` has the columns of `left_only` after `found_on`.
    """

    @property
    def changed(self) -> pl.DataFrame:
        """Pairs that differ."""

    @property
    def left_only(self) -> pl.DataFrame:
        """Left rows whose key the right side does not have."""

    @property
    def right_only(self) -> pl.DataFrame:
        """Right rows whose key the left side does not have."""

    @property
    def duplicates(self) -> pl.DataFrame:
        """Keys that a side has more than once."""

    @property
    def null_keys(self) -> pl.DataFrame:
        """Rows with a null in their key."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Row numbers in the two frames; `changed` has left, right and mask_0, mask_1 ... of 64 fields each."""

    changed: pl.DataFrame
    left_only: pl.Series
    right_only: pl.Series
    duplicates: tuple[pl.Series, pl.Series]
    null_keys: tuple[pl.Series, pl.Series]


class FrameTables:
    """`Tables` of two frames in memory."""

    def __init__(self, sides: tuple[pl.DataFrame, pl.DataFrame], rows: Rows, plan: Plan) -> None:
        self._left, self._right = sides
        self._rows = rows
        self._plan = plan

    @cached_property
    def changed(self) -> pl.DataFrame:
        """Pairs that differ."""
        rows, plan = self._rows.changed, self._plan
        left, right = self._left[rows["left"]], self._right[rows["right"]]
        ends = endings(plan)
        columns = [left[name] for name in (*plan.keys, *plan.context)]
        columns.append(_differing(rows, plan.fields, ends[2]))
        for name in plan.fields:
            columns += [left[name].alias(name + ends[0]), right[name].alias(name + ends[1])]
        return pl.DataFrame(columns)

    @cached_property
    def left_only(self) -> pl.DataFrame:
        """Left rows whose key the right side does not have."""
        return self._ordered(self._left[self._rows.left_only])

    @cached_property
    def right_only(self) -> pl.DataFrame:
        """Right rows whose key the left side does not have."""
        return self._ordered(self._right[self._rows.right_only])

    @cached_property
    def duplicates(self) -> pl.DataFrame:
        """Keys that a side has more than once."""
        keys = list(self._plan.keys)
        words = (TIMES_LEFT, TIMES_RIGHT)
        sides = zip((self._left, self._right), self._rows.duplicates, words, strict=True)
        counted = [
            plain(side.select(keys)[rows]).select(*keys, *((pl.lit(int(word == mine))).alias(word) for word in words))
            for side, rows, mine in sides
        ]
        both = pl.concat(counted, how="vertical_relaxed")
        return both.group_by(keys, maintain_order=True).agg(pl.col(words).cast(pl.Int64).sum())

    @cached_property
    def null_keys(self) -> pl.DataFrame:
        """Rows with a null in their key."""
        parts = [
            plain(self._ordered(side[rows])).select(pl.lit(word).alias(FOUND_ON), pl.all())
            for side, rows, word in zip((self._left, self._right), self._rows.null_keys, ("left", "right"), strict=True)
        ]
        return pl.concat(parts, how="vertical_relaxed")

    def _ordered(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(*self._plan.keys, *self._plan.context, *self._plan.fields)


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with dictionaries of text as text, so that two sides' can be put below one another."""
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def endings(plan: Plan) -> tuple[str, str, str]:
    """What is put behind a field's name for its left and its right value, and `differs`; no name occurs twice."""
    marks = "_"
    while True:
        names = [*plan.keys, *plan.context, DIFFERS + marks[1:]]
        names += [name + marks + side for name in plan.fields for side in ("left", "right")]
        if len(set(names)) == len(names):
            return marks + "left", marks + "right", DIFFERS + marks[1:]
        marks += "_"


def _differing(rows: pl.DataFrame, fields: tuple[str, ...], name: str) -> pl.Series:
    """For each changed pair the names of the fields that differ."""
    bits = [
        pl.when(pl.col(f"mask_{at // FIELDS_MAX}") // (1 << at % FIELDS_MAX) % 2 == 1).then(pl.lit(field))
        for at, field in enumerate(fields)
    ]
    if not bits:
        return pl.Series(name, [[]] * rows.height, dtype=pl.List(pl.String))
    return rows.select(pl.concat_list(bits).list.drop_nulls().alias(name))[name]


def pieces(tables: Tables) -> Iterator[tuple[str, pl.DataFrame]]:
    """All of them with their names, those without a row left out."""
    named = (
        ("changed", tables.changed),
        ("left_only", tables.left_only),
        ("right_only", tables.right_only),
        ("duplicate_key", tables.duplicates),
        ("null_key", tables.null_keys),
    )
    return ((name, frame) for name, frame in named if frame.height)
