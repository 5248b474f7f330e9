"""Which orders an old book holds, and what is known of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adopt_support import Adopted, OldBook

if TYPE_CHECKING:
    from pathlib import Path

T = [f"2025-11-10T10:00:{second:02d}.500000" for second in range(20)]


@pytest.fixture
def old(tmp_path: Path) -> OldBook:
    return OldBook(tmp_path / "old.db")


def test_a_reused_id_is_as_many_orders_as_it_was_placed(old: OldBook) -> None:
    old.placed(5, T[0], "SELL 3 MES")
    old.event(5, T[1], status="Filled", filled=3, remaining=0, avg_fill_price=6601.5)
    old.placed(5, T[2], "BUY 1 ES")
    old.placed(5, T[4])
    old.order(5, T[4])
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT side, quantity, symbol, order_type, status, filled_quantity, origin FROM orders") == [
        ("SELL", "3", "MES", "", "Filled", "3", "placed"),
        ("BUY", "1", "ES", "", "superseded_unknown", None, "placed"),
        ("BUY", "2", "ES", "LMT", "PendingSubmit", "0", "placed"),
    ]
    assert (adopted.report.orders, adopted.report.placed, adopted.report.live) == (3, 3, 1)


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        ("Filled", "Filled"),
        ("Cancelled", "Cancelled"),
        ("ApiCancelled", "ApiCancelled"),
        ("Inactive", "superseded_unknown"),
        ("Submitted", "superseded_unknown"),
    ],
)
def test_an_overwritten_order_keeps_only_a_last_word_that_ends_it(old: OldBook, last: str, kept: str) -> None:
    old.placed(5, T[0])
    old.event(5, T[1], status=last)
    old.placed(5, T[2])
    old.order(5, T[2])
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT status FROM orders WHERE id = 1") == [(kept,)]
    assert adopted.doubts().get("superseded_unknown", 0) == (kept == "superseded_unknown")


def test_events_before_the_first_placed_are_an_order_that_is_never_live(old: OldBook) -> None:
    old.event(5, T[0], status="PreSubmitted", filled=0, remaining=4)
    old.placed(5, T[2])
    old.order(5, T[2])
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT origin, status, side, quantity FROM orders") == [
        ("before_first_placed", "superseded_unknown", "", "4"),
        ("placed", "PendingSubmit", "BUY", "2"),
    ]
    assert adopted.doubts() == {"superseded_unknown": 1, "not_on_record": 1}


@pytest.mark.parametrize(
    ("last", "kept"),
    [("Cancelled", "Cancelled"), ("Inactive", "Inactive"), ("Submitted", "superseded_unknown")],
)
def test_an_id_known_from_events_alone_is_an_order_that_is_never_live(old: OldBook, last: str, kept: str) -> None:
    old.event(9, T[0], status="PreSubmitted", filled=0, remaining=1)
    old.event(9, T[1], status=last, filled=0, remaining=1)
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT order_id, origin, status, quantity, placed_at_text FROM orders") == [
        (9, "from_events_only", kept, "1", None)
    ]
    assert (adopted.report.from_events_only, adopted.report.live) == (1, 0)


def test_a_row_without_placed_is_one_order_with_the_events_of_its_id(old: OldBook) -> None:
    old.order(3, T[0])
    old.order(4, T[0], status="Cancelled")
    old.event(4, T[1], status="Cancelled")
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT order_id, origin, status FROM orders") == [
        (4, "row_only", "Cancelled"),
        (3, "row_only", "PendingSubmit"),
    ]
    assert adopted.doubts() == {"row_without_placed": 2}


def test_a_placed_order_without_row_is_taken_from_the_log(old: OldBook) -> None:
    old.placed(5, T[0])
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT status, side, quantity, symbol FROM orders") == [("PendingSubmit", "BUY", "2", "ES")]
    assert adopted.doubts() == {"placed_without_row": 1, "not_on_record": 1}


@pytest.mark.parametrize(
    ("old_word", "new_word"),
    [("LIMIT", "LMT"), ("STOP", "STP"), ("MARKET", "MKT"), ("STOP_LIMIT", "STP LMT"), ("TRAIL", "TRAIL")],
)
def test_order_types_are_in_ib_words(old: OldBook, old_word: str, new_word: str) -> None:
    old.placed(5, T[0])
    old.order(5, T[0], order_type=old_word, status="Placed")
    assert Adopted(old.path).rows("SELECT order_type, status FROM orders") == [(new_word, "PendingSubmit")]


def test_unknown_columns_go_into_extra_with_their_types(old: OldBook) -> None:
    for order_id, mood in enumerate(["calm", 3, 0.25, b"\xff\x00", float("inf"), None], start=1):
        old.placed(order_id, T[0])
        old.order(order_id, T[0], mood=mood)
    extras = [json.loads(extra) if extra else None for (extra,) in Adopted(old.path).rows("SELECT extra FROM orders")]
    assert extras == [
        {"mood": "calm"},
        {"mood": 3},
        {"mood": 0.25},
        {"mood": {"blob_base64": "/wA="}},
        {"mood": {"real": "inf"}},
        None,
    ]


def test_numbers_keep_their_digits(old: OldBook) -> None:
    old.placed(5, T[0])
    old.order(5, T[0], limit_price=6648.0, stop_price=6834.09085659792, avg_fill_price=0.1)
    old.fill(5, T[1], quantity="abc", price=6648.25)
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT quantity, limit_price, stop_price, avg_fill_price FROM orders") == [
        ("2", "6648.0", "6834.09085659792", "0.1")
    ]
    assert adopted.rows("SELECT quantity, price FROM executions") == [("abc", "6648.25")]
    assert adopted.doubts() == {"inexact_number": 2}


def test_every_row_carries_the_account_and_the_client(old: OldBook) -> None:
    old.placed(5, T[0])
    old.order(5, T[0], parent_order_id=4)
    old.fill(5, T[1])
    adopted = Adopted(old.path, account="U9", client_id=3)
    assert adopted.rows("SELECT account, client_id, order_id, parent_id, perm_id FROM orders") == [
        ("U9", 3, 5, 4, None)
    ]
    assert adopted.rows("SELECT account, client_id, order_id, symbol, side, exec_id FROM executions") == [
        ("U9", 3, 5, "ES", "BUY", None)
    ]


def test_what_does_not_fit_together_is_doubted(old: OldBook) -> None:
    old.placed(5, T[0])
    old.event(5, T[1], status="Filled", filled=2, remaining=0)
    old.event(5, T[2], status="Submitted", filled=0, remaining=2)
    old.event(5, T[1], status="Bogus")
    old.event(None, T[3], status="Filled")
    old.order(5, T[9], quantity=3, status="Filled", filled_quantity=2)
    old.fill(5, T[1])
    old.fill(5, T[1])
    adopted = Adopted(old.path)
    assert adopted.doubts() == {
        "live_after_end": 1,
        "fills_do_not_add_up": 1,
        "status_disagrees": 1,
        "row_not_of_newest_placed": 1,
        "event_without_order_id": 1,
        "log_out_of_order": 1,
    }
    assert adopted.rows("SELECT status FROM orders") == [("Filled",)]


def test_words_that_we_do_not_know_are_kept_and_doubted(old: OldBook) -> None:
    old.placed(5, T[0])
    old.event(5, T[1], status="Rejected")
    old.order(5, T[0], action="LONG", status="Rejected")
    old.placed(6, T[0], "a basket")
    old.event(6, T[1], status="Cancelled")
    old.placed(6, T[2], "buy 2 ES")
    old.order(6, T[2], action="buy")
    adopted = Adopted(old.path)
    assert adopted.rows("SELECT side, status, quantity FROM orders") == [
        ("LONG", "Rejected", "2"),
        ("", "Cancelled", ""),
        ("BUY", "PendingSubmit", "2"),
    ]
    assert adopted.doubts() == {"row_not_of_newest_placed": 1, "not_on_record": 1, "unknown_word": 2}


def test_a_filled_order_whose_events_tell_no_numbers_has_its_executions(old: OldBook) -> None:
    old.placed(5, T[0], None)
    old.event(5, T[2], status="Filled")
    old.fill(5, T[1], quantity=3)
    old.fill(5, T[2], quantity=1)
    old.placed(5, T[4])
    old.order(5, T[4])
    assert Adopted(old.path).rows("SELECT quantity, filled_quantity, status FROM orders WHERE id = 1") == [
        ("4", "4", "Filled")
    ]
