"""
One part of a diff: the rows of both sides whose keys fall into it, compared; and the figures of many parts added up.

`kernel.split_by_key` says which rows belong to a part. Whoever has both sides' rows of it, on this machine or on
another, calls `compare_part`, keeps what `PartFound.placed` gives, and adds the figures up with `total`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Final

import polars as pl

from tieout.diffing.kernel import FIELDS_MAX, Diff, Differ
from tieout.diffing.options import Options
from tieout.diffing.planning import Plan
from tieout.diffing.result import Counts
from tieout.diffing.tables import RIGHT_FIRST, FrameTables, Kind, Rows, place_name
from tieout.errors import SchemaMismatch

ROWS_MAX: Final = 1 << 28
"""Rows of a side that one call of the kernel takes."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a part, or of all. Small, and may be sent elsewhere."""

    counts: Counts
    fields: dict[str, int]


@dataclass(frozen=True, slots=True)
class PartFound:
    """
    What a part came to: its figures, and the rows behind them.

    `places` are the places of both sides' rows in the whole, ascending; without, the frames are the whole.
    """

    figures: Figures
    tables: FrameTables
    rows: Rows
    plan: Plan
    places: tuple[pl.Series, pl.Series]

    def placed(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """
        Its rows of that kind in pieces, ascending by their place, which is the first column.

        The whole's frames are those of all parts together, in the order of the places.
        """
        name = place_name(self.plan)
        if kind == "duplicate_key":
            rows = self.rows.duplicates
            taken = (self.places[0].gather(rows[0]), self.places[1].gather(rows[1]))
            place, frame = self.tables.placed_duplicates(taken)
            if frame.height:
                yield frame.insert_column(0, place)
            return
        at, places = 0, self._places(kind).cast(pl.UInt64).alias(name)
        for piece in self.tables.stream(kind):
            yield piece.insert_column(0, places.slice(at, piece.height))
            at += piece.height

    def _places(self, kind: Kind) -> pl.Series:
        rows, (left, right) = self.rows, self.places
        if kind == "changed":
            return left.gather(rows.changed["left"])
        if kind == "null_key":
            on_left, on_right = left.gather(rows.null_keys[0]), right.gather(rows.null_keys[1])
            return pl.concat([on_left.cast(pl.UInt64), on_right.cast(pl.UInt64) + RIGHT_FIRST])
        return left.gather(rows.left_only) if kind == "left_only" else right.gather(rows.right_only)


def compare_part(
    left: pl.DataFrame, right: pl.DataFrame, agreed: Plan, *, options: Options, differ: Differ, placed: bool = False
) -> PartFound:
    """
    Compare two frames of the plan's columns.

    Args:
        left, right: their rows in the order of the whole.
        agreed: what is compared.
        options: the tolerances.
        differ: threads and memory, kept from part to part.
        placed: the frames have, in a column `tables.place_name(agreed)`, the place of each row in its side.

    Raises:
        SchemaMismatch: the kernel cannot compare them so.
    """
    first, changed, pairs, by_field = _found(left, right, agreed, options=options, differ=differ)
    rows = Rows(
        changed, first.left_only, first.right_only,
        (first.duplicate_left, first.duplicate_right), (first.null_left, first.null_right),
    )  # fmt: skip
    counts = Counts(
        rows_left=left.height,
        rows_right=right.height,
        equal=pairs - changed.height,
        changed=changed.height,
        left_only=first.left_only.len(),
        right_only=first.right_only.len(),
        duplicate_keys=first.duplicate_keys,
        duplicate_rows=first.duplicate_left.len() + first.duplicate_right.len(),
        null_keys=first.null_left.len() + first.null_right.len(),
    )
    name = place_name(agreed)
    places = (left[name], right[name]) if placed else (_all_rows(left), _all_rows(right))
    return PartFound(Figures(counts, by_field), FrameTables((left, right), rows, agreed), rows, agreed, places)


def total(parts: Iterable[Figures]) -> Figures:
    """The figures of the whole: a key is in one part alone, so that they add up."""
    counts = dict.fromkeys((one.name for one in fields(Counts)), 0)
    by_field: dict[str, int] = {}
    for part in parts:
        for name in counts:
            counts[name] += getattr(part.counts, name)
        for name, number in part.fields.items():
            by_field[name] = by_field.get(name, 0) + number
    return Figures(Counts(**counts), by_field)


def _found(
    left: pl.DataFrame, right: pl.DataFrame, agreed: Plan, *, options: Options, differ: Differ
) -> tuple[Diff, pl.DataFrame, int, dict[str, int]]:
    """What the kernel says, over all groups of fields: `changed` has left, right and one mask for each group."""
    groups = [agreed.fields[at : at + FIELDS_MAX] for at in range(0, len(agreed.fields), FIELDS_MAX)] or [()]
    first: Diff | None = None
    changed = pl.DataFrame()
    counts: dict[str, int] = {}
    for at, names in enumerate(groups):
        tolerances = {name: options.tolerances[name] for name in names if name in options.tolerances}
        try:
            found = differ.diff(left, right, keys=agreed.keys, fields=names, tolerances=tolerances, list_equal=False)
        except (TypeError, ValueError) as error:
            raise SchemaMismatch(str(error), hint="cast columns with --mapping, or correct the tolerance") from error
        counts |= found.by_field()
        masks = found.changed.rename({"mask": f"mask_{at}"})
        first, changed = (found, masks) if first is None else (first, _joined(changed, masks))
    if first is None:
        raise SchemaMismatch("nothing to compare", hint="name a key")
    return first, changed.sort("left"), first.equal_count + first.changed.height, counts


def _joined(changed: pl.DataFrame, masks: pl.DataFrame) -> pl.DataFrame:
    """Pairs that differ in either group of fields."""
    both = changed.join(masks, on=["left", "right"], how="full", coalesce=True)
    return both.with_columns(pl.selectors.starts_with("mask_").fill_null(0))


def _all_rows(frame: pl.DataFrame) -> pl.Series:
    return pl.int_range(frame.height, dtype=pl.UInt32, eager=True)
