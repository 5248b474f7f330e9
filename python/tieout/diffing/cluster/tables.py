"""The rows behind the counts, with the workers: fetched in pieces and put together in the order of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from tieout.diffing.cluster import tasks
from tieout.diffing.cluster.engine import staying
from tieout.diffing.planning import Plan
from tieout.diffing.spill.merging import in_order
from tieout.diffing.tables import Kind

if TYPE_CHECKING:
    from distributed import Client, Future


@dataclass(frozen=True, slots=True)
class WorkerRows:
    """What workers found. `answers`: each part's, and its number of pieces by kind; `address` is the scheduler's."""

    client: Client
    address: str
    answers: list[tuple[Future, dict[Kind, int]]]
    plan: Plan

    def read(self, kind: Kind) -> Iterator[pl.DataFrame]:
        """The rows of one kind in pieces, in the order of the whole."""
        runs = [self._pieces(answer, kind, pieces[kind]) for answer, pieces in self.answers if pieces[kind]]
        return in_order(runs, self.plan)

    def _pieces(self, answer: Future, kind: Kind, count: int) -> Iterator[pl.DataFrame]:
        for number in range(count):
            # The engine makes an answer anew if the worker that had it is gone.
            with staying(self.address):
                piece: pl.DataFrame = self.client.submit(tasks.piece_of, answer, kind, number, pure=False).result()
            if piece.height:
                yield piece
