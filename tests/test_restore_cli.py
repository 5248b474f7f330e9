"""`tieout restore`, the guide's own rollback, and backups that are copied, pruned and practised."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli_process import assert_error
from cli_support import SOLVABLE, Workplace, copied, gateway, tied_workspace
from tieout import locks
from tieout.clock import now_ns

DRIFT = 11


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workspace in which a plan was staged and executed on a backup of its own."""
    place = tied_workspace(tmp_path_factory.mktemp("tied"))
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        place.confirm(place.stage())
    return place


@pytest.fixture
def place(applied: Workplace, tmp_path: Path) -> Iterator[Workplace]:
    """A copy of it, with a gateway that holds what it held."""
    copy = copied(applied, tmp_path / "w")
    before = copied(applied, tmp_path / "before")
    with closing(sqlite3.connect(before.book)) as book, closing(sqlite3.connect(newest_db(before))) as backup:
        backup.backup(book)
    with gateway(before, drift=DRIFT, kinds=SOLVABLE) as sim:
        copy.set(BROKER__port=sim.port)
        yield copy


def newest_db(place: Workplace) -> Path:
    """The file of the newest backup."""
    return place.root / "backups" / f"{place.backups()[-1]}.db"


def executed_plan(place: Workplace) -> str:
    """The plan that was executed last."""
    ((plan_id,),) = place.ask("SELECT plan_id FROM applied_plans ORDER BY applied_at DESC LIMIT 1")
    return str(plan_id)


def audit_holds(place: Workplace) -> bool:
    return place.run("audit", "verify").code == 0


def test_a_restore_is_dry_by_default_and_names_what_would_be_forgotten(place: Workplace) -> None:
    before, backup = place.content(), place.backups()[-1]
    told = place.run("--json", "restore", backup).told
    assert (told["applied"], told["live"], place.content()) == (False, "sound", before)
    tables = {one["table"]: one for one in told["tables"]}
    inserted = place.ask("SELECT count(*) FROM order_audit WHERE kind = 'insert' AND entity = 'order'")[0][0]
    assert tables["orders"]["forgotten"] == len(told["forgotten_orders"]) == inserted > 0


def test_a_restored_book_is_the_backup_with_its_plan_refused_and_safe_mode_latched(place: Workplace) -> None:
    plan_id, backup = executed_plan(place), place.backups()[-1]
    orders = place.content()["orders"]
    told = place.run("--json", "restore", backup, "--apply").told
    assert (told["applied"], told["restore_epoch"]) == (True, 1)
    assert place.content()["orders"] != orders
    assert place.latch_file.exists()
    assert ("book_restored", "HIGH") in place.alerts()
    assert audit_holds(place)
    place.run("safe-mode", "off", "--reason", "seen")
    assert_error(place.run("confirm", plan_id), 10, says="was executed already")
    again = place.run("--json", "stage")
    assert again.code == 3
    assert again.told["plan_id"] != plan_id
    place.confirm(again.told["plan_id"])
    assert place.run("stage").code == 0
    assert audit_holds(place)


def by_copy(place: Workplace) -> None:
    """The guide: cp ./backups/db_backup_....db ./data/orders.db."""
    shutil.copyfile(newest_db(place), place.book)


def by_dump(place: Workplace) -> None:
    """The guide: sqlite3 ./data/orders.db < ./backups/db_backup_....sql."""
    dump = newest_db(place).with_suffix(".sql").read_text(encoding="utf-8")
    program = shutil.which("sqlite3")
    if program is not None:
        subprocess.run([program, str(place.book)], input=dump, text=True, check=True)
        return
    with closing(sqlite3.connect(place.book, isolation_level=None)) as raw:
        raw.executescript("\n".join(line for line in dump.splitlines() if not line.startswith(".")))


