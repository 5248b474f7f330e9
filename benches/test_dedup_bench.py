"""
Deduplication of execution ids beside DuckDB's `SELECT DISTINCT` (a native table) and polars' `unique`: the same data,
run and number of threads, one row in ten a copy, answers checked first. Everyone gives the distinct ids as a frame;
ours also says which row each copy is of, and keeps the first.

Best times of alternating rounds: on a shared machine only ratios of one run mean something.
TIEOUT_BENCH_DIFF_ROWS says how many rows there are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import tieout
from diff_data import execution_ids
from tieout.diffing.kernel import Differ

ROWS: Final = int(os.environ.get("TIEOUT_BENCH_DIFF_ROWS", "20000"))
ROUNDS: Final = 3 if ROWS > 20_000 else 1


def ids(kind: str) -> pl.DataFrame:
    """One row in ten has the id of another one, anywhere in the table."""
    random = np.random.default_rng(1)
    numbers = np.arange(ROWS, dtype=np.int64)
    numbers = np.where(random.random(ROWS) < 0.1, random.integers(0, ROWS, ROWS), numbers)
    random.shuffle(numbers)
    if kind == "decimal":
        return execution_ids(numbers).to_frame()
    spread = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    letters = np.frombuffer(spread.astype(">u8").tobytes().hex().encode(), np.uint8).reshape(-1, 16)
    texts = np.tile(np.frombuffer(b"xxxxxxxx.xxxxxxxx.01.01", np.uint8), (ROWS, 1))
    texts[:, :8], texts[:, 9:17] = letters[:, :8], letters[:, 8:]
    ends = np.arange(ROWS + 1, dtype=np.int64) * texts.shape[1]
    column = pa.LargeStringArray.from_buffers(ROWS, pa.py_buffer(ends), pa.py_buffer(texts.tobytes()))
    return pl.DataFrame({"exec_id": pl.from_arrow(column)})


def by_kernel(differ: Differ, table: pl.DataFrame) -> pl.DataFrame:
    """The first row of each id."""
    copies = differ.repeats(table, keys=["exec_id"], fields=[]).copies["row"]
    keep = np.ones(table.height, dtype=np.bool_)
    keep[copies.to_numpy()] = False
    return table.filter(pl.Series(keep))


def by_duckdb(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return pl.DataFrame(connection.sql("SELECT DISTINCT exec_id FROM t").to_arrow_table())


@pytest.mark.parametrize("kind", ["decimal", "hexadecimal"])
def test_distinct_execution_ids(kind: str) -> None:
    table = ids(kind)
    threads = pl.thread_pool_size()
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}; SET preserve_insertion_order = false")
    connection.register("frame", table.to_arrow())
    connection.execute("CREATE TABLE t AS SELECT * FROM frame")
    connection.unregister("frame")
    kept = Differ(threads)
    first = by_kernel(kept, table)
    assert first.equals(table.unique(keep="first", maintain_order=True))
    assert first["exec_id"].sort().equals(by_duckdb(connection)["exec_id"].sort())
    works: dict[str, Callable[[], object]] = {
        "reused": lambda: by_kernel(kept, table),
        "first call": lambda: by_kernel(Differ(threads), table),
        "DuckDB": lambda: by_duckdb(connection),
        "polars": table.unique,
        "polars streaming": lambda: table.lazy().unique().collect(engine="streaming"),
    }
    best = {name: min(seconds(work) for _ in range(1)) for name, work in works.items()}
    for _ in range(ROUNDS - 1):
        best = {name: min(best[name], seconds(work)) for name, work in works.items()}
    told = ", ".join(
        f"{peer} {best[peer] / best['first call']:.1f} / {best[peer] / best['reused']:.1f}" for peer in list(works)[2:]
    )
    print(f"\ndedup, {ROWS:,} {kind} execution ids, {threads} threads: {best['reused'] * 1000:.0f} ms; "
          f"times as long as a first / a later call: {told}")  # fmt: skip


def test_from_a_file_to_a_file(tmp_path: Path) -> None:
    """The command's work, with the correction rule, beside DuckDB's DISTINCT over all columns from and to Parquet."""
    rows = max(ROWS // 10, 1000)
    random = np.random.default_rng(2)
    numbers = np.where(random.random(rows) < 0.1, random.integers(0, rows, rows), np.arange(rows, dtype=np.int64))
    table = execution_ids(numbers).to_frame().with_columns(
        account=pl.lit("DU1"), perm_id=pl.Series(numbers), side=pl.lit("BUY"), symbol=pl.lit("SPY"),
        price_e8=pl.Series(numbers % 1000), cumulative_quantity_e8=pl.Series(numbers % 7),
    )  # fmt: skip
    table.write_parquet(tmp_path / "in.parquet")

    def ours() -> int:
        from tieout.diffing.dedup.output import write_all

        result = tieout.dedup(tmp_path / "in.parquet", on="exec_id")
        write_all(result, out=tmp_path / "ours.parquet")
        return result.counts.kept

    def theirs() -> int:
        with duckdb.connect() as connection:
            path = tmp_path / "theirs.parquet"
            connection.execute(f"COPY (SELECT DISTINCT * FROM '{tmp_path / 'in.parquet'}') TO '{path}'")
            row = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()
            assert row is not None
            return int(row[0])

    assert ours() == theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    mine, other = (min(times) for times in zip(*pairs, strict=True))
    print(f"\ndedup of a Parquet file of {rows:,} executions to another: {mine * 1000:.0f} ms; "
          f"DuckDB takes {other / mine:.1f} times as long")  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
