"""After a restart of the gateway its reports are late: two readings in a row must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import broker_frames as frames
from broker_support import CLOSE, COMPLETED, EXECUTIONS, OPEN, POSITIONS, TIME, Answer, ScriptedGateway, silence
from tieout.broker import open_broker
from tieout.broker.settled import READS_MAX
from tieout.model import PARTS

if TYPE_CHECKING:
    from tieout.model import Snapshot

WHY = "the caller says so"
EMPTY: Answer = [frames.COMPLETED_ORDERS_END]
FULL: Answer = [frames.completed_order(176), frames.COMPLETED_ORDERS_END]
SHORT_S = 0.2


def fills(*exec_ids: str) -> Answer:
    """The answer with these executions, each with its commission."""
    return lambda fields: [
        *(frames.execution(176, fields[2], exec_id=one) for one in exec_ids),
        *(frames.commission(one) for one in exec_ids),
        frames.execution_end(fields[2]),
    ]


def reads(got: Snapshot) -> set[int]:
    return {part.reads for part in got.parts.values()}


def test_one_reading_is_enough_where_nothing_speaks_of_a_restart() -> None:
    with ScriptedGateway({COMPLETED: [EMPTY, FULL]}) as gateway, open_broker(gateway.settings()) as broker:
        first, second = broker.snapshot(), broker.snapshot()
        assert broker.restarted() is None

    assert (first.read_twice, reads(first), reads(second)) == (None, {1}, {1})
    assert [one.completed_orders.height for one in (first, second)] == [0, 1]


def test_two_that_agree_are_complete() -> None:
    with ScriptedGateway({COMPLETED: [FULL]}) as gateway, open_broker(gateway.settings()) as broker:
        got = broker.snapshot(twice=WHY)

    assert (got.complete, got.read_twice, reads(got)) == (True, WHY, {2})


def test_a_late_report_is_read_again_until_two_agree() -> None:
    answers: dict[int, list[Answer]] = {COMPLETED: [EMPTY, FULL], EXECUTIONS: [fills(), fills("a.1.01")]}
    with ScriptedGateway(answers) as gateway, open_broker(gateway.settings()) as broker:
        got = broker.snapshot(twice=WHY)

    assert (got.complete, reads(got)) == (True, {3})
    assert (got.completed_orders.height, got.executions["exec_id"].to_list()) == (1, ["a.1.01"])


def test_what_never_comes_to_rest_is_incomplete_and_only_that() -> None:
    moving: list[Answer] = [fills(*(f"a.{n}.01" for n in range(count))) for count in range(READS_MAX + 1)]
    with ScriptedGateway({EXECUTIONS: moving}) as gateway, open_broker(gateway.settings()) as broker:
        got = broker.snapshot(twice=WHY)

    assert [part.name for part in got.missing()] == ["executions"]
    assert got.parts["executions"].why == "two reads of it differ (2 and 3 rows): the gateway is still catching up"
    assert reads(got) == {READS_MAX}
    assert got.executions.height == READS_MAX - 1  # presence is proof all the same


def test_a_commission_that_comes_late_is_no_difference() -> None:
    bare: Answer = lambda fields: [frames.execution(176, fields[2]), frames.execution_end(fields[2])]  # noqa: E731
    with (
        ScriptedGateway({EXECUTIONS: [bare, fills("0000e0d5.66a1b2c3.01.01")]}) as gateway,
        open_broker(gateway.settings()) as broker,
    ):
        got = broker.snapshot(twice=WHY)

    assert (got.complete, reads(got)) == (True, {2})
    assert got.executions["commission_e8"].to_list() == [205000000]


def test_an_incomplete_reading_is_no_one_of_two() -> None:
    cut: Answer = [frames.completed_order(176)]
    with (
        ScriptedGateway({COMPLETED: [cut, FULL]}) as gateway,
        open_broker(gateway.settings(timeout_s=SHORT_S)) as broker,
    ):
        got = broker.snapshot(twice=WHY)

    assert (got.complete, reads(got)) == (True, {3})


def test_an_order_that_filled_between_the_two_is_read_once_more() -> None:
    live: Answer = [frames.open_order(176), frames.order_status(filled="0"), frames.OPEN_ORDER_END]
    filling: Answer = [frames.open_order(176), frames.order_status(filled="1"), frames.OPEN_ORDER_END]
    with ScriptedGateway({OPEN: [live, filling]}) as gateway, open_broker(gateway.settings()) as broker:
        got = broker.snapshot(twice=WHY)

    assert (got.complete, reads(got)) == (True, {3})
    assert got.open_orders["filled_quantity_e8"].to_list() == [100_000_000]


LOGON = [frames.frame(15, 1, "DU1"), frames.frame(9, 1, 100)]
LOWER = [frames.frame(15, 1, "DU1"), frames.frame(9, 1, 99)]


def test_a_connection_that_the_gateway_closed_is_a_sign_until_it_was_read_twice() -> None:
    with (
        ScriptedGateway({TIME: [[frames.SERVER_TIME, CLOSE], [frames.SERVER_TIME]]}) as gateway,
        open_broker(gateway.settings()) as broker,
    ):
        broker.current_time()
        assert [event.kind for event in broker.events(wait_s=20)] == ["closed"]
        assert broker.restarted() == "the gateway closed the connection"
        got = broker.snapshot()
        assert (got.complete, got.read_twice, reads(got)) == (True, "the gateway closed the connection", {2})
        assert broker.restarted() is None
        assert reads(broker.snapshot()) == {1}


def test_a_connection_that_died_without_a_word_is_a_sign() -> None:
    with (
        ScriptedGateway({TIME: [[frames.SERVER_TIME], silence, [frames.SERVER_TIME]]}) as gateway,
        open_broker(gateway.settings(timeout_s=SHORT_S)) as broker,
    ):
        broker.current_time()
        got = broker.snapshot()

    assert got.complete
    assert got.read_twice == "the gateway did not answer on a connection that seemed to be up"


@pytest.mark.parametrize("code", [1100, 1101, 1102])
def test_ib_lost_or_regained_is_a_sign(code: int) -> None:
    said = [frames.error(176, -1, code, "Connectivity"), frames.error(176, -1, 1102, "restored"), frames.SERVER_TIME]
    with (
        ScriptedGateway({TIME: [said, [frames.SERVER_TIME]]}) as gateway,
        open_broker(gateway.settings()) as broker,
    ):
        broker.current_time()
        got = broker.snapshot()
        assert broker.restarted() is None

    assert (got.complete, got.read_twice) == (True, "IB error 1102: restored")


def test_ids_that_went_back_are_a_sign() -> None:
    answers: dict[int, list[Answer]] = {POSITIONS: [silence, [frames.POSITION_END]]}
    with (
        ScriptedGateway(answers, logons=[LOGON, LOWER]) as gateway,
        open_broker(gateway.settings(timeout_s=SHORT_S)) as broker,
    ):
        assert broker.connect().next_order_id == 100
        assert broker.snapshot().read_twice is None  # its last answer never ended, so we left
        assert broker.connect().next_order_id == 99
        assert broker.restarted() == "nextValidId went back from 100 to 99"
        got = broker.snapshot()

    assert (got.complete, got.read_twice) == (True, "nextValidId went back from 100 to 99")


def test_what_is_asked_after_the_gateway_closed_in_the_middle_is_failed() -> None:
    """It may have restarted: what it answers then may be late."""
    with ScriptedGateway({COMPLETED: [[CLOSE], FULL]}) as gateway, open_broker(gateway.settings()) as broker:
        got = broker.snapshot()
        assert [part.complete for part in got.parts.values()] == [True, False, False, False]
        assert [part.ended for part in got.parts.values()] == [True, False, True, True]
        again = broker.snapshot()

    assert (again.complete, reads(again)) == (True, {2})


def test_each_part_carries_its_certificate() -> None:
    noted = [frames.error(176, -1, 2104, "farm is OK"), frames.error(176, -1, 2104, "farm is OK")]
    with (
        ScriptedGateway({OPEN: [[*noted, frames.OPEN_ORDER_END]], COMPLETED: [silence]}) as gateway,
        open_broker(gateway.settings(timeout_s=SHORT_S)) as broker,
    ):
        got = broker.snapshot()

    opened, completed = got.parts["open_orders"], got.parts["completed_orders"]
    assert (opened.ended, opened.said, opened.reads) == (True, ("2104 farm is OK",), 1)
    assert opened.asked_at_ns <= (opened.answered_at_ns or 0)
    assert (completed.ended, completed.answered_at_ns, completed.said) == (False, None, ())
    assert {got.parts[name].server_time_ns for name in PARTS} == {frames.SERVER_TIME_S * 10**9}
