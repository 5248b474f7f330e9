"""What is kept, dropped and doubtful, each as one file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import polars as pl

from tieout.diffing.dedup.result import DedupResult
from tieout.diffing.options import Progress, silent
from tieout.diffing.writing import write_frames


def write_all(
    result: DedupResult,
    *,
    out: Path | None = None,
    dropped: Path | None = None,
    doubts: Path | None = None,
    progress: Progress = silent,
) -> None:
    """
    Write what is asked for; each file appears whole or not at all.

    Args:
        result: what was found.
        out: the rows that are kept.
        dropped: those that are not, behind reason, input, row, of_input, of_row.
        doubts: those that are kept and left to the operator, in the same way.
        progress: told what is done.

    Raises:
        DiskError: one cannot be written; there is what was there before.
        InputUnusable: an input that is read again has changed.
    """
    whole, told = result.whole, result.told
    for path, frames in (
        (out, whole.kept(told)),
        (dropped, whole.dropped(told)),
        (doubts, whole.doubtful(told)),
    ):
        if path is not None:
            progress("writing", 0, None)
            _write(path, frames)


def _write(path: Path, frames: Iterator[pl.DataFrame]) -> None:
    first = next(frames)  # there is always one, if without rows
    write_frames(path, first.clear(), chain([first], frames))
