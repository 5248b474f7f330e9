"""Flags, the latch, and two sides that moved on: confirm refuses, says which, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error, assert_json_error
from cli_support import SOLVABLE, adopted_workspace, copied, gateway, tied_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


@pytest.fixture
def place(tied: Workplace, tmp_path: Path) -> Workplace:
    return copied(tied, tmp_path)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"dry_run": True, "confirm": True}, "DRY_RUN is true: a plan is only looked at"),
        ({"safe_mode": True, "confirm": True}, "SAFE_MODE is true: read-only"),
        ({"confirm": False}, "DRY_RUN_CONFIRM is false: plans are staged, not executed"),
    ],
)
def test_a_flag_of_now_forbids_it(place: Workplace, flags: dict[str, bool], says: str) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        before = place.content()
        place.flags(**flags)
        assert_error(place.run("confirm", plan_id), 13, says=f"not executed: {says}")
        assert_json_error(place.run("--json", "confirm", plan_id), 13, name="forbidden", says=says)
        assert place.content() == before
        assert place.confirm(plan_id)["executed"] > 0


def test_a_plan_of_a_dry_run_never_runs(place: Workplace) -> None:
    place.flags(dry_run=True)
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        before = place.content()
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 13, says="the plan was staged with DRY_RUN true")
    assert place.content() == before


def test_a_delete_that_became_looser(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        before = place.content()
        place.set(FORCE_SYNC_DELETE=True)
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 13, says="FORCE_SYNC_DELETE was false when the plan was staged")
    assert place.content() == before


def test_a_delete_that_became_stricter(place: Workplace) -> None:
    place.set(FORCE_SYNC_DELETE=True)
    with gateway(place, drift=7, kinds=("orphan",)):
        plan_id = place.stage()
        before = place.content()
        place.set(FORCE_SYNC_DELETE=False)
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 13, says="FORCE_SYNC_DELETE is false now")
    assert place.content() == before


def test_matching_that_became_looser(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        before = place.content()
        place.set(RECONCILE__signature_matches="accept_unique")
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 13, says="RECONCILE.signature_matches")
    assert place.content() == before


def test_the_latch_forbids_it_until_it_is_lifted(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        before = place.content()
        assert place.run("safe-mode", "on", "--reason", "the fills look odd").code == 0
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 13, says="the safe-mode latch is on")
        assert place.content() == before
        restaged = place.stage()
        lifted = place.run("safe-mode", "off", "--reason", "looked at them")
        assert (lifted.code, lifted.out) == (0, "lifted; it was set because: the fills look odd\n")
        assert place.confirm(restaged)["executed"] > 0


def test_a_changed_row_of_the_plan_is_named(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        row = place.plan()["plan"]["to_update"][0]["row"]
        place.change(f"UPDATE orders SET tif = 'GTD' WHERE id = {row}")
        before = place.content()
        place.flags(confirm=True)
        done = place.run("confirm", plan_id)
    assert_error(done, 10, says="rows of the book that the plan rests on have changed since it was staged")
    assert f"order row {row}: tif " in done.err
    assert "-> GTD" in done.err
    assert place.content() == before
    assert not place.latch_file.exists()


def test_a_row_of_the_plan_that_is_gone(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=("orphan",)):
        plan_id = place.stage()
        row = place.plan()["plan"]["to_delete"][0]["row"]
        place.change(f"DELETE FROM orders WHERE id = {row}")
        place.flags(confirm=True)
        done = place.run("confirm", plan_id)
    assert_error(done, 10, says=f"order row {row}: gone from the book")


def test_a_row_that_the_plan_does_not_rest_on_may_change(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        place.change("UPDATE orders SET order_ref = 'somebody' WHERE status = 'Filled'")
        assert place.confirm(plan_id)["executed"] > 0
        assert place.run("stage").code == 0


def test_a_broker_that_moved_on(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
    before = place.content()
    place.flags(confirm=True)
    with gateway(place):
        done = place.run("confirm", plan_id)
        told = place.run("--json", "confirm", plan_id)
    assert_error(done, 10, says="action(s) are no longer true at the broker")
    assert "no longer follows from what the broker says" in done.err
    assert_json_error(told, 10, name="plan_stale", says="no longer true at the broker")
    assert place.content() == before
    assert place.status()["status"] == "FAILED"
    assert not place.latch_file.exists()


def test_a_broker_that_became_ambiguous(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
    before = place.content()
    place.flags(confirm=True)
    with gateway(place, drift=7):
        assert_error(place.run("confirm", plan_id), 14, says="ambiguous match(es) are unresolved")
    assert place.content() == before


def test_another_book_in_its_place(place: Workplace, tmp_path_factory: pytest.TempPathFactory) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        other = tied_workspace(tmp_path_factory.mktemp("other"))
        place.book.write_bytes(other.book.read_bytes())
        before = place.content()
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 10, says=f"the book at {place.book} is another one")
    assert place.content() == before


def test_what_was_staged_for_real_is_not_confirmed_simulated(place: Workplace) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
    before = place.content()
    place.flags(confirm=True)
    done = place.run("--json", "confirm", plan_id, "--sim")
    assert_json_error(done, 13, name="forbidden", says="the plan was staged against a real gateway")
    assert place.content() == before


def test_what_was_staged_simulated_is_not_confirmed_for_real(tmp_path: Path) -> None:
    place = adopted_workspace(tmp_path)
    place.flags()
    staged = place.run("--json", "stage", "--sim")
    assert (staged.code, staged.told["simulated"]) == (3, True)
    plan_id = staged.told["plan_id"]
    before = place.content()
    place.flags(confirm=True)
    with gateway(place):
        assert_error(place.run("confirm", plan_id), 13, says="the plan was staged against a simulated gateway")
    assert place.content() == before
    done = place.run("confirm", "--sim", plan_id[:12])
    assert (done.code, done.out.splitlines()[1]) == (0, f"SIMULATED executed plan {plan_id[:12]}: 20 update")
    assert place.ask("SELECT count(*) FROM order_audit WHERE approver LIKE '% (SIMULATED)'") == [(20,)]
