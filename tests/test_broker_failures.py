"""What goes wrong between the first question and the last answer: a failed part that says why, never a guess."""

from __future__ import annotations

import pytest

import broker_frames as frames
from broker_support import (
    CLOSE,
    COMPLETED,
    EXECUTIONS,
    OPEN,
    POSITIONS,
    TIME,
    Answer,
    ScriptedGateway,
    silence,
)
from tieout.broker import open_broker
from tieout.errors import GatewayUnreachable
from tieout.model import PARTS, PartName, Snapshot

SHORT_S = 0.2
ASKED_ANEW = "asked anew after the gateway closed the connection: a gateway that restarted reports late"


def whys(got: Snapshot) -> dict[PartName, str]:
    return {part.name: part.why for part in got.missing() if part.why is not None}


def read(answers: dict[int, list[Answer]], **changes: object) -> tuple[Snapshot, ScriptedGateway]:
    with ScriptedGateway(answers) as gateway:
        with open_broker(gateway.settings(**changes)) as broker:
            got = broker.snapshot()
        gateway.settle()
    return got, gateway


def test_a_missing_end_fails_its_part_keeps_its_rows_and_the_rest_comes_over_a_new_socket() -> None:
    got, gateway = read(
        {
            OPEN: [[frames.open_order(176)]],
            COMPLETED: [[frames.completed_order(176), frames.COMPLETED_ORDERS_END]],
        },
        timeout_s=SHORT_S,
    )

    assert whys(got) == {"open_orders": "the answer's end did not come within 0.2 s"}
    assert got.open_orders["perm_id"].to_list() == [1500000001]
    assert got.parts["open_orders"].answered_at_ns is None
    assert got.completed_orders.height == 1
    assert gateway.connections == 2


@pytest.mark.parametrize("kind", [OPEN, COMPLETED, EXECUTIONS, POSITIONS])
def test_each_part_fails_alone(kind: int) -> None:
    got, gateway = read({kind: [silence]}, timeout_s=SHORT_S)

    failed = {OPEN: "open_orders", COMPLETED: "completed_orders", EXECUTIONS: "executions", POSITIONS: "positions"}
    assert whys(got) == {failed[kind]: "the answer's end did not come within 0.2 s"}
    assert gateway.connections == (1 if kind == POSITIONS else 2)


def test_an_end_that_comes_late_never_completes_the_next_question() -> None:
    late_end: list[Answer] = [silence]
    got, gateway = read(
        {
            OPEN: late_end,
            COMPLETED: [[frames.OPEN_ORDER_END, frames.COMPLETED_ORDERS_END]],
            EXECUTIONS: [lambda fields: [frames.execution_end(int(fields[2]) - 1)]],
        },
        timeout_s=SHORT_S,
    )

    assert sorted(whys(got)) == ["executions", "open_orders"]
    assert gateway.connections == 3


def test_a_socket_closed_in_the_middle_of_an_answer() -> None:
    half = frames.open_order(176, perm_id=2)[:40]
    got, gateway = read({OPEN: [[frames.open_order(176), half, CLOSE]]})

    assert whys(got) == {
        "open_orders": "the gateway closed the connection before the answer's end",
        **dict.fromkeys(PARTS[1:], ASKED_ANEW),
    }
    assert got.open_orders["perm_id"].to_list() == [1500000001]
    assert gateway.connections == 2


def test_a_gateway_that_is_gone_for_good_fails_what_is_left() -> None:
    with ScriptedGateway({COMPLETED: [[CLOSE]]}, logons=[None, [CLOSE]]) as gateway:  # type: ignore[list-item]
        gateway._logons[0] = [frames.frame(15, 1, "DU1"), frames.frame(9, 1, 100)]
        with open_broker(gateway.settings()) as broker:
            got = broker.snapshot()

    assert list(whys(got)) == ["completed_orders", "executions", "positions"]
    assert whys(got)["completed_orders"] == "the gateway closed the connection before the answer's end"
    gone = f"not asked: The gateway at 127.0.0.1:{got.gateway.port} (API version 176) closed the connection during"
    assert whys(got)["executions"].startswith(gone)
    assert whys(got)["positions"].startswith(gone)
    assert got.parts["open_orders"].complete


def test_the_client_id_may_still_be_taken_just_after_a_drop() -> None:
    logon = [frames.frame(15, 1, "DU1"), frames.frame(9, 1, 100)]
    taken = [frames.error(176, -1, 326, "client id is already in use"), CLOSE]
    with ScriptedGateway({OPEN: [[CLOSE]]}, logons=[logon, taken, taken, logon]) as gateway:
        with open_broker(gateway.settings()) as broker:
            got = broker.snapshot()

        assert gateway.connections == 4
    assert [part.answered_at_ns is None for part in got.parts.values()] == [True, False, False, False]


def test_a_new_socket_that_leads_to_another_account_is_not_read() -> None:
    logon, other = ([frames.frame(15, 1, name), frames.frame(9, 1, 100)] for name in ("DU1", "DU2"))
    with (
        ScriptedGateway({OPEN: [[CLOSE]]}, logons=[logon, other]) as gateway,
        open_broker(gateway.settings()) as broker,
    ):
        got = broker.snapshot()

    assert whys(got)["positions"] == "not asked: The gateway does not hold the account DU1; it holds DU2."
    assert got.gateway.account == "DU1"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1100, "Connectivity between IB and TWS has been lost"),
        (2110, "Connectivity between TWS and server is broken"),
    ],
)
def test_a_gateway_that_lost_ib_proves_nothing_until_it_is_back(code: int, text: str) -> None:
    got, _ = read(
        {
            COMPLETED: [[frames.error(176, -1, code, text), frames.COMPLETED_ORDERS_END]],
            POSITIONS: [
                [frames.POSITION_ES, frames.error(176, -1, 1102, "restored"), frames.POSITION_END],
            ],
        }
    )

    assert whys(got) == {
        "completed_orders": f"IB error {code}: {text}",
        "executions": f"{code} {text}",
        "positions": f"{code} {text}",
    }
    assert got.positions.height == 1


