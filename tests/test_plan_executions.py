"""Planning the repairs of executions; the numbers are those of tieout.reconcile.execution_plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plan_support import NOON, make_book, opened, plan, snapshot
from tieout.clock import NS_PER_S, to_iso
from tieout.reconcile.actions import Action
from tieout.reconcile.plan import Plan

E8 = 100_000_000
PARTLY = {"perm_id": 7, "quantity": "9", "filled_quantity": "3"}
BOOKED = {"order_row": 1, "exec_id": "a.b.c.01", "perm_id": 7, "quantity": "1", "price": "5000",
          "cumulative_quantity": "1", "executed_at": to_iso(NOON)}  # fmt: skip
OLD = {"order_row": 1, "quantity": "1", "price": "5000", "executed_at": to_iso(NOON)}


def tied(path: Path, *said: dict[str, Any], booked: tuple[dict[str, Any], ...]) -> Plan:
    """A book order for nine, three of them filled, live at the broker, with those executions on the two sides."""
    book = make_book(path / "b.db", PARTLY, fills=booked)
    fills = tuple({"exec_id": "a.b.c.01", "perm_id": 7} | fill for fill in said)
    return plan(book, snapshot(live=(opened(perm_id=7, quantity_e8=9 * E8, filled_quantity_e8=3 * E8),), fills=fills))


def only(made: Plan) -> Action:
    (action,) = made.actions
    return action


def test_known_executions_need_nothing(tmp_path: Path) -> None:
    made = tied(tmp_path, {}, booked=(BOOKED,))
    assert (made.actions, made.undecided) == ((), ())


def test_1_an_execution_of_a_known_order_is_inserted(tmp_path: Path) -> None:
    action = only(tied(tmp_path, {"commission_e8": 2 * E8, "commission_currency": "USD"}, booked=()))
    assert (action.kind, action.order_row) == ("insert", 1)
    assert action.after is not None
    wanted = {"exec_id": "a.b.c.01", "quantity": "1", "price": "5000", "commission": "2", "active": True}
    assert {name: action.after[name] for name in wanted} == wanted
    assert action.after["executed_at"] == to_iso(NOON)


def test_1_an_execution_whose_order_is_undecided_is_parked(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 1})
    live = (opened(perm_id=8), opened(perm_id=9))
    made = plan(book, snapshot(live=live, fills=({"exec_id": "x.01", "perm_id": 8},)))
    assert made.actions == ()
    assert made.notes == ("1 execution(s) wait until it is known which order of the book they belong to",)


def test_2_a_correction_supersedes_and_both_rows_stay(tmp_path: Path) -> None:
    said = {"exec_id": "a.b.c.02", "price_e8": 4999 * E8}
    insert, update = tied(tmp_path, said, booked=(BOOKED,)).actions
    assert (insert.kind, insert.exec_id) == ("insert", "a.b.c.02")
    assert insert.after is not None
    assert insert.after["active"] is True
    assert (update.kind, update.row, update.changes) == ("update", 1, {"active": [True, False]})


def test_2_an_older_revision_that_comes_late_is_kept_and_not_active(tmp_path: Path) -> None:
    action = only(tied(tmp_path, {"exec_id": "a.b.c.01"}, booked=(BOOKED | {"exec_id": "a.b.c.02"},)))
    assert action.after is not None
    assert (action.kind, action.exec_id, action.after["active"]) == ("insert", "a.b.c.01", False)


@pytest.mark.parametrize(
    "said",
    [{"side": "SELL"}, {"con_id": 5}, {"cumulative_quantity_e8": 2 * E8}, {"cumulative_quantity_e8": None}],
)
def test_2_a_correction_that_disagrees_elsewhere_is_ambiguous(tmp_path: Path, said: dict[str, Any]) -> None:
    made = tied(tmp_path, {"exec_id": "a.b.c.02"} | said, booked=(BOOKED | {"con_id": 4},))
    assert made.actions == ()
    assert [one.reason for one in made.undecided] == ["correction_unclear"]


def test_2_both_revisions_at_once_leave_the_highest_active(tmp_path: Path) -> None:
    first, second = tied(tmp_path, {}, {"exec_id": "a.b.c.02"}, booked=()).actions
    assert first.after is not None
    assert second.after is not None
    assert [(a.exec_id, a.after["active"]) for a in (first, second) if a.after] == [
        ("a.b.c.01", False),
        ("a.b.c.02", True),
    ]


def test_3_an_execution_without_an_id_learns_it(tmp_path: Path) -> None:
    action = only(tied(tmp_path, {"executed_ns": NOON + 300 * NS_PER_S, "commission_e8": E8}, booked=(OLD,)))
    assert (action.kind, action.row) == ("update", 1)
    assert action.changes == {"exec_id": [None, "a.b.c.01"], "perm_id": [None, 7], "commission": [None, "1"]}


@pytest.mark.parametrize(
    ("said", "booked", "reason"),
    [
        (({},), (OLD, OLD), "execution_not_unique"),
        (({}, {"exec_id": "a.b.d.01"}), (OLD,), "execution_not_unique"),
        (({},), (OLD | {"executed_at": None},), "execution_time_unknown"),
        (({"executed_ns": None},), (OLD,), "execution_time_unknown"),
    ],
)
def test_3_several_candidates_or_no_time_are_ambiguous(
    tmp_path: Path, said: tuple[dict[str, Any], ...], booked: tuple[dict[str, Any], ...], reason: str
) -> None:
    made = tied(tmp_path, *said, booked=booked)
    assert made.actions == ()
    assert [one.reason for one in made.undecided] == [reason]


@pytest.mark.parametrize(
    "said",
    [{"price_e8": 1}, {"quantity_e8": 2 * E8}, {"side": "SELL"}, {"executed_ns": NOON + 301 * NS_PER_S}],
)
def test_3_no_candidate_is_an_insert(tmp_path: Path, said: dict[str, Any]) -> None:
    assert only(tied(tmp_path, said, booked=(OLD,))).kind == "insert"


def test_4_a_commission_is_written_when_its_report_came(tmp_path: Path) -> None:
    said = {"commission_e8": 205_000_000, "commission_currency": "USD"}
    changes = only(tied(tmp_path, said, booked=(BOOKED,))).changes
    assert changes == {"commission": [None, "2.05"], "commission_currency": [None, "USD"]}


def test_4_a_missing_report_takes_no_commission_back(tmp_path: Path) -> None:
    assert tied(tmp_path, {}, booked=(BOOKED | {"commission": "2.05"},)).actions == ()
