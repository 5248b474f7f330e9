"""A part of both sides, read back and compared: at once, in pieces, or without the keys that fill it by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl

from tieout.diffing.kernel import Differ
from tieout.diffing.memory import KERNEL_ROW_BYTES, shown
from tieout.diffing.options import Options
from tieout.diffing.parts import ROWS_MAX, Figures, PartFound, compare_part, total
from tieout.diffing.planning import Plan
from tieout.diffing.result import Counts
from tieout.diffing.spill.chunks import writing
from tieout.diffing.spill.dealing import Dealt, Layout
from tieout.diffing.spill.folder import write_json
from tieout.diffing.spill.heavy import Heavy
from tieout.diffing.summary import key_text
from tieout.diffing.tables import KINDS, TIMES_LEFT, TIMES_RIGHT, counted_once
from tieout.errors import InputUnusable

PART_FACTOR: Final = 3
"""A part's rows in memory, put together, and those of them that differ."""
PIECES_MAX: Final = 1 << 8
"""Into so many a part is split at most."""
ROWS_MIN: Final = 1 << 10
"""Fewer rows are not split."""
_SPLIT_MAX: Final = 16
_WORDS: Final = ("left", "right")
_TIMES: Final = (TIMES_LEFT, TIMES_RIGHT)


def needed(rows: tuple[int, int], widths: tuple[float, float]) -> int:
    """Bytes that it takes to compare so many rows, of so many bytes each, of both sides."""
    size = rows[0] * widths[0] + rows[1] * widths[1]
    return int(PART_FACTOR * size) + sum(rows) * KERNEL_ROW_BYTES


@dataclass(frozen=True, slots=True)
class Piece:
    """One of `of` pieces of a part: a part is split without another file, by reading it once for each piece."""

    part: int
    number: int = 0
    of: int = 1

    def split(self, by: int) -> list[Piece]:
        """The same keys in smaller pieces."""
        return [Piece(self.part, self.number * by + at, self.of * by) for at in range(by)]

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.part:06}-{self.of:06}-{self.number:06}"


