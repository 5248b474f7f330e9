"""All differences as one file: Parquet, CSV, NDJSON, or an HTML report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from tieout.diffing.result import DiffResult
from tieout.diffing.tables import FOUND_ON, KINDS, Kind, endings, plain
from tieout.diffing.writing import write_frames
from tieout.errors import UsageError
from tieout.files import write_atomically

ROW_ENDINGS: Final = (".parquet", ".csv", ".ndjson", ".jsonl")
ENDINGS: Final = (*ROW_ENDINGS, ".html")
KIND: Final = "kind"
"""The first column, which says what a row is; with an underscore behind it where a column of the data has that name."""


def check_target(
    out: Path, inputs: tuple[str, ...], *, option: str = "--out", endings: tuple[str, ...] = ENDINGS
) -> None:
    """
    Refuse a target that cannot be written, before any work.

    Raises:
        UsageError: an unknown ending, one of the inputs, or no folder to put it into.
    """
    if out.suffix.lower() not in endings:
        raise UsageError(f"{option} {out}: unknown ending; expected {', '.join(endings)}", hint="name another file")
    if out.is_dir() or not out.absolute().parent.is_dir():
        what = "is a folder" if out.is_dir() else "its folder does not exist"
        raise UsageError(f"{option} {out}: {what}", hint="name a file in a folder that exists")
    for given in inputs:
        there = Path(given.rpartition("::")[0] or given)
        if there.exists() and out.exists() and (there.samefile(out) or (there.is_dir() and _within(out, there))):
            raise UsageError(f"{option} {out} is one of the inputs, {given}", hint="name another file")


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
    template = _template(result)
    write_frames(out, template, all_differences(result, template))


def all_differences(result: DiffResult, template: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """
    Everything that is not equal below one another, in pieces with the template's columns: `kind`, the key, `differs`,
    then for each compared field its left and its right value; of a row that is on one side only, that side's. Of
    duplicate keys `rows_left`, `rows_right`.
    """
    for kind in KINDS:
        for frame in result.tables.stream(kind):
            for named in _named(result, kind, frame):
                yield pl.concat([template, named], how="diagonal_relaxed")


def _template(result: DiffResult) -> pl.DataFrame:
    """No row, with the columns of all kinds of which there are any, each wide enough for all of them."""
    found = []
    for kind in KINDS:
        if (frame := next(result.tables.stream(kind), None)) is not None:
            found += [named.clear() for named in _named(result, kind, frame)]
    return pl.concat(found or list(_named(result, "changed", result.changed)), how="diagonal_relaxed")


def _named(result: DiffResult, kind: Kind, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows of a kind as they are written: which kind is the first column, and a value says whose it is."""
    plan = result.plan
    left, right, _ = endings(plan)
    mark = KIND + "_" * (KIND in {*plan.keys, *plan.context})
    if kind == "null_key":
        sides = [(f"null_key_{word}", frame.filter(pl.col(FOUND_ON) == word).drop(FOUND_ON), end)
                 for word, end in (("left", left), ("right", right))]  # fmt: skip
    else:
        sides = [(kind, frame, {"left_only": left, "right_only": right}.get(kind, ""))]
    for word, rows, ending in sides:
        own = {name: name + ending for name in plan.fields} if ending else {}
        yield plain(rows.rename(own).select(pl.lit(word).alias(mark), pl.all()))


def _within(out: Path, folder: Path) -> bool:
    return out.resolve().is_relative_to(folder.resolve())
