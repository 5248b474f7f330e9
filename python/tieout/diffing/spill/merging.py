"""Frames that each ascend, from many files, as one that does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from tieout.diffing.planning import Plan
from tieout.diffing.tables import place_name


def in_order(runs: Iterable[Iterator[pl.DataFrame]], plan: Plan) -> Iterator[pl.DataFrame]:
    """All rows of the runs, which each ascend by place, in the order of the whole and without it."""
    place = place_name(plan)
    return (frame.drop(place) for frame in merged(runs, place))


def merged(runs: Iterable[Iterator[pl.DataFrame]], by: str) -> Iterator[pl.DataFrame]:
    """
    All rows of the runs, ascending by that column, in pieces.

    Each run ascends and comes in frames, of which one at a time is held; no value occurs twice.
    """
    heads = [(frame, run) for run in runs if (frame := next(run, None)) is not None]
    while heads:
        bound = min(frame[by][-1] for frame, _ in heads)
        taken, rest = [], []
        for frame, run in heads:
            count = int(frame[by].search_sorted(bound, side="right"))
            taken.append(frame.head(count))
            left = frame.slice(count) if count < frame.height else next(run, None)
            if left is not None:
                rest.append((left, run))
        heads = rest
        yield pl.concat(taken).sort(by)
