"""
`tieout diff --engine dask` on a real scheduler with two real worker processes, one of which is killed in the middle:
the same answer as on one machine. And everything that can be wrong with an engine.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import cloudpickle
import polars as pl
import pytest

import tieout
from cli_process import ENVIRONMENT, assert_error, assert_json_error
from diff_support import tieout_diff, write
from tieout.diffing.cluster import engine, listing, tasks
from tieout.diffing.tables import KINDS
from tieout.errors import EngineUnusable, InputUnusable, SchemaMismatch, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 3_000


def history(*, right: bool) -> pl.DataFrame:
    """Rows of every kind: equal, changed, on one side, twice, without a key."""
    ids = [n + ROWS * (n % 50 == 7 + right) for n in range(ROWS)]
    ids = [5 if n % 700 == 3 else one for n, one in enumerate(ids)]
    return pl.DataFrame(
        {
            "perm_id": [None if n == 11 else one for n, one in enumerate(ids)],
            "account": [f"DU{one % 3}" for one in ids],
            "price": [one / 8 + (right and one % 97 == 0) for one in ids],
            "placed_at": pl.Series([1_700_000_000_000_000 + one for one in ids]).cast(pl.Datetime("us", "UTC")),
        }
    )


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of Parquet files."""
    root = tmp_path_factory.mktemp("shared")
    for name in ("left", "right"):
        (root / name).mkdir()
        frame = history(right=name == "right")
        for number in range(3):
            write(frame[number * 1_000 : (number + 1) * 1_000], root / name / f"{number}.parquet")
    return root / "left", root / "right"


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, address: str, scheduler: subprocess.Popen[str], workers: list[subprocess.Popen[str]]) -> None:
        self.address = address
        self.scheduler = scheduler
        self.workers = workers


