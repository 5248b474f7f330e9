"""Two order histories in every format that a diff reads, and the command as a person calls it."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING
from unittest import mock

import polars as pl

from cli_process import Outcome
from tieout.cli import main
from tieout.diffing import compare
from tieout.diffing.spill import comparing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEFT = pl.DataFrame(
    {
        "perm_id": [1, 2, 3, 4],
        "account": ["DU1", "DU1", "DU2", "DU2"],
        "symbol": ["SPY", "ES", "SPY", "MES"],
        "price": [101.25, 4000.5, 99.0, 12.5],
        "status": ["Filled", "Filled", "Cancelled", "Submitted"],
    }
)
RIGHT = pl.DataFrame(
    {
        "perm_id": [5, 4, 3, 2],
        "account": ["DU2", "DU2", "DU2", "DU1"],
        "symbol": ["SPY", "MES", "SPY", "ES"],
        "price": [7.0, 12.75, 99.0, 4000.5],
        "status": ["Filled", "Filled", "Cancelled", "Filled"],
    }
)
"""One pair is equal in 2 and in 3; 4 changed in price and status; 1 is left only, 5 right only."""

COUNTS = {"rows_left": 4, "rows_right": 4, "equal": 2, "changed": 1, "left_only": 1, "right_only": 1,
          "duplicate_keys": 0}  # fmt: skip
FIELDS = {"account": 0, "symbol": 0, "price": 1, "status": 1}


def write(frame: pl.DataFrame, path: Path) -> Path:
    """The frame as a file, in the format that its name says."""
    match path.suffix:
        case ".parquet":
            frame.write_parquet(path)
        case ".csv":
            frame.write_csv(path)
        case ".tsv":
            frame.write_csv(path, separator="\t")
        case ".arrow":
            frame.write_ipc(path)
        case ".ndjson":
            frame.write_ndjson(path)
        case ".db":
            write_table(frame, path)
        case other:
            raise ValueError(other)
    return path


def write_table(frame: pl.DataFrame, path: Path, table: str = "orders") -> None:
    """The frame as a table of an SQLite file."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    table = table.replace('"', '""')
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(f'CREATE TABLE "{table}" ({names})')
        marks = ", ".join("?" * frame.width)
        raw.executemany(f'INSERT INTO "{table}" VALUES ({marks})', frame.rows())


def tieout_diff(*words: str | Path) -> Outcome:
    """`tieout diff WORDS` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["diff", *map(str, words)])
    return Outcome(code, out.getvalue(), err.getvalue())


@contextmanager
def spilled(room: int) -> Iterator[None]:
    """Every diff of the block has so many bytes for rows, whatever the process takes: small frames spill."""
    with mock.patch.object(compare, "available", return_value=room), mock.patch.object(comparing, "ROWS_MIN", 2):
        yield
