"""From statements to a plan: whose an execution is, which time is covered, and what is never concluded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_support import HARD, MIDNIGHT, NOON, STRICT, fills_frame, make_book, opened, plan, snapshot
from tieout.broker.flex.keep import turn_ns
from tieout.broker.flex.times import day_start_ns
from tieout.clock import NS_PER_S, to_iso
from tieout.model import Part, Statement
from tieout.reconcile.coverage import covered_from, covered_spans
from tieout.reconcile.plan import build_plan
from tieout.schema import FLEX_EXECUTION
from tieout.store import reader

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.model import Snapshot
    from tieout.reconcile.plan import Plan

DAY_NS: Final = 86_400 * NS_PER_S
ONE: Final = 100_000_000
TODAY: Final = date(2026, 3, 4)
"""The day of `plan_support`'s noon."""
TOLD: Final[dict[str, Any]] = {
    "account": "DU1",
    "exec_id": "a.b.01.01",
    "con_id": 5,
    "symbol": "ES",
    "currency": "USD",
    "side": "BUY",
    "quantity_e8": 2 * ONE,
    "price_e8": 5000 * ONE,
    "executed_ns": NOON - 2 * DAY_NS,
    "inexact": False,
    "flex_order": "720",
    "statement": "f" * 64,
}


def days(first: int, last: int, *rows: dict[str, Any], until_ns: int | None = None, age: int = 0) -> Statement:
    """A statement of those days before today, with these executions."""
    whole = TODAY - timedelta(days=last)
    return Statement(
        statement_id="f" * 64,
        account="DU1",
        kind="activity" if until_ns is None else "confirms",
        first_day=TODAY - timedelta(days=first),
        last_day=whole,
        last_whole_day=whole,
        generated_ns=NOON - age * DAY_NS,
        covers_until_ns=until_ns,
        executions=pl.DataFrame(
            [[(TOLD | row).get(name) for name in FLEX_EXECUTION] for row in rows], schema=FLEX_EXECUTION, orient="row"
        ),
    )


def said(*statements: Statement, **words: Any) -> Snapshot:
    """What the gateway says at noon, and these statements."""
    return replace(snapshot(**words), statements=statements)


def done(found: Plan) -> list[tuple[str, str, object, dict[str, Any]]]:
    """Each action as entity, kind, what it is about, and what changes."""
    return [
        (
            a.entity,
            a.kind,
            a.exec_id or a.row,
            {n: new for n, (_, new) in a.changes.items()} if a.kind == "update" else {},
        )
        for a in found.actions
    ]


def test_1_a_known_execution_proves_the_order_of_its_siblings(tmp_path: Path) -> None:
    fill = {"order_row": 1, "exec_id": "a.b.01.01", "quantity": "1", "price": "5000", "perm_id": 8}
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "filled_quantity": "1"}, {"perm_id": 9}, fills=(fill,))
    rows = ({"quantity_e8": ONE}, {"exec_id": "a.b.02.01", "quantity_e8": ONE})
    found = plan(book, said(days(7, 1, *rows)))
    assert found.undecided == ()
    assert done(found)[1:] == [
        ("order", "update", 1, {"status": "Filled", "filled_quantity": "2"}),
        ("execution", "insert", "a.b.02.01", {}),
    ]
    (insert,) = [a for a in found.actions if a.kind == "insert"]
    assert (insert.order_row, insert.perm_id) == (1, 8)


def test_1_executions_on_two_orders_of_the_book_wait(tmp_path: Path) -> None:
    fills = tuple({"order_row": row, "exec_id": f"a.b.0{row}.01", "quantity": "1", "price": "5000"} for row in (1, 2))
    book = make_book(tmp_path / "b.db", {"perm_id": 8}, {"perm_id": 9}, fills=fills)
    rows = tuple({"exec_id": f"a.b.0{n}.01", "quantity_e8": ONE} for n in (1, 2, 3))
    found = plan(book, said(days(7, 1, *rows)))
    assert done(found) == []
    assert (
        found.notes[0]
        == "1 order(s) of the Flex statements wait (720): its executions are on several orders of the book"
    )


def test_2_an_order_reference_proves_the_order(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "order_ref": "r1"}, {"perm_id": 9, "order_ref": "r2"})
    found = plan(book, said(days(7, 1, {"order_ref": "r2"}), live=(opened(perm_id=8, order_ref="r1"),)))
    assert done(found) == [
        ("order", "update", 2, {"status": "Filled", "filled_quantity": "2"}),
        ("execution", "insert", "a.b.01.01", {}),
    ]
    assert found.actions[0].evidence == ("flex", "statement ffffffffffff (2026-02-25 to 2026-03-03)")
    assert "Flex statement ffffffffffff" in found.actions[0].reason


