"""All differences as one file: Parquet, CSV, NDJSON, or an HTML report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from tieout.diffing.result import DiffResult
from tieout.diffing.tables import FOUND_ON, endings, pieces, plain
from tieout.errors import DiskError, UsageError
from tieout.files import beside, write_atomically

ENDINGS: Final = (".parquet", ".csv", ".ndjson", ".jsonl", ".html")
KIND: Final = "kind"
"""The first column, which says what a row is; with an underscore behind it where a column of the data has that name."""


def check_target(out: Path, inputs: tuple[str, ...]) -> None:
    """
    Refuse a target that cannot be written, before any work.

    Raises:
        UsageError: an unknown ending, one of the inputs, or no folder to put it into.
    """
    if out.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out {out}: unknown ending; expected {', '.join(ENDINGS)}", hint="name another file")
    if out.is_dir() or not out.absolute().parent.is_dir():
        what = "is a folder" if out.is_dir() else "its folder does not exist"
        raise UsageError(f"--out {out}: {what}", hint="name a file in a folder that exists")
    for given in inputs:
        there = Path(given.rpartition("::")[0] or given)
        if there.exists() and out.exists() and (there.samefile(out) or (there.is_dir() and _within(out, there))):
            raise UsageError(f"--out {out} is one of the inputs, {given}", hint="name another file")


def write(result: DiffResult, out: Path, *, examples: int) -> None:
    """
    Write the differences; the file appears whole or not at all.

    Args:
        result: what was found.
        out: where; its ending says how.
        examples: rows of each kind in an HTML report; the other formats have all.

    Raises:
        DiskError: it cannot be written; at `out` is what was there before.
    """
    ending = out.suffix.lower()
    if ending == ".html":
        from tieout.diffing.report import as_html

        write_atomically(out, as_html(result, examples=examples).encode())
        return
    frame = all_differences(result)
    writers: dict[str, Callable[[Path], object]] = {
        ".parquet": frame.write_parquet,
        ".csv": lambda path: _flat(frame).write_csv(path),
    }
    try:
        with beside(out.absolute()) as draft:
            writers.get(ending, frame.write_ndjson)(draft)
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise DiskError(
            f"{out} cannot be written: {why}", hint="check disk space, owner and mode; then run it again"
        ) from error


def all_differences(result: DiffResult) -> pl.DataFrame:
    """
    Everything that is not equal below one another: `kind`, the key, `differs`, then for each compared field its left
    and its right value; of a row that is on one side only, that side's. Of duplicate keys `rows_left`, `rows_right`.
    """
    plan = result.plan
    left, right, _ = endings(plan)
    mark = KIND + "_" * (KIND in {*plan.keys, *plan.context})
    found = []
    for kind, frame in pieces(result.tables):
        if kind == "null_key":
            for word, end in (("left", left), ("right", right)):
                part = frame.filter(pl.col(FOUND_ON) == word).drop(FOUND_ON)
                found.append(_named((mark, f"null_key_{word}"), part, fields=plan.fields, ending=end))
        elif kind in {"left_only", "right_only"}:
            ending = left if kind == "left_only" else right
            found.append(_named((mark, kind), frame, fields=plan.fields, ending=ending))
        else:
            found.append(frame.select(pl.lit(kind).alias(mark), pl.all()))
    if not found:
        found = [result.changed.select(pl.lit("changed").alias(mark), pl.all())]
    return pl.concat([plain(frame) for frame in found], how="diagonal_relaxed")


def _named(kind: tuple[str, str], frame: pl.DataFrame, *, fields: tuple[str, ...], ending: str) -> pl.DataFrame:
    mark, word = kind
    return frame.rename({name: name + ending for name in fields}).select(pl.lit(word).alias(mark), pl.all())


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """CSV has no lists: names are joined by spaces; bytes are written in hexadecimal."""
    return frame.with_columns(
        pl.selectors.by_dtype(pl.List(pl.String)).list.join(" "), pl.selectors.binary().bin.encode("hex")
    )


def _within(out: Path, folder: Path) -> bool:
    return out.resolve().is_relative_to(folder.resolve())
