"""Writing a plan's changes into a real book; the numbers are those of tieout.store.writer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plan_support import NOON, make_book, rows_of
from tieout.clock import to_iso
from tieout.errors import PlanStale
from tieout.store import engine, reader
from tieout.store.audit import GENESIS, links, table_rows
from tieout.store.tables import executions, orders
from tieout.store.writer import Applied, Approval, Change, apply_changes

APPROVAL = Approval(
    plan_id="p" * 64, file_sha256="f" * 64, approver="ann", backup_id="b", now_ns=NOON, predicted_fingerprint="0" * 64
)


def image(path: Path, row: int = 1, table: str = "orders") -> reader.Image:
    """A row's reconciled columns, as a plan carries them."""
    with engine.connect(path) as connection, engine.read(connection):
        return reader.images(connection, orders if table == "orders" else executions, [row])[row]


def change(kind: str, **values: Any) -> Change:
    """A change with the values that a test does not care about."""
    plain: dict[str, Any] = {"action_id": "a1", "entity": "order", "row": None, "before": None, "after": None}
    return Change(**{**plain, "kind": kind, "reason": "why", **values})


def apply(path: Path, *changes: Change) -> Applied:
    """Apply them as a confirm does."""
    with engine.connect(path) as connection, engine.write(connection):
        return apply_changes(connection, changes, APPROVAL)


def an_order(**values: Any) -> reader.Image:
    """An order as an insert carries it."""
    from tieout.store.tables import RECONCILED_ORDER

    known = {"account": "DU1", "symbol": "ES", "side": "BUY", "quantity": "1", "order_type": "MKT", "status": "Filled",
             "filled_quantity": "1", "perm_id": 9}  # fmt: skip
    return {name: {**known, **values}.get(name) for name in RECONCILED_ORDER}


def a_fill(**values: Any) -> reader.Image:
    """An execution as an insert carries it."""
    from tieout.store.tables import RECONCILED_EXECUTION

    known = {"account": "DU1", "symbol": "ES", "side": "BUY", "quantity": "1", "price": "5000.5", "exec_id": "x.01",
             "perm_id": 9, "active": True, "commission": "2.05"}  # fmt: skip
    return {name: {**known, **values}.get(name) for name in RECONCILED_EXECUTION}


def test_1_an_update_changes_its_row_and_says_when(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7}, {"perm_id": 8})
    before = image(book)
    done = apply(book, change("update", row=1, before=before, after=before | {"tif": "GTC", "limit_price": "5001"}))
    assert (done.rows, dict(done.counts)) == ({"a1": 1}, {"update": 1})
    assert rows_of(book, "SELECT tif, limit_price, updated_at FROM orders ORDER BY id") == [
        ("GTC", "5001", to_iso(NOON)),
        ("DAY", "5000", None),
    ]


@pytest.mark.parametrize("field", ["status", "limit_price", "perm_id", "tif"])
def test_1_a_row_that_is_not_its_before_image_fails_everything(tmp_path: Path, field: str) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7}, {"perm_id": 8})
    good, seen = image(book, 2), image(book, 1)
    stale = seen | {field: 1 if field == "perm_id" else "other"}
    with pytest.raises(PlanStale, match="no longer what the plan saw"):
        apply(
            book,
            change("update", row=2, before=good, after=good | {"tif": "GTC"}),
            change("update", action_id="a2", row=1, before=stale, after=stale | {"quantity": "3"}),
        )
    assert rows_of(book, "SELECT tif, quantity FROM orders") == [("DAY", "2"), ("DAY", "2")]
    assert rows_of(book, "SELECT count(*) FROM order_audit") == [(0,)]
    assert rows_of(book, "SELECT count(*) FROM applied_plans") == [(0,)]


def test_1_null_is_a_value_of_the_before_image(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": None})
    before = image(book)
    apply(book, change("update", row=1, before=before, after=before | {"perm_id": 7}))
    assert rows_of(book, "SELECT perm_id FROM orders") == [(7,)]


def test_2_an_insert_with_an_identity_that_is_taken_fails(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 9})
    with pytest.raises(PlanStale, match="the book has perm_id 9 by now"):
        apply(book, change("insert", after=an_order()))
    other = make_book(tmp_path / "o.db", {"perm_id": 9, "account": "DU2"})
    assert apply(other, change("insert", after=an_order())).rows == {"a1": 2}


