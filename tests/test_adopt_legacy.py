"""Nothing is lost: the old tables, their values and the text of their schema."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from adopt_support import Adopted, OldBook

if TYPE_CHECKING:
    from pathlib import Path

AT = "2025-11-10T10:00:00.500000"


def test_every_value_is_found_again_with_its_storage_class(tmp_path: Path) -> None:
    old = OldBook(tmp_path / "old.db")
    for order_id, odd in enumerate([1, 1.5, "text", b"\x00\xff", None, "1.50", 2**62], start=1):
        old.order(order_id, AT, mood=odd, quantity=odd if odd is not None else "none")
    old.run("UPDATE orders SET mood = CAST(x'ff41' AS TEXT) WHERE order_id = 1")
    query = "SELECT order_id, typeof(mood), hex(mood), typeof(quantity), hex(quantity) FROM {} ORDER BY order_id"
    with closing(sqlite3.connect(old.path)) as connection:
        before = connection.execute(query.format("orders")).fetchall()
    adopted = Adopted(old.path)
    assert adopted.rows(query.format("legacy_orders")) == before
    assert adopted.rows("SELECT json_extract(extra, '$.mood') FROM orders WHERE order_id = 1") == [("\\xffA",)]
    assert adopted.doubts()["text_undecodable"] == 1


def test_the_old_schema_is_kept_as_text(tmp_path: Path) -> None:
    old = OldBook(tmp_path / "old.db")
    old.run(
        """
        CREATE INDEX by_symbol ON orders (symbol);
        CREATE VIEW working AS SELECT * FROM orders WHERE status = 'Submitted';
        CREATE VIEW busy AS SELECT count(*) AS n FROM working;
        CREATE TABLE notes (id INTEGER PRIMARY KEY, text);
        CREATE VIEW texts AS SELECT text FROM notes;
        CREATE TRIGGER noted AFTER INSERT ON notes BEGIN DELETE FROM orders WHERE order_id = 0; END;
        """
    )
    adopted = Adopted(old.path)
    [(text,)] = adopted.rows("SELECT value FROM book_meta WHERE key = 'legacy_schema'")
    kept = json.loads(text)
    assert [each["name"] for each in kept["objects"] if each["sql"]] == [
        "orders", "order_events", "executions", "by_symbol", "working", "busy", "noted",
    ]  # fmt: skip
    assert kept["kept_as"] == {
        "orders": "legacy_orders", "order_events": "legacy_order_events", "executions": "legacy_executions",
    }  # fmt: skip
    assert adopted.rows("SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')") == [("texts",)]
    assert adopted.doubts() == {"schema_object_removed": 3}


def test_further_tables_stay_and_those_that_point_at_old_ones_are_set_aside(tmp_path: Path) -> None:
    old = OldBook(tmp_path / "old.db")
    old.order(5, AT)
    old.run(
        """
        CREATE TABLE notes (id INTEGER PRIMARY KEY, text);
        INSERT INTO notes VALUES (3, 'kept');
        CREATE TABLE tags (order_id INTEGER REFERENCES orders (order_id), tag TEXT);
        INSERT INTO tags VALUES (5, 'kept too');
        CREATE TABLE legacy_orders (mine);
        CREATE TABLE order_audit (id INTEGER PRIMARY KEY, details TEXT);
        INSERT INTO order_audit VALUES (1, 'old audit');
        CREATE TABLE alembic_version (version_num TEXT);
        INSERT INTO alembic_version VALUES ('bot-7');
        """
    )
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT * FROM notes") == [(3, "kept")]
    assert adopted.rows("SELECT * FROM legacy_tags") == [(5, "kept too")]
    assert adopted.rows("SELECT details FROM legacy_order_audit") == [("old audit",)]
    assert adopted.rows("SELECT * FROM legacy_alembic_version") == [("bot-7",)]
    assert adopted.rows("SELECT order_id FROM legacy_orders_2") == [(5,)]
    assert adopted.rows("PRAGMA foreign_key_check") == []
    assert adopted.doubts() == {"row_without_placed": 1, "table_set_aside": 2}


def test_a_log_without_an_id_column_is_read_as_its_rows_lie(tmp_path: Path) -> None:
    old = OldBook(
        tmp_path / "old.db",
        """
        CREATE TABLE orders (
            order_id INTEGER PRIMARY KEY, timestamp, symbol, action, quantity, order_type, status
        );
        CREATE TABLE order_events (order_id, timestamp, event_type);
        CREATE TABLE executions (id, order_id, timestamp, quantity, price);
        """,
    )
    old.event(5, AT, "PLACED")
    old.event(5, AT, "NOTE")
    for _ in range(2):
        old.add("executions", id="same", order_id=5, timestamp=AT, quantity=1, price=2)
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT id, order_row, event_type FROM order_events") == [
        (1, 1, "PLACED"),
        (2, 1, "NOTE"),
    ]
    assert adopted.rows("SELECT id, order_row, extra FROM executions") == [
        (1, 1, '{"id": "same"}'),
        (2, 1, '{"id": "same"}'),
    ]
