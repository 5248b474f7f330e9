"""One side read once and dealt out by key: files of rows, each with a chunk for each part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl

from tieout.diffing.kernel import split_by_key
from tieout.diffing.loading import Wanted, typed_pieces
from tieout.diffing.memory import frame_bytes
from tieout.diffing.options import Progress
from tieout.diffing.source import Source
from tieout.diffing.spill.chunks import Chunk, chunks_of, read, writing
from tieout.errors import SchemaMismatch

ROWS_MAX: Final = 1 << 32
"""Rows of a side: a place has 32 bits."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Into how many parts rows are dealt out; one key of `one_in` is kept. `place` names the column of places."""

    parts: int
    one_in: int
    keys: tuple[str, ...]
    place: str

    @property
    def count(self) -> int:
        """Parts of all keys: those that are kept are the last ones."""
        return self.parts * self.one_in

    def split(self, frame: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows of each part; those without a key, which no part needs, come as one part more."""
        known = frame
        if any(frame[name].null_count() for name in self.keys):
            missing = reduce(or_, (pl.col(name).is_null() for name in self.keys))
            known = frame.filter(~missing)
            if self.one_in == 1:  # a sample takes keys, so it has no row without one
                yield self.parts, frame.filter(missing)
        first = self.count - self.parts
        for part in split_by_key(known, keys=self.keys, parts=self.count)[first:]:
            if part.rows.len():
                yield part.number - first, known[part.rows]

    def within(self, frame: pl.DataFrame, part: int, pieces: int) -> list[pl.Series]:
        """Rows of a part, split further: each piece of a part has keys of its own."""
        first = (self.count - self.parts + part) * pieces
        found = split_by_key(frame, keys=self.keys, parts=self.count * pieces)
        return [one.rows for one in found[first : first + pieces]]


@dataclass(frozen=True, slots=True)
class Dealt:
    """A side on disk: its files in the order of its rows, and the rows that were read for them."""

    files: tuple[tuple[Path, tuple[Chunk, ...]], ...]
    rows_read: int

    def rows(self, part: int) -> int:
        """Rows of a part."""
        return sum(chunk.rows for _, chunks in self.files for chunk in chunks if chunk.label == part)

    def width(self, part: int) -> float:
        """Bytes that a row of the part takes in memory."""
        size = sum(chunk.memory for _, chunks in self.files for chunk in chunks if chunk.label == part)
        return size / max(1, self.rows(part))

    def chunks(self, part: int) -> Iterator[pl.DataFrame]:
        """The rows of a part, ascending by place."""
        for path, chunks in self.files:
            yield from read(path, [chunk for chunk in chunks if chunk.label == part])


def deal(
    source: Source,
    wanted: Wanted,
    layout: Layout,
    *,
    folder: Path,
    buffer_bytes: int,
    check_disk: Callable[[Sequence[pl.DataFrame]], None],
    progress: Progress,
) -> Dealt:
    """
    Read a side, or what is left of it, and deal it out to files in `folder`.

    `check_disk` sees the first rows dealt out, before anything is written.

    Raises:
        GuessWrong, InputUnusable, SchemaMismatch: as `loading.load`.
        OSError, polars.exceptions.PolarsError: a file cannot be written.
    """
    what = f"partitioning {wanted.word}"
    found = _left(folder, wanted.word)
    rows = _rows_until(found[-1]) if found else 0
    whole = folder / f"{wanted.word}.whole"
    progress(what, rows, source.rows)
    held: dict[int, list[pl.DataFrame]] = {}
    size = 0
    with _Writing() as writer:

        def write() -> None:
            path = folder / f"{wanted.word}-{len(found):06}-{rows:012}.rows"
            writer.write(path, dict(held))
            held.clear()
            found.append(path)

        for typed in () if whole.exists() else typed_pieces(source, wanted, skip=rows):
            if rows + typed.height > ROWS_MAX:
                raise SchemaMismatch(
                    f"{source.name} has more than {ROWS_MAX:,} rows", hint="compare it in pieces, or with --sample"
                )
            place = pl.int_range(rows, rows + typed.height, dtype=pl.UInt32, eager=True).alias(layout.place)
            pieces = list(layout.split(typed.insert_column(0, place).rechunk()))
            if not found and not held:
                check_disk([piece for _, piece in pieces])
            for part, piece in pieces:
                held.setdefault(part, []).append(piece)
                size += frame_bytes(piece)
            rows += typed.height
            progress(what, rows, source.rows)
            if size >= buffer_bytes:
                write()
                size = 0
        if rows > (_rows_until(found[-1]) if found else 0):
            write()
    if not whole.exists():
        source.check()
        whole.touch()
    return Dealt(tuple((path, tuple(chunks_of(path))) for path in found), rows)


class _Writing:
    """Files are written one after the other while the next rows are read: at most one file's rows wait meanwhile."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        """Nothing is written yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """All is written, or the error of what was not is raised."""
        self._thread.shutdown()
        if error is None:
            self._wait()

    def write(self, path: Path, parts: dict[int, list[pl.DataFrame]]) -> None:
        """Write a file of those parts, once the one before is there."""
        self._wait()
        self._last = self._thread.submit(_write, path, parts)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()


def _write(path: Path, parts: dict[int, list[pl.DataFrame]]) -> None:
    with writing(path) as writer:
        for part in sorted(parts):
            writer.add(pl.concat(parts.pop(part)), part)


def _left(folder: Path, word: str) -> list[Path]:
    return sorted(folder.glob(f"{word}-*.rows"))


def _rows_until(path: Path) -> int:
    """Rows of the side up to the end of that file."""
    return int(path.stem.rpartition("-")[2])
