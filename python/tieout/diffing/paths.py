"""Local files: which ones a path means, which format they have, and how each is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

import polars as pl

from tieout.diffing.failures import reading
from tieout.diffing.source import ROWS_PER_PIECE, Source, of_lazy
from tieout.diffing.watch import unchanged
from tieout.errors import InputUnusable

FORMATS: Final = {
    ".parquet": "parquet", ".pq": "parquet",
    ".csv": "csv", ".tsv": "tsv",
    ".arrow": "ipc", ".ipc": "ipc", ".feather": "ipc",
    ".ndjson": "ndjson", ".jsonl": "ndjson",
}  # fmt: skip
"""Ending -> format."""
_ROWS_LOOKED_AT: Final = 10_000
_BYTES_LOOKED_AT: Final = 1 << 20
_HINT: Final = f"known endings: {', '.join(FORMATS)}, and SQLite files"

Given = list[Path] | list[str] | list[IO[bytes]]


def expand(path: Path, side: str) -> list[Path]:
    """
    The files that a path means: itself, those of a glob, or all of a folder and of the folders in it, sorted.

    Raises:
        InputUnusable: there is none.
    """
    if path.is_dir():
        found = [one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in FORMATS]
        found = [one for one in found if not any(part.startswith((".", "_")) for part in one.relative_to(path).parts)]
        if not found:
            raise InputUnusable(f"the folder {path} has no file that can be compared", hint=_HINT)
        return sorted(found)
    if path.exists():
        return [path]
    if any(mark in str(path) for mark in "*?["):
        named = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if found := [one for one in named if one.is_file()]:
            return found
        raise InputUnusable(f"no file is named like {path}", hint="check the pattern, and quote it for the shell")
    raise InputUnusable(f"{path}: there is no such file (the {side} side)", hint="check the path")


def open_files(files: list[Path], *, shown: str, hive_root: Path | None = None) -> Source:
    """
    One or several files of one format as one side. Below `hive_root`, folders named key=value are columns.

    Raises:
        InputUnusable: an unknown or a second format, or a file that cannot be read.
    """
    kinds = {FORMATS.get(path.suffix.lower(), "") for path in files}
    if "" in kinds:
        odd = next(path for path in files if path.suffix.lower() not in FORMATS)
        raise InputUnusable(f"{odd} has an unknown format: its name ends in {odd.suffix or 'nothing'}", hint=_HINT)
    if len(kinds) > 1:
        raise InputUnusable(
            f"{shown} has files of several formats: {', '.join(sorted(kinds))}", hint="name those of one with a glob"
        )
    if empty := [path for path in files if path.stat().st_size == 0]:
        raise InputUnusable(f"{empty[0]} is empty: it has not even a header", hint="check what should have written it")
    check = unchanged(files)
    hive = hive_root is not None and any("=" in part for one in files for part in one.relative_to(hive_root).parts[:-1])
    kind = kinds.pop()
    with reading(shown, files):
        if kind in {"csv", "tsv"}:
            found = of_csv(kind, files, name=shown, rows=_estimate(files), check=check)
        else:
            found = of_typed(kind, files, name=shown, check=check, hive=hive)
    return replace(found, files=tuple(files))


def of_typed(
    kind: str, given: Given, *, name: str, check: Callable[[], None] = lambda: None, hive: bool = False
) -> Source:
    """A side of files, addresses or open files of a format that has types; polars reads them."""
    if kind == "parquet":
        return of_lazy(name, pl.scan_parquet(given, hive_partitioning=hive, glob=False), check=check)
    if kind == "ipc":
        return of_lazy(name, pl.scan_ipc(given, hive_partitioning=hive, glob=False), check=check)
    whole = of_lazy(name, pl.scan_ndjson(given, infer_schema_length=_ROWS_LOOKED_AT), check=check)
    return replace(whole, loose=True, null_counts=None)


def of_csv(
    kind: str, given: Given, *, name: str, rows: int | None = None, check: Callable[[], None] = lambda: None
) -> Source:
    """CSV: every column is read as the text it is; what it stands for is decided with the other side in view."""
    separator = "\t" if kind == "tsv" else ","
    seen = pl.scan_csv(given, separator=separator, infer_schema_length=_ROWS_LOOKED_AT, glob=False)
    types = dict(seen.collect_schema())
    texts: dict[str, pl.DataType] = dict.fromkeys(types, pl.String())
    frame = pl.scan_csv(given, separator=separator, schema_overrides=texts, infer_schema_length=0, glob=False)
    empty = frame.head(_ROWS_LOOKED_AT).select(pl.all().is_null().all()).collect().row(0, named=True)
    guess = {column: pl.Null() if empty[column] else dtype for column, dtype in types.items()}

    def pieces(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        return iter(frame.select(columns).collect_batches(chunk_size=ROWS_PER_PIECE))

    return Source(name, texts, pieces, guess=guess, loose=True, rows=rows, check=check)


def _estimate(files: list[Path]) -> int:
    """About how many lines there are, by the length of the first ones."""
    with files[0].open("rb") as raw:
        start = raw.read(_BYTES_LOOKED_AT)
    lines = max(1, start.count(b"\n"))
    return sum(path.stat().st_size for path in files) * lines // max(1, len(start))
