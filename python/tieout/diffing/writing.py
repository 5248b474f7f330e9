"""Frames as one file, some rows at a time: Parquet, CSV, NDJSON. The file appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from tieout.errors import DiskError
from tieout.files import beside


def write_frames(out: Path, template: pl.DataFrame, frames: Iterator[pl.DataFrame]) -> None:
    """
    Write frames below one another.

    Args:
        out: where; its ending says how.
        template: has no row, and the columns that all of them have.
        frames: read to their end.

    Raises:
        DiskError: it cannot be written; at `out` is what was there before.
    """
    try:
        with beside(out.absolute()) as draft:
            _write(draft, template, frames, ending=out.suffix.lower())
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise DiskError(
            f"{out} cannot be written: {why}", hint="check disk space, owner and mode; then run it again"
        ) from error


def _write(draft: Path, template: pl.DataFrame, frames: Iterator[pl.DataFrame], *, ending: str) -> None:
    if ending == ".parquet":

        def source(*_asked: object) -> Iterator[pl.DataFrame]:
            return frames

        register_io_source(source, schema=template.schema).sink_parquet(draft, maintain_order=True)
        return
    with draft.open("wb") as file:
        header = True
        for frame in chain([template], frames):
            if ending == ".csv":
                _flat(frame).write_csv(file, include_header=header)
            elif frame.height:
                frame.write_ndjson(file)
            header = False


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """CSV has no lists: names are joined by spaces; bytes are written in hexadecimal."""
    return frame.with_columns(
        pl.selectors.by_dtype(pl.List(pl.String)).list.join(" "), pl.selectors.binary().bin.encode("hex")
    )
