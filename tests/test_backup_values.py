"""Every value that SQLite can hold survives: in the fingerprint's eyes, and through the dump."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_books import NOON_NS, pipe, pipe_without_program, run_sql
from tieout.backup import make_backup, read_fingerprint
from tieout.backup.fingerprint import read_content
from tieout.backup.literal import real_literal, text_literal
from tieout.errors import BackupError

INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
REALS = st.floats(allow_nan=False)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(alphabet="\n\r\0'\"<>0123:;\\ué𝄞"),
)
VALUES = st.one_of(st.none(), INTEGERS, REALS, TEXTS, st.binary(max_size=40))
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES, VALUES), max_size=8)

ODD_TABLE = """
CREATE TABLE "odd ""name" ("a b" TEXT, i INTEGER, r REAL, n NUMERIC, anything);
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT COLLATE NOCASE);
CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE made (a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED);
CREATE INDEX "an index" ON "odd ""name" (i);
CREATE TRIGGER mark AFTER INSERT ON orders BEGIN
  UPDATE orders SET note = 'changed;' WHERE id = new.id AND note IS NULL;
END;
CREATE VIEW several AS SELECT "a b" FROM "odd ""name";
INSERT INTO keyed VALUES ('b', 1), ('a', 2); INSERT INTO made (a) VALUES (4);
INSERT INTO orders (id, note) VALUES (41, 'x'); DELETE FROM orders;
"""


def odd_book(path: Path, rows: list[tuple[object, ...]]) -> Path:
    run_sql(path, ODD_TABLE)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executemany('INSERT INTO "odd ""name" VALUES (?, ?, ?, ?, ?)', rows)
    return path


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_any_values_come_back_the_same(rows: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = odd_book(Path(folder) / "orders.db", rows)
        made = make_backup(book, backups_dir=Path(folder) / "backups", now_ns=NOON_NS)
        for put_back, name in ((pipe, "a.db"), (pipe_without_program, "b.db")):
            target = Path(folder) / name
            run_sql(target, "CREATE TABLE orders (other); INSERT INTO orders VALUES ('old');")
            put_back(made.sql, target)
            assert read_fingerprint(target) == made.fingerprint
            with closing(sqlite3.connect(target)) as raw:
                read = raw.execute('SELECT * FROM "odd ""name" ORDER BY rowid').fetchall()
            with closing(sqlite3.connect(book)) as raw:
                assert list(map(repr, read)) == [
                    repr(row) for row in raw.execute('SELECT * FROM "odd ""name" ORDER BY rowid')
                ]


@settings(max_examples=300, deadline=None)
@given(one=VALUES, other=VALUES, column=st.sampled_from(["TEXT", "INTEGER", "REAL", "NUMERIC", ""]))
def test_the_fingerprint_tells_two_values_apart_exactly_when_sqlite_stored_two(
    one: object, other: object, column: str
) -> None:
    stored, prints = [], []
    for value in (one, other):
        with closing(sqlite3.connect(":memory:")) as raw:
            raw.execute(f"CREATE TABLE t (v {column})")
            raw.execute("INSERT INTO t VALUES (?)", (value,))
            stored.append(repr(raw.execute("SELECT typeof(v), v FROM t").fetchone()))
            prints.append(read_content(raw).fingerprint)
    assert (prints[0] == prints[1]) == (stored[0] == stored[1])


@given(value=REALS)
def test_a_real_literal_is_read_as_that_double(value: float) -> None:
    with closing(sqlite3.connect(":memory:")) as raw:
        assert raw.execute(f"SELECT {real_literal(value)}").fetchone() == (value,)


@given(text=TEXTS)
def test_a_text_literal_is_one_line_that_is_read_as_that_text(text: str) -> None:
    literal = text_literal(text.encode())
    assert not set(literal) & set("\n\r\0")
    with closing(sqlite3.connect(":memory:")) as raw:
        assert raw.execute(f"SELECT {literal}").fetchone() == (text,)


def test_text_that_is_not_utf8_comes_back_byte_for_byte(tmp_path: Path) -> None:
    book = odd_book(tmp_path / "orders.db", [])
    run_sql(book, """INSERT INTO "odd ""name" ("a b") VALUES (CAST(X'ff00fe' AS TEXT)), ('whole'), (NULL);""")
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    pipe(made.sql, tmp_path / "new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as raw:
        query = """SELECT typeof("a b"), hex("a b") FROM "odd ""name" ORDER BY rowid"""
        assert raw.execute(query).fetchall() == [("text", "FF00FE"), ("text", "77686F6C65"), ("null", "")]


def test_a_book_in_utf16(tmp_path: Path) -> None:
    book = tmp_path / "orders.db"
    run_sql(book, "PRAGMA encoding='UTF-16le'; CREATE TABLE orders (note TEXT);")
    with closing(sqlite3.connect(book)) as raw, raw:
        raw.executemany("INSERT INTO orders VALUES (?)", [("é\n𝄞\0",), ("plain",)])
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    pipe(made.sql, tmp_path / "new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as raw:
        assert raw.execute("SELECT note FROM orders").fetchall() == [("é\n𝄞\0",), ("plain",)]
    assert read_fingerprint(tmp_path / "new.db") == made.fingerprint


def test_the_fingerprint_does_not_see_how_the_pages_lie(tmp_path: Path) -> None:
    book = odd_book(tmp_path / "orders.db", [("a", 1, 0.1, 2, b"x")] * 5)
    before = read_fingerprint(book)
    run_sql(book, 'DELETE FROM "odd ""name" WHERE rowid = 2; PRAGMA page_size=8192; VACUUM;')
    run_sql(book, """INSERT INTO "odd ""name" VALUES ('a', 1, 0.1, 2, X'78'); PRAGMA journal_mode=WAL;""")
    assert read_fingerprint(book) == before


def test_more_columns_than_a_function_takes_arguments(tmp_path: Path) -> None:
    book = tmp_path / "orders.db"
    columns = ", ".join(f"c{n} {'TEXT' if n % 2 else ''}" for n in range(300))
    values = ", ".join(str(n) for n in range(300))
    run_sql(book, f"CREATE TABLE orders ({columns}); INSERT INTO orders VALUES ({values});")
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    pipe(made.sql, tmp_path / "new.db")
    assert read_fingerprint(tmp_path / "new.db") == made.fingerprint


def test_a_virtual_table_is_refused_by_name(tmp_path: Path) -> None:
    book = tmp_path / "orders.db"
    run_sql(book, "CREATE VIRTUAL TABLE notes USING fts5(body);")
    with pytest.raises(BackupError, match="virtual table notes"):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)


def test_names_that_look_like_the_end_of_a_statement_come_back(tmp_path: Path) -> None:
    book = tmp_path / "orders.db"
    run_sql(
        book,
        'CREATE TABLE "a;\n VALUES\n;\n" ("b;\n" TEXT, "c VALUES\n" TEXT, unused TEXT, filled TEXT DEFAULT \'x\');'
        " INSERT INTO \"a;\n VALUES\n;\n\" VALUES ('one;\n', 'two', NULL, NULL);",
    )
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    target = tmp_path / "other.db"
    pipe_without_program(made.sql, target)
    assert read_fingerprint(target) == made.fingerprint


def test_columns_that_no_row_uses_are_left_out_and_null_again(tmp_path: Path) -> None:
    book, target = tmp_path / "orders.db", tmp_path / "other.db"
    run_sql(
        book,
        "CREATE TABLE t (a TEXT, b TEXT DEFAULT 'x', c INTEGER, late TEXT); INSERT INTO t VALUES (NULL, NULL, 1, NULL);"
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO t"
        " SELECT NULL, NULL, i, iif(i = 1500, 'last', NULL) FROM n;"
        " CREATE TABLE empty (a, b); INSERT INTO empty VALUES (NULL, NULL), (NULL, NULL);",
    )
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    heads = [line for line in made.sql.read_text("utf-8").splitlines() if line.startswith("INSERT")]
    assert set(heads) == {'INSERT INTO "empty" ("a") VALUES', 'INSERT INTO "t" ("b", "c", "late") VALUES'}
    for put_back in (pipe, pipe_without_program):
        target.unlink(missing_ok=True)
        put_back(made.sql, target)
        assert read_fingerprint(target) == made.fingerprint