@dataclass(frozen=True, slots=True)
class Comparing:
    """
    How parts of `sides`, which are dealt out, are compared: with `room` bytes for one of them.

    What differs goes to `folder` in chunks of `chunk_rows`.
    """

    agreed: Plan
    options: Options
    layout: Layout
    sides: tuple[Dealt, Dealt]
    room: int
    folder: Path
    chunk_rows: int
    differ: Differ

    def compare(self, part: int) -> Figures:
        """
        Compare a part, or find what an earlier run has found of it.

        Raises:
            InputUnusable: it needs more memory than there is, however it is split.
            OSError, polars.exceptions.PolarsError: what differs cannot be written.
        """
        done = self.folder / f"part-{part:06}.json"
        if done.exists():
            return _figures(done)
        for kind in KINDS:
            for half_done in self.folder.glob(f"{kind}-{part:06}-*"):
                half_done.unlink()
        figures = total(self._compared(Piece(part)))
        write_json(done, asdict(figures))
        return figures

    def nothing(self) -> PartFound:
        """What two sides without rows come to: frames that have their columns and types."""
        left, right = self._empty(0), self._empty(1)
        return compare_part(left, right, self.agreed, options=self.options, differ=self.differ, placed=True)

    def _compared(self, piece: Piece, heavy: Heavy | None = None) -> Iterator[Figures]:
        """What the piece came to, in as many pieces more as it takes; keys that fill it by themselves only once."""
        rows = (self._rows(0, piece, heavy), self._rows(1, piece, heavy))
        pieces = max(-(-self._needed(piece, rows) // self.room), -(-max(rows) // ROWS_MAX))
        if rows == (0, 0):
            return
        if pieces <= 1 or sum(rows) <= ROWS_MIN:
            yield self._in_memory(piece, heavy)
        elif heavy is None:
            heavy = Heavy(self.agreed, self.differ)
            for side in (0, 1):
                heavy.look(self._chunks(side, piece))
            yield self._counted(piece, heavy)
            yield from self._compared(piece, heavy)
        elif piece.of >= PIECES_MAX:
            raise self._too_large(piece, rows, heavy)
        else:
            for smaller in piece.split(min(_SPLIT_MAX, pieces + 1)):
                yield from self._compared(smaller, heavy)

    def _in_memory(self, piece: Piece, heavy: Heavy | None) -> Figures:
        left, right = (self._whole(side, piece, heavy) for side in (0, 1))
        found = compare_part(left, right, self.agreed, options=self.options, differ=self.differ, placed=True)
        for kind in KINDS:
            self._write(f"{kind}-{piece.name}", found.placed(kind))
        return found.figures

    def _counted(self, piece: Piece, heavy: Heavy) -> Figures:
        """The keys that have very many rows."""
        rows = [0, 0]
        found: list[pl.DataFrame] = [self._no_duplicates()]
        for side, word in enumerate(_WORDS):
            for chunk in self._chunks(side, piece):
                known = heavy.counted(word, chunk)
                rows[side] += int(known[_TIMES[side]].sum())
                found.append(known)
        place, keys = counted_once(pl.concat(found, how="vertical_relaxed"), self.agreed)
        if keys.height:
            self._write(f"duplicate_key-{piece.name}-heavy", iter([keys.insert_column(0, place)]))
        none = Counts(*(0 for _ in fields(Counts)))
        counts = replace(
            none, rows_left=rows[0], rows_right=rows[1], duplicate_keys=keys.height, duplicate_rows=sum(rows)
        )
        return Figures(counts, {})

    def _no_duplicates(self) -> pl.DataFrame:
        """Nothing, with the columns and types of counted keys."""
        found = self.nothing()
        place, frame = found.tables.placed_duplicates(found.places)
        return frame.with_columns(place)

    def _needed(self, piece: Piece, rows: tuple[int, int]) -> int:
        left, right = (side.width(piece.part) for side in self.sides)
        return needed(rows, (left, right))

    def _rows(self, side: int, piece: Piece, heavy: Heavy | None) -> int:
        if piece.of == 1 and heavy is None:
            return self.sides[side].rows(piece.part)
        return sum(chunk.height for chunk in self._chunks(side, piece, heavy))

    def _chunks(self, side: int, piece: Piece, heavy: Heavy | None = None) -> Iterator[pl.DataFrame]:
        for chunk in self.sides[side].chunks(piece.part):
            rows = chunk if piece.of == 1 else chunk[self.layout.within(chunk, piece.part, piece.of)[piece.number]]
            yield rows if heavy is None else heavy.without(rows)

    def _whole(self, side: int, piece: Piece, heavy: Heavy | None) -> pl.DataFrame:
        return pl.concat([self._empty(side), *self._chunks(side, piece, heavy)], rechunk=True)

    def _empty(self, side: int) -> pl.DataFrame:
        columns = self.agreed.left if side == 0 else self.agreed.right
        return pl.DataFrame(schema={self.layout.place: pl.UInt32(), **{one.name: one.dtype for one in columns}})

    def _write(self, name: str, frames: Iterator[pl.DataFrame]) -> None:
        """A file of those rows; none where there are none."""
        first = next(frames, None)
        if first is None:
            return
        with writing(self.folder / f"{name}.rows") as writer:
            for frame in chain([first], frames):
                for chunk in frame.iter_slices(self.chunk_rows):
                    writer.add(chunk)

    def _too_large(self, piece: Piece, rows: tuple[int, int], heavy: Heavy) -> InputUnusable:
        chunks = chain(self._chunks(0, piece, heavy), self._chunks(1, piece, heavy))
        row = next(chunk.row(0, named=True) for chunk in chunks if chunk.height)
        return InputUnusable(
            f"{rows[0]:,} and {rows[1]:,} rows have keys like {key_text(row, self.agreed.keys)}"
            f" and need {shown(self._needed(piece, rows))} together; {shown(self.room)} are there",
            hint="give it more with --memory-limit, or choose a key that tells those rows apart",
        )


def _figures(path: Path) -> Figures:
    told = json.loads(path.read_text("utf-8"))
    return Figures(Counts(**told["counts"]), told["fields"])
