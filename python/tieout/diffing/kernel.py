"""
The bulk diff of two frames in memory, on the Rust kernel. The rules are the kernel's: rust/core/src/bulk/mod.rs
numbers and explains them, and docs/matching.md says what they mean for a caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout import _core

FIELDS_MAX: Final = 64
"""Compared columns in one call: a mask has so many bits."""


@dataclass(frozen=True, slots=True)
class Diff:
    """
    Every row of both sides once. Row numbers are UInt32 and count from 0.

    `equal` has columns left, right, and is empty where pairs were only counted; `changed` has left, right and mask
    (UInt64, bit i for `fields[i]`). Their order follows from the frames alone, and is not that of the rows. The series
    are ascending.
    """

    fields: tuple[str, ...]
    equal_count: int
    equal: pl.DataFrame
    changed: pl.DataFrame
    left_only: pl.Series
    right_only: pl.Series
    duplicate_left: pl.Series
    duplicate_right: pl.Series
    duplicate_keys: int
    null_left: pl.Series
    null_right: pl.Series

    def by_field(self) -> dict[str, int]:
        """How many pairs differ in each field."""
        mask = pl.col("mask")
        counts = self.changed.select(
            (mask // (1 << bit) % 2).sum().cast(pl.Int64).alias(name) for bit, name in enumerate(self.fields)
        )
        return counts.row(0, named=True) if self.fields else {}


@dataclass(frozen=True, slots=True)
class Repeats:
    """
    The rows that are not the first of their key, ascending. Row numbers are UInt32 and count from 0.

    `copies` has row and of: the earliest row of the key that says the same. `others` has row and of: the first row of
    the key, from which, and from all others before, it differs. `null` are rows with a null in their key.
    """

    copies: pl.DataFrame
    others: pl.DataFrame
    null: pl.Series


@dataclass(frozen=True, slots=True)
class Part:
    """Rows whose keys fall into one part, ascending."""

    number: int
    rows: pl.Series


class Differ:
    """Threads and memory for one diff after the other: a second call of about the same size takes no new memory."""

    def __init__(self, threads: int = 0) -> None:
        """
        Start the threads.

        Args:
            threads: how many; 0: one for each processor.

        Raises:
            ValueError: a negative number, or more than the system gives.
        """
        if threads < 0:
            raise ValueError(f"{threads} threads; 0 or more")
        self._core = _core.Differ(threads)

    @property
    def threads(self) -> int:
        """How many there are."""
        return self._core.threads

    def diff(
        self,
        left: pl.DataFrame,
        right: pl.DataFrame,
        *,
        keys: Sequence[str],
        fields: Sequence[str],
        tolerances: Mapping[str, float] | None = None,
        list_equal: bool = True,
    ) -> Diff:
        """
        Compare the rows of two frames by key.

        Args:
            left: has the columns that `keys` and `fields` name.
            right: the same; a column may have another integer width, decimal scale, time unit or text layout.
            keys: what says which rows belong together; at least one.
            fields: what is compared on rows that do; at most `FIELDS_MAX`.
            tolerances: field -> how far apart two floats may be and count as equal.
            list_equal: whether equal pairs are listed; without, they are counted only.

        Raises:
            ValueError: no key; a field that is a key too; too many fields or rows; a tolerance that makes no sense.
            TypeError: a column that cannot be compared, or means something else on the other side.
            polars.exceptions.ColumnNotFoundError: a frame has no such column.
        """
        tolerances = tolerances or {}
        columns = [*keys, *fields]
        unknown = sorted(set(tolerances) - set(fields))
        if not keys or len(set(columns)) != len(columns) or unknown:
            raise ValueError(
                f"keys {list(keys)}, fields {list(fields)}: at least one key, each column once; {unknown=}"
            )
        found = self._core.diff(
            left.select(columns).rechunk(),
            right.select(columns).rechunk(),
            keys=len(keys),
            tolerances=[tolerances.get(name) for name in fields],
            list_equal=list_equal,
        )
        return Diff(
            fields=tuple(fields),
            equal_count=found.equal_count,
            equal=pl.DataFrame(found.equal()),
            changed=pl.DataFrame(found.changed()),
            left_only=_rows(found.left_only()),
            right_only=_rows(found.right_only()),
            duplicate_left=_rows(found.duplicate_left()),
            duplicate_right=_rows(found.duplicate_right()),
            duplicate_keys=found.duplicate_keys,
            null_left=_rows(found.null_left()),
            null_right=_rows(found.null_right()),
        )

    def repeats(self, table: pl.DataFrame, *, keys: Sequence[str], fields: Sequence[str]) -> Repeats:
        """
        Find the rows that have the key of an earlier row, by the rules of rust/core/src/bulk/repeats.rs.

        Args:
            table: has the columns that `keys` and `fields` name; at most 2^28 rows.
            keys: what says which rows belong together; at least one.
            fields: what tells a copy from another row of the key; any number.

        Raises:
            ValueError: no key; too many rows.
            TypeError: a column that cannot be compared.
            polars.exceptions.ColumnNotFoundError: the frame has no such column.
        """
        found = self._core.repeats(table.select([*keys, *fields]).rechunk(), keys=len(keys))
        return Repeats(pl.DataFrame(found.copies()), pl.DataFrame(found.others()), _rows(found.null()))

    def release(self) -> None:
        """Give the memory that is kept for the next call back to the system."""
        self._core.release()


def split_by_key(frame: pl.DataFrame, *, keys: Sequence[str], parts: int) -> list[Part]:
    """
    Split rows so that each part can be compared by itself: rows of one key are in parts of one number on both sides.

    Args:
        frame: one side, or any piece of it.
        keys: the key columns, in the same order for both sides.
        parts: how many; the same for both sides. Rows with a null in their key are in part 0.

    Raises:
        ValueError: no key; fewer parts than 1; too many rows.
        TypeError: a column that cannot be a key.
        polars.exceptions.ColumnNotFoundError: the frame has no such column.
    """
    if not keys or parts < 1:
        raise ValueError(f"keys {list(keys)}, {parts} parts; at least one of each")
    rows, starts = _core.key_parts(frame.select(keys).rechunk(), parts=parts)
    all_rows = _rows(rows)
    return [Part(number, all_rows.slice(start, starts[number + 1] - start)) for number, start in enumerate(starts[:-1])]


def _rows(batch: _core.RecordBatch) -> pl.Series:
    return pl.DataFrame(batch)["row"]


ORDER_FIELDS: Final[dict[str, pl.DataType]] = {
    **dict.fromkeys(_core.FINGERPRINT_TEXTS, pl.String()),
    **dict.fromkeys(_core.FINGERPRINT_INTS, pl.Int64()),
    **dict.fromkeys(_core.FINGERPRINT_BOOLS, pl.Boolean()),
}
"""What an order asks for: the fields of the gate's fingerprint."""


def order_prints(orders: pl.DataFrame) -> pl.Series:
    """The 128-bit fingerprint of each row of a frame with the columns of `ORDER_FIELDS`, booleans never null."""
    return pl.DataFrame(_core.order_fingerprints(orders.select(list(ORDER_FIELDS)).rechunk()))["fingerprint"]