@contextmanager
def running(workers: int) -> Iterator[Cluster]:
    processes: list[subprocess.Popen[str]] = []
    readers: list[threading.Thread] = []
    try:
        scheduler = started("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        processes.append(scheduler)
        address = said(scheduler, "Scheduler at:").split()[-1]
        crew = [
            started("worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--memory-limit", "0")
            for _ in range(workers)
        ]
        processes += crew
        for worker in crew:
            said(worker, "Registered to:")
        for process in processes:
            readers.append(threading.Thread(target=read_on, args=(process,)))
            readers[-1].start()
        yield Cluster(address, scheduler, crew)
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()
        for reader in readers:
            reader.join()
        for process in processes:
            if process.stderr is not None:
                process.stderr.close()


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "dask", *words]
    # Else a worker tries for 30 s to reach one that was killed.
    environment = {**ENVIRONMENT, "PYTHONWARNINGS": "ignore", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return line.strip()
    raise AssertionError("".join(lines))


def read_on(process: subprocess.Popen[str]) -> None:
    """A pipe that nobody reads would hold it up."""
    assert process.stderr is not None
    for _ in process.stderr:
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running(2) as cluster:
        yield cluster


OPTIONS = {"on": "perm_id", "null_keys": "list"}


Compared = tuple[object, list[pl.DataFrame], str]
"""The JSON, the frames, the summary."""


def compared(sides: tuple[Path, Path], **options: object) -> Compared:
    result = tieout.diff(*sides, **{**OPTIONS, **options})  # type: ignore[arg-type]
    frames = [result.changed, result.left_only, result.right_only, result.duplicate_keys, result.null_keys]
    try:
        return result.to_json(), frames, str(result)
    finally:
        result.close()


def assert_same(
    found: tuple[object, list[pl.DataFrame], str], expected: tuple[object, list[pl.DataFrame], str]
) -> None:
    assert found[0] == expected[0]
    assert found[2] == expected[2]
    for one, other in zip(found[1], expected[1], strict=True):
        assert one.equals(other)


def test_the_answer_is_that_of_one_machine_also_when_a_worker_is_killed(
    sides: tuple[Path, Path], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tests get on with the worker that is left."""
    monkeypatch.setattr(listing, "ROWS_PER_PIECE", 250)  # many tasks, so that there is a middle
    expected = compared(sides)
    assert min(frame.height for frame in expected[1]) > 0
    at = {"engine": "dask", "scheduler": cluster.address}
    assert_same(compared(sides, **at), expected)
    victim = cluster.workers[0]
    told: list[int] = []

    def kill_in_the_middle(what: str, done: int, total: int | None) -> None:
        told.append(done)
        if what == "comparing" and 0 < done < (total or 0):
            victim.send_signal(signal.SIGKILL)

    assert_same(compared(sides, progress=kill_in_the_middle, **at), expected)
    assert victim.wait() == -signal.SIGKILL
    assert told[-1] == 2 * ROWS


def test_the_command_says_the_same(sides: tuple[Path, Path], cluster: Cluster, tmp_path: Path) -> None:
    words = (*sides, "--key", "perm_id", "--null-keys", "list", "--json")
    at = ("--engine", "dask", "--scheduler", cluster.address)
    outs = (tmp_path / "here.parquet", tmp_path / "there.parquet")
    here, there = tieout_diff(*words, "--out", outs[0]), tieout_diff(*words, *at, "--out", outs[1])
    assert (here.code, there.code) == (3, 3), there
    assert {**here.told, "out": None} == {**there.told, "out": None}
    assert pl.read_parquet(outs[0]).equals(pl.read_parquet(outs[1]))


def test_workers_write_what_differs_to_a_folder(sides: tuple[Path, Path], cluster: Cluster, tmp_path: Path) -> None:
    words = (*sides, "--key", "perm_id", "--null-keys", "list", "--engine", "dask", "--scheduler", cluster.address)
    expected = compared(sides)
    for folder in (str(tmp_path / "new" / "out"), f"file://{tmp_path}/other"):
        assert tieout_diff(*words, "--out-folder", folder).code == 3
        there = tmp_path / folder.removeprefix(f"file://{tmp_path}/")
        for kind, frame in zip(KINDS, expected[1], strict=True):
            found = pl.concat([pl.read_parquet(one) for one in sorted(there.glob(f"{kind}-*.parquet"))])
            assert found.sort("place").drop("place").equals(frame), kind
        assert json.loads((there / "_summary.json").read_text()) == expected[0]
        assert_error(tieout_diff(*words, "--out-folder", folder), 2, says="is not empty")
    (tmp_path / "file").touch()
    done = tieout_diff(*words, "--out-folder", tmp_path / "file" / "out")
    assert_error(done, 15, says="cannot be written: Not a directory")


def test_a_file_that_changed_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    path = write(history(right=True), tmp_path / "a.parquet")
    [piece] = listing.list_side(path, "left").pieces
    with listing.unchanged(piece):
        pass
    write(history(right=False).head(9), path)
    with pytest.raises(InputUnusable, match=r"a\.parquet changed while it was read"), listing.unchanged(piece):
        pass


def test_a_null_key_and_a_type_that_does_not_fit_are_named(
    sides: tuple[Path, Path], cluster: Cluster, tmp_path: Path
) -> None:
    at = ("--engine", "dask", "--scheduler", cluster.address)
    done = tieout_diff(*sides, "--key", "perm_id", *at)
    assert_error(done, 2, says="key column perm_id: row 12 is null")
    text = write(history(right=True).with_columns(pl.col("perm_id").cast(pl.String)), tmp_path / "text.parquet")
    assert_error(tieout_diff(sides[0], text, "--key", "perm_id", *at), 2, says="key column perm_id is a number (Int64)")


def test_what_workers_cannot_read_is_named(cluster: Cluster, sides: tuple[Path, Path]) -> None:
    with engine.connected(cluster.address) as client, pytest.raises(InputUnusable) as error:
        engine.check_readable(client, [str(sides[0] / "0.parquet"), "/no/such/folder/1.parquet"])
    assert "cannot read /no/such/folder/1.parquet: No such file or directory" in error.value.message
    assert error.value.message.startswith("the worker tcp://127.0.0.1:")


def test_other_versions_are_named(cluster: Cluster, sides: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "version", lambda name: "0.0.1" if name == "tieout" else "9")
    monkeypatch.setattr(
        engine, "_versions_reader", lambda: lambda: {"tieout": "0.0.2", "polars": "9", "distributed": "9"}
    )
    with pytest.raises(EngineUnusable, match=r"tieout is 0\.0\.1 here, and the worker tcp://.* has 0\.0\.2"):
        tieout.diff(*sides, on="perm_id", engine="dask", scheduler=cluster.address)


def test_a_worker_without_a_package_says_so() -> None:
    code = "import cloudpickle, sys; print(cloudpickle.load(sys.stdin.buffer)()['tieout'])"
    sent = cloudpickle.dumps(engine._versions_reader())
    bare = [sys.executable, "-c", "import sys; sys.modules['tieout'] = None; " + code]
    done = subprocess.run(bare, input=sent, capture_output=True, check=True)
    assert done.stdout.decode().strip() == version("tieout")


def test_no_scheduler_and_no_workers(sides: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TIMEOUT_S", 0.5)
    words = (*sides, "--key", "perm_id", "--json", "--engine", "dask", "--scheduler")
    done = tieout_diff(*words, "tcp://127.0.0.1:9")
    assert_json_error(done, 1, name="engine_unusable", says="no Dask scheduler answers at tcp://127.0.0.1:9")
    assert_json_error(
        tieout_diff(*words, "nonsense://x"), 1, name="engine_unusable", says="no Dask scheduler answers at"
    )
    with running(0) as empty:
        assert_json_error(tieout_diff(*words, empty.address), 1, name="engine_unusable", says="has no worker")


def test_a_scheduler_that_went_away_is_named(sides: tuple[Path, Path], capfd: pytest.CaptureFixture[str]) -> None:
    with running(1) as cluster:
        result = tieout.diff(*sides, on="perm_id", null_keys="list", engine="dask", scheduler=cluster.address)
        cluster.scheduler.kill()
        with pytest.raises(EngineUnusable, match=f"the scheduler at {cluster.address} went away"):
            _ = result.changed
        result.close()
    assert capfd.readouterr().err == ""


def test_without_dask_the_extra_is_named(sides: tuple[Path, Path]) -> None:
    code = "import sys; sys.modules['distributed'] = None\nfrom tieout.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["diff", *map(str, sides), "--key", "perm_id", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "the engine dask is not installed" in done.stderr
    assert "pip install 'tieout[dask]'" in done.stderr


@pytest.mark.parametrize(("options", "says"), [
    ({"engine": "dask"}, "the engine dask without a scheduler"),
    ({"scheduler": "tcp://x:1"}, "a scheduler without an engine"),
    ({"out_folder": "x"}, "a folder for workers to write to without an engine"),
    ({"engine": "dask", "scheduler": "tcp://x:1", "sample": 3}, "a sample beside an engine"),
])  # fmt: skip
def test_usage(sides: tuple[Path, Path], options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        tieout.diff(*sides, on="perm_id", **options)  # type: ignore[arg-type]


def test_a_side_that_is_no_parquet_is_refused(tmp_path: Path, sides: tuple[Path, Path]) -> None:
    at = {"on": "perm_id", "engine": "dask", "scheduler": "tcp://127.0.0.1:9"}
    csv = write(history(right=True), tmp_path / "right.csv")
    with pytest.raises(InputUnusable, match=r"right\.csv is not Parquet"):
        tieout.diff(sides[0], csv, **at)  # type: ignore[arg-type]
    with pytest.raises(InputUnusable, match="the right side is a DataFrame"):
        tieout.diff(sides[0], history(right=True), **at)  # type: ignore[arg-type]
    (tmp_path / "mixed").mkdir()
    write(history(right=True), tmp_path / "mixed" / "a.parquet")
    write(history(right=True).drop("price"), tmp_path / "mixed" / "b.parquet")
    with pytest.raises(InputUnusable, match=r"b\.parquet has other columns or types than .*a\.parquet"):
        tieout.diff(sides[0], tmp_path / "mixed", **at)  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatch, match="has no column perm"):
        tieout.diff(*sides, **{**at, "on": "perm"})  # type: ignore[arg-type]


def test_addresses_are_listed_and_read(tmp_path: Path) -> None:
    write(history(right=True), tmp_path / "a.parquet")
    found = listing.list_side(f"file://{tmp_path}/*.parquet", "left")
    assert (found.rows, [piece.file for piece in found.pieces]) == (ROWS, [f"file://{tmp_path}/a.parquet"])
    assert listing.scan(found.files[0]).collect().equals(history(right=True))
    assert tasks.unreadable(found.files) is None
    assert str(tasks.unreadable([f"file://{tmp_path}/b.parquet"])).startswith(f"file://{tmp_path}/b.parquet: ")
