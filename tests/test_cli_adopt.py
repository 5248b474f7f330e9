"""`tieout adopt` as an operator meets it: in place after a backup, beside, again, and on what is no old book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error, assert_json_error
from cli_support import ACCOUNT, Workplace, content_of
from tieout.samples import TIMEZONE, write_sample_book
from workspace_support import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = {"orders": 341, "order_events": 1370, "executions": 198}


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A workspace whose book is still in the old layout."""
    make_workspace(tmp_path)
    here = Workplace(tmp_path)
    write_sample_book(here.book)
    return here


def test_in_place_after_a_verified_backup(place: Workplace) -> None:
    before = place.content()
    words = ("adopt", str(place.book), "--timezone", TIMEZONE, "--account", ACCOUNT, "--json")
    done = place.run(*words)
    assert done.code == 0
    assert {name: done.told[name] for name in COUNTS} == COUNTS
    assert place.backups() == [done.told["backup"]]
    assert content_of(place.root / "backups" / f"{done.told['backup']}.db") == before
    assert place.run("backup", "verify", done.told["backup"]).code == 0
    adopted = place.content()
    again = place.run(*words)
    assert (again.code, again.told["already_current"], again.told["backup"]) == (0, True, None)
    assert place.content() == adopted
    assert place.log()[-1]["event"] == "book_adopted"


def test_beside_the_old_book_which_is_only_read(place: Workplace) -> None:
    old = place.book.read_bytes()
    new = place.root / "data" / "new.db"
    done = place.run("adopt", str(place.book), "--out", str(new), "--timezone", TIMEZONE)
    assert (done.code, done.out.splitlines()[0]) == (0, f"adopted {new}")
    assert place.book.read_bytes() == old
    assert len(content_of(new)["orders"]) == 341
    taken = place.run("adopt", str(place.book), "--out", str(new))
    assert_error(taken, 15, says=f"{new} exists already")


def test_a_backup_that_fails_stops_it(place: Workplace) -> None:
    before = place.book.read_bytes()
    (place.root / "backups").rmdir()
    (place.root / "backups").symlink_to(place.root / "run_bot.py")
    done = place.run("adopt", str(place.book))
    assert done.code == 15, done
    assert done.err.startswith("error: ")
    assert place.book.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "says"), [("gone.db", "there is no order book at"), ("run_bot.py", "is not an SQLite")]
)
def test_what_is_no_order_book_is_refused_and_nothing_is_left_beside_it(place: Workplace, name: str, says: str) -> None:
    before = sorted(place.root.rglob("*"))
    assert_error(place.run("adopt", str(place.root / name)), 15, says=says)
    assert sorted(place.root.rglob("*")) == before


def test_a_time_zone_that_is_none(place: Workplace) -> None:
    before = place.book.read_bytes()
    done = place.run("--json", "adopt", str(place.book), "--timezone", "Mars/Olympus")
    assert_json_error(done, done.code, name=done.told["error"]["code"], says="Mars/Olympus")
    assert done.code in {2, 15}
    assert place.book.read_bytes() == before


def test_a_newer_book(place: Workplace) -> None:
    assert place.run("adopt", str(place.book)).code == 0
    place.change("UPDATE alembic_version SET version_num = '0099'")
    before = place.content()
    assert_error(place.run("adopt", str(place.book)), 15, says="was made by a newer tieout")
    assert place.content() == before
