"""Reaching a gateway, or saying plainly what is there instead."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import broker_frames as frames
import tieout
from broker_support import CLIENT, CLOSE, TIME, ScriptedGateway, silence
from tieout.broker import BrokerSettings, open_broker
from tieout.errors import AccountUnknown, BrokerError, ClientMissing, GatewayUnreachable, SettingsError

SHORT_S = 0.2


def error_of(gateway: ScriptedGateway, **changes: object) -> BrokerError:
    with open_broker(gateway.settings(**changes)) as broker, pytest.raises(BrokerError) as caught:
        broker.connect()
    return caught.value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_who_answered() -> None:
    with ScriptedGateway(version=173, accounts="U77") as gateway, open_broker(gateway.settings()) as broker:
        found = broker.connect()

        assert (found.host, found.port, found.client_id, found.client) == ("127.0.0.1", gateway.port, 7, CLIENT)
        assert (found.server_version, found.account, found.paper) == (173, "U77", False)
        assert broker.connect() == found
        assert gateway.connections == 1


def test_nothing_listens() -> None:
    port = free_port()
    with (
        open_broker(BrokerSettings(client=CLIENT, host="127.0.0.1", port=port, client_id=7)) as broker,  # type: ignore[arg-type]
        pytest.raises(GatewayUnreachable) as caught,
    ):
        broker.snapshot()

    assert caught.value.message == f"No gateway at 127.0.0.1:{port}: it refused the connection."
    assert "7496 live, 7497 paper" in caught.value.hint
    assert "4001 live, 4002 paper" in caught.value.hint


def test_a_host_name_that_does_not_exist() -> None:
    settings = BrokerSettings(client=CLIENT, host="gateway.invalid", port=7497, client_id=7)  # type: ignore[arg-type]
    with open_broker(settings) as broker, pytest.raises(GatewayUnreachable) as caught:
        broker.connect()

    assert caught.value.message.startswith("No gateway at gateway.invalid:7497: it cannot be reached (")


def test_a_port_that_accepts_and_says_nothing() -> None:
    with ScriptedGateway(greeting=b"") as gateway:
        error = error_of(gateway, timeout_s=SHORT_S)

        assert type(error) is GatewayUnreachable
        assert error.message == (
            f"127.0.0.1:{gateway.port} accepted the connection but did not answer the API handshake within 0.2 s."
        )


def test_a_port_that_closes_at_once() -> None:
    with ScriptedGateway(greeting=b"", close_after_greeting=True) as gateway:
        error = error_of(gateway)

        assert type(error) is GatewayUnreachable
        assert error.message == f"127.0.0.1:{gateway.port} closed the connection before the API handshake."
        assert "trusted IPs" in error.hint


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        frames.frame("hello"),
        frames.frame("one", "two"),
        frames.frame("x" * 50, "y", "z"),
        b"\0\0\0\5hello",
    ],
)
def test_another_program_on_the_port(greeting: bytes) -> None:
    with ScriptedGateway(greeting=greeting) as gateway:
        error = error_of(gateway)

        assert type(error) is GatewayUnreachable
        assert error.message == f"127.0.0.1:{gateway.port} does not speak the IB API: it answered something else."


def test_a_gateway_that_is_too_old() -> None:
    with ScriptedGateway(version=120) as gateway:
        error = error_of(gateway)

        assert error.message == f"The gateway at 127.0.0.1:{gateway.port} speaks API version 120; 157 is the least."


def test_a_gateway_that_answers_with_a_version_nobody_asked_for() -> None:
    with ScriptedGateway(version=500) as gateway:
        error = error_of(gateway)

    assert error.message.startswith("The gateway answered with API version 500; ")


def test_a_logon_that_is_never_finished() -> None:
    with ScriptedGateway(logons=[[frames.frame(9, 1, 100)]]) as gateway:
        error = error_of(gateway, timeout_s=SHORT_S)

        where = f"127.0.0.1:{gateway.port}"
        assert error.message == f"The gateway at {where} (API version 176) did not finish the logon within 0.2 s."


def test_the_client_id_is_in_use() -> None:
    taken = [frames.error(176, -1, 326, "Unable to connect as the client id is already in use."), CLOSE]
    with ScriptedGateway(logons=[taken]) as gateway:
        error = error_of(gateway)

        assert type(error) is BrokerError
        assert error.message == (
            f"The gateway at 127.0.0.1:{gateway.port} already has a client with id 7 (IB error 326)."
        )
        assert "BROKER.client_id" in error.hint


def test_several_accounts_and_none_named() -> None:
    with ScriptedGateway(accounts="DU1,DU2,") as gateway:
        error = error_of(gateway)

    assert type(error) is AccountUnknown
    assert error.message == "The gateway holds 2 accounts: DU1, DU2; BROKER.account names none."


def test_the_named_account_is_not_there() -> None:
    with ScriptedGateway(accounts="DU1,DU2") as gateway:
        error = error_of(gateway, account="U9")

    assert type(error) is AccountUnknown
    assert error.message == "The gateway does not hold the account U9; it holds DU1, DU2."


@pytest.mark.parametrize("client_id", [0, -1])
def test_client_id_0_is_refused_before_anything_is_sent(client_id: int) -> None:
    with ScriptedGateway() as gateway:
        with pytest.raises(SettingsError, match=f"BROKER.client_id is {client_id}; it must be 1 or more"):
            open_broker(gateway.settings(client_id=client_id))

        assert gateway.connections == 0


def test_a_library_that_is_not_installed(hide_modules: Callable[[str], None]) -> None:
    other = "ib_insync" if CLIENT == "ib_async" else "ib_async"
    hide_modules(other)
    settings = BrokerSettings(client=other, host="127.0.0.1", port=1, client_id=7)  # type: ignore[arg-type]
    with open_broker(settings) as broker, pytest.raises(ClientMissing) as caught:
        broker.connect()

    assert caught.value.message == f"BROKER.client is {other}, and {other} is not installed."
    assert caught.value.hint == (f"pip install 'tieout[{other}]', or set BROKER.client to {CLIENT}, which is installed")


def test_no_library_at_all(hide_modules: Callable[[str], None]) -> None:
    hide_modules("ib_async")
    hide_modules("ib_insync")
    settings = BrokerSettings(client="ib_async", host="127.0.0.1", port=1, client_id=7)
    with open_broker(settings) as broker, pytest.raises(ClientMissing) as caught:
        broker.connect()

    assert caught.value.hint == "pip install 'tieout[ib_async]'"


@pytest.fixture
def hide_modules(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the import system find nothing under a name, as in an environment without it."""
    finders = list(sys.meta_path)
    hidden: set[str] = set()

    class Hiding:
        def find_spec(self, name: str, path: object = None, target: object = None) -> object:
            if name in hidden:
                return None
            found = (finder.find_spec(name, path, target) for finder in finders)  # type: ignore[arg-type]
            return next((spec for spec in found if spec is not None), None)

    monkeypatch.setattr(sys, "meta_path", [Hiding()])

    def hide(name: str) -> None:
        hidden.add(name)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return hide


