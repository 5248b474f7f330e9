"""`tieout resolve` as an operator uses it: the choice is kept with who, when and why, and the next stage follows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from approval_support import ROWS, SCENARIO, TWIN_ROW, TWINS, actions, desk_of, serving, staged, workspace
from cli_process import assert_error, assert_json_error
from cli_support import copied
from tieout import locks
from tieout.clock import now_ns

if TYPE_CHECKING:
    from cli_support import Workplace

SIGNED = ("--by", "ann", "--reason", "I sent it by hand")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workspace(tmp_path_factory.mktemp("base"), *ROWS, TWIN_ROW)


@pytest.fixture
def place(base: Workplace, tmp_path: Path) -> Workplace:
    return copied(base, tmp_path)


def open_match(place: Workplace) -> str:
    (match,) = place.ambiguous()["ambiguous_matches"]
    return str(match["match_id"])


def test_a_look_alike_is_paired_and_the_other_declared_new(place: Workplace) -> None:
    with staged(place, TWINS) as (first, _):
        match = open_match(place)
        before = place.content()
        kept = place.run("--json", "resolve", match, "--pair", "1006", "4", *SIGNED)
        assert kept.code == 0
        assert (kept.told["choice"], kept.told["by"], kept.told["reason"]) == ("pair", "ann", "I sent it by hand")
        assert ([one["perm_id"] for one in kept.told["broker"]], [one["row"] for one in kept.told["book"]]) == (
            [1006],
            [4],
        )
        rest = place.run("--json", "resolve", match[:6], "--none", *SIGNED).told
        assert ([one["perm_id"] for one in rest["broker"]], rest["book"], rest["replaced"]) == ([1005], [], 0)
        assert place.content() == before
        assert_error(place.run("confirm", first), 14, says="unresolved")
        second = place.run("--json", "stage")
        assert second.code == 3
        assert second.told["plan_id"] != first
        assert len(place.plan()["resolutions"]) == 2
        done = place.run("--json", "confirm", second.told["plan_id"])
        assert (done.code, done.told["executed"]) == (0, 7)
        assert place.run("stage").code == 0
    assert place.ask("SELECT perm_id FROM orders WHERE id = 4") == [(1006,)]
    assert place.ask("SELECT count(*) FROM orders WHERE perm_id = 1005 AND origin = 'broker'") == [(1,)]
    ((reason,),) = place.ask("SELECT reason FROM order_audit WHERE kind = 'update' AND row = 4")
    assert reason.endswith("; paired by ann (I sent it by hand)")


def test_the_choice_is_kept_with_who_when_why_and_the_fingerprints(place: Workplace) -> None:
    with staged(place, TWINS):
        match = open_match(place)
        place.run("resolve", match, "--pair", "1005", "4", *SIGNED)
    ((kind, by, reason, at, broker, book, lefts, rights),) = place.ask(
        'SELECT choice, "by", reason, at, broker, book, broker_fingerprints, book_fingerprints FROM resolutions',
        db=place.state_db,
    )
    assert (kind, by, reason, at[-1]) == ("pair", "ann", "I sent it by hand", "Z")
    assert (json.loads(broker)[0]["perm_id"], json.loads(book)[0]["row"]) == (1005, 4)
    assert [len(one) for one in (*json.loads(lefts), *json.loads(rights))] == [64, 64]
    (told,) = [line for line in place.log() if line["event"] == "match_resolved"]
    assert (told["match"], told["by"], told["reason"]) == (match, "ann", "I sent it by hand")


def test_a_later_choice_about_the_same_records_replaces_the_first(place: Workplace) -> None:
    with staged(place, TWINS):
        match = open_match(place)
        place.run("resolve", match, "--pair", "1005", "4", *SIGNED)
        assert place.run("--json", "resolve", match, "--pair", "1006", "4", *SIGNED).told["replaced"] == 1
        assert place.run("stage").code == 14
        assert place.plan()["plan"]["ambiguous_matches"][0]["broker"][0]["perm_id"] == 1005
    assert place.ask("SELECT count(*) FROM resolutions WHERE replaced_at IS NULL", db=place.state_db) == [(1,)]


def test_the_candidates_are_shown_side_by_side_and_nothing_is_decided(place: Workplace) -> None:
    with staged(place, TWINS):
        match = open_match(place)
    shown = place.run("resolve", match)
    assert shown.code == 2
    assert shown.err.splitlines()[0] == "error: neither --pair nor --none was given; nothing was decided"
    assert f"tieout resolve {match} --pair 1005 4 --by NAME --reason TEXT" in shown.err
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[0].startswith(f"order match {match}: ")
    assert "candidate 2 of 2: broker #1, book #0" in lines
    for line in ("! client_id 11 9", "! order_id 6 77", "= quantity 3 3", ". perm_id 1006 (unknown)"):
        assert line in lines
    assert place.ask("SELECT count(*) FROM resolutions", db=place.state_db) == [(0,)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--pair", "1005", "4", "--none", *SIGNED), "both --pair and --none were given"),
        (("--pair", "1005", "4"), "who decides and why is missing"),
        (("--none", "--by", "ann", "--reason", " "), "who decides and why is missing"),
        (("--pair", "1003", "4", *SIGNED), "broker: no record of the match has perm_id 1003"),
        (("--pair", "1005", "1", *SIGNED), "book: no record of the match has row 1"),
        (("--pair", "#2", "4", *SIGNED), "broker: no record of the match has perm_id #2"),
    ],
)
def test_a_choice_that_names_nothing_is_refused(place: Workplace, words: tuple[str, ...], says: str) -> None:
    with staged(place, TWINS):
        match = open_match(place)
    assert says in place.run("resolve", match, *words).err
    assert_json_error(place.run("--json", "resolve", match, *words), 2, name="usage_error", says=says)
    assert place.ask("SELECT count(*) FROM resolutions", db=place.state_db) == [(0,)]


def test_records_can_be_named_by_position(place: Workplace) -> None:
    with staged(place, TWINS):
        told = place.run("--json", "resolve", open_match(place), "--pair", "#1", "#0", *SIGNED).told
    assert (told["broker"][0]["perm_id"], told["book"][0]["row"]) == (1006, 4)


def test_a_match_that_is_not_there_is_refused(place: Workplace) -> None:
    assert_error(place.run("resolve", "0" * 16, "--none", *SIGNED), 1, says="no stage has listed ambiguous matches")
    with staged(place, TWINS):
        match = open_match(place)
    wrong = ("0" if match[0] != "0" else "1") + match[1:]
    assert_error(place.run("resolve", wrong), 2, says=f"there is no ambiguous match {wrong}; the nearest is {match}")
    assert_error(place.run("resolve", match[:5]), 2, says="expected at least 6 digits")
    with serving(place, SCENARIO):
        place.run("stage")
    assert_error(place.run("resolve", match), 2, says="the newest stage found no ambiguous match")


def test_an_edited_list_of_matches_is_refused(place: Workplace) -> None:
    with staged(place, TWINS):
        match = open_match(place)
    path = place.root / "logs" / "ambiguous_matches.json"
    path.write_text(path.read_text(encoding="utf-8").replace("1005", "1007"), encoding="utf-8")
    assert_error(place.run("resolve", match, "--none", *SIGNED), 12, says=f"match {match}")
    path.write_text("[]", encoding="utf-8")
    assert_error(place.run("resolve", match, "--none", *SIGNED), 12, says="is not what `tieout stage` writes")


def test_a_lapsed_choice_is_told_at_the_next_stage(place: Workplace) -> None:
    with staged(place, TWINS):
        match = open_match(place)
        place.run("resolve", match, "--pair", "1005", "4", *SIGNED)
        place.change("UPDATE orders SET tif = 'GTC' WHERE id = 4")
        again = place.run("--json", "stage")
    assert again.code == 14
    (note,) = [one for one in again.told["notes"] if "does not hold any more" in one]
    assert note.startswith(f"the choice of ann in match {match} does not hold any more (the book's tif DAY -> GTC")
    assert place.plan()["resolutions"] == []


def test_what_was_chosen_in_a_simulation_does_not_count_at_a_real_gateway(place: Workplace) -> None:
    with staged(place, TWINS):
        path = place.root / "logs" / "ambiguous_matches.json"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"simulated": false', '"simulated": true'), encoding="utf-8")
        assert place.run("resolve", open_match(place), "--pair", "1005", "4", *SIGNED).code == 0
        assert place.run("stage").code == 14
        assert place.plan()["resolutions"] == []


def test_while_another_tieout_works_nothing_is_kept(place: Workplace) -> None:
    with staged(place, TWINS):
        match = open_match(place)
    with locks.hold(desk_of(place).workspace.reconcile_lock, what="stage", now_ns=now_ns()):
        done = place.run("resolve", match, "--pair", "1005", "4", *SIGNED)
    assert done.code == 11
    assert place.ask("SELECT count(*) FROM resolutions", db=place.state_db) == [(0,)]


def test_the_plan_that_follows_needs_no_name_in_its_actions(place: Workplace) -> None:
    with staged(place, TWINS):
        place.run("resolve", open_match(place), "--none", *SIGNED)
        assert place.run("stage").code == 3
        assert {"insert order 1005", "insert order 1006", "soft_delete order None"} <= set(actions(place))
