"""One side of a diff as the rest sees it: columns, and rows in pieces, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

ROWS_PER_PIECE: Final = 1 << 18
"""Large enough that the work of a piece outweighs its start, small enough that a progress bar moves."""

Pieces = Callable[[Sequence[str]], Iterator[pl.DataFrame]]
NullCounts = Callable[[Sequence[str]], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Source:
    """
    One side.

    `columns` are the types as they are read. `guess` says what a text column seems to hold, in a format that has
    nothing but text. `loose`: texts, and 0 and 1, may stand for what the other side says they are. `rows` may be
    an estimate, for progress. `null_counts` is there where it is cheap. `check` raises if the
    input is not any more what it was when it was opened. `files` are the local ones.
    `odd` says in words what a column holds that has no one type.
    """

    name: str
    columns: dict[str, pl.DataType]
    pieces: Pieces
    guess: dict[str, pl.DataType] = field(default_factory=dict)
    loose: bool = False
    rows: int | None = None
    null_counts: NullCounts | None = None
    check: Callable[[], None] = lambda: None
    files: tuple[Path, ...] = ()
    odd: dict[str, str] = field(default_factory=dict)


def of_lazy(name: str, frame: pl.LazyFrame, *, check: Callable[[], None] = lambda: None) -> Source:
    """A side that polars scans or holds, with types of its own."""

    def pieces(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        return iter(frame.select(columns).collect_batches(chunk_size=ROWS_PER_PIECE))

    def null_counts(columns: Sequence[str]) -> dict[str, int]:
        counts = frame.select(pl.col(columns).null_count()).collect(engine="streaming")
        return {name: int(count) for name, count in counts.row(0, named=True).items()}

    rows = frame.select(pl.len()).collect(engine="streaming").item()
    schema = dict(frame.collect_schema())
    return Source(name, schema, pieces, rows=int(rows), null_counts=null_counts, check=check)
