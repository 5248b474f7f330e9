"""The main job: an old book tied out once, then with what was missed, the plan equal to the truth, list by list."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from cli_support import SOLVABLE, adopted_workspace, copied, gateway, tied_workspace, truth_of
from truth import assert_plan_is_truth

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace

SAMPLE = {"orders": 341, "order_events": 1370, "executions": 198, "order_audit": 1}


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


def test_the_first_tie_out_learns_what_the_old_book_did_not_know(tmp_path: Path) -> None:
    place = adopted_workspace(tmp_path)
    place.flags()
    before = place.content()
    with gateway(place):
        staged = place.run("--json", "stage")
        assert staged.code == 3
        summary = {"to_update": 20, "to_delete": 0, "to_insert": 0, "ambiguous_matches": 0, "spy_futures_actions": 0}
        assert staged.told["summary"] == summary
        assert place.content() == before
        learnt = {name for entry in place.plan()["plan"]["to_update"] for name in entry["changes"]}
        assert learnt == {"perm_id", "tif", "limit_price"}
        done = place.confirm(staged.told["plan_id"])
        assert (done["executed"], done["skipped"], done["failed"]) == (20, 0, 0)
        again = place.run("--json", "stage")
        assert (again.code, set(again.told["summary"].values())) == (0, {0})
    assert place.counts() == SAMPLE | {"order_audit": 21}
    live = "status IN ('ApiPending', 'PendingSubmit', 'PreSubmitted', 'Submitted', 'PendingCancel')"
    assert place.ask(f"SELECT count(*), count(perm_id), count(tif) FROM orders WHERE {live}") == [(20, 20, 20)]
    assert place.ask(f"SELECT count(*) FROM orders WHERE {live} AND last_live_at = updated_at") == [(20,)]


@pytest.mark.parametrize("seed", [7, 1, 23])
def test_with_drifts_the_plan_is_the_truth_and_after_the_confirm_nothing_is_left(
    tied: Workplace, tmp_path: Path, seed: int
) -> None:
    place = copied(tied, tmp_path)
    before, rows = place.content(), place.counts()
    with gateway(place, drift=seed, kinds=SOLVABLE):
        plan_id = place.stage()
        assert_plan_is_truth(place.plan()["plan"], truth_of(place))
        assert place.content() == before
        plan = place.plan()["plan"]
        entries = [entry for name in ("to_insert", "to_update", "to_delete") for entry in plan[name]]
        done = place.confirm(plan_id)
        assert done["executed"] == len(entries)
        again = place.run("--json", "stage")
        assert (again.code, set(again.told["summary"].values())) == (0, {0})
    inserted = Counter(entry["entity"] for entry in plan["to_insert"])
    assert place.counts() == {
        "orders": rows["orders"] + inserted["order"],
        "order_events": rows["order_events"],
        "executions": rows["executions"] + inserted["execution"],
        "order_audit": rows["order_audit"] + len(entries),
    }
    audit = place.ask(f"SELECT action_id, kind, entity, reason, backup_id FROM order_audit WHERE plan_id = '{plan_id}'")
    told = sorted((e["action_id"], e["kind"], e["entity"], e["reason"], done["backup"]) for e in entries)
    assert sorted(audit) == told
    orphans = place.ask("SELECT count(*) FROM orders WHERE status = 'orphaned_deleted'")
    assert orphans == [(len(plan["to_delete"]),)]


def test_the_planted_rows_stand_in_the_book_as_the_plan_said(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.confirm(place.stage())
    plan = place.plan()["plan"]
    for entry in plan["to_update"]:
        for field, (_, after) in entry["changes"].items():
            assert place.ask(f"SELECT {field} FROM orders WHERE id = {entry['row']}") == [(after,)]
    for entry in plan["to_insert"]:
        key, value = ("perm_id", entry["perm_id"]) if entry["entity"] == "order" else ("exec_id", entry["exec_id"])
        ((origin, quantity),) = place.ask(f"SELECT origin, quantity FROM {entry['entity']}s WHERE {key} = '{value}'")
        assert (origin, quantity) == ("broker", entry["after"]["quantity"])


def test_a_look_alike_stops_everything(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    with gateway(place, drift=7):
        staged = place.run("--json", "stage")
        assert staged.code == 14
        assert_plan_is_truth(place.plan()["plan"], truth_of(place))
        undecided = place.plan()["plan"]["ambiguous_matches"]
        assert len(undecided) >= 1
        assert place.ambiguous()["ambiguous_matches"] == undecided
        assert place.alerts()[-1] == ("ambiguous_matches_found", "HIGH")
        assert place.status()["ambiguous_count"] == len(undecided)
        place.flags(confirm=True)
        refused = place.run("confirm", staged.told["plan_id"])
    assert (refused.code, refused.out) == (14, "")
    assert refused.err.splitlines() == [
        f"error: not executed: {len(undecided)} ambiguous match(es) are unresolved; while one is, nothing executes",
        "hint: review ./logs/ambiguous_matches.json, settle each with `tieout resolve`, then stage again; they are "
        "never resolved automatically",
    ]
    assert place.content() == before
    assert place.run("status").code == 0


def test_the_same_two_sides_give_the_same_plan_id(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        assert place.stage() == place.stage()


def test_a_hard_delete_takes_the_row_and_the_audit_keeps_it_with_its_events(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.set(FORCE_SYNC_DELETE=True)
    with gateway(place, drift=7, kinds=("orphan",)):
        plan_id = place.stage()
        entries = place.plan()["plan"]["to_delete"]
        assert {entry["kind"] for entry in entries} == {"hard_delete"}
        rows = {entry["row"]: place.ask(f"SELECT * FROM orders WHERE id = {entry['row']}") for entry in entries}
        events = {row: place.ask(f"SELECT * FROM order_events WHERE order_row = {row} ORDER BY id") for row in rows}
        done = place.confirm(plan_id)
        assert done["by_kind"] == {"hard_delete": len(entries)}
        assert place.run("stage").code == 0
    columns = [name for _, name, *_ in place.ask("PRAGMA table_info(orders)")]
    event_columns = [name for _, name, *_ in place.ask("PRAGMA table_info(order_events)")]
    for row, (values,) in rows.items():
        assert place.ask(f"SELECT id FROM orders WHERE id = {row}") == []
        ((text, after),) = place.ask(
            f"SELECT before, after FROM order_audit WHERE plan_id = '{plan_id}' AND row = {row}"
        )
        kept = json.loads(text)
        assert after is None
        assert [dict(zip(event_columns, event, strict=True)) for event in events[row]] == kept.pop("events")
        assert kept == dict(zip(columns, values, strict=True))
    assert place.counts()["order_events"] == SAMPLE["order_events"]


def test_an_orphan_with_fills_is_only_marked_and_the_reason_says_why(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.set(FORCE_SYNC_DELETE=True)
    with gateway(place, drift=7, kinds=("orphan",)):
        perm_id = truth_of(place)["to_delete"][0]["perm_id"]
        place.change(f"UPDATE orders SET filled_quantity = '1' WHERE perm_id = {perm_id}")
        place.stage()
        ((kind, reason),) = [
            (e["kind"], e["reason"]) for e in place.plan()["plan"]["to_delete"] if e["perm_id"] == perm_id
        ]
    assert kind == "soft_delete"
    assert "fill" in reason


def test_an_orphan_not_covered_by_the_brokers_day_is_only_marked(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.set(FORCE_SYNC_DELETE=True)
    place.change("UPDATE orders SET last_live_at = '2026-01-05T12:00:00Z' WHERE last_live_at IS NOT NULL")
    with gateway(place, drift=7, kinds=("orphan",)):
        place.stage()
        entries = place.plan()["plan"]["to_delete"]
    assert {entry["kind"] for entry in entries} == {"soft_delete"}
    assert all("cover" in entry["reason"] for entry in entries), entries[0]["reason"]
