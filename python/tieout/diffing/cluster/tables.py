"""The rows behind the counts, with the workers: fetched in pieces and put together in the order of the whole."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl

from tieout.diffing.cluster import tasks
from tieout.diffing.cluster.engine import staying
from tieout.diffing.planning import Plan
from tieout.diffing.spill.merging import merged
from tieout.diffing.tables import Kind, Tables, place_name

if TYPE_CHECKING:
    from distributed import Client, Future


class ClusterTables:
    """`Tables` of parts that workers hold. The connection goes with it: at `close`, or when nobody has it any more."""

    def __init__(
        self,
        engine: tuple[Client, str],
        answers: list[tuple[Future, dict[Kind, int]]],
        plan: Plan,
        *,
        empty: Tables,
        leave: Callable[[], None],
    ) -> None:
        """`engine`: client and address of the scheduler. `answers`: each part's, and its number of pieces by kind."""
        self._client, self._address = engine
        self._answers = answers
        self._plan = plan
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
        """One of them in pieces, in its order."""
        place = place_name(self._plan)
        runs = [self._pieces(answer, kind, pieces[kind]) for answer, pieces in self._answers if pieces[kind]]
        return (frame.drop(place) for frame in merged(runs, place))

    def close(self) -> None:
        """Let the workers forget it."""
        self._gone()

    def _pieces(self, answer: Future, kind: Kind, count: int) -> Iterator[pl.DataFrame]:
        for number in range(count):
            # The engine makes an answer anew if the worker that had it is gone.
            with staying(self._address):
                piece: pl.DataFrame = self._client.submit(tasks.piece_of, answer, kind, number, pure=False).result()
            if piece.height:
                yield piece

    def _whole(self, kind: Kind, empty: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([empty, *self.stream(kind)])
