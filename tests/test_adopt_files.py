"""The old file stays as it is, the new one appears whole or not at all, and bad input is named."""

from __future__ import annotations

import hashlib
import resource
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adopt_support import SCHEMA, Adopted, OldBook, adopt
from tieout.errors import AdoptError, BookError, BookLocked, BookMissing, BookUnusable
from tieout.samples import write_sample_book
from tieout.store import migrate
from tieout.store.adopt import inspect_layout, is_old_layout, legacy

if TYPE_CHECKING:
    from pathlib import Path

AT = "2025-11-10T10:00:00.500000"


@pytest.fixture
def old(tmp_path: Path) -> OldBook:
    book = OldBook(tmp_path / "old.db")
    book.placed(5, AT)
    book.order(5, AT)
    book.fill(5, AT)
    return book


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _bytes(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_source_is_unchanged_and_only_the_target_appears(old: OldBook) -> None:
    before = _bytes(old.path)
    adopted = Adopted(old.path)
    assert _bytes(old.path) == before
    assert _names(old.path.parent) == ["adopted.db", "old.db"]
    assert stat.S_IMODE(adopted.path.stat().st_mode) == 0o600
    assert (inspect_layout(old.path), inspect_layout(adopted.path)) == ("old", "current")
    assert (is_old_layout(old.path), is_old_layout(adopted.path)) == (True, False)


def test_a_second_adoption_changes_nothing_and_tells_the_same(old: OldBook) -> None:
    """Invariant 5."""
    adopted = Adopted(old.path)
    before = _bytes(adopted.path)
    again = adopt(adopted.path, adopted.path.with_name("again.db"))
    assert again == replace(adopted.report, already_current=True)
    assert _bytes(adopted.path) == before
    assert _names(old.path.parent) == ["adopted.db", "old.db"]


def test_a_book_that_never_was_old_needs_nothing(tmp_path: Path) -> None:
    migrate.create_book(tmp_path / "book.db", now_ns=1)
    report = adopt(tmp_path / "book.db", tmp_path / "new.db")
    assert (report.already_current, report.orders, report.doubts) == (True, 0, ())
    assert _names(tmp_path) == ["book.db"]


def test_the_new_book_has_an_identity_and_an_audit_row(old: OldBook) -> None:
    adopted = Adopted(old.path)
    meta = dict(adopted.rows("SELECT key, value FROM book_meta"))
    assert sorted(meta) == [
        "adopt_report", "adopted_from", "created_at", "legacy_schema", "lineage", "restore_epoch",
    ]  # fmt: skip
    assert (meta["restore_epoch"], meta["created_at"]) == ("0", "2025-12-07T12:00:00.000Z")
    assert meta["adopted_from"] == adopted.report.adopted_from
    assert adopted.rows("SELECT kind, entity, approver, after FROM order_audit") == [
        (
            "adopt",
            "book",
            "tester",
            '{"before_first_placed": 0, "executions": 1, "from_events_only": 0,'
            ' "order_events": 1, "orders": 1, "placed": 1}',
        )
    ]


def test_a_bot_that_writes_in_wal_mode_is_adopted_as_it_stands(old: OldBook) -> None:
    with closing(sqlite3.connect(old.path, isolation_level=None)) as bot:
        bot.execute("PRAGMA journal_mode=WAL")
        bot.execute("BEGIN IMMEDIATE")
        bot.execute("UPDATE orders SET status = 'Cancelled'")
        bot.execute("COMMIT")
        bot.execute("BEGIN IMMEDIATE")
        bot.execute("DELETE FROM executions")
        adopted = Adopted(old.path)
        bot.execute("ROLLBACK")
    assert adopted.rows("SELECT status FROM orders") == [("Cancelled",)]
    assert adopted.report.executions == 1
    assert adopted.rows("PRAGMA journal_mode") == [("delete",)]


def test_a_book_that_stays_locked_is_an_error(old: OldBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tieout.store.engine.BUSY_TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(old.path, isolation_level=None)) as bot:
        bot.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BookLocked):
            Adopted(old.path)
    assert _names(old.path.parent) == ["old.db"]


def test_a_writer_that_never_lets_go_ends_the_copy(old: OldBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy, "BUSY_TRIES_MAX", 2)
    monkeypatch.setattr(legacy, "BUSY_PAUSE_S", 0.001)
    with (
        closing(sqlite3.connect(old.path, timeout=0)) as reader,
        closing(sqlite3.connect(old.path, isolation_level=None)) as bot,
    ):
        bot.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BookLocked) as error:
            legacy.copy_book(reader, old.path.with_name("copy.db"), name=old.path)
    assert error.value.message == f"{old.path} is locked by a writer"


