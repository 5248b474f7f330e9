"""
Two histories of any size on disk, made and compared in bounded memory, beside DuckDB with the same limit.

    python benches/diff_large.py ROWS LIMIT FOLDER           both: seconds, processor time, peak memory
    python benches/diff_large.py ENGINE ROWS LIMIT FOLDER    one of them, in a process of its own

Files that are there already are used again.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from diff_data import FIELDS, with_fields
from diff_files import Figures, by_duckdb, by_tieout
from own_memory import peak_mib

PIECE: Final = 1_000_000
STEPS: Final = (618_033_989, 754_877_669)
"""Primes: row n of a side has key n times one of them, modulo the rows, so that both sides are shuffled differently."""


def make(rows: int, folder: Path) -> tuple[Path, Path]:
    """The two sides, each a folder of Parquet files, made piece by piece."""
    sides = (folder / f"left-{rows}", folder / f"right-{rows}")
    for side, step, right in zip(sides, STEPS, (False, True), strict=True):
        if side.exists():
            continue
        draft = side.with_suffix(".draft")
        draft.mkdir(parents=True, exist_ok=True)
        for first in range(0, rows, PIECE):
            places = np.arange(first, min(rows, first + PIECE), dtype=np.int64)
            ids = places * step % rows
            own = ids % 200 == (7 if right else 3)
            ids = np.where(own, ids + (3 if right else 2) * rows, ids)
            frame = with_fields(ids, right=right, shape="integer key").select("id", *FIELDS)
            frame.write_parquet(draft / f"{first:012}.parquet")
        draft.rename(side)
    return sides


def measured(engine: str, rows: int, limit: str, folder: Path) -> dict[str, Any]:
    """What one engine finds, in how many seconds, and what its own process took of processor and memory."""
    command = [sys.executable, __file__, engine, str(rows), limit, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def run(engine: str, rows: int, limit: str, folder: Path) -> dict[str, Any]:
    """The same, in this process."""
    left, right = make(rows, folder)
    spill = folder / "spill"
    spill.mkdir(exist_ok=True)
    started = time.perf_counter()
    found: Figures
    if engine == "tieout":
        found = by_tieout(left, right, memory_limit=limit, spill_dir=spill)
    else:
        found = by_duckdb(left / "*.parquet", right / "*.parquet", memory_limit=limit, spill_dir=spill)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round(used.ru_utime + used.ru_stime, 1)
    return {"engine": engine, "seconds": round(seconds, 1), "cpu_seconds": cpu, "peak_mib": peak_mib(), "found": found}


def main(words: list[str]) -> None:
    """Make the sides, run both engines, say how they compare."""
    if len(words) == 4:
        print(json.dumps(run(words[0], int(words[1]), words[2], Path(words[3]))))
        return
    rows, limit, folder = int(words[0]), words[1], Path(words[2])
    make(rows, folder)
    os.sync()
    for engine in ("tieout", "DuckDB"):
        print(json.dumps(measured(engine, rows, limit, folder)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
