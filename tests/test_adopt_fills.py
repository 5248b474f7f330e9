"""Every execution goes to the order that was alive at its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adopt_support import Adopted, OldBook

if TYPE_CHECKING:
    from pathlib import Path

T = [f"2025-11-10T10:00:{second:02d}.500000" for second in range(20)]


@pytest.fixture
def old(tmp_path: Path) -> OldBook:
    book = OldBook(tmp_path / "old.db")
    for second in (4, 8, 12):
        book.placed(5, T[second])
    book.order(5, T[12])
    return book


@pytest.mark.parametrize(("second", "row"), [(4, 1), (7, 1), (8, 2), (11, 2), (12, 3), (19, 3)])
def test_the_order_placed_last_before_it(old: OldBook, second: int, row: int) -> None:
    old.fill(5, T[second])
    assert Adopted(old.path).rows("SELECT order_row FROM executions") == [(row,)]


def test_before_the_first_placed_it_is_the_earlier_order(tmp_path: Path) -> None:
    old = OldBook(tmp_path / "old.db")
    old.event(5, T[1], status="Submitted")
    old.placed(5, T[4])
    old.order(5, T[4])
    old.fill(5, T[0])
    assert Adopted(old.path).rows("SELECT order_row FROM executions") == [(1,)]


def test_with_no_order_alive_it_is_kept_and_tied_to_none(old: OldBook) -> None:
    old.fill(5, T[0])
    old.fill(77, T[5])
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT order_row, order_id, symbol, side FROM executions") == [
        (None, 5, "", None),
        (None, 77, "", None),
    ]
    assert adopted.doubts()["execution_without_order"] == 2


def test_the_log_decides_before_the_time(tmp_path: Path) -> None:
    # The clock was set back between the two orders: by the time alone, the fill would be the second one's.
    old = OldBook(tmp_path / "old.db")
    old.placed(5, T[9])
    old.event(5, T[10], "EXECUTION", message="Filled 2.0 @ 6600.25")
    old.event(5, T[10], status="Filled", filled=2, remaining=0)
    old.placed(5, T[3])
    old.order(5, T[3])
    old.fill(5, T[10])
    assert Adopted(old.path).rows("SELECT order_row FROM executions") == [(1,)]


def test_events_keep_their_ids_and_words_and_know_their_order(old: OldBook) -> None:
    old.run("DELETE FROM order_events WHERE id = 2")
    old.event(5, T[13], status="Placed", filled=0, remaining=2)
    assert Adopted(old.path).rows("SELECT id, order_row, event_type, status, remaining FROM order_events") == [
        (1, 1, "PLACED", "Placed", None),
        (3, 2, "PLACED", "Placed", None),
        (4, 2, "STATUS_UPDATE", "Placed", "2"),
    ]


def test_ids_that_were_used_up_are_not_handed_out_again(old: OldBook) -> None:
    old.fill(5, T[13])
    old.run("DELETE FROM order_events WHERE id = 3; DELETE FROM executions")
    assert Adopted(old.path).rows(
        "SELECT name, seq FROM sqlite_sequence WHERE name IN ('order_events', 'executions') ORDER BY name"
    ) == [("executions", 1), ("order_events", 3)]
