"""Times, amounts and prices of a snapshot's rows: exact, or null."""

from __future__ import annotations

import pytest

import broker_frames as frames
from broker_support import COMPLETED, EXECUTIONS, OPEN, snapshot
from tieout.clock import from_iso


def test_an_execution_that_comes_before_it_is_asked_for_is_kept_with_its_late_commission() -> None:
    first, second = "aaaa.01.01", "bbbb.01.01"
    got = snapshot(
        {
            OPEN: [[frames.execution(176, -1, exec_id=first), frames.open_order(176), frames.OPEN_ORDER_END]],
            EXECUTIONS: [
                lambda fields: [
                    frames.execution(176, fields[2], exec_id=second, perm_id=0, order_id=0, ref=""),
                    frames.execution_end(fields[2]),
                    frames.commission(second, "0.85", "-12.5"),
                    frames.commission(first, "0"),
                ]
            ],
        }
    )

    assert got.complete
    assert got.executions.select(
        "exec_id", "perm_id", "order_id", "client_id", "commission_e8", "realized_pnl_e8"
    ).rows() == [
        (first, 1500000004, 9, 7, 0, None),
        (second, None, None, None, 85000000, -1250000000),
    ]


def test_a_commission_that_does_not_come_is_null_and_not_zero() -> None:
    got = snapshot(
        {
            EXECUTIONS: [
                lambda fields: [
                    frames.execution(176, fields[2], exec_id="a.01"),
                    frames.execution(176, fields[2], exec_id="b.01"),
                    frames.commission("b.01", "", ""),
                    frames.execution_end(fields[2]),
                ]
            ],
        }
    )

    assert got.complete
    assert got.executions.select("exec_id", "commission_e8", "realized_pnl_e8").rows() == [
        ("a.01", None, None),
        ("b.01", None, None),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20250715 10:30:01 US/Eastern", "2025-07-15T14:30:01Z"),
        ("20250715-14:30:01", "2025-07-15T14:30:01Z"),
        ("20250715  10:30:01", "2025-07-15T14:30:01Z"),
        ("20250715 16:30:01 Europe/Berlin", "2025-07-15T14:30:01Z"),
        ("20250715 10:30:01 Nowhere/Land", None),
        ("", None),
    ],
)
def test_an_executions_time_is_read_from_the_wire_or_not_at_all(text: str, expected: str | None) -> None:
    got = snapshot(
        {
            EXECUTIONS: [
                lambda fields: [
                    frames.execution(176, fields[2], time=text),
                    frames.commission("0000e0d5.66a1b2c3.01.01"),
                    frames.execution_end(fields[2]),
                ]
            ]
        }
    )

    assert got.complete
    assert got.executions["executed_ns"].to_list() == [from_iso(expected) if expected else None]


def test_bare_times_stay_unknown_where_the_gateway_names_no_zone() -> None:
    got = snapshot(
        {COMPLETED: [[frames.completed_order(176, time="20250715 10:30:01"), frames.COMPLETED_ORDERS_END]]},
        connected_at="20250715 15:05:07 Somewhere Time",
    )

    assert got.completed_orders["placed_ns"].to_list() == [None]


def test_prices_that_the_order_type_does_not_use_and_unset_numbers_are_null() -> None:
    got = snapshot(
        {
            OPEN: [
                [
                    frames.open_order(176, perm_id=1, order_id=1, type="MKT", limit="0.0", aux="0.0"),
                    frames.open_order(176, perm_id=2, order_id=2, type="STP", limit="0.0", aux="6500"),
                    frames.open_order(176, perm_id=3, order_id=3, type="LMT", limit=frames.UNSET, aux=""),
                    frames.open_order(176, perm_id=4, order_id=4, type="STP LMT", limit="6.1", aux="6.2"),
                    frames.OPEN_ORDER_END,
                ]
            ],
            COMPLETED: [
                [
                    frames.completed_order(176, size="", filled=frames.UNSET, status="", status_text="Cancelled by us"),
                    frames.COMPLETED_ORDERS_END,
                ]
            ],
        }
    )

    assert got.open_orders.select("limit_price_e8", "stop_price_e8", "inexact").rows() == [
        (None, None, False),
        (None, 650000000000, False),
        (None, None, False),
        (610000000, 620000000, False),
    ]
    assert got.completed_orders.select("quantity_e8", "filled_quantity_e8", "status", "inexact").rows() == [
        (None, None, "Cancelled", False)
    ]


@pytest.mark.parametrize("limit", ["0.123456789", "123456789012.12345678", "1e300"])
def test_a_number_that_cannot_be_held_is_null_and_marks_its_row(limit: str) -> None:
    got = snapshot({OPEN: [[frames.open_order(176, limit=limit), frames.OPEN_ORDER_END]]})

    assert got.complete
    assert got.open_orders.select("limit_price_e8", "inexact").rows() == [(None, True)]
