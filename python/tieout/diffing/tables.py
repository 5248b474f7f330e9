"""The rows behind the counts, as frames; gathered when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, Protocol, get_args

import polars as pl

from tieout.diffing.kernel import FIELDS_MAX
from tieout.diffing.kinds import is_float
from tieout.diffing.planning import Plan

DIFFERS: Final = "differs"
"""The column that lists a changed row's differing fields."""
TIMES_LEFT: Final = "rows_left"
TIMES_RIGHT: Final = "rows_right"
FOUND_ON: Final = "found_on"
"""Which side a row without a key is on: left or right. `side` is BUY or SELL."""
PIECE_ROWS: Final = 1 << 16
"""Rows of a piece, where frames are not made whole."""
RIGHT_FIRST: Final = 1 << 32
"""Where the right side's rows begin among the places of both sides: a side has fewer rows than that."""

Kind = Literal["changed", "left_only", "right_only", "duplicate_key", "null_key"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


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

    def stream(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """One of them in pieces that fit into memory, in its order; none where it is empty."""

    def close(self) -> None:
        """Give up what is kept for them; the frames are not there any more."""


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
        return self._changed(self._rows.changed)

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
        return self.placed_duplicates(self._rows.duplicates)[1]

    @cached_property
    def null_keys(self) -> pl.DataFrame:
        """Rows with a null in their key."""
        sides = zip((self._left, self._right), self._rows.null_keys, ("left", "right"), strict=True)
        return pl.concat(
            [null_keys(self._ordered(side[rows]), word) for side, rows, word in sides], how="vertical_relaxed"
        )

    def stream(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """One of them in pieces, in its order."""
        rows = self._rows
        match kind:
            case "changed":
                return (self._changed(piece) for piece in rows.changed.iter_slices(PIECE_ROWS))
            case "left_only":
                return (self._ordered(self._left[piece]) for piece in _slices(rows.left_only))
            case "right_only":
                return (self._ordered(self._right[piece]) for piece in _slices(rows.right_only))
            case "duplicate_key":
                return _pieces(self.duplicates)
            case "null_key":
                return _pieces(self.null_keys)

    def close(self) -> None:
        """Nothing is kept but memory."""

    def placed_duplicates(self, places: tuple[pl.Series, pl.Series]) -> tuple[pl.Series, pl.DataFrame]:
        """
        The keys that occur more than once, in the order of their first rows, and where those are.

        `places` are those of the duplicate rows of each side. The right side's come after all of the left.
        """
        words = (TIMES_LEFT, TIMES_RIGHT)
        counted = []
        for side, rows, place, word in zip(
            (self._left, self._right), self._rows.duplicates, places, words, strict=True
        ):
            first = place.cast(pl.UInt64) + (RIGHT_FIRST if word == TIMES_RIGHT else 0)
            found = plain(side.select(self._plan.keys)[rows])
            times = [pl.lit(int(one == word), pl.Int64).alias(one) for one in words]
            counted.append(found.with_columns(*times, first.alias(place_name(self._plan))))
        return counted_once(pl.concat(counted, how="vertical_relaxed"), self._plan)

    def _changed(self, rows: pl.DataFrame) -> pl.DataFrame:
        plan = self._plan
        left, right = self._left[rows["left"]], self._right[rows["right"]]
        ends = endings(plan)
        columns = [left[name] for name in (*plan.keys, *plan.context)]
        columns.append(_differing(rows, plan.fields, ends[2]))
        for name in plan.fields:
            columns += [left[name].alias(name + ends[0]), right[name].alias(name + ends[1])]
        return pl.DataFrame(columns)

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


def place_name(plan: Plan) -> str:
    """A name for the column that says where a row was, and that no other column has."""
    name = "place"
    while name in {*plan.keys, *plan.context, *plan.fields, TIMES_LEFT, TIMES_RIGHT}:
        name += "_"
    return name


def null_keys(rows: pl.DataFrame, word: str) -> pl.DataFrame:
    """Rows without a key, of the left or the right side, as `Tables.null_keys` has them."""
    return plain(rows).select(pl.lit(word).alias(FOUND_ON), pl.all())


def counted_once(rows: pl.DataFrame, plan: Plan) -> tuple[pl.Series, pl.DataFrame]:
    """
    Keys with `rows_left`, `rows_right` and the place of a row: each key once, summed up, by its first place.

    polars takes -0.0 and 0.0 for one key; the kernel does not, so that floats are told apart by their sign as well.
    """
    place, words = place_name(plan), (TIMES_LEFT, TIMES_RIGHT)
    signs = [(1 / pl.col(name)).alias(f"{place}{name}") for name in plan.keys if is_float(rows.schema[name])]
    found = (
        rows.group_by([*plan.keys, *signs], maintain_order=True)
        .agg(pl.col(words).cast(pl.Int64).sum(), pl.col(place).min())
        .sort(place)
    )
    return found[place], found.select(*plan.keys, *words)


def _slices(rows: pl.Series) -> Iterator[pl.Series]:
    return (rows.slice(at, PIECE_ROWS) for at in range(0, rows.len(), PIECE_ROWS))


def _pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    return frame.iter_slices(PIECE_ROWS) if frame.height else iter(())


def _differing(rows: pl.DataFrame, fields: tuple[str, ...], name: str) -> pl.Series:
    """For each changed pair the names of the fields that differ."""
    bits = [
        pl.when(pl.col(f"mask_{at // FIELDS_MAX}") // (1 << at % FIELDS_MAX) % 2 == 1).then(pl.lit(field))
        for at, field in enumerate(fields)
    ]
    if not bits:
        return pl.Series(name, [[]] * rows.height, dtype=pl.List(pl.String))
    return rows.select(pl.concat_list(bits).list.drop_nulls().alias(name))[name]