def _not_sqlite(path: Path) -> None:
    path.write_text("order_id,symbol\n" * 100)


def _empty(path: Path) -> None:
    path.touch()


def _other(path: Path) -> None:
    OldBook(path, "CREATE TABLE songs (title TEXT)")


def _newer(path: Path) -> None:
    migrate.create_book(path, now_ns=1)
    OldBook(path, "UPDATE alembic_version SET version_num = '9999'")


def _cut(path: Path) -> None:
    write_sample_book(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _columns(path: Path) -> None:
    OldBook(path, SCHEMA.replace("action TEXT NOT NULL,", "").replace("price REAL NOT NULL,", ""))


def _ids(path: Path) -> None:
    OldBook(path, SCHEMA.replace("order_id INTEGER PRIMARY KEY", "order_id"))
    OldBook(path, "INSERT INTO orders VALUES ('x', 1, 'a', 'b', 'c', 1, 'd', 1, 1, 'e', 1, 1, 'f', 'g', 'h')")


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (_not_sqlite, BookUnusable, "{path} is not an SQLite database"),
        (
            _empty,
            BookUnusable,
            "{path} is empty: it has no tables; expected orders, order_events and executions",
        ),
        (
            _other,
            BookUnusable,
            "{path} is an SQLite database, but not an order book: it has no table orders, order_events, executions",
        ),
        (_newer, BookUnusable, "{path} was made by a newer tieout"),
        (
            _columns,
            AdoptError,
            "{path} has the tables of an old order book, but not these columns: orders.action, executions.price",
        ),
        (
            _ids,
            AdoptError,
            "{path}: orders.order_id must be a whole number and different in each of the 1 rows",
        ),
    ],
)
def test_what_is_no_old_book_is_named(tmp_path: Path, make, error: type[BookError], says: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "book.db"
    make(path)
    before = _bytes(path)
    with pytest.raises(error) as caught:
        adopt(path, tmp_path / "new.db")
    assert caught.value.message == says.format(path=path)
    assert type(caught.value) is error
    assert (_bytes(path), _names(tmp_path)) == (before, ["book.db"])


def test_a_damaged_book_is_refused(tmp_path: Path) -> None:
    _cut(tmp_path / "book.db")
    with pytest.raises(BookUnusable):
        adopt(tmp_path / "book.db", tmp_path / "new.db")
    assert _names(tmp_path) == ["book.db"]


def test_a_missing_book_is_named(tmp_path: Path) -> None:
    with pytest.raises(BookMissing) as error:
        adopt(tmp_path / "none.db", tmp_path / "new.db")
    assert error.value.message == f"there is no order book at {tmp_path / 'none.db'}"


def test_an_existing_target_is_left_alone(old: OldBook) -> None:
    target = old.path.with_name("adopted.db")
    target.write_text("mine")
    with pytest.raises(AdoptError) as error:
        Adopted(old.path)
    assert error.value.message == f"{target} exists already"
    assert target.read_text() == "mine"


def test_a_target_in_no_folder_is_named(old: OldBook) -> None:
    with pytest.raises(AdoptError) as error:
        adopt(old.path, old.path.with_name("none") / "new.db")
    assert error.value.message == f"there is no folder {old.path.with_name('none')}"


def test_a_draft_that_a_killed_adoption_left_is_replaced(old: OldBook) -> None:
    old.path.with_name(".adopted.db.adopting").write_text("half")
    assert Adopted(old.path).report.orders == 1
    assert _names(old.path.parent) == ["adopted.db", "old.db"]


FULL = """
import sys
from pathlib import Path
from adopt_support import adopt
from tieout.errors import AdoptError
try:
    adopt(Path(sys.argv[1]), Path(sys.argv[2]))
except AdoptError as error:
    print(error.hint)
"""


@pytest.mark.parametrize("limit_kib", [64, 512])
def test_a_full_disk_changes_nothing(tmp_path: Path, limit_kib: int) -> None:
    """64 KiB end in the copy, 512 KiB while the new tables are written."""
    source, target = tmp_path / "book.db", tmp_path / "new.db"
    write_sample_book(source)
    before = _bytes(source)

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kib * 1024, limit_kib * 1024))

    done = subprocess.run(
        [sys.executable, "-c", FULL, str(source), str(target)],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=fill_the_disk,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "free disk space or give another path; nothing was changed\n"
    assert (_bytes(source), _names(tmp_path)) == (before, ["book.db"])
