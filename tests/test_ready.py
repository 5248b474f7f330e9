"""What a plan's transaction will write, worked out before it begins: used as long as nobody else wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from plan_support import make_book, rows_of
from test_writer import APPROVAL, a_fill, an_order, change, image
from tieout.errors import PlanStale
from tieout.store import engine
from tieout.store.audit import GENESIS, links, table_rows
from tieout.store.ready import make_ready, read_standing
from tieout.store.writer import Applied, Change, apply_changes

EXECUTION = {"order_row": 2, "exec_id": "y.01", "perm_id": 8, "quantity": "2", "price": "5000", "commission": "1"}


def a_book(path: Path) -> Path:
    return make_book(path, {"perm_id": 7}, {"perm_id": 8}, {"perm_id": 6}, fills=(EXECUTION,))


def of_each_kind(book: Path) -> list[Change]:
    first, second, third = (image(book, row) for row in (1, 2, 3))
    filled = {"filled_quantity": "2", "status": "Filled"}
    return [
        change("update", action_id="a1", row=1, before=first, after=first | {"tif": "GTC"}),
        change("update", action_id="a2", row=2, before=second, after=second | filled),
        change("hard_delete", action_id="a3", row=3, before=third),
        change("insert", action_id="a4", after=an_order()),
        change("insert", action_id="a5", entity="execution", after=a_fill(), order_action="a4"),
    ]  # fmt: skip


def apply_ready(book: Path, changes: list[Change], *meanwhile: str) -> Applied:
    """As a confirm does: get ready, and then begin; the statements come from another connection in between."""
    with engine.connect(book) as connection:
        with engine.read(connection):
            standing = read_standing(connection, changes)
        ready = make_ready(connection, standing, changes, APPROVAL)
        with closing(sqlite3.connect(book)) as other, other:
            for statement in meanwhile:
                other.execute(statement)
        with engine.write(connection):
            assert ready.holds(connection) == (not meanwhile)
            return apply_changes(connection, changes, APPROVAL, ready=ready)


def audit_of(book: Path) -> list[dict[str, object]]:
    with engine.connect(book) as connection, engine.read(connection):
        found = list(table_rows(connection))
    previous = GENESIS
    for row in found:
        assert links(row, previous)
        previous = row["hash"]
    return found


def test_it_writes_what_is_written_without_it(tmp_path: Path) -> None:
    plain, book = a_book(tmp_path / "plain.db"), a_book(tmp_path / "b.db")
    changes = of_each_kind(plain)
    with engine.connect(plain) as connection, engine.write(connection):
        wanted = apply_changes(connection, changes, APPROVAL)
    done = apply_ready(book, changes)
    assert (done.rows, done.counts, done.head) == (wanted.rows, wanted.counts, wanted.head)
    for table in ("orders", "executions", "order_audit", "applied_plans"):
        assert rows_of(book, f"SELECT * FROM {table}") == rows_of(plain, f"SELECT * FROM {table}")
    assert [row["action_id"] for row in audit_of(book)] == ["a4", "a1", "a2", "a3", "a5"]


def test_a_row_written_meanwhile_elsewhere_changes_nothing_but_the_work(tmp_path: Path) -> None:
    book = a_book(tmp_path / "b.db")
    new = "INSERT INTO orders (account, symbol, side, quantity, order_type, status) VALUES ('', '', '', '', '', '')"
    done = apply_ready(book, of_each_kind(book), new, "UPDATE orders SET updated_at = 'just now' WHERE id = 1")
    assert done.rows["a4"] == 5
    assert '"updated_at": "just now"' in str(audit_of(book)[1]["before"])


def test_a_row_of_the_plan_written_meanwhile_makes_it_stale(tmp_path: Path) -> None:
    book = a_book(tmp_path / "b.db")
    with pytest.raises(PlanStale, match="order row 2 is no longer what the plan saw"):
        apply_ready(book, of_each_kind(book), "UPDATE orders SET tif = 'IOC' WHERE id = 2")
    assert rows_of(book, "SELECT count(*) FROM order_audit") == [(0,)]


def test_an_identity_taken_meanwhile_makes_it_stale(tmp_path: Path) -> None:
    book = a_book(tmp_path / "b.db")
    with pytest.raises(PlanStale, match="the book has perm_id 9 by now"):
        apply_ready(book, of_each_kind(book), "UPDATE orders SET perm_id = 9 WHERE id = 3")


def test_the_audit_tells_what_a_trigger_made_of_a_row(tmp_path: Path) -> None:
    book = a_book(tmp_path / "b.db")
    with closing(sqlite3.connect(book)) as other, other:
        more = "UPDATE orders SET extra = 'by t' WHERE id = new.id"
        other.execute(f"CREATE TRIGGER t AFTER UPDATE OF tif ON orders BEGIN {more}; END")
    apply_ready(book, of_each_kind(book))
    told = {row["action_id"]: str(row["after"]) for row in audit_of(book)}
    assert ('"extra": "by t"' in told["a1"], '"extra": null' in told["a2"]) == (True, True)


def test_the_audit_tells_the_average_of_the_fills(tmp_path: Path) -> None:
    book = a_book(tmp_path / "b.db")
    apply_ready(book, of_each_kind(book))
    told = {row["action_id"]: str(row["after"]) for row in audit_of(book)}
    assert '"avg_fill_price": "5000.5"' in told["a4"]


def test_another_database_than_sqlite_is_never_taken_for_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = a_book(tmp_path / "b.db")
    with engine.connect(book) as connection:
        with engine.read(connection):
            standing = read_standing(connection, of_each_kind(book))
        ready = make_ready(connection, standing, of_each_kind(book), APPROVAL)
        monkeypatch.setattr(connection.dialect, "name", "other")
        assert not ready.holds(connection)
