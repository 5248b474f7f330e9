"""What a part holds, as a count and sums over its rows that do not depend on their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.errors import InputUnusable
from tieout.ticks.files.parts import COLUMNS, ROW_GROUP_ROWS
from tieout.ticks.files.stream import reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MODULUS: Final = 1 << 64
_HALF: Final = 1 << 32
_ODD: Final = 0x9E37_79B9_7F4A_7C15
_NULL: Final = 0x5BD1_E995_0BAD_CAFE
"""What a null counts as: no price or size that is traded."""


@dataclass(frozen=True, slots=True)
class Content:
    """
    Attributes:
        content: rows, and `digest_of` them all.
        hashes: the sum of polars' own hashes of the rows, which is the same within one process.
        first_ns, last_ns: the earliest and the latest `received_ns`; of no rows 0 and -1.
        is_sorted: whether the rows are in the order of `received_ns`, then `sequence`.
    """

    content: tuple[int, int]
    hashes: int
    first_ns: int = 0
    last_ns: int = -1
    is_sorted: bool = True

    @property
    def rows(self) -> int:
        """How many."""
        return self.content[0]


def digest_of(rows: pl.DataFrame) -> int:
    """
    64 bits over rows of schema `COLUMNS` (further columns are not looked at), whatever their order.

    Stored in every part, so it never changes: a row is the sum of its columns as unsigned words, each times an odd
    number of its own, then mixed (x ^ x >> 31, times a number, x ^ x >> 29); the rows are added, all modulo 2^64.
    """
    mixed = rows.select(hash=_MIXED)["hash"]
    return _sum(mixed)


def added(*digests: int) -> int:
    """The digest of all rows together."""
    return sum(digests) % _MODULUS


def content_of(path: Path, expected: tuple[int, int] | None = None) -> Content:
    """
    Read a part once, some rows at a time.

    Args:
        expected: what its label says of its content.

    Raises:
        InputUnusable: it cannot be read, or holds something else.
    """
    rows, digest, hashes, first, last, in_order = 0, 0, 0, None, None, True
    before: tuple[int, int] | None = None
    with reading(path):
        found = pl.scan_parquet(path, hive_partitioning=False, glob=False).select(list(COLUMNS))
        for piece in found.collect_batches(chunk_size=ROW_GROUP_ROWS, maintain_order=True):
            if not piece.height:
                continue
            rows, digest = rows + piece.height, added(digest, digest_of(piece))
            hashes = added(hashes, _sum(piece.hash_rows(seed=7)))
            least, most, ordered = piece.select(
                pl.col("received_ns").min().alias("least"), pl.col("received_ns").max().alias("most"), _ordered()
            ).row(0)
            first = least if first is None else min(first, least)
            last = most if last is None else max(last, most)
            start = piece.select("received_ns", "sequence").row(0)
            in_order = in_order and ordered and (before is None or before <= start)
            before = piece.select("received_ns", "sequence").row(-1)
    if expected not in {None, (rows, digest)}:
        raise changed(path)
    return Content((rows, digest), hashes, first or 0, -1 if last is None else last, in_order)


def changed(path: Path) -> InputUnusable:
    """The error of a part whose rows are not those that its label speaks of."""
    return InputUnusable(
        f"{path} does not hold what was written into it: the disk is bad, or somebody changed it",
        hint="copy it again from where it was made, or take it away",
    )


def whole(contents: Sequence[Content]) -> Content:
    """What several parts hold together; their order is not looked at."""
    rows = sum(one.rows for one in contents)
    return Content((rows, added(*(one.content[1] for one in contents))), added(*(one.hashes for one in contents)))


def _mixed() -> pl.Expr:
    total, factor = pl.lit(_ODD, pl.UInt64), 1
    for name, dtype in COLUMNS.items():
        factor = (factor * _ODD + 2) % _MODULUS | 1
        column = pl.col(name)
        word = column.reinterpret(signed=False) if dtype == pl.Int64() else column.cast(pl.UInt64)
        total += word.fill_null(_NULL) * pl.lit(factor, pl.UInt64)
    total = (total ^ (total // pl.lit(1 << 31, pl.UInt64))) * pl.lit(_ODD, pl.UInt64)
    return total ^ (total // pl.lit(1 << 29, pl.UInt64))


_MIXED: Final = _mixed()


def _sum(hashes: pl.Series) -> int:
    """Without overflow: the halves apart."""
    return (int((hashes // _HALF).sum()) * _HALF + int((hashes % _HALF).sum())) % _MODULUS


def _ordered() -> pl.Expr:
    time, number = pl.col("received_ns"), pl.col("sequence")
    later = time > time.shift(1)
    same = (time == time.shift(1)) & (number >= number.shift(1))
    return (later | same).fill_null(value=True).all().alias("ordered")
