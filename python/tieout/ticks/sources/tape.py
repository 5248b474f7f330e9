"""Sources as one sequence of batches, always the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import polars as pl

from tieout.clock import NS_PER_S
from tieout.errors import UsageError
from tieout.ticks.sources.merge import AT, merged, piece_rows
from tieout.ticks.sources.opening import open_sources, renumbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tieout.ticks.instruments import Instruments
    from tieout.ticks.sources.mapped import Columns
    from tieout.ticks.sources.opening import Opened

BATCH_ROWS_MAX: Final = 65_536
BATCH_NS: Final = NS_PER_S
"""A batch ends with the second, so that a replay at recorded speed is at most a second behind."""


class Tape:
    """
    Opened sources, to be played from the beginning as often as one likes.

    1. The same input gives the same batches.
    2. A batch is of one UTC second, and of at most `BATCH_ROWS_MAX` ticks.

    Args:
        names: only instruments of these names; None is all.
        start_ns: only from this time on.
        end_ns: only before this time.

    Raises:
        UsageError: there is no instrument of such a name.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        names: Sequence[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> None:
        self._opened = opened
        self._start_ns, self._end_ns = start_ns, end_ns
        self._wanted: set[int] | None = None
        if names is not None:
            by_name = {one.name: one.number for one in opened.instruments}
            if unknown := [name for name in names if name not in by_name]:
                raise UsageError(f"{unknown[0]} is none of the instruments", hint=f"there are {', '.join(by_name)}")
            self._wanted = {one.number for one in opened.instruments if one.name in names}

    @classmethod
    def open(
        cls,
        sources: Sequence[str | Path],
        columns: Columns | None = None,
        *,
        names: Sequence[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Self:
        """Open sources (`tieout.ticks.sources.opening.open_sources` says what it raises) as a tape."""
        return cls(open_sources(sources, columns), names=names, start_ns=start_ns, end_ns=end_ns)

    @property
    def instruments(self) -> Instruments:
        """What the numbers stand for."""
        return self._opened.instruments

    @property
    def rows(self) -> int | None:
        """How many rows all sources have, as far as that is known; filters are not counted in."""
        return self._opened.rows

    def batches(self) -> Iterator[pl.DataFrame]:
        """
        Frames of schema `FRAME` with `at_ns` behind: the time that counts for the replay, never decreasing.

        Raises:
            InputUnusable: a source cannot be read any further; the message names the file.
        """
        streams = [
            (stream, numbers)
            for stream, numbers in self._opened.streams
            if self._wanted is None or self._wanted & set(numbers)
        ]
        count = piece_rows(len(streams))
        pieces = merged(
            [self._filtered(renumbered(stream, numbers, count)) for stream, numbers in streams], at_least=count // 2
        )
        return cut(pieces, rows=BATCH_ROWS_MAX, span_ns=BATCH_NS)

    def _filtered(self, pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        keep = pl.lit(value=True)
        if self._wanted is not None:
            keep &= pl.col("instrument").is_in(sorted(self._wanted))
        if self._start_ns is not None:
            keep &= pl.col("received_ns") >= self._start_ns
        if self._end_ns is not None:
            keep &= pl.col("received_ns") < self._end_ns
        if self._wanted is None and self._start_ns is None and self._end_ns is None:
            return pieces
        return (piece.filter(keep) for piece in pieces)


def cut(pieces: Iterator[pl.DataFrame], *, rows: int, span_ns: int) -> Iterator[pl.DataFrame]:
    """
    The same rows in batches that do not depend on how they came: of one span of `AT`, full ones of `rows`.

    Args:
        pieces: in the order of `AT`.
    """
    held: list[pl.DataFrame] = []
    count, span = 0, None
    for piece in pieces:
        spans = (piece[AT] // span_ns).rle().struct.unnest()
        at = 0
        for length, here in zip(spans["len"], spans["value"], strict=True):
            if here != span and held:
                yield _joined(held)
                held, count = [], 0
            span, end = here, at + length
            while at < end:
                some = piece.slice(at, min(end - at, rows - count))
                held.append(some)
                at, count = at + some.height, count + some.height
                if count == rows:
                    yield _joined(held)
                    held, count = [], 0
    if held:
        yield _joined(held)


def _joined(held: list[pl.DataFrame]) -> pl.DataFrame:
    return held[0] if len(held) == 1 else pl.concat(held)
