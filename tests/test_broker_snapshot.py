"""A snapshot over a real socket, from messages written down by hand."""

from __future__ import annotations

import pytest

import broker_frames as frames
from broker_support import (
    CANCEL_POSITIONS,
    COMPLETED,
    EXECUTIONS,
    OPEN,
    POSITIONS,
    TIME,
    VERSIONS,
    Answer,
    ScriptedGateway,
    read,
    snapshot,
)
from tieout.broker import open_broker
from tieout.clock import NS_PER_S, from_iso
from tieout.model import PARTS
from tieout.schema import EXECUTION, ORDER, POSITION

E8 = 100_000_000


def full_day(version: int) -> dict[int, list[Answer]]:
    return {
        OPEN: [[frames.open_order(version), frames.order_status(filled="1"), frames.OPEN_ORDER_END]],
        COMPLETED: [[frames.completed_order(version), frames.COMPLETED_ORDERS_END]],
        EXECUTIONS: [
            lambda fields: [
                frames.execution(version, fields[2]),
                frames.commission("0000e0d5.66a1b2c3.01.01"),
                frames.execution_end(fields[2]),
            ]
        ],
        POSITIONS: [[frames.POSITION_AAPL, frames.POSITION_ES, frames.POSITION_END]],
    }


ES_COLUMNS = {
    "con_id": 637533641, "symbol": "ES", "sec_type": "FUT", "expiry": "20250919", "strike_e8": None, "right": None,
    "multiplier_e8": 50 * E8, "currency": "USD", "local_symbol": "ESU5", "trading_class": "ES", "exchange": "CME",
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_every_column_of_every_part_at_each_server_version(version: int, chunk: int) -> None:
    got = snapshot(full_day(version), version=version, chunk=chunk)

    assert got.complete
    assert got.gateway.server_version == version
    assert got.gateway.paper
    assert got.server_time_ns == frames.SERVER_TIME_S * NS_PER_S
    assert got.open_orders.rows(named=True) == [
        {
            "row": None, "account": "DU1", "perm_id": 1500000001, "order_ref": "trend-11", "client_id": 7,
            "order_id": 11, "session": None, **ES_COLUMNS, "side": "BUY", "quantity_e8": 2 * E8, "order_type": "LMT",
            "limit_price_e8": 655050000000, "stop_price_e8": None, "tif": "GTC", "status": "Submitted",
            "filled_quantity_e8": E8, "placed_ns": None, "live": True, "inexact": False, "parent_id": None,
            "parent_perm_id": None, "oca_group": None,
        }
    ]  # fmt: skip
    assert got.completed_orders.rows(named=True) == [
        {
            "row": None, "account": "DU1", "perm_id": 1500000004, "order_ref": "trend-9", "client_id": None,
            "order_id": None, "session": None, **ES_COLUMNS, "side": "BUY", "quantity_e8": None, "order_type": "MKT",
            "limit_price_e8": None, "stop_price_e8": None, "tif": "DAY", "status": "Filled",
            "filled_quantity_e8": 3 * E8, "placed_ns": from_iso("2025-07-15T14:30:01Z"), "live": False,
            "inexact": False, "parent_id": None, "parent_perm_id": None, "oca_group": None,
        }
    ]  # fmt: skip
    assert got.executions.rows(named=True) == [
        {
            "row": None, "order_row": None, "account": "DU1", "exec_id": "0000e0d5.66a1b2c3.01.01",
            "perm_id": 1500000004, "client_id": 7, "order_id": 9, "order_ref": "trend-9", **ES_COLUMNS, "side": "BUY",
            "quantity_e8": E8, "price_e8": 630225000000, "cumulative_quantity_e8": E8,
            "average_price_e8": 630225000000, "executed_ns": from_iso("2025-07-15T14:30:01Z"),
            "commission_e8": 205000000, "commission_currency": "USD", "realized_pnl_e8": None, "inexact": False,
        }
    ]  # fmt: skip
    assert got.positions.rows(named=True) == [
        {
            "account": "DU1", "con_id": 265598, "symbol": "AAPL", "sec_type": "STK", "expiry": None,
            "strike_e8": None, "right": None, "multiplier_e8": None, "currency": "USD", "local_symbol": "AAPL",
            "trading_class": "NMS", "exchange": "NASDAQ", "quantity_e8": -110 * E8, "average_cost_e8": 20188297090,
        },
        {"account": "DU1", **ES_COLUMNS, "exchange": None, "quantity_e8": E8, "average_cost_e8": 31511475000000},
    ]  # fmt: skip


def test_frames_have_the_declared_schemas_even_when_empty() -> None:
    got = snapshot({})

    assert dict(got.open_orders.schema) == ORDER
    assert dict(got.completed_orders.schema) == ORDER
    assert dict(got.executions.schema) == EXECUTION
    assert dict(got.positions.schema) == POSITION
    assert [part.rows for part in got.parts.values()] == [0, 0, 0, 0]


def test_questions_come_one_after_another_and_nothing_else_is_asked() -> None:
    with ScriptedGateway() as gateway:
        got = read(gateway)
        gateway.settle()

        assert gateway.kinds() == [TIME, OPEN, COMPLETED, EXECUTIONS, POSITIONS, CANCEL_POSITIONS]
        assert gateway.requests[2] == ["99", "0"]  # every client's completed orders, not the API's alone
        assert gateway.connections == 1
    assert list(got.parts) == list(PARTS)
    assert [part.asked_at_ns for part in got.parts.values()] == sorted(p.asked_at_ns for p in got.parts.values())


def test_todays_parts_cover_from_the_latest_midnight_the_others_have_no_lower_bound() -> None:
    got = snapshot({})  # 2025-07-15 19:05:07 UTC, 15:05 in New York

    new_york_midnight = from_iso("2025-07-15T04:00:00Z")
    assert {name: part.covers_from_ns for name, part in got.parts.items()} == {
        "open_orders": None,
        "completed_orders": new_york_midnight,
        "executions": new_york_midnight,
        "positions": None,
    }


def test_rows_of_other_accounts_are_left_out() -> None:
    other_position = frames.POSITION_ES.replace(b"DU1", b"DU2")
    answers: dict[int, list[Answer]] = {
        OPEN: [[frames.open_order(176), frames.open_order(176, perm_id=8, account="DU2"), frames.OPEN_ORDER_END]],
        COMPLETED: [[frames.completed_order(176, account="DU2"), frames.COMPLETED_ORDERS_END]],
        EXECUTIONS: [
            lambda fields: [
                frames.execution(176, fields[2], account="DU2"),
                frames.execution_end(fields[2]),
            ]
        ],
        POSITIONS: [[frames.POSITION_AAPL, other_position, frames.POSITION_END]],
    }
    with ScriptedGateway(answers, accounts="DU1,DU2") as gateway:
        got = read(gateway, account="DU1")

    assert got.complete
    assert got.open_orders["perm_id"].to_list() == [1500000001]
    assert got.completed_orders.is_empty()
    assert got.executions.is_empty()
    assert got.positions["symbol"].to_list() == ["AAPL"]


def test_a_row_without_an_account_belongs_to_the_only_one_and_spoils_the_part_where_there_are_several() -> None:
    answers: dict[int, list[Answer]] = {OPEN: [[frames.open_order(176, account=""), frames.OPEN_ORDER_END]]}
    alone = snapshot(answers)
    with ScriptedGateway(answers, accounts="DU1,DU2") as gateway:
        several = read(gateway, account="DU1")

    assert alone.open_orders["account"].to_list() == ["DU1"]
    assert alone.complete
    assert several.open_orders.is_empty()
    assert several.parts["open_orders"].why == "1 rows name no account, and the gateway holds several"


def test_the_last_of_several_messages_about_one_thing_wins() -> None:
    got = snapshot(
        {
            OPEN: [
                [
                    frames.open_order(176, limit="6550.5"),
                    frames.order_status(status="PreSubmitted"),
                    frames.open_order(176, limit="6551.25"),
                    frames.order_status(status="Submitted", filled="1"),
                    frames.order_status(status="Submitted", filled="1"),
                    frames.OPEN_ORDER_END,
                ]
            ],
            COMPLETED: [
                [
                    frames.completed_order(176, filled="1"),
                    frames.completed_order(176, filled="3"),
                    frames.COMPLETED_ORDERS_END,
                ]
            ],
            EXECUTIONS: [
                lambda fields: [
                    frames.execution(176, fields[2], size="1"),
                    frames.execution(176, fields[2], size="1"),
                    frames.commission("0000e0d5.66a1b2c3.01.01", "1"),
                    frames.commission("0000e0d5.66a1b2c3.01.01", "0"),
                    frames.execution_end(fields[2]),
                ]
            ],
            POSITIONS: [[frames.POSITION_ES, frames.POSITION_ES, frames.POSITION_END]],
        }
    )

    assert got.open_orders.select("limit_price_e8", "status", "filled_quantity_e8").rows() == [
        (655125000000, "Submitted", E8)
    ]
    assert got.completed_orders["filled_quantity_e8"].to_list() == [3 * E8]
    assert got.executions.select("exec_id", "commission_e8").rows() == [("0000e0d5.66a1b2c3.01.01", 0)]
    assert got.positions.height == 1


def test_an_order_that_ended_while_it_was_told_is_not_live() -> None:
    got = snapshot(
        {
            OPEN: [
                [
                    frames.open_order(176, order_id=11, perm_id=1, status="Submitted"),
                    frames.order_status(order_id=11, perm_id=1, status="Filled", filled="2"),
                    frames.open_order(176, order_id=12, perm_id=2, status="Cancelled"),
                    frames.open_order(176, order_id=13, perm_id=3, status="Inactive"),
                    frames.OPEN_ORDER_END,
                ]
            ]
        }
    )

    assert got.open_orders.select("perm_id", "status", "live").rows() == [
        (1, "Filled", False),
        (2, "Cancelled", False),
        (3, "Inactive", False),
    ]


def test_manual_orders_all_carry_order_id_0_and_stay_apart() -> None:
    got = snapshot(
        {
            OPEN: [
                [
                    frames.open_order(176, order_id=0, client_id=0, perm_id=21, ref=""),
                    frames.order_status(order_id=0, client_id=0, perm_id=21, status="PreSubmitted", filled="1"),
                    frames.open_order(176, order_id=0, client_id=0, perm_id=22, ref=""),
                    frames.open_order(176, order_id=-3, client_id=0, perm_id=23, ref=""),
                    frames.OPEN_ORDER_END,
                ]
            ]
        }
    )

    assert got.open_orders.select("perm_id", "order_id", "client_id", "order_ref", "status").rows() == [
        (21, None, None, None, "PreSubmitted"),
        (22, None, None, None, "Submitted"),
        (23, -3, 0, None, "Submitted"),
    ]


def test_one_order_id_on_two_clients_takes_its_own_status() -> None:
    got = snapshot(
        {
            OPEN: [
                [
                    frames.open_order(176, order_id=5, client_id=1, perm_id=0),
                    frames.open_order(176, order_id=5, client_id=2, perm_id=32),
                    frames.order_status(order_id=5, client_id=2, perm_id=32, status="PendingCancel"),
                    frames.order_status(order_id=5, client_id=1, perm_id=0, status="PreSubmitted"),
                    frames.OPEN_ORDER_END,
                ]
            ]
        }
    )

    assert got.open_orders.select("client_id", "perm_id", "status").rows() == [
        (1, None, "PreSubmitted"),
        (2, 32, "PendingCancel"),
    ]


def test_two_snapshots_on_one_connection_do_not_mix() -> None:
    answers: dict[int, list[Answer]] = {
        OPEN: [[frames.open_order(176), frames.OPEN_ORDER_END], [frames.OPEN_ORDER_END]],
        EXECUTIONS: [
            lambda fields: [
                frames.execution(176, fields[2]),
                frames.commission("0000e0d5.66a1b2c3.01.01"),
                frames.execution_end(fields[2]),
            ],
            lambda fields: [frames.execution_end(fields[2])],
        ],
        POSITIONS: [[frames.POSITION_ES, frames.POSITION_END], [frames.POSITION_END]],
    }
    with ScriptedGateway(answers) as gateway, open_broker(gateway.settings()) as broker:
        first, second = broker.snapshot(), broker.snapshot()

        assert gateway.connections == 1
    assert [first.parts[name].rows for name in PARTS] == [1, 0, 1, 1]
    assert [second.parts[name].rows for name in PARTS] == [0, 0, 0, 0]
    assert second.complete
