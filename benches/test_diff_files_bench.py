"""
Parquet files to a summary, end to end, beside DuckDB doing the same from the same files: counts of every kind, of the
differences in each field, and three examples. Answers are checked first; both have all processors.

TIEOUT_BENCH_DIFF_ROWS says how many rows a side has.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from bench_report import ratio_in_pairs, tell
from diff_data import FIELDS, side
from diff_files import by_duckdb, by_tieout

ROWS: Final = int(os.environ.get("TIEOUT_BENCH_DIFF_ROWS", "20000"))
PAIRS: Final = 5 if ROWS > 20_000 else 1


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    paths = (folder / "left.parquet", folder / "right.parquet")
    for path, right in zip(paths, (False, True), strict=True):
        side(ROWS, right=right, shape="integer key").select("id", *FIELDS).write_parquet(path)
    return paths


def test_from_files_to_a_summary(files: tuple[Path, Path]) -> None:
    ours, theirs = by_tieout(*files), by_duckdb(*files)
    assert ours == theirs
    assert ours[0]["changed"] > 0
    figures = ratio_in_pairs(lambda: by_tieout(*files), lambda: by_duckdb(*files), pairs=PAIRS)
    tell(f"diff of two Parquet files, {ROWS:,} rows each, to a summary", "DuckDB", figures)
