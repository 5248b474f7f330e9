"""`tieout dedup` as a person calls it: exit codes, JSON, the summary, files that it writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from cli_process import assert_error, assert_json_error, finished, start
from dedup_support import BASE, COUNTS, EXECUTIONS, KEPT, tieout_dedup
from diff_support import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def executions(tmp_path: Path) -> Path:
    return write(EXECUTIONS, tmp_path / "executions.parquet")


def test_json_has_the_counts_and_conflicts_are_exit_14(executions: Path) -> None:
    done = tieout_dedup(executions, "--key", "exec_id", "--json")
    assert done.code == 14
    assert {name: done.told[name] for name in COUNTS} == COUNTS
    assert (done.told["mode"], done.told["key"], done.told["out"]) == ("executions", ["exec_id"], None)
    assert done.told["examples"]["superseded"] == [f"exec_id {BASE}.01.01 by exec_id {BASE}.01.02"]


def test_what_was_dropped_alone_is_exit_0(tmp_path: Path) -> None:
    path = write(EXECUTIONS.head(3), tmp_path / "executions.csv")
    done = tieout_dedup(path, "--key", "account,exec_id")
    assert (done.code, done.out.splitlines()[-1]) == (0, "dropped 1 of 3 rows")
    assert tieout_dedup(write(EXECUTIONS.head(2), path), "--key", "exec_id").out.splitlines()[-1] == (
        "nothing to drop: 2 rows"
    )


def test_the_summary_says_what_was_dropped_and_what_is_in_doubt(executions: Path) -> None:
    done = tieout_dedup(executions, "--key", "exec_id")
    for line in (
        "rule    execution ids, and the corrections of one another",
        "  kept           7   77.78 %",
        "- duplicates     1   11.11 %",
        "- superseded     1   11.11 %",
        "? in conflict    1   11.11 %",
        "  exec_id 0000e0d5.0001a2b4.01.01: price 449.5 and 450",
        "  differing: price 1",
        "  exec_id 0000e0d5.0001a2b5.01.02 beside exec_id 0000e0d5.0001a2b5.01.01",
        "to be decided: 1 rows in conflict (1 keys), 1 ambiguous; 2 of 9 rows dropped",
    ):
        assert line in done.out.splitlines(), done.out


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_files_have_what_was_kept_dropped_and_doubted(tmp_path: Path, executions: Path, ending: str) -> None:
    paths = [tmp_path / f"{name}.{ending}" for name in ("kept", "dropped", "doubts")]
    words = [word for pair in zip(("--out", "--dropped", "--doubts"), paths, strict=True) for word in pair]
    done = tieout_dedup(executions, "--key", "exec_id", *words)
    assert done.out.splitlines()[-3:] == [f"written: {path}" for path in paths]
    read = {"parquet": pl.read_parquet, "csv": pl.read_csv, "ndjson": pl.read_ndjson}[ending]
    kept, dropped, doubts = (read(path) for path in paths)
    assert kept["exec_id"].to_list() == EXECUTIONS["exec_id"].gather([row - 1 for row in KEPT]).to_list()
    assert kept.columns == EXECUTIONS.columns
    assert dropped.select("reason", "row").rows() == [("superseded", 1), ("duplicate", 3)]
    assert doubts.select("reason", "row").rows() == [("conflict", 5), ("ambiguous", 7)]
    again = tieout_dedup(paths[0], "--key", "exec_id", "--json")
    assert (again.code, again.told["dropped"]) == (14, 0)


@pytest.mark.parametrize(("words", "says"), [
    ((), "Missing option '--key'"),
    (("--key", "exec_id", "--out", "kept.xlsx"), "--out kept.xlsx: unknown ending; expected .parquet, .csv, .ndjson"),
    (("--key", "exec_id", "--out", "no/such/kept.csv"), "--out no/such/kept.csv: its folder does not exist"),
    (("--key", "exec_id", "--dropped", "x.csv", "--doubts", "x.csv"), "another option names the same file"),
    (("--key", "exec_di"), "there is no column exec_di; did you mean exec_id?"),
])  # fmt: skip
def test_a_wrong_call_is_exit_2(executions: Path, words: tuple[str, ...], says: str) -> None:
    assert_error(tieout_dedup(executions, *words), 2, says=says)


def test_the_input_is_never_written_over(executions: Path) -> None:
    before = executions.read_bytes()
    assert_error(tieout_dedup(executions, "--key", "exec_id", "--out", executions), 2, says="is one of the inputs")
    assert executions.read_bytes() == before


def test_files_that_cannot_be_read_are_named(tmp_path: Path, executions: Path) -> None:
    assert_error(tieout_dedup(tmp_path / "no.csv", "--key", "exec_id"), 1, says="there is no such file")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(executions.read_bytes()[:-20])
    done = tieout_dedup(executions, cut, "--key", "exec_id", "--json")
    assert_json_error(done, 1, name="input_unusable", says="cut.parquet is not a whole Parquet file")


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    write(EXECUTIONS, tmp_path / "executions.csv")
    code = (
        "import sys, signal, os\n"
        "from tieout.cli import main\n"
        "from tieout.diffing.dedup import rows\n"
        "rows._marked = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["dedup", "executions.csv", "--key", "exec_id", "--out", "kept.csv"]
    done = finished(start([sys.executable, "-c", code, *words], tmp_path))
    assert_error(done, 130, says="interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["executions.csv"]
