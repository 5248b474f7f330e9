"""Naive times are points in time only with a zone; their text is always kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adopt_support import Adopted, OldBook
from tieout.errors import AdoptError

if TYPE_CHECKING:
    from pathlib import Path


def _placed_at(path: Path, text: str, timezone: str | None) -> tuple[str | None, str, dict[str, int]]:
    old = OldBook(path / "old.db")
    old.placed(5, text)
    old.order(5, text)
    adopted = Adopted(old.path, timezone=timezone)
    [(at, kept)] = adopted.rows("SELECT placed_at, placed_at_text FROM orders")
    return at, kept, {doubt.kind: doubt.count for doubt in adopted.report.doubts}


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("2025-11-10T10:00:00.123456", "America/New_York", "2025-11-10T15:00:00.123456Z"),
        ("2025-07-10 10:00:00", "America/New_York", "2025-07-10T14:00:00.000Z"),
        ("2025-11-10T10:00:00.123456789", "UTC", "2025-11-10T10:00:00.123456789Z"),
        ("2025-11-10T10:00:00+02:00", None, "2025-11-10T08:00:00.000Z"),
        ("2025-11-10T10:00:00.5Z", "Asia/Tokyo", "2025-11-10T10:00:00.500Z"),
    ],
)
def test_a_time_with_a_zone_is_converted_exactly(
    tmp_path: Path, text: str, timezone: str | None, expected: str
) -> None:
    assert _placed_at(tmp_path, text, timezone) == (expected, text, {})


@pytest.mark.parametrize(
    ("text", "timezone", "kind"),
    [
        ("2025-11-10T10:00:00", None, "time_naive"),
        ("2025-11-02T01:30:00", "America/New_York", "time_ambiguous"),
        ("2025-03-09T02:30:00", "America/New_York", "time_ambiguous"),
        ("yesterday", "America/New_York", "time_unreadable"),
        ("2025-11-10", "America/New_York", "time_unreadable"),
        ("2025-11-10T10:00:00.", "America/New_York", "time_unreadable"),
    ],
)
def test_a_time_that_proves_nothing_stays_text(tmp_path: Path, text: str, timezone: str | None, kind: str) -> None:
    at, kept, doubts = _placed_at(tmp_path, text, timezone)
    # Told for the row and for its event.
    assert (at, kept, doubts[kind]) == (None, text, 2)


def test_naive_times_beside_aware_ones_are_a_doubt(tmp_path: Path) -> None:
    old = OldBook(tmp_path / "old.db")
    old.placed(5, "2025-11-10T10:00:00")
    old.order(5, "2025-11-10T10:00:00", status="Submitted")
    old.event(5, "2025-11-10T15:00:01Z", status="Submitted")
    assert Adopted(old.path).doubts() == {"times_mixed": 1}


def test_last_live_at_is_the_last_live_word(tmp_path: Path) -> None:
    old = OldBook(tmp_path / "old.db")
    old.placed(5, "2025-11-10T10:00:00")
    old.event(5, "2025-11-10T10:00:02", status="PendingCancel")
    old.event(5, "2025-11-10T10:00:03", status="Cancelled")
    old.order(5, "2025-11-10T10:00:00", status="Cancelled")
    adopted = Adopted(old.path, timezone="Europe/Berlin")
    assert adopted.rows("SELECT last_live_at FROM orders") == [("2025-11-10T09:00:02.000Z",)]


def test_creation_and_update_times_are_converted_or_kept_in_extra(tmp_path: Path) -> None:
    at = "2025-11-10T10:00:00"
    old = OldBook(tmp_path / "old.db")
    old.placed(5, at)
    old.order(5, at, created_at="2025-11-10T10:00:01Z", updated_at=at)
    assert Adopted(old.path).rows("SELECT created_at, updated_at, extra FROM orders") == [
        ("2025-11-10T10:00:01.000Z", None, '{"updated_at": "2025-11-10T10:00:00"}')
    ]


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "America", "../etc"])
def test_an_unknown_zone_is_named(tmp_path: Path, timezone: str) -> None:
    old = OldBook(tmp_path / "old.db")
    with pytest.raises(AdoptError) as error:
        Adopted(old.path, timezone=timezone)
    assert error.value.message == f"there is no time zone {timezone!r}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.db"]
