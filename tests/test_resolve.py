"""The operator's choice in an ambiguous match: kept with who and why, followed while it holds, never guessed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from match_model import orders
from plan_support import NOON, STAGING, STRICT, make_book, opened, snapshot
from tieout.clock import to_iso
from tieout.reconcile.ambiguity import Undecided, undecided_orders
from tieout.reconcile.match import match_orders
from tieout.reconcile.plan import Plan, build_plan
from tieout.reconcile.settle import Choices, settle_orders
from tieout.store import reader
from tieout.store.resolutions import Resolution

if TYPE_CHECKING:
    from tieout.model import Snapshot

E8 = 100_000_000


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