@pytest.mark.parametrize("how", [by_copy, by_dump])
def test_a_book_put_back_by_hand_is_recognised_and_its_plan_stays_executed(place: Workplace, how: object) -> None:
    plan_id = executed_plan(place)
    how(place)  # type: ignore[operator]
    place.flags(dry_run=True, safe_mode=True)
    told = place.run("stage")
    assert told.code == 3, told
    assert "was put back from" in told.out
    assert place.ask("SELECT value FROM book_meta WHERE key = 'restore_epoch'") == [("1",)]
    assert place.ask("SELECT kind FROM order_audit ORDER BY id DESC LIMIT 1") == [("restored",)]
    assert not place.latch_file.exists()
    assert audit_holds(place)
    place.flags(confirm=True)
    assert_error(place.run("confirm", plan_id), 10, says="was executed already")
    place.flags()
    place.confirm(place.stage())
    assert audit_holds(place)


def test_a_running_bot_has_to_be_stopped_first(place: Workplace) -> None:
    before = place.content()
    with locks.hold(place.root / "data" / "orders.db.bot.lock", what="run", now_ns=now_ns()):
        assert place.run("restore", place.backups()[-1]).code == 0
        assert_error(place.run("restore", place.backups()[-1], "--apply"), 11, says="another tieout is at work: run")
    assert place.content() == before


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_missing_or_corrupt_book_is_put_back(place: Workplace, damage: str) -> None:
    if damage == "missing":
        place.book.unlink()
    else:
        place.book.write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    told = place.run("--json", "restore", place.backups()[-1], "--apply")
    assert (told.code, told.told["applied"]) == (0, True)
    assert place.run("safe-mode", "off", "--reason", "seen").code == 0
    place.flags()
    assert place.run("stage").code == 3


def test_another_books_backup_needs_a_word(place: Workplace, tmp_path: Path) -> None:
    other = tied_workspace(tmp_path / "other")
    file = str(newest_db(other))
    assert_error(place.run("restore", file), 15, says="another book")
    assert place.run("restore", file, "--foreign").code == 0


def test_an_unknown_backup_says_so(place: Workplace) -> None:
    assert_error(place.run("restore", "db_backup_20200101_000000"), 15, says="db_backup_20200101_000000")


def test_a_finished_backup_is_copied_to_its_second_home(place: Workplace, tmp_path: Path) -> None:
    home = tmp_path / "second"
    place.set(BACKUP_COPY_TO=f"file://{home}")
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 1")
    made = place.run("--json", "backup").told["backup"]
    assert sorted(path.name for path in home.iterdir()) == [f"{made}{end}" for end in (".db", ".manifest.json", ".sql")]
    for path in home.iterdir():
        assert path.read_bytes() == (place.root / "backups" / path.name).read_bytes()


def test_a_second_home_that_cannot_be_reached_is_told_and_stops_nothing(place: Workplace) -> None:
    place.set(BACKUP_COPY_TO="nonsense://nowhere")
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 1")
    done = place.run("stage")
    assert (done.code, "could not be copied to the second home" in done.out) == (0, True)
    assert ("backup_copy_failed", "HIGH") in place.alerts()


def test_old_backups_are_pruned_and_one_that_a_plan_names_stays(place: Workplace) -> None:
    place.change("UPDATE orders SET tif = 'OPG' WHERE id = (SELECT max(id) FROM orders WHERE status = 'Submitted')")
    staged = place.run("--json", "stage")
    assert staged.code == 3
    plan_backup = staged.told["backup"]
    for tif in ("GTC", "DAY", "OPG"):
        place.change(f"UPDATE orders SET tif = '{tif}' WHERE id = 1")
        assert place.run("backup").code == 0
    place.set(BACKUP_KEEP__last=1, BACKUP_KEEP__hourly=0, BACKUP_KEEP__daily=0, BACKUP_KEEP__weekly=0)
    before = place.backups()
    dry = place.run("--json", "backup", "prune").told
    assert place.backups() == before
    done = place.run("--json", "backup", "prune", "--apply").told
    assert dry["removed"] == done["removed"] == [one for one in reversed(before) if one not in place.backups()]
    assert place.backups() == sorted({plan_backup, before[-1]})


def test_a_drill_puts_the_backup_back_in_every_way(place: Workplace) -> None:
    told = place.run("--json", "backup", "drill", place.backups()[-1]).told
    assert (told["ok"], len(told["ways"])) == (True, 4)
