"""The n-th write, sync, rename or commit fails, n = 1, 2, ... until none does: nothing is corrupt, and it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_support import book_state, chosen, faulty, points_of, row_count

from cli_process import Outcome
from cli_support import SOLVABLE, Workplace, copied, gateway, tied_workspace

DRIFT = 11
STORE = 15


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workspace that was tied out once."""
    return tied_workspace(tmp_path_factory.mktemp("tied"))


def failed(place: Workplace, words: tuple[str, ...], at: int) -> Outcome:
    """The command with that point failing: it ends with a message, never with a traceback."""
    outcome = faulty(place, words, TIEOUT_FAIL_AT=str(at))
    assert "Traceback" not in outcome.err, (at, outcome.err)
    assert outcome.code in {0, 1, 3, STORE}, (at, outcome)
    if outcome.code in {1, STORE}:
        assert "injected at" in outcome.err, (at, outcome.err)
    return outcome


def test_a_stage_that_cannot_write_says_so_and_changes_nothing(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path / "w")
    told = 0
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        points = chosen(points_of(copied(place, tmp_path / "count"), "stage"))
        for at in points:
            run = copied(place, tmp_path / f"stage-{at}")
            before = book_state(run)
            told += failed(run, ("stage",), at).code in {1, STORE}
            assert book_state(run) == before, at
            assert run.run("stage").code == 3, at
    print(f"\nstage: {len(points)} failing points tried, {told} told the operator, 0 changed the book")


def test_a_confirm_that_cannot_write_did_all_of_it_or_nothing(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path / "w")
    seen = {"before": 0, "after": 0}
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        plan_id = place.stage()
        place.flags(confirm=True)
        counted = copied(place, tmp_path / "count")
        points = chosen(points_of(counted, "confirm", plan_id))
        done = row_count(book_state(counted))
        for at in points:
            run = copied(place, tmp_path / f"confirm-{at}")
            before = book_state(run)
            outcome = failed(run, ("confirm", plan_id), at)
            left = book_state(run)
            if left == before:
                seen["before"] += 1
                assert outcome.code in {1, STORE}, (at, outcome)
            else:
                seen["after"] += 1
                assert row_count(left) == done, at
                assert outcome.code == 0 or "was executed in full" in outcome.err, (at, outcome)
            run.run("safe-mode", "off", "--reason", "the disk has room again")
            assert run.run("confirm", plan_id).code == (0 if left == before else 10), at
            assert run.run("stage").code == 0, at
    assert min(seen.values()) > 0
    print(f"\nconfirm: {len(points)} failing points tried, {seen['before']} before, {seen['after']} after, 0 between")


def test_a_backup_that_cannot_write_leaves_no_half_of_it(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path / "w")
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 1")
    points = chosen(points_of(copied(place, tmp_path / "count"), "backup"))
    for at in points:
        run = copied(place, tmp_path / f"backup-{at}")
        outcome = failed(run, ("backup",), at)
        assert list((run.root / "backups").glob("*.tmp")) == [], at
        if outcome.code == STORE:
            assert run.alerts()[-1] == ("backup_failed", "CRITICAL"), at
        for backup in run.backups():
            assert run.run("backup", "verify", backup).code == 0, (at, backup)
    print(f"\nbackup: {len(points)} failing points tried, 0 half-made files left")
