"""SIGKILL at every write, sync, rename and commit: the book is before or after, and the next run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_support import SEED, book_state, chosen, faulty, killed, points_of

from cli_support import SOLVABLE, Workplace, adopted_workspace, copied, gateway, tied_workspace

DRIFT = 11


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workspace that was tied out once."""
    return tied_workspace(tmp_path_factory.mktemp("tied"))


def tell(what: str, tried: int, before: int, after: int) -> None:
    """The table's line."""
    print(f"\n{what}: seed {SEED}, {tried} kills tried, {tried} survived: {before} before, {after} after, 0 between")


def test_stage_changes_nothing_in_the_book_and_goes_on(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path / "w")
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        ready = copied(place, tmp_path / "ready")
        points = chosen(points_of(copied(ready, tmp_path / "count"), "stage"))
        for at in points:
            run = copied(ready, tmp_path / f"stage-{at}")
            before = book_state(run)
            killed(run, ("stage",), at)
            assert book_state(run) == before, at
            again = run.run("--json", "stage")
            assert again.code == 3, (at, again)
            assert run.confirm(again.told["plan_id"])["executed"] > 0, at
    tell("stage", len(points), len(points), 0)


def test_a_plan_that_waited_is_not_taken_for_an_edited_one_when_the_next_stage_dies(
    tied: Workplace, tmp_path: Path
) -> None:
    place = copied(tied, tmp_path / "w")
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        waiting = place.stage()
        points = chosen(points_of(copied(place, tmp_path / "count"), "stage"))
        for at in points:
            run = copied(place, tmp_path / f"again-{at}")
            killed(run, ("stage",), at)
            run.flags(confirm=True)
            told = run.run("--json", "confirm", waiting)
            assert told.code in {0, 10}, (at, told)
            assert not run.latch_file.exists(), at


def test_confirm_leaves_the_book_before_or_after_and_the_next_run_says_which(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path / "w")
    seen = {"before": 0, "after": 0}
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        plan_id = place.stage()
        place.flags(confirm=True)
        counted = copied(place, tmp_path / "count")
        points = chosen(points_of(counted, "confirm", plan_id))
        done = {name: len(rows) for name, rows in book_state(counted).items()}
        for at in points:
            run = copied(place, tmp_path / f"confirm-{at}")
            before = book_state(run)
            killed(run, ("confirm", plan_id), at)
            left = book_state(run)
            again = run.run("--json", "confirm", plan_id)
            if left == before:
                seen["before"] += 1
                assert again.code == 0, (at, again)
            else:
                seen["after"] += 1
                assert {name: len(rows) for name, rows in left.items()} == done, at
                assert again.code == 10, (at, again)
                assert "was executed already" in again.told["error"]["message"]
            assert run.run("stage").code == 0, at
    assert min(seen.values()) > 0
    tell("confirm", len(points), seen["before"], seen["after"])


def test_backup_is_whole_or_not_there(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path / "w")
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 1")
    kept = set(place.backups())
    points = chosen(points_of(copied(place, tmp_path / "count"), "backup"))
    whole = 0
    for at in points:
        run = copied(place, tmp_path / f"backup-{at}")
        killed(run, ("backup",), at)
        made = [one for one in run.backups() if one not in kept]
        whole += len(made)
        for backup in run.backups():
            assert run.run("backup", "verify", backup).code == 0, (at, backup)
        assert run.run("backup").code == 0, at
    tell("backup", len(points), len(points) - whole, whole)


def test_adopting_in_place_leaves_the_old_book_or_the_new_one(tmp_path: Path) -> None:
    base = adopted_workspace(tmp_path / "base")
    base.book.unlink()
    (base.root / "data" / "old_book.db").rename(base.book)
    words = ("adopt", "data/orders.db", "--account", "DU1", "--timezone", "America/New_York")
    points = chosen(points_of(copied(base, tmp_path / "count"), *words))
    old = base.content()
    new = 0
    for at in points:
        run = copied(base, tmp_path / f"adopt-{at}")
        killed(run, words, at)
        new += run.content() != old
        again = faulty(run, ("--json", *words))
        assert again.code == 0, (at, again)
        assert (again.told["orders"], run.counts()["orders"]) == (341, 341), at
    tell("adopt", len(points), len(points) - new, new)
