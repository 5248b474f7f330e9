"""What a part holds, as a count and a digest that do not depend on the order of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.ticks.parts import COLUMNS, ROW_GROUP_ROWS
from tieout.ticks.stream import reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SEEDS: Final = (20_260_302, 777_000_333)
_MODULUS: Final = 1 << 64
_HALF: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Content:
    """
    Attributes:
        rows: how many.
        digest: two sums of 64-bit hashes of all rows; comparable within one process.
        first_ns, last_ns: the earliest and the latest `received_ns`; of no rows 0 and -1.
        is_sorted: whether the rows are in the order of `received_ns`, then `sequence`.
    """

    rows: int
    digest: tuple[int, int]
    first_ns: int = 0
    last_ns: int = -1
    is_sorted: bool = True


def content_of(path: Path) -> Content:
    """
    Read a part once, some rows at a time.

    Raises:
        InputUnusable: it cannot be read.
    """
    rows, sums, first, last, in_order = 0, [0, 0], None, None, True
    before: tuple[int, int] | None = None
    with reading(path):
        found = pl.scan_parquet(path, hive_partitioning=False, glob=False).select(list(COLUMNS))
        for piece in found.collect_batches(chunk_size=ROW_GROUP_ROWS, maintain_order=True):
            if not piece.height:
                continue
            rows += piece.height
            for at, seed in enumerate(_SEEDS):
                sums[at] = (sums[at] + _sum(piece.hash_rows(seed=seed))) % _MODULUS
            least, most, ordered = piece.select(
                pl.col("received_ns").min().alias("least"), pl.col("received_ns").max().alias("most"), _ordered()
            ).row(0)
            first = least if first is None else min(first, least)
            last = most if last is None else max(last, most)
            start = piece.select("received_ns", "sequence").row(0)
            in_order = in_order and ordered and (before is None or before <= start)
            before = piece.select("received_ns", "sequence").row(-1)
    return Content(rows, (sums[0], sums[1]), first or 0, -1 if last is None else last, in_order)


def whole(contents: Sequence[Content]) -> Content:
    """What several parts hold together; their order is not looked at."""
    sums = [sum(one.digest[at] for one in contents) % _MODULUS for at in range(2)]
    return Content(sum(one.rows for one in contents), (sums[0], sums[1]))


def _sum(hashes: pl.Series) -> int:
    """Without overflow: the halves apart."""
    return (int((hashes // _HALF).sum()) * _HALF) + int((hashes % _HALF).sum())


def _ordered() -> pl.Expr:
    time, number = pl.col("received_ns"), pl.col("sequence")
    later = time > time.shift(1)
    same = (time == time.shift(1)) & (number >= number.shift(1))
    return (later | same).fill_null(value=True).all().alias("ordered")