@pytest.mark.parametrize("row", [{"side": "SELL"}, {"quantity_e8": 3 * ONE}, {"con_id": 6}, {"price_e8": 5001 * ONE}])
def test_2_a_reference_on_an_order_that_it_cannot_be_proves_nothing(tmp_path: Path, row: dict[str, Any]) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "order_ref": "r1", "con_id": 5})
    live = (opened(perm_id=8, order_ref="r1", con_id=5),)
    found = plan(book, said(days(7, 1, {"order_ref": "r1"} | row), live=live))
    assert [(a.entity, a.kind, a.order_row) for a in found.actions] == [
        ("order", "insert", None),
        ("execution", "insert", None),
    ]


def test_3_the_reports_order_id_counts_where_it_is_the_perm_id(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 720}, {"perm_id": 9})
    found = plan(book, said(days(7, 1, {}), live=(opened(perm_id=9),)))
    assert done(found)[0] == ("order", "update", 1, {"status": "Filled", "filled_quantity": "2"})


def test_4_executions_of_old_books_learn_their_ids(tmp_path: Path) -> None:
    fill = {"order_row": 1, "quantity": "2", "price": "5000", "executed_at": to_iso(NOON - 2 * DAY_NS - 3 * NS_PER_S)}
    book = make_book(tmp_path / "b.db", {"status": "Filled", "filled_quantity": "2"}, fills=(fill,))
    found = plan(book, said(days(7, 1, {"commission_e8": 410_000_000, "commission_currency": "USD"})))
    assert done(found) == [
        ("execution", "update", "a.b.01.01",
         {"exec_id": "a.b.01.01", "commission": "4.1", "commission_currency": "USD"}),
    ]  # fmt: skip


def test_5_a_look_alike_is_taken_only_where_the_settings_say_so(tmp_path: Path) -> None:
    placed = NOON - 2 * DAY_NS
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "placed_at": to_iso(placed)})
    told = said(days(7, 1, {"ordered_ns": placed + NS_PER_S}))
    found = plan(book, told)
    assert [one.reason for one in found.undecided] == ["signature_for_review"]
    assert found.actions == ()
    taken = build_plan(
        told, reader.load(book), flags=HARD, rules=replace(STRICT, accept_unique=True), symbols=(), moving=frozenset()
    )
    assert taken.undecided == ()
    assert done(taken)[0] == ("order", "update", 1, {"status": "Filled", "filled_quantity": "2"})


def test_5_what_the_gateways_own_order_has_filled_waits_until_that_is_in_the_book(tmp_path: Path) -> None:
    live = opened(perm_id=8, con_id=5, quantity_e8=4 * ONE, filled_quantity_e8=2 * ONE)
    found = plan(make_book(tmp_path / "b.db"), said(days(7, 1, {}), live=(live,)))
    assert [(a.entity, a.kind, a.perm_id) for a in found.actions] == [("order", "insert", 8)]
    assert "earlier fills of an order that the gateway holds" in found.notes[0]


def test_6_an_order_that_the_book_never_saw_is_inserted_with_what_was_executed(tmp_path: Path) -> None:
    rows = ({"quantity_e8": ONE}, {"exec_id": "a.b.02.01", "flex_order_type": "MKT"})
    found = plan(make_book(tmp_path / "b.db"), said(days(7, 1, *rows)))
    order, *fills = found.actions
    assert order.after is not None
    assert {name: order.after[name] for name in ("perm_id", "status", "quantity", "filled_quantity", "order_type")} == {
        "perm_id": None, "status": "Filled", "quantity": "3", "filled_quantity": "3", "order_type": "MKT",
    }  # fmt: skip
    assert [fill.order_action for fill in fills] == [order.action_id] * 2


def test_one_execution_from_gateway_and_statement_is_one(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8})
    fill = {"perm_id": 8, "exec_id": "a.b.01.01", "quantity_e8": 2 * ONE, "cumulative_quantity_e8": 2 * ONE}
    told = said(days(1, 0, {"executed_ns": NOON, "commission_e8": 410_000_000}), fills=(fill,))
    found = plan(book, told)
    (insert,) = [a for a in found.actions if a.entity == "execution"]
    assert insert.after is not None
    assert (insert.exec_id, insert.after["commission"], insert.evidence) == ("a.b.01.01", "4.1", ("executions",))


