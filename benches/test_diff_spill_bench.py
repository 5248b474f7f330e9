"""
Parquet files to a summary where both sides do not fit into the memory limit, beside DuckDB with the same limit: answers
checked first, each in a process of its own, with its peak memory. benches/diff_large.py does the same at any size.

TIEOUT_BENCH_DIFF_ROWS says how many rows a side has; the small run, which would fit, is made to spill.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from unittest import mock

from diff_files import by_duckdb, by_tieout
from diff_large import make, measured
from tieout.diffing import compare

ROWS: Final = int(os.environ.get("TIEOUT_BENCH_DIFF_ROWS", "20000"))
LIMIT: Final = "1GiB"
ROUNDS: Final = 3
LARGE: Final = ROWS >= 5_000_000
"""Whether both sides together do not fit into the limit."""


def test_small_parts_are_duckdbs_answer(tmp_path: Path) -> None:
    left, right = make(min(ROWS, 20_000), tmp_path)
    with mock.patch.object(compare, "available", return_value=1 << 20):
        ours = by_tieout(left, right, spill_dir=tmp_path)
    assert ours == by_duckdb(left / "*.parquet", right / "*.parquet")
    assert ours[0]["changed"] > 0


def test_from_files_in_bounded_memory(tmp_path: Path) -> None:
    if not LARGE:
        print(f"\ndiff in bounded memory: {ROWS:,} rows fit into {LIMIT}")
        return
    make(ROWS, tmp_path)
    rounds = [[measured(engine, ROWS, LIMIT, tmp_path) for engine in ("tieout", "DuckDB")] for _ in range(ROUNDS)]
    for ours, theirs in rounds:
        assert ours["found"] == theirs["found"]
    best = [min(pair[at]["seconds"] for pair in rounds) for at in (0, 1)]
    peak = [max(pair[at]["peak_mib"] for pair in rounds) for at in (0, 1)]
    cpu = [min(pair[at]["cpu_seconds"] for pair in rounds) for at in (0, 1)]
    told = (
        f"{best[0]:.1f} s, DuckDB {best[1] / best[0]:.1f} times as long, {cpu[1] / cpu[0]:.1f} times the processor time"
    )
    print(f"\ndiff of {ROWS:,} rows a side with a limit of {LIMIT}: {told}; "
          f"peak of the process {peak[0]} MiB, {peak[0] / peak[1]:.2f} times DuckDB's")  # fmt: skip
