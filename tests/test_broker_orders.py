"""Placing and cancelling: one round trip before, the gateway's first word after, and never a guess."""

from __future__ import annotations

from decimal import Decimal

import pytest

import broker_frames as frames
from broker_support import CANCEL, CLOSE, OPEN, PLACE, TIME, VERSIONS, ScriptedGateway, silence
from tieout.broker import Acknowledgement, BrokerEvent, ContractSpec, OrderSpec, open_broker
from tieout.errors import GatewayUnreachable, OutcomeUnknown

SHORT_S = 0.2
ES = ContractSpec(con_id=637533641, symbol="ES", sec_type="FUT", exchange="CME", currency="USD", expiry="20250919",
                  multiplier=Decimal(50))  # fmt: skip
BUY = OrderSpec(
    side="BUY", quantity=Decimal("1E+2"), order_type="LMT", limit_price=Decimal("6550.50"), tif="GTC", order_ref="r-1"
)


def acknowledged(fields: list[str]) -> list[bytes | object]:
    order_id = int(fields[1])
    return [
        frames.error(176, order_id, 399, "a warning, not an answer"),
        frames.open_order(176, order_id=order_id, perm_id=55, status="PreSubmitted"),
        frames.order_status(order_id=order_id, perm_id=55, status="PreSubmitted"),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_order_goes_out_with_exact_numbers_after_a_round_trip(version: int) -> None:
    with ScriptedGateway({PLACE: [acknowledged]}, version=version) as gateway:
        with open_broker(gateway.settings()) as broker:
            order_id = broker.next_order_id()
            answer = broker.place(ES, BUY, order_id=order_id)
        gateway.settle()

        assert gateway.kinds() == [TIME, PLACE]
        sent = gateway.requests[1]
    assert answer.order_id == order_id == 100
    assert answer.perm_id in {None, 55}
    assert answer.status == "PreSubmitted"
    assert sent[1:3] == ["100", "637533641"]
    assert sent[3:14] == ["ES", "FUT", "20250919", "0.0", "", "50", "CME", "", "USD", "", ""]
    assert sent[16:22] == ["BUY", "100", "LMT", "6550.5", "", "GTC"]
    assert sent[23] == "DU1"
    assert sent[26] == "r-1"


def test_a_code_that_the_operator_calls_a_warning_is_no_answer() -> None:
    said = [frames.error(176, 100, 12345, "news of a later gateway"), frames.open_order(176, order_id=100, perm_id=55)]
    with ScriptedGateway({PLACE: [said]}) as gateway:
        told = {}
        for warnings in (frozenset[int](), frozenset({12345})):
            with open_broker(gateway.settings(warning_codes=warnings)) as broker:
                told[len(warnings)] = broker.place(ES, BUY, order_id=100)
    assert (told[0].code, told[0].perm_id) == (12345, None)
    assert (told[1].code, told[1].perm_id) == (None, 55)


def test_ids_grow() -> None:
    with ScriptedGateway() as gateway, open_broker(gateway.settings()) as broker:
        assert [broker.next_order_id(), broker.next_order_id()] == [100, 101]


def test_a_refused_order_answers_with_its_code() -> None:
    refused = [frames.error(176, 100, 201, "Order rejected - reason: margin")]
    with ScriptedGateway({PLACE: [refused]}) as gateway, open_broker(gateway.settings()) as broker:
        answer = broker.place(ES, BUY, order_id=100)

    assert answer == Acknowledgement(order_id=100, code=201, text="Order rejected - reason: margin")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([], "nothing came within 0.2 s"),
        ([CLOSE], "the gateway closed the connection"),
        ([frames.order_status(order_id=100, client_id=8)], "nothing came within 0.2 s"),
    ],
)
def test_an_order_without_a_first_word_is_unknown_and_its_socket_is_gone(answer: list[object], why: str) -> None:
    with ScriptedGateway({PLACE: [answer]}) as gateway, open_broker(gateway.settings(timeout_s=SHORT_S)) as broker:
        with pytest.raises(OutcomeUnknown) as caught:
            broker.place(ES, BUY, order_id=100)
        gateway.settle()

        assert gateway.kinds() == [TIME, PLACE]
    assert caught.value.message == f"Order 100 was sent and the gateway did not acknowledge it: {why}."
    assert caught.value.exit_code == 17


def test_nothing_is_sent_on_a_socket_that_does_not_answer() -> None:
    with ScriptedGateway({TIME: [silence]}) as gateway:
        with open_broker(gateway.settings(timeout_s=SHORT_S)) as broker, pytest.raises(GatewayUnreachable):
            broker.place(ES, BUY, order_id=100)
        gateway.settle()

        assert gateway.kinds() == [TIME]


def test_a_cancel_is_answered_by_a_status_or_by_a_code() -> None:
    answers = {
        CANCEL: [
            [frames.order_status(order_id=100, status="PendingCancel")],
            [
                frames.error(
                    176, 100, 10148, "OrderId 100 that needs to be cancelled cannot be cancelled, state: Filled."
                )
            ],
        ]
    }
    with ScriptedGateway(answers) as gateway, open_broker(gateway.settings()) as broker:  # type: ignore[arg-type]
        first, second = broker.cancel(100), broker.cancel(100)

    assert (first.status, first.perm_id) == ("PendingCancel", 1500000001)
    assert second.code == 10148


def test_what_comes_unasked_is_told_once_in_order() -> None:
    unasked = [
        frames.execution(176, -1, exec_id="a.01"),
        frames.commission("a.01"),
        frames.order_status(status="Filled"),
        frames.error(176, -1, 1100, "lost"),
    ]
    with (
        ScriptedGateway({OPEN: [[frames.OPEN_ORDER_END]], TIME: [[frames.SERVER_TIME, *unasked, CLOSE]]}) as gateway,
        open_broker(gateway.settings()) as broker,
    ):
        broker.current_time()
        told: list[BrokerEvent] = []
        while not told or told[-1].kind != "closed":
            told += broker.events(wait_s=20.0)

        assert broker.events() == []
    assert [event.kind for event in told] == ["execution", "commission", "status", "message", "closed"]
    assert [(e.exec_id, e.perm_id, e.order_id, e.code) for e in told] == [
        ("a.01", 1500000004, 9, None),
        ("a.01", None, None, None),
        (None, 1500000001, 11, None),
        (None, None, None, 1100),
        (None, None, None, None),
    ]
    assert [event.at_ns for event in told] == sorted(event.at_ns for event in told)