def test_an_execution_finds_the_order_that_the_same_plan_inserts(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    fill = change("insert", action_id="a0", entity="execution", after=a_fill(), order_action="a1")
    done = apply(book, fill, change("insert", after=an_order()))
    assert done.rows == {"a1": 2, "a0": 1}
    assert rows_of(book, "SELECT order_row, exec_id, active, origin FROM executions") == [(2, "x.01", 1, "broker")]
    assert rows_of(book, "SELECT avg_fill_price, commission FROM orders WHERE id = 2") == [("5000.5", "2.05")]


def test_an_execution_without_its_order_fails(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db")
    with pytest.raises(PlanStale, match="its order is not in the book"):
        apply(book, change("insert", entity="execution", after=a_fill(), order_action="never"))


@pytest.mark.parametrize(
    ("filled", "commissions", "wanted"),
    [
        ("3", ("1", "0.5"), ("5001.33333333", "1.5")),
        ("3", ("1", None), ("5001.33333333", None)),
        ("4", ("1", "0.5"), (None, None)),
    ],
)
def test_averages_follow_from_a_whole_ledger_only(
    tmp_path: Path, filled: str, commissions: tuple[str, str | None], wanted: tuple[str | None, str | None]
) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 9, "filled_quantity": filled})
    prices = (("5000", "1"), ("5002", "2"))
    fills = [
        change("insert", action_id=f"a{n}", entity="execution", order_row=1,
               after=a_fill(exec_id=f"{n}.01", price=price, quantity=quantity, commission=commissions[n]))
        for n, (price, quantity) in enumerate(prices)
    ]  # fmt: skip
    apply(book, *fills)
    assert rows_of(book, "SELECT avg_fill_price, commission FROM orders") == [wanted]


def test_a_hard_delete_keeps_the_row_and_its_events_in_the_audit(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    with engine.connect(book) as connection, engine.write(connection):
        connection.exec_driver_sql(
            "INSERT INTO order_events (order_row, event_type, message) VALUES (1, 'PLACED', 'x')"
        )
    apply(book, change("hard_delete", row=1, before=image(book)))
    assert rows_of(book, "SELECT count(*) FROM orders") == [(0,)]
    assert rows_of(book, "SELECT order_row, message FROM order_events") == [(None, "x")]
    ((before, after),) = rows_of(book, "SELECT before, after FROM order_audit")
    kept = json.loads(before)
    assert (kept["perm_id"], kept["events"][0]["message"], after) == (7, "x", None)


def test_3_every_change_has_its_audit_row_and_the_journal_names_them(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7}, {"perm_id": 8})
    one, two = image(book, 1), image(book, 2)
    done = apply(
        book,
        change("soft_delete", row=1, before=one, after=one | {"status": "orphaned_deleted"}),
        change("update", action_id="a2", row=2, before=two, after=two | {"tif": "GTC"}),
    )
    told = rows_of(book, "SELECT kind, row, plan_id, action_id, approver, backup_id, at FROM order_audit ORDER BY id")
    shared = ("ann", "b", to_iso(NOON))
    assert told == [("update", 2, "p" * 64, "a2", *shared), ("soft_delete", 1, "p" * 64, "a1", *shared)]
    ((plan_id, actions, counts),) = rows_of(book, "SELECT plan_id, actions, counts FROM applied_plans")
    assert (plan_id, json.loads(actions), json.loads(counts)) == (
        "p" * 64,
        ["a1", "a2"],
        {"soft_delete": 1, "update": 1},
    )
    with engine.connect(book) as connection, engine.read(connection):
        rows = list(table_rows(connection))
    assert links(rows[0], GENESIS)
    assert links(rows[1], rows[0]["hash"])
    assert done.head is not None
    assert (done.head.rows, done.head.hash) == (2, rows[1]["hash"])


def test_the_same_plan_cannot_be_journalled_twice(tmp_path: Path) -> None:
    from tieout.errors import BookError

    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    before = image(book)
    apply(book, change("update", row=1, before=before, after=before | {"tif": "GTC"}))
    again = image(book)
    with pytest.raises(BookError, match="UNIQUE constraint failed"):
        apply(book, change("update", row=1, before=again, after=again | {"tif": "IOC"}))
    assert rows_of(book, "SELECT tif FROM orders") == [("GTC",)]
