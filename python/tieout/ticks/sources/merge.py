"""
Several streams as one, by time of arrival.

1. Within a stream the order is the stream's own, whatever its times say.
2. Between streams the earlier `received_ns` comes first; where a stream's time runs backwards, its latest time so far
   counts. Equal times: the lower sequence, then the stream that was named first.
3. What comes out does not depend on the size of the pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

AT: Final = "at_ns"
"""The column that is added: the time that counts, never decreasing."""
_SEQUENCE, _STREAM = "order_sequence", "order_stream"
_ROWS_AT_ONCE: Final = 1 << 20
_PIECE_ROWS_MIN: Final = 4_096
_PIECE_ROWS_MAX: Final = 131_072


def piece_rows(streams: int) -> int:
    """How many rows of each of so many streams are held at once: about a million of all."""
    return max(_PIECE_ROWS_MIN, min(_PIECE_ROWS_MAX, _ROWS_AT_ONCE // max(streams, 1)))


def merged(streams: Sequence[Iterable[pl.DataFrame]], *, at_least: int = 1) -> Iterator[pl.DataFrame]:
    """
    The rows of all streams in one order, with `AT` behind their columns.

    Args:
        streams: each with `received_ns` and `sequence` among its columns; the same ones in all.
        at_least: rows of each stream that are read ahead; half a piece spares most of the steps.
    """
    lanes = [_Lane(number, iter(stream)) for number, stream in enumerate(streams)]
    alone = len(lanes) == 1
    while True:
        lanes = [lane for lane in lanes if lane.fill(at_least)]
        if not lanes:
            return
        if alone:
            yield lanes[0].take_all().drop(_SEQUENCE, _STREAM)
            continue
        open_ends = [lane.last_ns for lane in lanes if lane.more]
        horizon = min(open_ends, default=None)
        taken = [lane.take_before(horizon) for lane in lanes]
        if any(piece.height for piece in taken):
            yield pl.concat(taken).sort(AT, _SEQUENCE, _STREAM, maintain_order=True).drop(_SEQUENCE, _STREAM)
        else:  # a whole piece of one time: what else has that time must be known first
            for lane in lanes:
                if lane.last_ns == horizon:
                    lane.load()


class _Lane:
    """One stream, with the rows of it that are read and not yet taken."""

    def __init__(self, number: int, pieces: Iterator[pl.DataFrame]) -> None:
        self._number = number
        self._pieces = pieces
        self._rows: pl.DataFrame | None = None
        self._latest_ns: int | None = None
        self._sequence: int | None = None
        self.more = True

    @property
    def last_ns(self) -> int:
        """The time of the last row that is read."""
        assert self._latest_ns is not None, "asked of filled lanes alone"
        return self._latest_ns

    def fill(self, at_least: int) -> bool:
        """Read on until so many rows are there, or all; whether there is anything."""
        while (self._rows is None or self._rows.height < at_least) and self.more:
            self.load()
        return self._rows is not None and self._rows.height > 0

    def load(self) -> None:
        """Read the next piece behind the rows that are there."""
        piece = next(self._pieces, None)
        if piece is None:
            self.more = False
            return
        if not piece.height:
            return
        keyed = self._keyed(piece)
        self._rows = keyed if self._rows is None or not self._rows.height else pl.concat([self._rows, keyed])

    def take_all(self) -> pl.DataFrame:
        """Everything that is read."""
        assert self._rows is not None, "asked of filled lanes alone"
        rows, self._rows = self._rows, None
        return rows

    def take_before(self, horizon: int | None) -> pl.DataFrame:
        """What is read from before that time; without one, everything."""
        if horizon is None:
            return self.take_all()
        assert self._rows is not None, "asked of filled lanes alone"
        count = self._rows[AT].search_sorted(horizon, side="left")
        taken, self._rows = self._rows.head(count), self._rows.slice(count)
        return taken

    def _keyed(self, piece: pl.DataFrame) -> pl.DataFrame:
        time, sequence = pl.col("received_ns").cum_max(), pl.col("sequence")
        if self._latest_ns is not None:
            time = pl.max_horizontal(time, pl.lit(self._latest_ns, pl.Int64))
        keyed = piece.with_columns(
            time.alias(AT), sequence.alias(_SEQUENCE), pl.lit(self._number, pl.UInt32).alias(_STREAM)
        )
        before_ns, before = (
            pl.col(AT).shift(1, fill_value=self._latest_ns),
            sequence.shift(1, fill_value=self._sequence),
        )
        if keyed.select(((pl.col(AT) == before_ns) & (sequence < before)).any()).item():
            # Several connections fed one instrument: of one time, the highest number so far counts.
            same = pl.col(AT) == pl.lit(self._latest_ns, pl.Int64)
            floor = pl.when(same).then(pl.lit(self._sequence, pl.UInt64)).otherwise(pl.lit(0, pl.UInt64))
            keyed = keyed.with_columns(pl.max_horizontal(sequence.cum_max().over(AT), floor).alias(_SEQUENCE))
        self._latest_ns, self._sequence = keyed[AT][-1], keyed[_SEQUENCE][-1]
        return keyed