def test_a_correction_that_the_book_has_not_supersedes_or_is_asked_about(tmp_path: Path) -> None:
    fill = {"order_row": 1, "exec_id": "a.b.01.01", "quantity": "2", "price": "5000", "cumulative_quantity": "2",
            "perm_id": 8}  # fmt: skip
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "status": "Filled", "filled_quantity": "2"}, fills=(fill,))
    found = plan(book, said(days(7, 1, {"exec_id": "a.b.01.02", "price_e8": 4999 * ONE})))
    assert ([one.reason for one in found.undecided], found.actions) == (["correction_unclear"], ())


@pytest.mark.parametrize(
    ("row", "news"),
    [
        ({"quantity_e8": ONE}, {"quantity": "1"}),
        ({"price_e8": 4999 * ONE}, {"price": "4999"}),
        ({"commission_e8": 5 * ONE, "commission_currency": "USD"}, {"commission": "5"}),
    ],
)
def test_what_the_statement_says_otherwise_is_an_update(
    tmp_path: Path, row: dict[str, Any], news: dict[str, str]
) -> None:
    fill = {"order_row": 1, "exec_id": "a.b.01.01", "quantity": "2", "price": "5000", "perm_id": 8,
            "commission": "4.1", "commission_currency": "USD"}  # fmt: skip
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "status": "Filled", "filled_quantity": "2"}, fills=(fill,))
    found = plan(book, said(days(7, 1, row)))
    (update,) = [a for a in found.actions if a.entity == "execution"]
    assert {name: new for name, (_, new) in update.changes.items()} == news
    assert update.evidence == ("flex", "statement ffffffffffff (2026-02-25 to 2026-03-03)")


def test_the_statement_that_was_generated_last_is_believed(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db")
    old = days(7, 2, {"commission_e8": ONE}, age=1)
    new = days(7, 1, {"commission_e8": 2 * ONE})
    for both in ((old, new), (new, old)):
        (fill,) = [a for a in plan(book, said(*both)).actions if a.entity == "execution"]
        assert fill.after is not None
        assert fill.after["commission"] == "2"


def test_an_execution_of_the_book_that_the_statement_has_not_is_a_finding(tmp_path: Path) -> None:
    fill = {"order_row": 1, "exec_id": "z.z.01.01", "quantity": "2", "price": "5000", "perm_id": 8,
            "executed_at": to_iso(NOON - 3 * DAY_NS)}  # fmt: skip
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "status": "Filled", "filled_quantity": "2"}, fills=(fill,))
    found = plan(book, said(days(7, 1)))
    assert found.actions == ()
    assert [(one.kind, one.text) for one in found.findings] == [
        (
            "not_in_statement",
            "execution z.z.01.01 of 2026-03-01T12:00:00.000Z is in the book, and not in the Flex statement of its day",
        )
    ]
    assert plan(book, said(days(7, 4))).findings == ()


def test_fills_of_days_that_no_statement_tells_count_too(tmp_path: Path) -> None:
    fill = {"order_row": 1, "exec_id": "z.z.01.01", "quantity": "1", "price": "5000", "perm_id": 8}
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "quantity": "3", "filled_quantity": "1", "order_ref": "r"},
                     fills=(fill,))  # fmt: skip
    found = plan(book, said(days(7, 1, {"order_ref": "r"})))
    assert done(found)[0] == ("order", "update", 1, {"status": "Filled", "filled_quantity": "3"})


def test_a_book_that_says_more_than_it_lists_is_never_told_less(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "quantity": "9", "filled_quantity": "5", "order_ref": "r"})
    live = opened(perm_id=8, order_ref="r", quantity_e8=9 * ONE)
    found = plan(book, said(days(7, 1, {"order_ref": "r"}), live=(live,)))
    assert done(found) == [("execution", "insert", "a.b.01.01", {})]


def test_a_partly_filled_order_that_is_nowhere_is_an_orphan_with_its_fills(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "order_ref": "r"})
    found = plan(book, said(days(7, 1, {"order_ref": "r", "quantity_e8": ONE})), flags=HARD)
    (orphan,) = [a for a in found.actions if a.entity == "order"]
    assert orphan.after is not None
    assert (orphan.kind, orphan.after["status"], orphan.after["filled_quantity"]) == (
        "soft_delete",
        "orphaned_deleted",
        "1",
    )
    assert "flex" in orphan.evidence


