"""IB's numbers, words and times into ours, without a socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.broker import codes
from tieout.broker.moments import day_start_ns, moment_ns, zone_of
from tieout.broker.translate import Exact, average_e8, decimal_of, id_of, settled_status, text_of
from tieout.clock import NS_PER_S, from_iso
from tieout.fixed import to_e8

UNSETS = [1.7976931348623157e308, 2147483647.0, 9223372036854775807.0, 1.7014118346046923e38]


@given(st.decimals(min_value=-9_999_999, max_value=9_999_999, places=8, allow_nan=False))
def test_every_decimal_of_fifteen_digits_comes_through_a_float_exactly(number: Decimal) -> None:
    exact = Exact()

    assert exact.e8(float(number)) == to_e8(number)
    assert not exact.inexact


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value not in UNSETS))
def test_a_float_is_held_exactly_or_marked(value: float) -> None:
    exact = Exact()
    e8 = exact.e8(value)

    assert exact.inexact == (e8 is None)
    if e8 is not None:
        assert Decimal(e8).scaleb(-8) == Decimal(repr(value))


@pytest.mark.parametrize("value", [*UNSETS, None, "", float("nan"), float("inf"), "n/a"])
def test_unset_numbers_are_null_and_not_inexact(value: float | str | None) -> None:
    exact = Exact()

    assert decimal_of(value) is None
    assert exact.e8(decimal_of(value)) is None  # type: ignore[arg-type]
    assert average_e8(value) is None
    assert not exact.inexact


def test_averages_are_rounded_and_zero_is_an_amount() -> None:
    assert average_e8("6600.333333333333") == 660033333333
    assert average_e8("0") == 0
    assert average_e8("0.0", zero_is_null=True) is None


def test_ids_and_texts() -> None:
    assert [id_of(v) for v in (0, 2147483647, 9223372036854775807, None, -3, 7)] == [None, None, None, None, -3, 7]
    assert [text_of(v) for v in ("", "  ", None, " a ")] == [None, None, None, "a"]


@pytest.mark.parametrize(
    ("state", "reported", "expected"),
    [
        ("PreSubmitted", "Submitted", "Submitted"),
        ("Submitted", None, "Submitted"),
        (None, None, None),
        ("Filled", "Submitted", "Filled"),
        ("Submitted", "Cancelled", "Cancelled"),
        ("Cancelled", "Filled", "Filled"),
        ("Inactive", "PreSubmitted", "PreSubmitted"),
    ],
)
def test_an_end_is_never_taken_back(state: str | None, reported: str | None, expected: str | None) -> None:
    assert settled_status(state, reported) == expected


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("20251120 15:04:05 US/Eastern", None, "2025-11-20T20:04:05Z"),
        ("20251120 15:04:05 America/New_York", None, "2025-11-20T20:04:05Z"),
        ("20251120 15:04:05 EST", None, "2025-11-20T20:04:05Z"),
        ("20250720 15:04:05 EDT", None, "2025-07-20T19:04:05Z"),
        ("20250720 15:04:05 EST", None, None),  # New York is not on EST in July
        ("20251120 15:04:05 CST", None, None),  # Chicago's or China's
        ("20251120 15:04:05 Japan Standard Time", None, "2025-11-20T06:04:05Z"),
        ("20251120-15:04:05", "Asia/Tokyo", "2025-11-20T15:04:05Z"),
        ("20251120  15:04:05", "Asia/Tokyo", "2025-11-20T06:04:05Z"),
        ("20251120 15:04:05", None, None),
        ("20251102 01:30:00 US/Eastern", None, None),  # twice that night
        ("20250309 02:30:00 US/Eastern", None, None),  # never that night
        ("20251120 15:04:05 ../../etc/passwd", None, None),
        ("20251320 15:04:05 UTC", None, None),
        ("yesterday", "UTC", None),
    ],
)
def test_a_time_names_one_moment_or_none(text: str, zone: str | None, expected: str | None) -> None:
    assert moment_ns(text, gateway_zone=zone) == (from_iso(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20251120 15:04:05 EST", "America/New_York"),
        ("20251120 15:04:05 Central European Standard Time", "Europe/Berlin"),
        ("20251120 15:04:05 Asia/Hong_Kong", "Asia/Hong_Kong"),
        ("20251120 15:04:05 CST", None),
        ("20251120 15:04:05", None),
        ("", None),
    ],
)
def test_the_gateways_zone(text: str, expected: str | None) -> None:
    assert zone_of(text) == expected


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - zone beside


@given(MOMENTS, st.sampled_from([None, "Asia/Tokyo", "Europe/Berlin", "America/New_York"]))
def test_today_starts_at_the_latest_of_the_midnights_it_may_mean(now: datetime, zone: str | None) -> None:
    seconds = int(now.timestamp())
    start_ns = day_start_ns(seconds * NS_PER_S, gateway_zone=zone)
    start = datetime.fromtimestamp(start_ns // NS_PER_S, UTC)

    assert start_ns <= seconds * NS_PER_S
    assert now - start < timedelta(hours=24)
    zones = ["UTC", "America/New_York"] + ([zone] if zone else [])
    assert any(start.astimezone(ZoneInfo(name)).strftime("%H%M%S") == "000000" for name in zones)
    for name in zones:
        local = now.astimezone(ZoneInfo(name))
        assert local.replace(hour=0, minute=0, second=0, microsecond=0) <= start


@pytest.mark.parametrize(
    ("code", "req_id", "own_req_id", "spoils"),
    [
        (2104, -1, None, False),
        (2110, -1, None, True),
        (1100, -1, 5, True),
        (1102, -1, 5, True),
        (321, 5, 5, True),
        (321, 6, 5, False),
        (201, 11, None, False),
        (504, -1, 5, True),
        (99999, -1, None, True),
    ],
)
def test_which_messages_spoil_an_answer(code: int, req_id: int, own_req_id: int | None, spoils: bool) -> None:
    assert codes.spoils_answer(code, req_id=req_id, own_req_id=own_req_id) is spoils