def test_a_link_that_was_lost_and_came_back_within_an_answer_leaves_a_hole() -> None:
    lost, back = frames.error(176, -1, 1100, "lost"), frames.error(176, -1, 1102, "restored")
    got, _ = read({OPEN: [[lost + back + frames.OPEN_ORDER_END]]})  # in one piece: the first word ends the wait

    assert whys(got) == {"open_orders": "IB error 1100: lost"}


def test_an_error_that_names_the_question_fails_it_at_once() -> None:
    got, gateway = read(
        {EXECUTIONS: [lambda fields: [frames.error(176, int(fields[2]), 321, "Error validating request")]]}
    )

    assert whys(got) == {"executions": "IB error 321: Error validating request"}
    assert gateway.connections == 2


def test_an_error_without_a_number_fails_the_question_it_comes_with() -> None:
    got, _ = read(
        {COMPLETED: [[frames.error(176, -1, 504, "Not connected"), frames.COMPLETED_ORDERS_END]]},
    )

    assert whys(got) == {"completed_orders": "IB error 504: Not connected"}


def test_notices_and_words_about_orders_fail_nothing() -> None:
    beside = [
        frames.error(176, -1, 2104, "Market data farm connection is OK"),
        frames.error(176, -1, 2103, "Market data farm connection is broken"),
        frames.error(176, 11, 399, "Order message: outside trading hours"),
        frames.error(176, 11, 10349, "TIF set to DAY"),
    ]
    got, _ = read({OPEN: [[frames.open_order(176), *beside, frames.OPEN_ORDER_END]]})

    assert got.complete
    assert got.open_orders.select("status", "live").rows() == [("Submitted", True)]


@pytest.mark.parametrize(
    "broken",
    [
        frames.frame(5, 11, "not a contract"),
        frames.frame(5, "eleven", *frames.ES),
        frames.frame(3, 11, "Submitted", "two"),
        frames.frame(61, 3, "DU1"),
        frames.frame(999, 1),
    ],
)
def test_a_message_that_cannot_be_read_fails_the_part_it_came_with(broken: bytes) -> None:
    got, _ = read({OPEN: [[frames.open_order(176), broken, frames.OPEN_ORDER_END]]})

    assert list(whys(got)) == ["open_orders"]
    assert whys(got)["open_orders"].startswith("the answer held a message")
    assert got.open_orders.height == 1


def test_bytes_that_are_not_the_api_end_the_connection_and_fail_the_part() -> None:
    got, gateway = read({OPEN: [[frames.frame("hello", "world")]]})

    assert list(whys(got)) == ["open_orders"]
    assert gateway.connections == 2


def test_messages_nobody_asked_for_and_that_do_not_matter_are_let_pass() -> None:
    got, _ = read({OPEN: [[frames.frame(6, 2, "NetLiquidation", "x", "USD", "DU1"), frames.OPEN_ORDER_END]]})

    assert got.complete


def test_an_unknown_server_time_leaves_todays_parts_unproven() -> None:
    got, gateway = read({TIME: [silence]}, timeout_s=SHORT_S)

    unknown = "the gateway did not tell its time, so it is not known from when on this answer speaks"
    assert whys(got) == {"completed_orders": unknown, "executions": unknown}
    assert gateway.connections == 3


def test_a_socket_that_died_unnoticed_is_replaced_before_the_first_question() -> None:
    got, gateway = read({TIME: [[CLOSE], [frames.SERVER_TIME]]})

    assert got.complete
    assert gateway.connections == 2


def test_the_whole_read_has_a_limit_of_its_own() -> None:
    got, gateway = read({COMPLETED: [silence]}, timeout_s=20.0, total_timeout_s=0.4)

    assert whys(got) == {
        "completed_orders": "the answer's end had not come when the whole read took longer than 0.4 s",
        "executions": "not asked: the whole read took longer than 0.4 s",
        "positions": "not asked: the whole read took longer than 0.4 s",
    }
    assert gateway.connections == 1


def test_an_execution_without_an_id_cannot_be_counted() -> None:
    got, _ = read(
        {EXECUTIONS: [lambda fields: [frames.execution(176, fields[2], exec_id=""), frames.execution_end(fields[2])]]}
    )

    assert whys(got) == {"executions": "an execution came without an execution id"}


def test_a_silent_socket_is_not_used_again_for_the_time() -> None:
    with ScriptedGateway({TIME: [silence, [frames.SERVER_TIME]]}) as gateway:
        with open_broker(gateway.settings(timeout_s=SHORT_S)) as broker:
            broker.connect()
            with pytest.raises(GatewayUnreachable, match=r"did not tell its time within 0\.2 s"):
                broker.current_time()
            assert broker.current_time() == frames.SERVER_TIME_S * 1_000_000_000

        assert gateway.connections == 2


def test_every_part_is_named_once_whatever_happens() -> None:
    got, _ = read({OPEN: [[CLOSE]], COMPLETED: [silence], POSITIONS: [[CLOSE]]}, timeout_s=SHORT_S)

    assert list(got.parts) == list(PARTS)
    assert [got.parts[name].ended for name in PARTS] == [False, False, True, False]
    assert got.parts["executions"].why == ASKED_ANEW
