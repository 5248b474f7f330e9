"""The operator's choice in an ambiguous match: kept with who and why, followed while it holds, never guessed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approval_support import ROWS, SCENARIO, TWIN_ROW, TWINS, actions, desk_of, serving, staged, workspace
from cli_process import assert_error, assert_json_error
from cli_support import copied
from match_model import orders
from plan_support import NOON, STAGING, STRICT, make_book, opened, snapshot
from tieout import locks
from tieout.clock import now_ns, to_iso
from tieout.reconcile.ambiguity import Undecided, undecided_orders
from tieout.reconcile.match import match_orders
from tieout.reconcile.plan import Plan, build_plan
from tieout.reconcile.settle import Choices, settle_orders
from tieout.store import reader
from tieout.store.resolutions import Resolution

if TYPE_CHECKING:
    from cli_support import Workplace
    from tieout.model import Snapshot

E8 = 100_000_000
SIGNED = ("--by", "ann", "--reason", "I sent it by hand")


def choice(match: Undecided, pair: tuple[int, int] | None, *, by: str = "ann") -> Resolution:
    """A choice about that match: its records at those two positions are one, or none is any other's."""
    broker = match.broker if pair is None else (match.broker[pair[0]],)
    book = match.book if pair is None else (match.book[pair[1]],)
    kind: Any = "none" if pair is None else "pair"
    return Resolution(match.match_id, match.entity, match.account, kind, broker, book, by=by, reason="why", at_ns=NOON)


def planned(path: Path, said: Snapshot, *choices: Resolution) -> Plan:
    book = reader.load(path)
    return build_plan(said, book, flags=STAGING, rules=STRICT, symbols=(), moving=frozenset(), resolutions=choices)


def changes(plan: Plan) -> list[tuple[str, str, int | None, int | None]]:
    return [(a.kind, a.entity, a.row, a.perm_id) for a in plan.actions]


# ------------------------------------------------------------------ what a choice makes of a match, without a wire

TWO = snapshot(live=(opened(perm_id=8), opened(perm_id=9)))


def test_a_pair_is_an_update_and_the_rest_stays_open(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {})
    before = planned(book, TWO)
    (match,) = before.undecided
    made = planned(book, TWO, choice(match, (0, 0)))
    (update,) = made.actions
    assert (update.kind, update.row, update.tier, update.changes) == ("update", 1, None, {"perm_id": [None, 8]})
    assert update.reason.endswith("; paired by ann (why)")
    (left,) = made.undecided
    assert ([one["perm_id"] for one in left.broker], left.book, left.candidates) == ([9], (), ())
    done = planned(book, TWO, choice(match, (0, 0)), choice(left, None, by="bob"))
    assert changes(done) == [("insert", "order", None, 9), ("update", "order", 1, 8)]
    assert done.actions[0].reason.endswith("; declared to be no match by bob (why)")
    assert done.undecided == ()
    assert done.notes == ()


def test_none_of_them_is_an_insert_each_and_an_orphan(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {})
    (match,) = planned(book, TWO).undecided
    made = planned(book, TWO, choice(match, None))
    assert changes(made) == [
        ("insert", "order", None, 8),
        ("insert", "order", None, 9),
        ("soft_delete", "order", 1, None),
    ]
    assert all(action.reason.endswith("; declared to be no match by ann (why)") for action in made.actions)
    assert made.undecided == ()


def test_a_contradicting_perm_id_gives_way_to_the_operators_word(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 1})
    said = snapshot(live=(opened(perm_id=8),))
    (match,) = planned(book, said).undecided
    (update,) = planned(book, said, choice(match, (0, 0))).actions
    assert (update.perm_id, update.changes) == (8, {"perm_id": [1, 8]})


def test_a_forks_second_order_becomes_an_order_of_its_own(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "order_ref": "x"})
    said = snapshot(live=(opened(perm_id=8, order_ref="x"), opened(perm_id=9, order_ref="x")))
    (match,) = planned(book, said).undecided
    assert (match.reason, len(match.broker), len(match.book)) == ("forked_order_ref", 1, 1)
    made = planned(book, said, choice(match, None))
    assert (changes(made), made.undecided) == ([("insert", "order", None, 9)], ())


def test_a_choice_makes_another_plan_and_the_same_choice_the_same(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {})
    (match,) = planned(book, TWO).undecided
    words: dict[str, Any] = {"config": {}, "lineage": "l", "restore_epoch": 0, "last_applied": None}
    ids = [planned(book, TWO, *made).plan_id(**words) for made in ([], *([choice(match, (0, 0))],) * 2)]
    assert ids[0] != ids[1]
    assert ids[1] == ids[2]
    other = planned(book, TWO, choice(match, (0, 0), by="bob")).plan_id(**words)
    assert other != ids[1]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("UPDATE orders SET tif = 'GTC'", "the book's tif DAY -> GTC"),
        ("UPDATE orders SET strike = '5'", "the book's strike None -> 5"),
        ("UPDATE orders SET status = 'PreSubmitted'", "the book's status Submitted -> PreSubmitted"),
    ],
)
def test_a_choice_lapses_when_the_books_row_changes_and_the_plan_says_so(
    tmp_path: Path, script: str, told: str
) -> None:
    book = make_book(tmp_path / "b.db", {})
    (match,) = planned(book, TWO).undecided
    with closing(sqlite3.connect(book)) as raw, raw:
        raw.execute(script)
    made = planned(book, TWO, choice(match, (0, 0)))
    assert made.actions == ()
    (note,) = made.notes
    assert note.startswith(f"the choice of ann in match {match.match_id} does not hold any more ({told})")
    assert made.resolutions == ()


