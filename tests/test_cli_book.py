"""A book that is missing, locked, damaged, foreign or cannot be written, and a full disk: 15, and nothing changed."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from cli_process import assert_error, assert_json_error, finished
from cli_support import SOLVABLE, Workplace, adopted_workspace, content_of, copied, gateway, tied_workspace
from tieout.samples import write_sample_book
from workspace_support import make_workspace

EMPTY = "accounts: [DU1234567]\n"
HOLDER = (
    "import sqlite3, sys; book = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "book.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return adopted_workspace(tmp_path_factory.mktemp("adopted"))


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


@pytest.fixture
def place(adopted: Workplace, tmp_path: Path) -> Workplace:
    here = copied(adopted, tmp_path)
    here.flags()
    return here


def modes_bind() -> None:
    """Root passes over file modes; this process and what it becomes does not."""
    drop_from_bounding_set, passes_over_modes = 24, 1
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(drop_from_bounding_set, passes_over_modes, 0, 0, 0)


def file_size_at_most(size_bytes: int) -> None:
    """A disk that is full for files of that size: the kernel answers EFBIG."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def assert_no_plan(place: Workplace, says: str) -> None:
    """The status says FAILED and why; there is no plan."""
    assert place.status()["status"] == "FAILED"
    assert says in place.status()["reason"]
    assert not place.plan_file.exists()