LAST_LIVE = {"perm_id": 8, "currency": "USD", "last_live_at": to_iso(NOON - 3 * DAY_NS)}


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        ((), "soft_delete"),
        ((days(7, 1),), "soft_delete"),  # yesterday's evening is in today's report
        ((days(7, 1), days(0, 0, until_ns=MIDNIGHT + 6 * 3600 * NS_PER_S)), "soft_delete"),  # see below: 0 is whole
        ((days(7, 3), days(1, 0)), "soft_delete"),  # a day is missing
        ((days(7, 0),), "hard_delete"),
        ((days(7, 4), days(3, 0)), "hard_delete"),
        ((days(2, 0),), "soft_delete"),  # it begins after the order was last live
    ],
)
def test_an_orphan_is_deleted_for_good_only_where_no_fill_can_hide(
    tmp_path: Path, statements: tuple[Statement, ...], kind: str
) -> None:
    if len(statements) == 2 and statements[1].covers_until_ns is not None:
        today = replace(statements[1], last_whole_day=TODAY - timedelta(days=1))
        statements, kind = (statements[0], today), "hard_delete"
    book = make_book(tmp_path / "b.db", LAST_LIVE)
    (orphan,) = plan(book, said(*statements), flags=HARD).actions
    assert orphan.kind == kind
    assert (kind == "hard_delete") or "the broker's answer covers from" in orphan.reason


def test_of_a_contract_elsewhere_the_last_day_is_not_claimed(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", LAST_LIVE | {"currency": "JPY"})
    (orphan,) = plan(book, said(days(7, 0)), flags=HARD).actions
    assert orphan.kind == "hard_delete"  # the gateway's day begins with the statement's last one
    gateway = replace(snapshot().parts["executions"], covers_from_ns=MIDNIGHT + NS_PER_S)
    later = said(days(7, 0))
    later = replace(later, parts={**later.parts, "executions": gateway})
    (orphan,) = plan(book, later, flags=HARD).actions
    assert orphan.kind == "soft_delete"


def test_a_statement_that_cannot_be_used_any_more_stops_conclusions_from_absence(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8})
    told = snapshot()
    broken = replace(told, parts={**told.parts, "flex": Part("flex", NOON, None, None, 0, "damaged")})
    assert (plan(book, told).actions != (), plan(book, broken).actions) == (True, ())
    assert (broken.complete, [part.name for part in broken.missing()]) == (False, ["flex"])


def test_the_plan_does_not_depend_on_the_order_of_statements_or_rows(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 8, "order_ref": "r"}, {"perm_id": 9})
    rows = [{"order_ref": "r", "quantity_e8": ONE}, {"exec_id": "a.b.02.01", "order_ref": "r", "quantity_e8": ONE},
            {"exec_id": "a.b.03.01", "flex_order": "9", "side": "SELL"}]  # fmt: skip
    there = plan(book, said(days(7, 4, *rows), days(3, 1)))
    back = plan(book, said(days(3, 1), days(7, 4, *reversed(rows))))
    assert [a.canonical() for a in there.actions] == [a.canonical() for a in back.actions]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6))
def test_spans_cover_exactly_the_days_that_are_told(spans: list[tuple[int, int]]) -> None:
    """A day is covered up to the turn of its trade date, and through it where the next day is told too."""
    told = [days(max(one), min(one)) for one in spans]
    known = {TODAY - timedelta(days=n) for one in told for n in range(31)
             if one.first_day <= TODAY - timedelta(days=n) <= one.last_whole_day}  # fmt: skip
    found = covered_spans(told)
    for day in (TODAY - timedelta(days=n) for n in range(-1, 32)):
        noon = day_start_ns(day) + 12 * 3600 * NS_PER_S
        evening = turn_ns(day) + 3600 * NS_PER_S
        assert any(begin <= noon < end for begin, end in found) == (day in known)
        assert any(begin <= evening < end for begin, end in found) == ({day, day + timedelta(days=1)} <= known)
    assert found == sorted(found)


def test_the_clocks_change_leaves_no_hole() -> None:
    monday = date(2026, 3, 9)  # clocks went forward on Sunday the 8th
    gap = (TODAY - monday).days
    (span,) = covered_spans([days(gap + 3, gap)])
    assert span == (day_start_ns(date(2026, 3, 6)), turn_ns(monday))
    assert (span[1] - span[0]) == (3 * 24 + 17 - 1) * 3600 * NS_PER_S


def test_without_a_gateways_day_nothing_is_covered() -> None:
    told = said(days(7, 0))
    bare = {name: replace(part, covers_from_ns=None) for name, part in told.parts.items()}
    assert covered_from(replace(told, parts=bare), currency="USD") is None
    assert covered_from(told, currency="USD") == int(datetime(2026, 2, 25, 5, tzinfo=UTC).timestamp()) * NS_PER_S
    assert fills_frame({}).height == 1
