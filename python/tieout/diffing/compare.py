"""A diff from two sources to its result: plan, read, compare by the kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from tieout.diffing.agreement import wider
from tieout.diffing.kernel import FIELDS_MAX, Diff, Differ
from tieout.diffing.loading import GuessWrong, Loaded, Wanted, load, refuse_null_keys
from tieout.diffing.options import Options, Progress
from tieout.diffing.planning import Plan, plan
from tieout.diffing.result import Counts, DiffResult, Sample
from tieout.diffing.source import Source
from tieout.diffing.tables import FrameTables, Rows
from tieout.errors import SchemaMismatch

ROWS_MAX: Final = 1 << 28
"""Rows of a side that one call of the kernel takes."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the kernel found, over all groups of fields: `changed` has left, right and one mask for each group."""

    first: Diff
    changed: pl.DataFrame
    equal: int
    fields: dict[str, int]


def compare(left: Source, right: Source, options: Options, *, progress: Progress) -> DiffResult:
    """
    Compare two sides by key.

    Raises:
        SchemaMismatch: they cannot be compared as asked; nothing was read yet, unless a format has no types.
        InputUnusable: a side cannot be read, holds a value that is not what it should be, or changed meanwhile.
    """
    agreed, sides, sample = _read(left, right, options, progress=progress)
    for word, loaded in zip(("left", "right"), sides, strict=True):
        if loaded.frame.height > ROWS_MAX:
            raise SchemaMismatch(
                f"the {word} side has {loaded.frame.height:,} rows; at most {ROWS_MAX:,} are compared at once",
                hint="split both sides by key, or compare a part with --sample",
            )
    progress("comparing", 0, None)
    found = compare_frames(sides[0].frame, sides[1].frame, agreed, options=options)
    progress("comparing", sides[0].frame.height + sides[1].frame.height, None)
    first = found.first
    rows = Rows(
        found.changed, first.left_only, first.right_only,
        (first.duplicate_left, first.duplicate_right), (first.null_left, first.null_right),
    )  # fmt: skip
    counts = Counts(
        rows_left=sides[0].frame.height,
        rows_right=sides[1].frame.height,
        equal=found.equal,
        changed=found.changed.height,
        left_only=first.left_only.len(),
        right_only=first.right_only.len(),
        duplicate_keys=first.duplicate_keys,
        duplicate_rows=first.duplicate_left.len() + first.duplicate_right.len(),
        null_keys=first.null_left.len() + first.null_right.len(),
    )
    tables = FrameTables((sides[0].frame, sides[1].frame), rows, agreed)
    return DiffResult(
        names=(left.name, right.name), plan=agreed, counts=counts, fields=found.fields, tables=tables, sample=sample
    )


def compare_frames(left: pl.DataFrame, right: pl.DataFrame, agreed: Plan, *, options: Options) -> Compared:
    """What the kernel says about two frames of the plan's columns, any number of fields."""
    differ = Differ(options.threads)
    groups = [agreed.fields[at : at + FIELDS_MAX] for at in range(0, len(agreed.fields), FIELDS_MAX)] or [()]
    first: Diff | None = None
    changed = pl.DataFrame()
    counts: dict[str, int] = {}
    for at, fields in enumerate(groups):
        tolerances = {name: options.tolerances[name] for name in fields if name in options.tolerances}
        try:
            found = differ.diff(left, right, keys=agreed.keys, fields=fields, tolerances=tolerances, list_equal=False)
        except (TypeError, ValueError) as error:
            raise SchemaMismatch(str(error), hint="cast columns with --mapping, or correct the tolerance") from error
        counts |= found.by_field()
        masks = found.changed.rename({"mask": f"mask_{at}"})
        first, changed = (found, masks) if first is None else (first, _joined(changed, masks))
    if first is None:
        raise SchemaMismatch("nothing to compare", hint="name a key")
    pairs = first.equal_count + first.changed.height
    return Compared(first, changed.sort("left"), pairs - changed.height, counts)


def _joined(changed: pl.DataFrame, masks: pl.DataFrame) -> pl.DataFrame:
    """Pairs that differ in either group of fields."""
    both = changed.join(masks, on=["left", "right"], how="full", coalesce=True)
    return both.with_columns(pl.selectors.starts_with("mask_").fill_null(0))


def _read(
    left: Source, right: Source, options: Options, *, progress: Progress
) -> tuple[Plan, tuple[Loaded, Loaded], Sample | None]:
    """Both sides; again, with a wider type, where a column of texts is not what its first rows looked like."""
    guesses: dict[str, pl.DataType] = {}
    one_in = _one_in(left, right, options.sample)
    while True:
        agreed = plan(left, right, options, guesses=guesses)
        wanted = Wanted("left", agreed.left, agreed.keys, options.null_keys == "error", one_in)
        both = ((left, wanted), (right, replace(wanted, word="right", columns=agreed.right)))
        for source, columns in both:
            refuse_null_keys(source, columns)
        try:
            loaded = (load(*both[0], progress), load(*both[1], progress))
        except GuessWrong as wrong:
            guesses[wrong.name] = wider(wrong.dtype, key=wrong.name in options.keys)
            continue
        left.check()
        rows = (loaded[0].rows_read, loaded[1].rows_read)
        return agreed, loaded, None if one_in == 1 else Sample(one_in, *rows)


def _one_in(left: Source, right: Source, sample: int | None) -> int:
    """One key of so many is taken, for about `sample` keys of the larger side."""
    if sample is None:
        return 1
    if sample < 1:
        raise SchemaMismatch(f"a sample of {sample} keys; at least 1", hint="say how many keys to compare")
    known = max(left.rows or 0, right.rows or 0)
    return max(1, known // sample)
