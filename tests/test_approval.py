"""Confirming some of a plan: what is named happens with what it needs, the rest waits for another stage."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from approval_support import MOVED, ROWS, SCENARIO, TWIN_ROW, TWINS, actions, serving, staged, workspace
from cli_process import assert_error, assert_json_error
from cli_support import copied

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace

UPDATE, DELETE = "update order 1001", "soft_delete order 1002"
ORDER, FILL = "insert order 1003", "insert execution 1003"
LATE_FILL = "insert execution 1004"
EVERYTHING = {UPDATE, DELETE, ORDER, FILL, LATE_FILL}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workspace(tmp_path_factory.mktemp("base"))


@pytest.fixture
def place(base: Workplace, tmp_path: Path) -> Workplace:
    return copied(base, tmp_path)


def done_of(place: Workplace) -> set[str]:
    """The actions that the audit says were done."""
    ids = {value: name for name, value in actions(place).items()}
    return {ids[one] for (one,) in place.ask("SELECT action_id FROM order_audit WHERE action_id IS NOT NULL")}


def test_all_of_the_plan_is_every_action(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        assert set(actions(place)) == EVERYTHING
        done = place.run("--json", "confirm", plan_id).told
    assert (done["executed"], done["skipped"], done["subset"], done["notes"]) == (5, 0, None, [])
    assert done_of(place) == EVERYTHING
    assert place.ask("SELECT subset FROM applied_plans") == [(None,)]


def test_only_an_execution_brings_its_order_and_says_so(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        ids = actions(place)
        done = place.run("--json", "confirm", plan_id, "--only", ids[FILL]).told
        assert (done["executed"], done["skipped"], done["by_kind"]) == (2, 3, {"insert": 2})
        assert done["notes"] == [
            "added: insert order ES (perm_id 1003, order_id 3): insert execution 0000aaaa.66a1b2c3.01.01 ES needs it"
        ]
        assert done_of(place) == {ORDER, FILL}
        again = place.run("confirm", plan_id)
        assert_error(again, 10, says="was executed already")
        rest = place.run("--json", "stage")
        assert rest.code == 3
        assert rest.told["plan_id"] != plan_id
        assert set(actions(place)) == {UPDATE, DELETE, LATE_FILL}


def test_the_subset_is_on_record(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        ids = actions(place)
        chosen = sorted([ids[UPDATE], ids[DELETE]])
        done = place.run("--json", "confirm", plan_id, "--only", ids[UPDATE], "--only", ids[DELETE][:6]).told
    digest = hashlib.sha256(json.dumps(chosen, separators=(",", ":")).encode()).hexdigest()
    assert done["subset"] == digest
    ((listed, subset),) = place.ask("SELECT actions, subset FROM applied_plans")
    assert (json.loads(listed), subset) == (chosen, digest)
    (told,) = [line for line in place.log() if line["event"] == "plan_executed" and "subset" in line]
    assert (told["subset"], told["left_out"]) == (digest, 3)


def test_excluding_an_order_leaves_its_executions_out(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        ids = actions(place)
        done = place.run("--json", "confirm", plan_id, "--exclude", ids[ORDER]).told
        assert done["notes"] == [
            "left out as well: insert execution 0000aaaa.66a1b2c3.01.01 ES: it needs "
            "insert order ES (perm_id 1003, order_id 3)"
        ]
        assert done_of(place) == EVERYTHING - {ORDER, FILL}


def test_deletes_can_be_left_out(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        place.run("confirm", plan_id, "--exclude", actions(place)[DELETE])
        assert done_of(place) == EVERYTHING - {DELETE}
    assert place.ask("SELECT status FROM orders WHERE id = 2") == [("Submitted",)]


def test_a_person_reads_what_was_left_out(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        done = place.run("confirm", plan_id, "--only", actions(place)[UPDATE])
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"executed plan {plan_id[:12]}: 1 update"
    assert lines[1] == "4 action(s) were left out; to execute them, stage again"


def test_an_unknown_action_is_refused_with_the_nearest(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        before, one = place.content(), actions(place)[UPDATE]
        wrong = one[:10] + ("0" if one[10] != "0" else "1") + one[11:]
        says = f"there is no action {wrong}; the nearest is {one}"
        assert_json_error(place.run("--json", "confirm", plan_id, "--only", wrong), 2, name="usage_error", says=says)
        assert_error(place.run("confirm", plan_id, "--exclude", wrong), 2, says=says)
        assert_error(place.run("confirm", plan_id, "--only", one[:5]), 2, says="expected at least 6 digits")
        assert_error(place.run("confirm", plan_id, "--only", ""), 2, says="expected at least 6 digits")
        assert place.content() == before


def test_what_leaves_nothing_is_refused(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        ids = actions(place)
        done = place.run("confirm", plan_id, "--only", ids[FILL], "--exclude", ids[ORDER])
        assert_error(done, 2, says="no action of the plan is left to execute")
        assert place.run("confirm", plan_id).code == 0


def test_a_broker_that_moved_spoils_only_what_rests_on_it(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        ids = actions(place)
    with serving(place, MOVED):
        stale = place.run("confirm", plan_id, "--only", ids[UPDATE])
        assert_error(stale, 10, says="(row 1, perm_id 1001, order_id 1): would now be limit_price 5001 -> 5002")
        assert place.run("confirm", plan_id, "--exclude", ids[UPDATE]).code == 0
    assert done_of(place) == EVERYTHING - {UPDATE}
    assert place.ask("SELECT limit_price FROM orders WHERE id = 1") == [("5000",)]


def test_the_prediction_is_for_the_chosen_actions(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        whole = place.plan()["predicted_fingerprint"]
        place.run("confirm", plan_id, "--only", actions(place)[UPDATE])
    ((kept,),) = place.ask("SELECT fingerprint FROM applied_plans")
    assert kept != whole


def test_a_position_that_is_only_told_cannot_be_approved(place: Workplace) -> None:
    with staged(place, SCENARIO + "positions:\n  - {contract: ES, quantity: 4, average_cost: 329334.375}\n") as staging:
        plan_id, _ = staging
        (position,) = place.plan()["plan"]["spy_futures_actions"]
        one = position["action_id"]
        says = f"{one} (ES 4) is initial_state: seen at the start and told, it recommends nothing to approve"
        assert_error(place.run("confirm", plan_id, "--approve", one), 2, says=says)
        assert_error(place.run("confirm", plan_id, "--only", one), 2, says="is a position")
        assert_error(place.run("confirm", plan_id, "--approve", "f" * 16), 2, says="no position recommendation")
        assert place.run("confirm", plan_id).code == 0


def test_while_a_match_is_open_no_part_of_the_plan_executes(tmp_path: Path) -> None:
    place = workspace(tmp_path, *ROWS, TWIN_ROW)
    with staged(place, TWINS) as (plan_id, _):
        before = place.content()
        assert len(place.plan()["plan"]["ambiguous_matches"]) == 1
        done = place.run("confirm", plan_id, "--only", actions(place)[UPDATE])
        assert_error(done, 14, says="1 ambiguous match(es) are unresolved")
        match_id = place.plan()["plan"]["ambiguous_matches"][0]["match_id"]
        assert_error(place.run("confirm", plan_id, "--only", match_id), 2, says="is an ambiguous match, not an action")
        assert place.content() == before
