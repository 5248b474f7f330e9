"""
The bulk diff beside DuckDB (native tables) and polars (lazy): the same data, run and number of threads, answers checked
first. Everyone gives row numbers of all pairs with a mask of the five fields that differ, and the rows of one side.

Best times of alternating rounds: on a shared machine only ratios of one run mean something.
TIEOUT_BENCH_DIFF_ROWS says how many rows a side has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from diff_data import FIELDS, SHAPES, Answer, by_duckdb, by_polars, duckdb_tables, side
from tieout.diffing.kernel import Diff, Differ

ROWS: Final = int(os.environ.get("TIEOUT_BENCH_DIFF_ROWS", "20000"))
ROUNDS: Final = 5 if ROWS > 20_000 else 1


def answer(diff: Diff) -> Answer:
    pairs = pl.concat([diff.equal.with_columns(mask=pl.lit(0, pl.UInt64)), diff.changed])
    return pairs, diff.left_only, diff.right_only


def check(found: Answer, expected: Answer) -> None:
    """Answers of the same rows, whatever their order."""
    for one, other in zip(plain(found), plain(expected), strict=True):
        assert one.equals(other)


def plain(answer: Answer) -> list[pl.DataFrame]:
    pairs, left, right = answer
    frames = [pairs.select("left", "right", "mask"), left.to_frame("row"), right.to_frame("row")]
    return [frame.select(pl.all().cast(pl.Int64)).sort(pl.all()) for frame in frames]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize("shape", SHAPES)
def test_diff(shape: str) -> None:
    keys, unique = SHAPES[shape], shape != "skew"
    left, right = (side(ROWS, right=right, shape=shape) for right in (False, True))
    threads = pl.thread_pool_size()
    kept = Differ(threads)

    def ours(differ: Differ) -> Diff:
        return differ.diff(left, right, keys=keys, fields=FIELDS)

    tables = duckdb_tables(left, right, threads)
    works: dict[str, Callable[[], object]] = {
        "first call": lambda: ours(Differ(threads)),
        "reused": lambda: ours(kept),
        "DuckDB": lambda: by_duckdb(tables, keys, unique=unique),
        "polars": lambda: by_polars(left, right, keys, unique=unique),
    }
    expected = answer(ours(kept))
    assert ours(kept).duplicate_keys == (0 if unique else 1)
    check(by_duckdb(tables, keys, unique=unique), expected)
    check(by_polars(left, right, keys, unique=unique), expected)
    best = {name: min(seconds(work) for _ in range(1)) for name, work in works.items()}
    for _ in range(ROUNDS - 1):
        best = {name: min(best[name], seconds(work)) for name, work in works.items()}
    first, reused = best["first call"], best["reused"]
    told = ", ".join(f"{peer} {best[peer] / first:.1f} / {best[peer] / reused:.1f}" for peer in ("DuckDB", "polars"))
    print(f"\ndiff, {shape}, {ROWS:,} rows a side, {threads} threads: {reused * 1000:.0f} ms; "
          f"times as long as a first / a later call: {told}")  # fmt: skip


def test_peak_memory() -> None:
    """One call in a process of its own, over what the inputs took. Only Linux tells."""
    if sys.platform != "linux":
        print("\ndiff, peak memory: not measured on this system")
        return
    peaks = {name: peak_bytes(name) for name in ("tieout", "DuckDB", "polars")}
    ours = peaks.pop("tieout")
    assert ours > 0
    told = ", ".join(f"{peer} {peak / 2**20:.0f} MiB ({ours / max(peak, 1):.2f})" for peer, peak in peaks.items())
    print(
        f"\ndiff, peak memory over the inputs, {ROWS:,} rows a side: {ours / 2**20:.0f} MiB; ours over theirs: {told}"
    )


def peak_bytes(engine: str) -> int:
    command = [sys.executable, str(Path(__file__).with_name("diff_memory.py")), engine, str(ROWS)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
