"""The inputs in memory: all rows at once, or those of one part of the keys where all do not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout.diffing.dedup import orders
from tieout.diffing.dedup.deciding import Rule
from tieout.diffing.dedup.inputs import Inputs
from tieout.diffing.dedup.revisions import base_column
from tieout.diffing.kernel import split_by_key
from tieout.diffing.memory import KERNEL_ROW_BYTES, frame_bytes
from tieout.diffing.options import Progress
from tieout.diffing.parts import ROWS_MAX

_SLACK: Final = 1.25
"""Parts are not all of one size."""
_BASE: Final = "base"


@dataclass(frozen=True, slots=True)
class Read:
    """Rows in one piece, their places in the whole (None: all of them), and where each input's rows begin."""

    frame: pl.DataFrame
    places: pl.Series | None
    starts: list[int]


class Outgrown(Exception):
    """They do not fit; so many parts do, one after the other."""

    def __init__(self, parts: int) -> None:
        super().__init__(f"{parts} parts")
        self.parts = parts


def read_all(inputs: Inputs, room: int, progress: Progress) -> Read:
    """
    All rows.

    Raises:
        Outgrown: they need more than `room` bytes.
        InputUnusable: an input cannot be read, or changed meanwhile.
    """
    expected = _rows_expected(inputs)
    kept = _Kept(inputs)
    size = 0
    progress("reading", 0, expected)
    for number, piece in inputs.pieces():
        kept.add(number, piece, piece.height)
        size += frame_bytes(piece)
        rows = max(kept.rows, expected or 0)
        needed = rows * (size / max(kept.rows, 1) + KERNEL_ROW_BYTES)
        if needed > room or rows > ROWS_MAX:
            raise Outgrown(max(2, math.ceil(_SLACK * needed / room), math.ceil(_SLACK * rows / ROWS_MAX)))
        progress("reading", kept.rows, expected)
    inputs.check()
    return Read(kept.frame(), None, kept.starts())


def read_part(inputs: Inputs, rule: Rule, at: tuple[int, int], progress: Progress) -> Read:
    """
    The rows of one part, by its number and the number of parts: every row of each of its keys.

    Raises:
        InputUnusable: an input cannot be read, or changed meanwhile.
    """
    part, parts = at
    expected = _rows_expected(inputs)
    kept = _Kept(inputs)
    places = [pl.Series([], dtype=pl.UInt64)]
    for number, piece in inputs.pieces():
        keyed, keys = _keyed(piece, rule, first=kept.rows)
        rows = split_by_key(keyed, keys=keys, parts=parts)[part].rows
        places.append(rows.cast(pl.UInt64) + kept.rows)
        kept.add(number, piece[rows], piece.height)
        progress(f"reading {part + 1} of {parts}", kept.rows, expected)
    inputs.check()
    return Read(kept.frame(), pl.concat(places, rechunk=True), kept.starts())


def _keyed(piece: pl.DataFrame, rule: Rule, *, first: int) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """What the part follows from: rows that may belong together have the same."""
    if rule.corrections is not None:
        return piece.select(base_column(rule.corrections).alias(_BASE)), (_BASE,)
    if rule.order_columns is not None:
        return orders.printed(piece, rule.order_columns, first=first), (orders.PRINT,)
    return piece, rule.keys


def _rows_expected(inputs: Inputs) -> int | None:
    known = [source.rows for source in inputs.sources]
    return None if None in known else sum(rows or 0 for rows in known)


class _Kept:
    """Pieces of columns, and how many rows there were."""

    def __init__(self, inputs: Inputs) -> None:
        self.rows = 0
        self._schema = inputs.schema
        self._columns: list[list[pl.Series]] = [[] for _ in inputs.schema]
        self._counts = [0] * len(inputs.sources)

    def add(self, number: int, piece: pl.DataFrame, read: int) -> None:
        """Rows of that input, of so many that were read."""
        self.rows += read
        self._counts[number] += read
        for series, column in zip(piece.get_columns(), self._columns, strict=True):
            column.append(series)

    def frame(self) -> pl.DataFrame:
        """All of them in one piece each; the pieces are gone."""
        return pl.DataFrame(list(self._whole()))

    def starts(self) -> list[int]:
        return [sum(self._counts[:number]) for number in range(len(self._counts) + 1)]

    def _whole(self) -> Iterator[pl.Series]:
        for (name, dtype), pieces in zip(self._schema.items(), self._columns, strict=True):
            yield pl.concat(pieces, rechunk=True) if pieces else pl.Series(name, [], dtype=dtype)
            pieces.clear()  # a column's pieces go before the next column is put together
