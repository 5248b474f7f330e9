"""The rows of the whole, and those that are kept, dropped or doubtful, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout.diffing.dedup.inputs import Inputs

LABELS: Final = ("reason", "input", "row", "of_input", "of_row")
ACTIVE: Final = "active"
REASONS: Final = pl.Enum(["duplicate", "superseded", "conflict", "ambiguous"])
TOLD: Final[dict[str, pl.DataType]] = {"row": pl.UInt64(), "reason": REASONS, "of": pl.UInt64()}
"""A row of the whole, counted from 0; why it is told; the row that it is told beside."""
PIECE_ROWS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Told:
    """Frames of `TOLD`, ascending by row; `inactive` are superseded rows that are kept, or None."""

    dropped: pl.DataFrame
    doubts: pl.DataFrame
    inactive: pl.Series | None = None


class Whole:
    """All rows, either at hand or read again."""

    def __init__(self, inputs: Inputs, starts: Sequence[int], held: pl.DataFrame | None) -> None:
        """`starts` has the first row of each input, and the number of all rows."""
        self._inputs = inputs
        self._starts = starts
        self._held = held
        self.labels = tuple(_free(name, inputs.schema) for name in LABELS)
        self.active = _free(ACTIVE, inputs.schema)

    @property
    def rows(self) -> int:
        """How many there are."""
        return self._starts[-1]

    def pieces(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """All of them in order, with the number of the first row of each piece; at least one piece."""
        if self._held is not None:
            for first in range(0, max(self._held.height, 1), PIECE_ROWS):
                yield first, self._held.slice(first, PIECE_ROWS)
            return
        first = 0
        yield 0, pl.DataFrame(schema=self._inputs.schema)
        for _, piece in self._inputs.pieces():
            yield first, piece
            first += piece.height
        self._inputs.check()

    def kept(self, told: Told) -> Iterator[pl.DataFrame]:
        """Rows that are not dropped; with a column `active` where superseded ones are kept."""
        for first, piece in self.pieces():
            keep = ~_marked(told.dropped["row"], first, piece.height)
            if told.inactive is not None:
                piece = piece.with_columns((~_marked(told.inactive, first, piece.height)).alias(self.active))  # noqa: PLW2901
            yield piece.filter(keep)

    def dropped(self, told: Told) -> Iterator[pl.DataFrame]:
        """Those that are, with the labels in front."""
        return self._labelled(told.dropped)

    def doubtful(self, told: Told) -> Iterator[pl.DataFrame]:
        """Those that are kept and told, with the labels in front."""
        return self._labelled(told.doubts)

    def _labelled(self, told: pl.DataFrame) -> Iterator[pl.DataFrame]:
        rows = told["row"]
        for first, piece in self.pieces():
            start, end = rows.search_sorted(first), rows.search_sorted(first + piece.height)
            mine = told.slice(start, end - start)
            labels = [mine["reason"].cast(pl.String), *self.place(mine["row"]), *self.place(mine["of"])]
            named = [label.alias(name) for label, name in zip(labels, self.labels, strict=True)]
            yield pl.DataFrame([*named, *piece[mine["row"] - first].get_columns()])

    def place(self, rows: pl.Series) -> tuple[pl.Series, pl.Series]:
        """For rows of the whole, the input's name and the row in it, counted from 1."""
        starts = pl.Series(self._starts[:-1], dtype=pl.UInt64)
        number = starts.search_sorted(rows, side="right").cast(pl.UInt32) - 1 if rows.len() else rows.cast(pl.UInt32)
        names = pl.Series(self._inputs.names, dtype=pl.String)
        return names.gather(number), rows - starts.gather(number) + 1


def _marked(rows: pl.Series, first: int, count: int) -> pl.Series:
    """Which of those rows are listed; the list ascends."""
    start, end = rows.search_sorted(first), rows.search_sorted(first + count)
    marks = pl.Series("marked", [False], dtype=pl.Boolean).new_from_index(0, count)
    return marks.scatter((rows.slice(start, end - start) - first).cast(pl.UInt32), True) if end > start else marks


def _free(name: str, taken: dict[str, pl.DataType]) -> str:
    """The name, with underscores behind it where a column of the data has it."""
    while name in taken:
        name += "_"
    return name
