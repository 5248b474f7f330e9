"""
The same tasks on two engines with two local worker processes of one thread each: how long they take to start and to
answer, and what a worker that is killed in the middle costs. Why the engine is Dask stands in docs/diff.md.

    python benches/cluster_engines.py dask 1000000
    python benches/cluster_engines.py ray 1000000 kill        (pip install ray)

Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from diff_data import FIELDS, side
from tieout.diffing.cluster import tasks
from tieout.diffing.cluster.listing import list_side
from tieout.diffing.options import Options
from tieout.diffing.parts import total
from tieout.diffing.planning import plan
from tieout.diffing.source import of_lazy

WORKERS: Final = 2
FILES: Final = 4
KILL_AFTER: Final = 0.4
"""Of the time that the run before it took."""

Run = Callable[[], dict[str, Any]]
Engine = tuple[Run, Callable[[], list[int]]]
"""What runs a diff, and the process ids of the workers."""


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """Two folders of Parquet files."""
    for name, right in (("left", False), ("right", True)):
        frame = side(rows, right=right, shape="integer key")
        (folder / name).mkdir()
        for number in range(FILES):
            part = frame[number * rows // FILES : (number + 1) * rows // FILES]
            part.write_parquet(folder / name / f"{number}.parquet")
    return folder / "left", folder / "right"


@contextmanager
def dask(left: Path, right: Path) -> Iterator[Engine]:
    """A scheduler and workers, as `tieout diff --engine dask` uses them."""
    from distributed import LocalCluster

    import tieout

    with LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:

        def run() -> dict[str, Any]:
            result = tieout.diff(
                left, right, on="id", compare=FIELDS, engine="dask", scheduler=cluster.scheduler_address
            )
            told = result.to_json()
            result.close()
            return told

        yield run, lambda: [worker.process.pid for worker in cluster.workers.values() if worker.process]


@contextmanager
def ray(left: Path, right: Path) -> Iterator[Engine]:
    """The same tasks under Ray; a dealt piece is an object for each part, which Ray's store carries."""
    import ray as engine

    engine.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    sides = (list_side(left, "left"), list_side(right, "right"))
    options = Options(("id",), tuple(FIELDS))
    agreed = plan(*(of_lazy(one.name, pl.LazyFrame(schema=one.columns)) for one in sides), options=options)
    parts = 2 * WORKERS
    work = tasks.Work(agreed, options, parts)

    def deal(piece: Any, word: str) -> list[Any]:
        dealt = tasks.deal(piece, word, work)
        return [dealt.get(part) for part in range(parts)]

    def compare(count: int, *rows: Any) -> Any:
        return tasks.compare(rows[:count], rows[count:], work).index()

    pid = engine.remote(lambda: (time.sleep(0.2), os.getpid())[1])
    dealing, comparing = engine.remote(num_returns=parts)(deal), engine.remote(compare)

    def run() -> dict[str, Any]:
        dealt = [
            [dealing.remote(piece, word) for piece in one.pieces]
            for one, word in zip(sides, ("left", "right"), strict=True)
        ]
        answers = [
            comparing.remote(len(dealt[0]), *(piece[part] for piece in (*dealt[0], *dealt[1]))) for part in range(parts)
        ]
        figures = total(told for told, _ in engine.get(answers))
        return {name: getattr(figures.counts, name) for name in ("equal", "changed", "left_only", "right_only")}

    try:
        yield run, lambda: list(set(engine.get([pid.remote() for _ in range(2 * WORKERS)])))
    finally:
        engine.shutdown()


def main(name: str, rows: int, *, kill: bool) -> dict[str, Any]:
    """Measure one engine."""
    with tempfile.TemporaryDirectory() as folder:
        left, right = write(Path(folder), rows)
        started = time.perf_counter()
        with {"dask": dask, "ray": ray}[name](left, right) as (run, pids):
            first = run()
            figures = {"engine": name, "rows": rows, "start_and_first_s": time.perf_counter() - started}
            times = [timed(run) for _ in range(3)]
            figures["again_s"] = min(took for took, _ in times)
            figures["same"] = all(told == first for _, told in times)
            if kill:
                victim = pids()[0]
                timer = threading.Timer(KILL_AFTER * figures["again_s"], os.kill, (victim, signal.SIGKILL))
                timer.start()
                figures["killed_s"], told = timed(run)
                timer.join()
                figures["same_after_kill"] = told == first
    return {**figures, **{word: first[word] for word in ("equal", "changed", "left_only", "right_only")}}


def timed(run: Run) -> tuple[float, dict[str, Any]]:
    start = time.perf_counter()
    told = run()
    return time.perf_counter() - start, told


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), kill="kill" in sys.argv[3:])))