def test_a_broker_can_be_closed_twice_and_used_again() -> None:
    with ScriptedGateway() as gateway:
        broker = open_broker(gateway.settings())
        broker.close()
        broker.connect()
        broker.close()
        broker.close()
        assert broker.current_time() == frames.SERVER_TIME_S * 1_000_000_000
        broker.close()

        assert gateway.connections == 2


def test_a_failed_connect_leaves_nothing_open() -> None:
    with ScriptedGateway(accounts="DU1,DU2") as gateway:
        broker = open_broker(gateway.settings())
        with pytest.raises(AccountUnknown):
            broker.connect()
        gateway.settle()  # the connection has ended, without close()

        assert gateway.connections == 1


INTERRUPTED = """
import sys
from tieout.broker import BrokerSettings, open_broker
settings = BrokerSettings(client=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]), client_id=7, timeout_s=600)
try:
    with open_broker(settings) as broker:
        broker.snapshot()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("greeting", [b"", None])
def test_ctrl_c_ends_a_wait_at_once_and_cleanly(greeting: bytes | None) -> None:
    asked = False
    with ScriptedGateway({TIME: [silence]}, greeting=greeting) as gateway:
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", INTERRUPTED, CLIENT, str(gateway.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(tieout.__file__).parent.parent)},
        )
        asked = gateway.accepted.wait(60)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=60)

    assert asked
    assert (output, errors, child.returncode) == ("interrupted\n", "", 0)
