"""The files of a diff that spills: how much is said beforehand, what a full disk, Ctrl-C and SIGKILL leave."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest

import tieout
from cli_process import Outcome, assert_error, finished, start
from diff_support import spilled, tieout_diff, write
from tieout.diffing import source
from tieout.diffing.spill import chunks, run
from tieout.diffing.spill.folder import open_folder, sweep
from tieout.errors import DiskError, InputUnusable, SchemaMismatch, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 2000
LEFT = pl.DataFrame({"id": range(ROWS), "price": [n * 0.5 for n in range(ROWS)], "text": ["Filled"] * ROWS})
RIGHT = LEFT.with_columns(price=pl.when(pl.col("id") % 50 == 0).then(-1.0).otherwise("price")).slice(10).reverse()
ROOM = 120_000
CODE = f"""
import sys
from tieout.cli import main
from tieout.diffing import compare, source
source.ROWS_PER_PIECE = 300
compare.available = lambda limit: {ROOM}
HOOK
sys.exit(main(sys.argv[1:]))
"""


class Place(NamedTuple):
    """A folder with both sides, and one to spill to."""

    folder: Path
    spill: Path

    def command(self, *words: str, hook: str = "") -> list[str]:
        asked = ["diff", "left.parquet", "right.parquet", "--key", "id", "--spill-dir", "spill", *words]
        return [sys.executable, "-c", CODE.replace("HOOK", hook), *asked]

    def run(self, *words: str, hook: str = "") -> Outcome:
        """The command in a process of its own."""
        return finished(start(self.command(*words, hook=hook), self.folder))

    def left_over(self) -> list[str]:
        return sorted(path.name for path in self.spill.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    write(LEFT, tmp_path / "left.parquet")
    write(RIGHT, tmp_path / "right.parquet")
    (tmp_path / "spill").mkdir()
    return Place(tmp_path, tmp_path / "spill")


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(source, "ROWS_PER_PIECE", 300)
    with spilled(ROOM):
        yield


def test_the_need_is_said_and_nothing_stays(place: Place) -> None:
    done = place.run()
    assert (done.code, done.err) == (3, "")
    first, *rest = done.out.splitlines()
    assert first.startswith("more than memory: ")
    assert " on disk, and what differs; spill has " in first
    assert rest[-1] == "different: 49 of 2,000 keys"
    assert place.left_over() == []
    sides = (place.folder / "left.parquet", place.folder / "right.parquet")
    in_memory = tieout_diff(*sides, "--key", "id").out.replace(f"{place.folder}/", "")
    assert [line.split() for line in rest] == [line.split() for line in in_memory.splitlines()]


def test_too_little_disk_is_refused_with_numbers(
    place: Place, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskError, match=r"do not fit into memory and need about .* KiB on disk.* has 1000 bytes free"):
        tieout.diff(LEFT, RIGHT, on="id", spill_dir=place.spill)
    assert place.left_over() == []


def test_a_disk_that_fills_up_leaves_nothing(place: Place) -> None:
    done = finished(start(place.command("--quiet"), place.folder, prepare=_small_files))
    assert_error(done, 15, says="cannot be spilled to")
    assert place.left_over() == []


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def test_a_disk_full_at_any_file_leaves_nothing(
    place: Place, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that is put in its place, one after the other."""
    reached = 0
    fail_at = 0

    def reach(name: str) -> None:
        nonlocal reached
        reached += 1
        if reached == fail_at:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(chunks, "reach", reach)
    failed: DiskError | None = DiskError("not yet")
    while failed is not None:
        reached, fail_at, failed = 0, fail_at + 1, None
        try:
            tieout.diff(LEFT, RIGHT, on="id", spill_dir=place.spill).close()
        except DiskError as error:
            failed = error
        said = "" if failed is None else failed.message
        assert (failed is None) is (fail_at > reached)
        assert ("cannot be spilled to: No space left on device" in said) is (failed is not None)
        assert place.left_over() == []
    assert fail_at > 10


def test_a_disk_full_for_out_leaves_what_was_there(place: Place) -> None:
    out = place.folder / "out.csv"
    out.write_text("before")
    hook = "import resource\nfrom tieout.diffing import output\nwrite = output.write\n" + (
        "def small(*words, **more):\n    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "    write(*words, **more)\noutput.write = small\n"
    )
    assert_error(place.run("--quiet", "--out", "out.csv", hook=hook), 15, says="out.csv cannot be written")
    assert (out.read_text(), place.left_over()) == ("before", [])