def test_a_choice_lapses_when_the_brokers_record_changes(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {})
    (match,) = planned(book, TWO).undecided
    moved = snapshot(live=(opened(perm_id=8, filled_quantity_e8=E8), opened(perm_id=9)))
    made = planned(book, moved, choice(match, (0, 0)))
    assert (made.actions, len(made.undecided)) == ((), 1)
    assert "the broker's filled_quantity 0 -> 1" in made.notes[0]


def test_none_lapses_when_another_candidate_turns_up(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {})
    (match,) = planned(book, TWO).undecided
    more = snapshot(live=(opened(perm_id=8), opened(perm_id=9), opened(perm_id=10)))
    made = planned(book, more, choice(match, None))
    assert (made.actions, len(made.undecided)) == ((), 1)
    assert "other records came into the match, or left it" in made.notes[0]


def test_a_choice_that_was_followed_says_nothing_any_more(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {})
    (match,) = planned(book, TWO).undecided
    made = choice(match, (0, 0))
    tied = make_book(tmp_path / "t.db", {"perm_id": 8}, {"perm_id": 9})
    assert planned(tied, TWO, made).notes == ()


OLD = {"order_row": 1, "quantity": "1", "price": "5000", "executed_at": to_iso(NOON)}
FILLS = ({"exec_id": "a.b.c.01", "perm_id": 7}, {"exec_id": "a.b.d.01", "perm_id": 7})


def filled(path: Path, *fills: dict[str, Any]) -> Path:
    return make_book(path / "b.db", {"perm_id": 7, "quantity": "9", "filled_quantity": "3"}, fills=fills)


def said_of(*fills: dict[str, Any]) -> Snapshot:
    return snapshot(live=(opened(perm_id=7, quantity_e8=9 * E8, filled_quantity_e8=3 * E8),), fills=fills)


def test_an_execution_without_an_id_is_paired_by_choice(tmp_path: Path) -> None:
    book = filled(tmp_path, OLD)
    (match,) = planned(book, said_of(*FILLS)).undecided
    first = choice(match, (1, 0))
    made = planned(book, said_of(*FILLS), first)
    (update,) = made.actions
    assert update.changes == {"exec_id": [None, "a.b.d.01"], "perm_id": [None, 7]}
    assert update.reason == "paired by ann (why): its exec_id is learnt"
    (left,) = made.undecided
    assert ([one["exec_id"] for one in left.broker], left.book) == (["a.b.c.01"], ())
    done = planned(book, said_of(*FILLS), first, choice(left, None))
    assert [(a.kind, a.exec_id) for a in done.actions] == [("insert", "a.b.c.01"), ("update", "a.b.d.01")]
    assert done.undecided == ()


def test_executions_that_are_none_of_them_are_inserted(tmp_path: Path) -> None:
    book = filled(tmp_path, OLD)
    (match,) = planned(book, said_of(*FILLS)).undecided
    made = planned(book, said_of(*FILLS), choice(match, None))
    assert [(a.kind, a.exec_id, a.order_row) for a in made.actions] == [
        ("insert", "a.b.c.01", 1),
        ("insert", "a.b.d.01", 1),
    ]
    assert made.undecided == ()


@pytest.mark.parametrize(
    ("pair", "done"),
    [((0, 0), [("insert", True), ("update", False)]), (None, [("insert", True)])],
)
def test_an_unclear_correction_is_one_or_is_a_fill_of_its_own(
    tmp_path: Path, pair: tuple[int, int] | None, done: list[tuple[str, bool]]
) -> None:
    book = filled(tmp_path, OLD | {"exec_id": "a.b.c.01", "perm_id": 7, "cumulative_quantity": "1"})
    said = said_of({"exec_id": "a.b.c.02", "perm_id": 7, "cumulative_quantity_e8": 2 * E8})
    (match,) = planned(book, said).undecided
    made = planned(book, said, choice(match, pair))
    assert [(a.kind, a.after["active"]) for a in made.actions if a.after] == done
    assert "ann (why)" in made.actions[0].reason


ids = st.integers(1, 3)
small = st.fixed_dictionaries(
    {"perm_id": ids | st.none(), "order_ref": st.sampled_from(["x", "y"]) | st.none(), "quantity_e8": ids}
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(small, max_size=5), st.lists(small, max_size=5), st.data())
def test_whatever_is_chosen_every_row_is_in_exactly_one_place(
    brokers: list[dict[str, Any]], books: list[dict[str, Any]], data: st.DataObject
) -> None:
    broker = orders(*brokers) if brokers else orders({}).clear()
    book = (orders(*books) if books else orders({}).clear()).with_columns(
        row=pl.int_range(1, len(books) + 1, dtype=pl.Int64, eager=True)
    )
    matching = match_orders(broker, book, window_s=300)
    chosen: list[Resolution] = []
    for match in undecided_orders(matching.ambiguous, broker, book):
        candidates = st.sampled_from(match.candidates) if match.candidates else st.none()
        picked = data.draw(st.lists(candidates, max_size=2))
        chosen += [choice(match, pair) for pair in picked if pair is not None]
        if data.draw(st.booleans()):
            chosen.append(choice(match, None))
    settled, _ = settle_orders(matching, broker, book, Choices(chosen))
    lefts = [*settled.pairs["broker"], *settled.broker_only, *settled.ambiguous["broker"].drop_nulls().unique()]
    assert sorted(lefts) == list(range(len(brokers)))
    forked = settled.ambiguous["reason"].str.starts_with("forked")
    doubted = settled.ambiguous.filter(~forked)["book"].drop_nulls().unique()
    assert sorted([*settled.pairs["book"], *settled.book_only, *doubted]) == list(range(len(books)))


# ------------------------------------------------------------------------------------- as an operator does it


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
