"""The rows behind the counts where they are not in memory: on disk, or with workers."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator

import polars as pl

from tieout.diffing.tables import Kind, Tables


class TablesElsewhere:
    """`Tables` that are read when they are asked for. What holds them goes: at `close`, or when nobody has these."""

    def __init__(
        self, read: Callable[[Kind], Iterator[pl.DataFrame]], *, empty: Tables, leave: Callable[[], object]
    ) -> None:
        """
        Keep what reads them, and what gives them up.

        Args:
            read: the rows of one kind in pieces, in their order.
            empty: what they are without a row.
            leave: gives up what holds them; called once. Neither it nor `read` may hold these tables.
        """
        self._read = read
        self._empty = empty
        self._gone = weakref.finalize(self, leave)

    @property
    def changed(self) -> pl.DataFrame:
        """Pairs that differ."""
        return self._whole("changed", self._empty.changed)

    @property
    def left_only(self) -> pl.DataFrame:
        """Left rows whose key the right side does not have."""
        return self._whole("left_only", self._empty.left_only)

    @property
    def right_only(self) -> pl.DataFrame:
        """Right rows whose key the left side does not have."""
        return self._whole("right_only", self._empty.right_only)

    @property
    def duplicates(self) -> pl.DataFrame:
        """Keys that a side has more than once."""
        return self._whole("duplicate_key", self._empty.duplicates)

    @property
    def null_keys(self) -> pl.DataFrame:
        """Rows with a null in their key."""
        return self._whole("null_key", self._empty.null_keys)

    def stream(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """One of them in pieces, in its order. Whoever reads them has these tables, so that they stay meanwhile."""
        yield from self._read(kind)

    def close(self) -> None:
        """Give up what holds them: the spill folder, or what the workers have."""
        self._gone()

    def _whole(self, kind: Kind, empty: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([empty, *self.stream(kind)])
