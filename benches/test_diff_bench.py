"""
The bulk diff beside DuckDB (native tables), polars (lazy, in memory and streaming), pandas, datacompy and reladiff: the
same data, run and number of threads, answers checked first. DuckDB, polars and pandas give row numbers of all pairs
with a mask of the five fields that differ, and the rows of one side; datacompy and reladiff give fewer answers, which
are checked as far as they go, and take part where they are installed.

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
from diff_peers import Counts, by_datacompy, by_pandas, by_reladiff, for_pandas, for_reladiff, installed
from tieout.diffing.kernel import Diff, Differ

ROWS: Final = int(os.environ.get("TIEOUT_BENCH_DIFF_ROWS", "20000"))
ROUNDS: Final = 5 if ROWS > 20_000 else 1
SLOW_ROWS: Final = 1_000_000
"""The most rows of a side for those that are far slower, and take far more memory."""


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


def counts(answer: Answer) -> Counts:
    pairs, left, right = answer
    return Counts(pairs.filter(pl.col("mask") != 0).height, len(left), len(right))


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
        "streaming polars": lambda: by_polars(left, right, keys, unique=unique, streaming=True),
    }
    expected = answer(ours(kept))
    assert ours(kept).duplicate_keys == (0 if unique else 1)
    check(by_duckdb(tables, keys, unique=unique), expected)
    check(by_polars(left, right, keys, unique=unique), expected)
    check(by_polars(left, right, keys, unique=unique, streaming=True), expected)
    best = best_of(works)
    first, reused = best["first call"], best["reused"]
    peers = [name for name in best if name not in {"first call", "reused"}]
    told = ", ".join(f"{peer} {best[peer] / first:.1f} / {best[peer] / reused:.1f}" for peer in peers)
    print(f"\ndiff, {shape}, {ROWS:,} rows a side, {threads} threads: {first * 1000:.0f} / {reused * 1000:.0f} ms; "
          f"times as long as a first / a later call: {told}")  # fmt: skip


def best_of(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each, the best of some rounds."""
    rounds = [{name: seconds(work) for name, work in works.items()} for _ in range(ROUNDS)]
    return {name: min(best[name] for best in rounds) for name in works}


@pytest.mark.parametrize("shape", ["integer key", "string key"])
def test_data_frame_libraries(shape: str, tmp_path: Path) -> None:
    """pandas, and what is made for comparing two tables."""
    keys, rows = SHAPES[shape], min(ROWS, SLOW_ROWS)
    left, right = (side(rows, right=right, shape=shape) for right in (False, True))
    threads = pl.thread_pool_size()
    differ, file = Differ(threads), tmp_path / "sides.duckdb"
    a, b = for_pandas(left), for_pandas(right)
    if shape == "integer key":
        for_reladiff(left, right, file)
    ours = lambda: differ.diff(left, right, keys=keys, fields=FIELDS)  # noqa: E731 - a name for both of its uses
    expected = answer(ours())
    check(by_pandas(a, b, keys), expected)
    tools = {"datacompy": lambda: by_datacompy(a, b, keys), "reladiff": lambda: by_reladiff(file, keys, threads)}
    best = {"ours": min(seconds(ours) for _ in range(ROUNDS)), "pandas": seconds(lambda: by_pandas(a, b, keys))}
    # reladiff splits tables by ranges of a key, and takes no text with points in it as one.
    for name in (name for name in installed() if name != "reladiff" or shape == "integer key"):
        start = time.perf_counter()
        assert tools[name]() == counts(expected)
        best[name] = time.perf_counter() - start
    told = ", ".join(f"{name} {taken / best['ours']:.0f}" for name, taken in best.items() if name != "ours")
    print(f"\ndiff, {shape}, {rows:,} rows a side: times as long as a later call: {told}")


@pytest.mark.parametrize("shape", ["integer key", "string key", "sorted"])
def test_growth(shape: str) -> None:
    """A tenth of the rows, and all of them."""
    keys = SHAPES[shape]
    best: list[dict[str, float]] = []
    for rows in (ROWS // 10, ROWS):
        left, right = (side(rows, right=right, shape=shape) for right in (False, True))
        best.append(growth_of(left, right, keys))
    told = ", ".join(f"{what} takes {taken / best[0][what]:.1f} times as long" for what, taken in best[1].items())
    print(f"\ndiff, {shape}, from {ROWS // 10:,} to {ROWS:,} rows a side: {told}")


def growth_of(left: pl.DataFrame, right: pl.DataFrame, keys: tuple[str, ...]) -> dict[str, float]:
    threads = pl.thread_pool_size()
    kept = Differ(threads)

    def ours(differ: Differ) -> Diff:
        return differ.diff(left, right, keys=keys, fields=FIELDS)

    found = ours(kept)
    assert found.left_only.len() == found.right_only.len() == left.height // 100
    return best_of({"a first call": lambda: ours(Differ(threads)), "a later one": lambda: ours(kept)})


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
