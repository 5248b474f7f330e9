"""Paper or live, read-only or not: known before anything rests on it."""

from __future__ import annotations

from decimal import Decimal

import pytest

import broker_frames as frames
from broker_support import CLIENT, CLOSE, OPEN, TIME, ScriptedGateway, silence
from tieout.broker import BrokerSettings, ContractSpec, OrderSpec, open_broker
from tieout.errors import EXIT_FORBIDDEN, GatewayUnreachable, LiveNotAllowed

OWN_OPEN = 5
READ_ONLY = "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
SHORT_S = 0.2


@pytest.mark.parametrize(("port", "program"), [(4001, "IB Gateway"), (7496, "TWS")])
def test_a_live_port_is_not_even_dialled_without_allow_live(port: int, program: str) -> None:
    settings = BrokerSettings(client=CLIENT, host="gateway.invalid", port=port, client_id=7)  # type: ignore[arg-type]
    with open_broker(settings) as broker, pytest.raises(LiveNotAllowed) as caught:
        broker.snapshot()

    assert caught.value.exit_code == EXIT_FORBIDDEN
    assert caught.value.message == (
        f"BROKER.port is {port}, {program}'s port for live trading, and ALLOW_LIVE is false; nothing was sent there"
    )


@pytest.mark.parametrize("port", [4002, 7497, 4003])
def test_other_ports_are_dialled(port: int) -> None:
    settings = BrokerSettings(client=CLIENT, host="gateway.invalid", port=port, client_id=7)  # type: ignore[arg-type]
    with open_broker(settings) as broker, pytest.raises(GatewayUnreachable):
        broker.connect()


def test_a_live_account_is_left_at_once_without_allow_live() -> None:
    with ScriptedGateway(accounts="U77") as gateway:
        with open_broker(gateway.settings(allow_live=False)) as broker, pytest.raises(LiveNotAllowed) as caught:
            broker.snapshot()
        gateway.settle()

        assert caught.value.message == (
            f"the gateway at 127.0.0.1:{gateway.port} is logged in to U77, which is not a paper account, and "
            "ALLOW_LIVE is false; nothing was asked there"
        )
        assert gateway.requests == []


@pytest.mark.parametrize("account", ["DU1", "DF1", "DI1"])
def test_paper_accounts_need_no_leave(account: str) -> None:
    with ScriptedGateway(accounts=account) as gateway, open_broker(gateway.settings(allow_live=False)) as broker:
        assert broker.connect().paper


def test_allow_live_lets_a_live_account_in() -> None:
    with ScriptedGateway(accounts="U77") as gateway, open_broker(gateway.settings(allow_live=True)) as broker:
        assert not broker.connect().paper


def test_a_read_only_gateway_is_recognised_and_asked_once() -> None:
    with ScriptedGateway({OWN_OPEN: [[frames.error(176, -1, 321, READ_ONLY)]]}) as gateway:
        with open_broker(gateway.settings()) as broker:
            assert [broker.read_only(), broker.read_only()] == [READ_ONLY, READ_ONLY]
        gateway.settle()
        assert gateway.kinds() == [OWN_OPEN]


def test_a_writable_one_is_asked_once_as_well() -> None:
    with ScriptedGateway({OWN_OPEN: [[frames.OPEN_ORDER_END]]}) as gateway:
        with open_broker(gateway.settings()) as broker:
            assert [broker.read_only(), broker.read_only()] == [None, None]
        gateway.settle()
        assert gateway.kinds() == [OWN_OPEN]


def test_each_connection_is_asked_anew() -> None:
    answers = {
        OWN_OPEN: [[frames.error(176, -1, 321, READ_ONLY)], [frames.OPEN_ORDER_END]],
        TIME: [[frames.SERVER_TIME, CLOSE], [frames.SERVER_TIME]],
    }
    with ScriptedGateway(answers) as gateway, open_broker(gateway.settings()) as broker:  # type: ignore[arg-type]
        assert broker.read_only() == READ_ONLY
        broker.current_time()
        told = [event.kind for event in broker.events(wait_s=20)]
        while told[-1] != "closed":
            more = broker.events(wait_s=20)
            assert more, told
            told.extend(event.kind for event in more)
        assert broker.read_only() is None


def test_a_snapshot_or_an_order_that_was_refused_tells_it_too() -> None:
    refused = [frames.error(176, -1, 321, READ_ONLY)]
    with ScriptedGateway({OPEN: [refused]}) as gateway, open_broker(gateway.settings()) as broker:
        got = broker.snapshot()
        assert got.parts["open_orders"].why == f"IB error 321: {READ_ONLY}"
        assert got.parts["open_orders"].said == (f"321 {READ_ONLY}",)

    with ScriptedGateway({3: [[frames.error(176, 5, 321, READ_ONLY)]]}) as gateway:
        with open_broker(gateway.settings()) as broker:
            told = broker.place(
                ContractSpec(con_id=1), OrderSpec(side="BUY", quantity=Decimal(1), order_type="MKT"), order_id=5
            )
            assert (told.code, told.text) == (321, READ_ONLY)
            assert broker.read_only() == READ_ONLY
        gateway.settle()
        assert gateway.kinds() == [TIME, 3]


def test_another_321_is_not_read_only() -> None:
    other = "Error validating request.-'bN' : cause - Invalid time"
    with (
        ScriptedGateway({OWN_OPEN: [[frames.error(176, -1, 321, other), frames.OPEN_ORDER_END]]}) as gateway,
        open_broker(gateway.settings()) as broker,
    ):
        assert broker.read_only() is None


def test_no_answer_is_not_taken_for_either() -> None:
    with (
        ScriptedGateway({OWN_OPEN: [silence]}) as gateway,
        open_broker(gateway.settings(timeout_s=SHORT_S)) as broker,
        pytest.raises(GatewayUnreachable) as caught,
    ):
        broker.read_only()

    assert caught.value.message == "The gateway did not list our open orders within 0.2 s."
