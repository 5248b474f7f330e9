"""What a diff found: counts at once, rows as frames when they are asked for; printed, it is the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from tieout.diffing.planning import Plan
from tieout.diffing.tables import Tables


@dataclass(frozen=True, slots=True)
class Counts:
    """
    rows_left = equal + changed + left_only + the left rows of duplicate and of null keys; the same on the right.

    `duplicate_keys` counts keys, `duplicate_rows` and `null_keys` rows of both sides.
    """

    rows_left: int
    rows_right: int
    equal: int
    changed: int
    left_only: int
    right_only: int
    duplicate_keys: int
    duplicate_rows: int
    null_keys: int

    @property
    def different(self) -> int:
        """Keys that are not equal on both sides, and rows without one."""
        return self.changed + self.left_only + self.right_only + self.duplicate_keys + self.null_keys


@dataclass(frozen=True, slots=True)
class Sample:
    """One key of `one_in` was compared; the rows that were read for it."""

    one_in: int
    rows_left: int
    rows_right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffResult:
    """
    The outcome of `tieout.diff`. `fields` has the number of differing pairs for each compared field.

    `rows_left`, `rows_right` and `equal` are numbers; `changed`, `left_only`, `right_only`, `duplicate_keys` and
    `null_keys` are polars frames (`tieout.diffing.tables.Tables` has their columns); `counts` has all numbers.
    """

    names: tuple[str, str]
    plan: Plan
    counts: Counts
    fields: dict[str, int]
    tables: Tables
    sample: Sample | None = None

    @property
    def rows_left(self) -> int:
        """Rows of the left side."""
        return self.counts.rows_left

    @property
    def rows_right(self) -> int:
        """Rows of the right side."""
        return self.counts.rows_right

    @property
    def equal(self) -> int:
        """Pairs that agree in every field."""
        return self.counts.equal

    @property
    def changed(self) -> pl.DataFrame:
        """Pairs that differ: the key, `differs`, and FIELD_left, FIELD_right."""
        return self.tables.changed

    @property
    def left_only(self) -> pl.DataFrame:
        """Left rows whose key the right side does not have."""
        return self.tables.left_only

    @property
    def right_only(self) -> pl.DataFrame:
        """Right rows whose key the left side does not have."""
        return self.tables.right_only

    @property
    def duplicate_keys(self) -> pl.DataFrame:
        """Keys that a side has more than once; none of their rows was compared."""
        return self.tables.duplicates

    @property
    def null_keys(self) -> pl.DataFrame:
        """Rows with a null in their key; there are some only where they were to be listed."""
        return self.tables.null_keys

    @property
    def same(self) -> bool:
        """Whether both sides hold the same: every row is in an equal pair."""
        return self.counts.different == 0

    def close(self) -> None:
        """Give up the files that rows are kept in, where memory was too small; counts stay. Its end does the same."""
        self.tables.close()

    def to_json(self) -> dict[str, Any]:
        """The object that `tieout diff --json` prints."""
        told: dict[str, Any] = {
            "left": self.names[0],
            "right": self.names[1],
            "key": list(self.plan.keys),
            **asdict(self.counts),
            "fields": dict(self.fields),
            "notes": list(self.plan.notes),
            "sample": None if self.sample is None else asdict(self.sample),
        }
        return told

    def __str__(self) -> str:
        """The summary that a person reads."""
        from tieout.diffing.text import as_text

        return as_text(self)

    def __repr__(self) -> str:
        """The counts in a line."""
        c = self.counts
        return (
            f"DiffResult(equal={c.equal}, changed={c.changed}, left_only={c.left_only}, right_only={c.right_only},"
            f" duplicate_keys={c.duplicate_keys}, null_keys={c.null_keys})"
        )
