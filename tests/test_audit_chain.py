"""The audit's chain: whatever is done to its rows is found, and nothing else is."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_support import append, audited_book, entry, lineage_of, tamper, verdict
from tieout.canonical import digest
from tieout.store import engine
from tieout.store.audit import GENESIS, HASHED, RESTORED, Head, row_hash, table_rows
from tieout.store.audit_verify import FULL_ROWS, holds_quickly
from tieout.store.state import State

ROWS = 8
TEXTS = st.none() | st.text(max_size=40)


@cache
def original() -> tuple[Path, Head]:
    """A book of eight audit rows, made once; tests work on copies."""
    return audited_book(Path(tempfile.mkdtemp()) / "orders.db", ROWS)


def copy_of(folder: Path) -> tuple[Path, Head]:
    """A copy to tamper with."""
    book, head = original()
    return Path(shutil.copy(book, folder / "orders.db")), head


@given(st.fixed_dictionaries(dict.fromkeys(HASHED, TEXTS) | {"row": st.none() | st.integers(-(2**53), 2**53)}))
def test_a_rows_hash_is_that_of_its_canonical_form(row: dict[str, str | int | None]) -> None:
    if isinstance(row["row"], int) and abs(row["row"]) > 2**53 - 1:
        with pytest.raises(TypeError):
            row_hash(row)
    else:
        assert row_hash(row) == digest(dict(row))


def test_an_untouched_chain_holds_and_reaches_its_head(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    found = verdict(book, head)
    assert (found.problem, found.head, found.heads) == (None, head, 1)
    assert head.rows == ROWS


def test_a_chain_without_rows_holds(tmp_path: Path) -> None:
    book, head = audited_book(tmp_path / "orders.db", 0)
    assert head == Head(0, GENESIS)
    assert verdict(book, head).problem is None


@given(
    number=st.integers(1, ROWS),
    column=st.sampled_from([*HASHED, "hash"]),
    value=st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20),
)
def test_any_edit_of_any_column_is_found(number: int, column: str, value: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, head = copy_of(Path(folder))
        with engine.connect(book) as connection, engine.read(connection):
            was = next(row for row in table_rows(connection) if row["id"] == number)[column]
        required = {"at", "kind", "entity", "approver", "previous_hash", "hash"}
        if value == was or (value is None and column in required) or (column == "row" and str(was) == value):
            return
        text = "NULL" if value is None else "'" + value.replace("'", "''") + "'"
        tamper(book, f'UPDATE order_audit SET "{column}" = {text} WHERE id = {number}')
        assert verdict(book, head).problem is not None


@given(st.sets(st.integers(1, ROWS), min_size=1))
def test_any_rows_removed_are_found(gone: set[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, head = copy_of(Path(folder))
        tamper(book, f"DELETE FROM order_audit WHERE id IN ({', '.join(map(str, gone))})")
        assert verdict(book, head).problem is not None


@given(st.permutations(range(1, ROWS + 1)))
def test_any_other_order_is_found(order: list[int]) -> None:
    if order == sorted(order):
        return
    with tempfile.TemporaryDirectory() as folder:
        book, head = copy_of(Path(folder))
        moves = [f"UPDATE order_audit SET id = {100 + new} WHERE id = {old}" for old, new in enumerate(order, start=1)]
        tamper(book, *moves)
        assert verdict(book, head).problem is not None


def test_the_problem_names_the_row(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 3")
    assert verdict(book, head).problem == "row 3 (id 3, update of order, 2025-12-07T12:00:00.000Z) was edited"
    assert verdict(book, head).head.rows == 2
    tamper(book, "DELETE FROM order_audit WHERE id = 3")
    assert verdict(book, head).problem == (
        "row 3 (id 4, update of order, 2025-12-07T12:00:00.000Z) does not follow the row before it: "
        "one was removed, moved or edited"
    )


def test_text_that_is_not_utf_8_is_an_edit(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "UPDATE order_audit SET reason = CAST(X'ff41' AS TEXT) WHERE id = 5")
    assert verdict(book, head).problem == "row 5 (id 5, update of order, 2025-12-07T12:00:00.000Z) was edited"


def test_a_cut_tail_is_found_by_the_kept_head_alone(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "DELETE FROM order_audit WHERE id > 5")
    found = verdict(book, head)
    assert found.problem == "the chain ends at row 5; it had 8 rows before: its end was cut off"
    assert found.cut
    assert verdict(book).problem is None  # nobody kept a head: this is what the head is for


def test_a_tail_written_anew_is_found(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "DELETE FROM order_audit WHERE id > 5")
    append(book, *(entry(number, approver="mallory") for number in (6, 7, 8)))
    assert verdict(book, head).problem == ("row 8 is not the one that was written: the rows up to it were written anew")


def test_a_restore_excuses_the_heads_that_went_with_it(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "DELETE FROM order_audit WHERE id > 5")
    restored = append(book, entry(0, kind=RESTORED, entity="book", row=None))
    later = append(book, entry(6), entry(7), entry(8))
    assert verdict(book, Head(3, chained(book, 3)), head, restored, later).problem is None
    assert verdict(book, head, restored).problem is None


def test_a_restored_row_that_the_state_never_saw_excuses_nothing(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "DELETE FROM order_audit WHERE id > 5")
    append(book, entry(0, kind=RESTORED, entity="book", row=None))
    assert verdict(book, head).problem == "the chain ends at row 6; it had 8 rows before: its end was cut off"


def test_a_restore_excuses_nothing_that_was_cut_off_after_it(tmp_path: Path) -> None:
    book, head = copy_of(tmp_path)
    tamper(book, "DELETE FROM order_audit WHERE id > 5")
    restored = append(book, entry(0, kind=RESTORED, entity="book", row=None))
    later = append(book, entry(7), entry(8))
    tamper(book, "DELETE FROM order_audit WHERE kind != 'restored' AND row >= 7")
    assert verdict(book, head, restored, later).cut


def chained(book: Path, position: int) -> str:
    with engine.connect(book) as connection, engine.read(connection):
        return str(list(table_rows(connection))[position - 1]["hash"])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_audit SET approver = 'mallory' WHERE id = 2",
        "DELETE FROM order_audit WHERE id = 2",
        "DELETE FROM order_audit WHERE id = 1",
        "DELETE FROM order_audit WHERE id = 8",
        "DELETE FROM order_audit",
    ],
)
def test_the_quick_look_finds_it_too(tmp_path: Path, statement: str) -> None:
    book, head = copy_of(tmp_path)
    assert quick(book, head) is True
    tamper(book, statement)
    assert quick(book, head) is False


def test_beyond_the_limit_the_quick_look_rests_on_the_end(tmp_path: Path) -> None:
    book, head = audited_book(tmp_path / "orders.db", FULL_ROWS + 1)
    tamper(book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 2")
    assert quick(book, head) is True
    assert verdict(book, head).problem is not None
    tamper(book, f"UPDATE order_audit SET approver = 'mallory' WHERE id = {FULL_ROWS + 1}")
    assert quick(book, head) is False


def quick(book: Path, head: Head) -> bool:
    with engine.connect(book) as connection, engine.read(connection):
        return holds_quickly(connection, head)[0]


def test_the_state_keeps_heads_by_book_in_order(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    assert state.newest_head("a") is None
    assert state.kept_heads("a") == []
    for rows, lineage in ((1, "a"), (5, "b"), (3, "a")):
        state.keep_head(Head(rows, f"{rows}"), lineage=lineage, now_ns=0)
    assert state.kept_heads("a") == [Head(1, "1"), Head(3, "3")]
    assert state.newest_head("a") == Head(3, "3")


def test_before_and_after_are_whole_rows(tmp_path: Path) -> None:
    book, _ = audited_book(tmp_path / "orders.db", 1)
    with engine.connect(book) as connection, engine.read(connection):
        row = next(iter(table_rows(connection)))
    assert json.loads(row["before"])["limit_price"] == "1.25"
    assert json.loads(row["after"])["limit_price"] == "2.25"
    assert lineage_of(book) != ""
