"""A process of its own: the peak memory of one engine's diff beyond what it had before, in bytes, on stdout."""

from __future__ import annotations

import sys

import polars as pl

from diff_data import FIELDS, SHAPES, by_duckdb, by_polars, duckdb_tables, side
from own_memory import peak_starts_anew, taken_kib
from tieout.diffing.kernel import Differ


def main(engine: str, rows: int) -> int:
    """What the process takes at most while the engine works, over what inputs and libraries took before."""
    shape, threads = "integer key", pl.thread_pool_size()
    left, right = (side(rows, right=right, shape=shape) for right in (False, True))
    keys = SHAPES[shape]
    tables = duckdb_tables(left, right, threads) if engine == "DuckDB" else None
    before = taken_kib("VmRSS")
    peak_starts_anew()
    if tables is not None:
        by_duckdb(tables, keys, unique=True)
    elif engine == "polars":
        by_polars(left, right, keys, unique=True)
    else:
        Differ(threads).diff(left, right, keys=keys, fields=FIELDS)
    return (taken_kib("VmHWM") - before) * 1024


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