def test_peak_memory_stays_below_the_limit(place: Place) -> None:
    """Of the whole process, from its start to its summary and `--out`."""
    rows = 700_000
    left = pl.DataFrame({"id": range(rows), "price": range(rows), "at": range(rows)}).with_columns(
        ref=pl.format("0000e0d5.{}.01.01", pl.col("id") + 10_000_000)
    )
    write(left, place.folder / "left.parquet")
    write(left.with_columns(price=pl.col("id") // 2).reverse(), place.folder / "right.parquet")
    code = (  # VmHWM, as a started process's ru_maxrss is at least what its parent had
        "import sys, pathlib\nfrom tieout.cli import main\ncode = main(sys.argv[1:])\n"
        "told = pathlib.Path('/proc/self/status')\nlines = told.read_text().splitlines() if told.exists() else []\n"
        "print(*[line.split()[1] for line in lines if line.startswith('VmHWM:')] or ['0'])\nsys.exit(code)"
    )
    words = ["diff", "left.parquet", "right.parquet", "--key", "id", "--memory-limit", "LIMIT", "--out", "out.csv"]
    limit_mib = 440
    command = [sys.executable, "-c", code, *(f"{limit_mib}MiB" if word == "LIMIT" else word for word in words)]
    done = finished(start([*command, "--spill-dir", "spill"], place.folder))
    first, *_, peak_kib = done.out.splitlines()
    assert (done.code, first[:17]) == (3, "more than memory:")
    if sys.platform == "linux":
        assert 0 < int(peak_kib) >> 10 < limit_mib
    assert place.left_over() == []


def test_ctrl_c_leaves_nothing(place: Place) -> None:
    hook = (
        "import os, signal\nfrom tieout.diffing.spill.comparing import Comparing\n"
        "Comparing.compare = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
    )
    assert_error(place.run("--quiet", hook=hook), 130, says="interrupted; nothing was written")
    assert place.left_over() == []


def points(place: Place, kill_at: int = 0) -> tuple[Outcome, list[str]]:
    """A run, killed where it is told to be, and the files that it has written until then."""
    told = place.folder / "points"
    told.unlink(missing_ok=True)
    command = ["env", f"TIEOUT_KILL_AT={kill_at}", f"TIEOUT_POINTS={told}", *place.command("--json")]
    done = finished(start(command, place.folder))
    names = [line.split(maxsplit=1)[1] for line in told.read_text().splitlines()]
    return done, [name.removesuffix(": written") for name in names]


def test_a_killed_run_is_taken_up_where_it_was(place: Place) -> None:
    whole, names = points(place)
    assert len(set(names)) > 10
    parts = [at for at, name in enumerate(names, 1) if name.startswith("part-")]
    dealt = [at for at, name in enumerate(names, 1) if name.startswith(("left-0", "right-0"))]
    assert len(dealt) > 4
    for kill_at in (dealt[1], dealt[-1], parts[1]):
        killed, before = points(place, kill_at)
        assert killed.code == -signal.SIGKILL
        assert len(place.left_over()) == 1
        done, after = points(place)
        assert done.told == whole.told
        assert done.err.startswith("going on where an earlier run stopped: ")
        again = set(before[:-1]) & set(after)  # the point is before the rename, so that the last one is not done
        assert {name for name in again if name.startswith(("left-0", "right-0", "part-"))} == set()
        assert place.left_over() == []


def test_a_killed_run_is_not_taken_up_where_the_question_or_a_file_is_another(place: Place) -> None:
    _, names = points(place)
    at = next(at for at, name in enumerate(names, 1) if name.startswith("part-"))
    points(place, at)
    other = tieout_diff(
        place.folder / "left.parquet", place.folder / "left.parquet", "--key", "id", "--spill-dir", place.spill
    )
    assert other.code == 0
    assert place.left_over() == []  # another diff removes what was left, also one that fits into memory
    points(place, at)
    os.utime(place.folder / "left.parquet", ns=(1, 1))
    done, after = points(place)
    assert done.code == 3
    assert sorted(after) == sorted(names)


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    living = open_folder(tmp_path, "a")
    living.keep({"parts": 1})
    assert sweep(tmp_path, keep=None) is False
    assert living.path.is_dir()
    second = open_folder(tmp_path, "a")
    assert (second.path != living.path, second.state) == (True, {})
    second.remove()
    living.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_looked_at_has_nothing_to_remove(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert sweep(tmp_path / "file", keep="a") is False
    assert sweep(tmp_path / "missing", keep="a") is False


def test_a_link_is_no_spill_folder(tmp_path: Path) -> None:
    """Whoever puts one into a folder that all may write to must not have our files, or have others' removed."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "kept").write_text("kept")
    (tmp_path / "tieout-diff-a").symlink_to(theirs)
    assert sweep(tmp_path, keep=None) is False
    folder = open_folder(tmp_path, "a")
    assert folder.path.name != "tieout-diff-a"
    folder.remove()
    assert (theirs / "kept").read_text() == "kept"


def test_what_another_boot_left_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "tieout-diff-a"
    path.mkdir()
    (path / "state.json").write_text('{"parts": 3, "boot": "another"}')
    (path / "left-000000-000000000500.rows").write_text("half")
    folder = open_folder(tmp_path, "a")
    assert (folder.state, list(folder.path.iterdir())) == ({}, [])
    folder.remove()


@pytest.mark.parametrize("what", ["partitioning left", "partitioning right"])
def test_a_file_that_changes_while_it_is_dealt_out(place: Place, small_pieces: None, what: str) -> None:
    left = place.folder / "left.parquet"

    def touch_it(said: str, done: int, _total: int | None) -> None:
        if said == what and done:
            os.utime(left, ns=(1, 1))

    with pytest.raises(InputUnusable, match=r"left.parquet changed while it was read"):
        tieout.diff(left, place.folder / "right.parquet", on="id", spill_dir=place.spill, progress=touch_it)
    assert place.left_over() == []


def test_bad_rows_are_named_as_in_memory(place: Place, small_pieces: None) -> None:
    lines = [b"id,price,text\n", *(b"%d,%d.5,Filled\n" % (n, n) for n in range(3000))]
    lines[2001] = b"2000,2000.5,Fill\xe9d\n"
    bad = place.folder / "bad.csv"
    bad.write_bytes(b"".join(lines))
    with pytest.raises(InputUnusable, match="line 2002, byte 0xe9, is not UTF-8"):
        tieout.diff(bad, bad, on="id", spill_dir=place.spill)
    bad.write_bytes(b"".join(lines[:2001]) + b",1.5,Filled\n")
    with pytest.raises(SchemaMismatch, match=r"key column id: row 2,001 is null"):
        tieout.diff(bad, bad, on="id", spill_dir=place.spill)
    bad.write_bytes(b"".join(lines[:2001]) + b"9000,ninety,Filled\n")
    with pytest.raises(InputUnusable, match="column price, row 2,001: 'ninety' is not exactly floating point"):
        tieout.diff(bad, LEFT, on="id", spill_dir=place.spill)
    assert place.left_over() == []


def test_a_csv_whose_later_rows_are_something_else_is_dealt_out_anew(place: Place, small_pieces: None) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(12_000))
    left, right = place.folder / "left.csv", place.folder / "right.csv"
    left.write_text(f"id,price\n{rows}12000,x\n007,1\n")
    right.write_text(f"id,price\n{rows}12000,x\n7,1\n")
    found = tieout.diff(left, right, on="id", spill_dir=place.spill)
    assert found.left_only["id"].to_list() == ["007"]
    assert found.duplicate_keys.rows() == [("7", 1, 2)]
    assert found.equal == 12_000
    found.close()


def test_limits_that_are_none(place: Place) -> None:
    sides = (place.folder / "left.parquet", place.folder / "right.parquet", "--key", "id")
    assert_error(tieout_diff(*sides, "--memory-limit", "much"), 2, says="'much' is no size")
    assert_error(tieout_diff(*sides, "--memory-limit", "1MB"), 2, says="need")
    with pytest.raises(UsageError, match=r"the spill folder .*nowhere does not exist"), spilled(ROOM):
        tieout.diff(LEFT, RIGHT, on="id", spill_dir=place.folder / "nowhere")
