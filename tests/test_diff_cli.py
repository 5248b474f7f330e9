"""`tieout diff` as a person calls it: exit codes, JSON, the summary, files that it writes."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from cli_process import ENVIRONMENT, assert_error, assert_json_error, finished, start
from diff_support import COUNTS, FIELDS, LEFT, RIGHT, tieout_diff, write
from tieout.cli.diff_words import spread
from tieout.files import beside

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = ("parquet", "csv", "db")


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    return write(LEFT, tmp_path / "left.parquet"), write(RIGHT, tmp_path / "right.parquet")


@pytest.mark.parametrize("left_ending", ENDINGS)
@pytest.mark.parametrize("right_ending", ENDINGS)
def test_every_format_meets_every_other(tmp_path: Path, left_ending: str, right_ending: str) -> None:
    left = write(LEFT, tmp_path / f"left.{left_ending}")
    right = write(RIGHT, tmp_path / f"right.{right_ending}")
    done = tieout_diff(left, right, "--key", "perm_id", "--json")
    assert done.code == 3, done
    assert {name: done.told[name] for name in COUNTS} == COUNTS
    assert done.told["fields"] == FIELDS


def test_equal_sides_are_exit_0(sides: tuple[Path, Path]) -> None:
    done = tieout_diff(sides[0], sides[0], "--key", "perm_id")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "equal: all 4 rows"


def test_the_summary_says_what_differs_and_since_when(tmp_path: Path) -> None:
    days = pl.Series("placed_at", ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", None])
    left = write(LEFT.with_columns(days), tmp_path / "left.csv")
    right = write(RIGHT.with_columns(days.reverse()), tmp_path / "right.csv")
    done = tieout_diff(left, right, "--key", "perm_id", "--fields", "price,status")
    assert done.code == 3
    for line in (
        "  equal              2   40.00 %",
        "~ changed            1   20.00 %",
        "- left only          1   20.00 %",
        "+ right only         1   20.00 %",
        "  price   1  100.00 %  " + "█" * 20,
        "      perm_id 4  12.5 -> 12.75",
        "oldest difference  2026-01-01T00:00:00Z  left only, perm_id 1",
        "by account         DU2 2, DU1 1",
        "by symbol          SPY 2, MES 1",
        "different: 3 of 5 keys",
    ):
        assert line in done.out.splitlines(), done.out


def test_keys_and_fields_may_be_repeated_or_joined(sides: tuple[Path, Path]) -> None:
    joined = tieout_diff(*sides, "--key", "account,perm_id", "--fields", "price", "--fields", "status", "--json")
    apart = tieout_diff(*sides, "--key", "account", "--key", "perm_id", "--fields", "price,status", "--json")
    assert joined.told == apart.told
    assert (apart.told["key"], apart.told["fields"]) == (["account", "perm_id"], {"price": 1, "status": 1})


@pytest.mark.parametrize(("words", "read"), [
    ("diff L R --key a b --fields c d --out o", "diff L R --key a --key b --fields c --fields d --out o"),
    ("diff --key a L R --fields c d", "diff --key a L R --fields c --fields d"),
    ("diff L --key a R b", "diff L --key a R b"),
    ("diff L R --key=a b", "diff L R --key=a b"),
    ("diff L R --sample 5 --key a -- b", "diff L R --sample 5 --key a -- b"),
    ("stage --key a b", "stage --key a b"),
])  # fmt: skip
def test_an_option_may_have_several_values_once_both_sides_are_named(words: str, read: str) -> None:
    assert spread(words.split()) == read.split()


def test_several_values_behind_one_option(sides: tuple[Path, Path]) -> None:
    done = tieout_diff(*sides, "--json", "--key", "account", "perm_id", "--fields", "price", "status")
    assert (done.told["key"], done.told["fields"]) == (["account", "perm_id"], {"price": 1, "status": 1})


def test_quiet_says_nothing_and_json_says_one_object(sides: tuple[Path, Path]) -> None:
    assert tieout_diff(*sides, "--key", "perm_id", "--quiet").out == ""
    done = tieout_diff(*sides, "--key", "perm_id", "--json", "--quiet")
    assert (done.told["changed"], done.err) == (1, "")


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson"])
def test_out_has_every_difference(sides: tuple[Path, Path], tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out.{ending}"
    done = tieout_diff(*sides, "--key", "perm_id", "--out", out, "--json")
    assert (done.code, done.told["out"]) == (3, str(out))
    read = {"parquet": pl.read_parquet, "csv": pl.read_csv, "ndjson": pl.read_ndjson}[ending]
    found = read(out).select("kind", "perm_id", "price_left", "price_right").rows()
    assert found == [("changed", 4, 12.5, 12.75), ("left_only", 1, 101.25, None), ("right_only", 5, None, 7.0)]


def test_an_html_report_escapes_everything_and_needs_nothing_else(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    left = write(LEFT.with_columns(status=pl.lit(evil)), tmp_path / "left.parquet")
    right = write(RIGHT.with_columns(status=pl.lit('"&')), tmp_path / "right.parquet")
    done = tieout_diff(left, right, "--key", "perm_id", "--out", tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text("utf-8")
    assert done.code == 3
    assert evil not in text
    assert "<del>&lt;script&gt;alert(1)&lt;/script&gt;</del> → <ins>&quot;&amp;</ins>" in text
    assert (text.count("<svg"), text.count("<script>"), text.count("<tr class=")) == (2, 1, 5)
    assert "http" not in text


def test_a_chart_shows_both_values_and_numbers_by_their_change(tmp_path: Path) -> None:
    refs = [f"{n} long " * 9 for n in range(20)]
    left = pl.DataFrame({"id": range(20), "price": [n + 0.5 for n in range(20)], "ref": refs})
    right = left.with_columns(pl.col("price") + 0.25, ref=pl.lit(None, dtype=pl.String))
    words = (write(left, tmp_path / "left.parquet"), write(right, tmp_path / "right.parquet"), "--key", "id")
    tieout_diff(*words, "--out", tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text("utf-8")
    assert ">+0.25 (20)</text>" in text
    assert ">0 long 0 long 0 long … → null (1)</text>" in text


@pytest.mark.parametrize(
    ("name", "says"), [("out.txt", "unknown ending"), ("nowhere/out.csv", "folder"), ("left.parquet", "the inputs")]
)
def test_a_target_that_cannot_be_is_refused_first(sides: tuple[Path, Path], name: str, says: str) -> None:
    out = sides[0].parent / name
    before = sides[0].read_bytes()
    assert_error(tieout_diff(*sides, "--key", "perm_id", "--out", out), 2, says=says)
    assert sides[0].read_bytes() == before


@pytest.mark.parametrize("word", ["price", "price=x", "=1"])
def test_a_tolerance_is_field_and_number(sides: tuple[Path, Path], word: str) -> None:
    assert tieout_diff(*sides, "--key", "perm_id", "--tolerance", word).code == 2


def test_errors_are_one_json_object_too(sides: tuple[Path, Path]) -> None:
    done = tieout_diff(*sides, "--key", "permid", "--json")
    assert_json_error(done, 2, name="schema_mismatch", says="did you mean perm_id?")


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "html"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, ending: str) -> None:
    rows = pl.DataFrame({"perm_id": range(5000), "price": [1.5 * n for n in range(5000)]})
    write(rows, tmp_path / "left.parquet")
    write(rows.with_columns(pl.col("price") * 1.7 + 1), tmp_path / "right.parquet")
    out = tmp_path / f"out.{ending}"
    out.write_text("before")
    command = [sys.executable, "-m", "tieout", "diff", "left.parquet", "right.parquet", "--key", "perm_id"]
    done = finished(start([*command, "--quiet", "--out", out.name], tmp_path, prepare=_small_files))
    assert_error(done, 15, says=f"{out.name} cannot be written")
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["left.parquet", out.name, "right.parquet"]


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    write(LEFT, tmp_path / "left.csv")
    write(RIGHT, tmp_path / "right.csv")
    code = (
        "import sys, signal, os\n"
        "from tieout.cli import main\n"
        "from tieout.diffing import output\n"
        "def half(*_):\n    os.kill(os.getpid(), signal.SIGINT)\n"
        "output.all_differences = half\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["diff", "left.csv", "right.csv", "--key", "perm_id", "--out", "out.csv"]
    done = finished(start([sys.executable, "-c", code, *words], tmp_path))
    assert_error(done, 130, says="interrupted; nothing was written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["left.csv", "right.csv"]


def test_an_interrupt_while_it_writes_removes_the_draft(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _half(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def _half(out: Path) -> None:
    with beside(out) as draft:
        draft.write_text("half")
        signal.raise_signal(signal.SIGINT)


def test_the_public_name_is_lazy() -> None:
    code = "import sys, tieout; a = 'polars' in sys.modules; tieout.diff; print(a, 'polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_json_is_what_the_design_names(sides: tuple[Path, Path]) -> None:
    told = json.loads(tieout_diff(*sides, "--key", "perm_id", "--json").out)
    assert set(COUNTS) | {"fields"} <= set(told)