def test_no_book_in_a_new_workspace_is_an_empty_one(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    place = Workplace(tmp_path)
    with gateway(place, scenario=EMPTY):
        done = place.run("stage")
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines() == [
            f"there was no book: an empty one was made at {place.book}",
            "book and broker agree: nothing to do",
        ]
        assert place.counts() == {"orders": 0, "order_events": 0, "executions": 0, "order_audit": 0}
        assert place.run("stage").out == "book and broker agree: nothing to do\n"


def test_a_missing_book_where_there_was_one(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.book.unlink()
    says = f"there is no book at {place.book}, but there was one"
    with gateway(place, scenario=EMPTY):
        assert_error(place.run("stage"), 15, says=says)
        assert_json_error(place.run("--json", "stage"), 15, name="book_missing", says=says)
    assert place.status()["status"] == "FAILED"
    assert not place.book.exists()
    assert not place.latch_file.exists()


def test_a_missing_book_of_which_only_backups_are_left(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    shutil.rmtree(place.root / "data")
    with gateway(place, scenario=EMPTY):
        assert_error(place.run("stage"), 15, says="but there was one: ")
    assert not place.book.exists()


def test_a_locked_book(place: Workplace) -> None:
    before = place.content()

    with (
        gateway(place, scenario=EMPTY),
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(place.book)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = place.run("stage")
        holder.communicate()
    says = f"{place.book} is locked by another process, and stayed so for 5 s"
    assert_error(done, 15, says=says)
    assert_no_plan(place, says)
    assert place.content() == before


def test_a_book_that_is_not_sqlite(place: Workplace) -> None:
    place.book.write_text("order_id,symbol\n1,ES\n" * 50, encoding="utf-8")
    before = place.book.read_bytes()
    says = f"{place.book} is not an SQLite database"
    for command in ("stage", "backup"):
        assert_error(place.run(command), 15, says=says)
    assert_json_error(place.run("--json", "run", "--once"), 15, name="book_unusable", says=says)
    assert_no_plan(place, says)
    assert place.book.read_bytes() == before


def test_a_book_that_is_cut_short(place: Workplace) -> None:
    data = place.book.read_bytes()
    place.book.write_bytes(data[: len(data) // 2])
    done = place.run("stage")
    assert_error(done, 15, says="is corrupt")
    assert place.book.read_bytes() == data[: len(data) // 2]
    assert place.backups() == []


def test_a_book_of_a_newer_version(place: Workplace) -> None:
    place.change("UPDATE alembic_version SET version_num = '0099'")
    before = place.content()
    says = f"{place.book} is of version 0099, this tieout knows up to 0001"
    assert_error(place.run("stage"), 15, says=says)
    assert_no_plan(place, says)
    assert place.content() == before


def test_a_book_in_the_old_layout(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    place = Workplace(tmp_path)
    write_sample_book(place.book)
    before = place.content()
    done = place.run("stage")
    says = f"{place.book} is an order book in the old layout"
    assert_error(done, 15, says=says)
    assert f"tieout adopt {place.book}" in done.err
    assert_no_plan(place, says)
    assert place.content() == before


def test_a_database_that_is_no_order_book(place: Workplace) -> None:
    place.book.unlink()
    with closing(sqlite3.connect(place.book)) as raw:
        raw.executescript("CREATE TABLE ticks (price TEXT); INSERT INTO ticks VALUES ('1')")
    says = f"{place.book} is an SQLite database without an order book in it"
    assert_error(place.run("stage"), 15, says=says)
    assert_no_plan(place, says)
    assert place.content() == {"ticks": [("1",)]}


def test_a_state_file_of_a_newer_version(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.change("PRAGMA user_version = 99", db=place.state_db)
    before = place.content()
    with gateway(place):
        assert_error(place.run("stage"), 15, says=f"{place.state_db} is of version 99")
    assert_error(place.run("status"), 15, says=f"{place.state_db} is of version 99")
    assert place.content() == before


def test_a_read_only_book_can_be_staged_but_not_confirmed(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    place.book.chmod(0o444)
    with gateway(place, drift=7, kinds=SOLVABLE):
        assert finished(place.start("stage", prepare=modes_bind)).code == 3
        place.flags(confirm=True)
        done = finished(place.start("confirm", place.plan()["plan_id"][:12], prepare=modes_bind))
        assert_error(done, 15, says=f"{place.book} cannot be written")
        assert place.status()["status"] == "FAILED"
        assert place.content() == before
        place.book.chmod(0o600)
        assert place.run("safe-mode", "off", "--reason", "the mode is right again").code == 0
        assert place.run("confirm", place.plan()["plan_id"]).code == 0


@pytest.mark.parametrize("folder", ["backups", "status", "data"])
def test_a_folder_that_cannot_be_written(place: Workplace, folder: str) -> None:
    before = place.content()
    with gateway(place):
        (place.root / folder).chmod(0o555)
        done = finished(place.start("stage", prepare=modes_bind))
        (place.root / folder).chmod(0o755)
    assert done.code in {1, 15}, done
    assert_error(done, done.code, says=str(place.root / folder))
    assert place.content() == before
    assert not place.plan_file.exists()


def test_a_disk_too_full_for_a_backup(place: Workplace) -> None:
    before = place.content()
    with gateway(place):
        done = finished(place.start("stage", prepare=partial(file_size_at_most, 300_000)))
    assert_error(done, 15, says="the backup failed")
    assert_no_plan(place, "the backup failed")
    assert place.alerts() == [("backup_failed", "CRITICAL")]
    assert place.backups() == []
    assert [path.name for path in (place.root / "backups").iterdir()] == []
    assert place.content() == before


def test_a_disk_too_full_for_the_plan(place: Workplace) -> None:
    before = place.content()
    with gateway(place):
        assert place.run("backup").code == 0
        done = finished(place.start("stage", prepare=partial(file_size_at_most, 40_000)))
    assert_error(done, 15, says=f"{place.plan_file} cannot be written: File too large")
    assert_no_plan(place, f"{place.plan_file} cannot be written")
    assert place.content() == before


def test_a_disk_too_full_for_the_change(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        place.flags(confirm=True)
        size = place.book.stat().st_size
        done = finished(place.start("confirm", plan_id, prepare=partial(file_size_at_most, size)))
        assert_error(done, 15, says="writing failed")
        assert place.content() == before
        assert place.run("safe-mode", "off", "--reason", "disk space was made").code == 0
        assert place.run("confirm", plan_id).code == 0
        assert place.run("stage").code == 0


def test_a_failure_after_the_commit_is_known_to_the_next_run(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        trigger = "CREATE TRIGGER full BEFORE INSERT ON applied_plans BEGIN SELECT RAISE(ABORT, 'no space'); END"
        place.change(trigger, db=place.state_db)
        place.flags(confirm=True)
        done = place.run("confirm", plan_id)
        assert_error(done, 1, says=f"plan {plan_id[:12]} was executed in full, but not all of it could be recorded")
        after = place.content()
        assert place.ask("SELECT plan_id FROM applied_plans ORDER BY applied_at DESC LIMIT 1") == [(plan_id,)]
        place.change("DROP TRIGGER full", db=place.state_db)
        again = place.run("stage")
    assert again.code == 0
    assert f"plan {plan_id[:12]} was executed in full before the last run was interrupted" in again.out
    assert place.content() == after
    assert content_of(place.book)["applied_plans"] == after["applied_plans"]
