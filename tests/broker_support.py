"""A scripted gateway for the broker's tests: a real socket that says exactly what a test tells it to."""

from __future__ import annotations

import importlib.util
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import broker_frames as frames
from tieout.broker import BrokerSettings, open_broker
from tieout.model import Snapshot

CLIENT = "ib_async" if importlib.util.find_spec("ib_async") else "ib_insync"
CLIENT_VERSION_MAX = 178 if CLIENT == "ib_async" else 176
VERSIONS = [
    version for version in (157, 158, 160, 162, 163, 164, 166, 170, 173, 176, 177, 178) if version <= CLIENT_VERSION_MAX
]

TIME, OPEN, COMPLETED, EXECUTIONS, POSITIONS, CANCEL_POSITIONS, PLACE, CANCEL = 49, 16, 99, 7, 61, 64, 3, 4
OWN_OPEN = 5

CLOSE = object()
"""A step of an answer: close the socket."""

Step = bytes | object
Answer = Sequence[Step] | Callable[[list[str]], Sequence[Step]]


def silence(_fields: list[str]) -> list[Step]:
    """An answer that never comes."""
    return []


class ScriptedGateway:
    """
    Speaks the handshake and the logon, then answers each kind of request from a list.

    Args:
        answers: by request kind: the first request gets the first answer, and so on; the last one stays.
        greeting: instead of the handshake: these bytes; `b""` accepts and says nothing.
        logons: by connection: what is said after START_API; the last one stays.
        chunk: how many bytes each `send` gives to the network.
    """

    def __init__(
        self,
        answers: dict[int, list[Answer]] | None = None,
        *,
        version: int = 176,
        accounts: str = "DU1",
        greeting: bytes | None = None,
        close_after_greeting: bool = False,
        logons: list[Sequence[Step]] | None = None,
        connected_at: str = "20250715 15:05:07 America/New_York",
        chunk: int = 1 << 20,
    ) -> None:
        logon = [frames.frame(15, 1, accounts), frames.frame(9, 1, 100)]
        self.version = version
        self.requests: list[list[str]] = []
        self.connections = 0
        self.accepted = threading.Event()
        self._answers: dict[int, list[Answer]] = {
            TIME: [[frames.SERVER_TIME]],
            OPEN: [[frames.OPEN_ORDER_END]],
            OWN_OPEN: [[frames.OPEN_ORDER_END]],
            COMPLETED: [[frames.COMPLETED_ORDERS_END]],
            EXECUTIONS: [lambda fields: [frames.execution_end(fields[2])]],
            POSITIONS: [[frames.POSITION_END]],
            CANCEL_POSITIONS: [silence],
        } | (answers or {})
        self._asked: dict[int, int] = {}
        self._greeting = greeting
        self._close_after_greeting = close_after_greeting
        self._logons = logons or [logon]
        self._connected_at = connected_at
        self._chunk = chunk
        self._failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def settings(self, **changes: Any) -> BrokerSettings:
        """The settings that lead here."""
        chosen: dict[str, Any] = {
            "client": CLIENT, "host": "127.0.0.1", "port": self.port, "client_id": 7, "timeout_s": 20.0,
            "restart_pause_s": 0.0, "allow_live": True,
        } | changes  # fmt: skip
        return BrokerSettings(**chosen)

    def kinds(self) -> list[int]:
        """The kinds of the requests that came, in order."""
        return [int(fields[0]) for fields in self.requests]

    def __enter__(self) -> ScriptedGateway:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._sockets:
            _shut(peer)
        for thread in self._threads:
            thread.join()
        for peer in self._sockets:
            peer.close()
        if self._failures:
            raise self._failures[0]

    def settle(self) -> None:
        """Wait until every connection has ended: the client has closed them all."""
        for thread in self._threads[1:]:
            thread.join()

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(peer)
            self.connections += 1
            self._start(self._guarded, peer, self.connections)

    def _guarded(self, peer: socket.socket, number: int) -> None:
        try:
            self._serve(peer, number)
        except ConnectionError:
            return
        except BaseException as error:  # noqa: BLE001 - told to the test when the gateway ends
            self._failures.append(error)

    def _serve(self, peer: socket.socket, number: int) -> None:
        reader = peer.makefile("rb")
        self.accepted.set()
        if self._greeting is not None:
            peer.sendall(self._greeting)
            if not self._close_after_greeting:
                reader.read()
            _shut(peer)
            return
        opening = reader.read(4)
        if not opening:
            return  # the client left before its first word
        assert opening == b"API\0"
        _read_frame(reader)
        self._say(peer, [frames.frame(self.version, self._connected_at)])
        start = _read_fields(reader)
        if start is None:
            return
        assert start[0] == "71"
        if not self._say(peer, self._logons[min(number, len(self._logons)) - 1]):
            return
        while (fields := _read_fields(reader)) is not None:
            self.requests.append(fields)
            if not self._say(peer, self._answer(fields)):
                return

    def _answer(self, fields: list[str]) -> Sequence[Step]:
        kind = int(fields[0])
        answers = self._answers[kind]
        count = self._asked[kind] = self._asked.get(kind, 0) + 1
        answer = answers[min(count, len(answers)) - 1]
        return answer(fields) if callable(answer) else answer

    def _say(self, peer: socket.socket, steps: Sequence[Step]) -> bool:
        for step in steps:
            if not isinstance(step, bytes):
                _shut(peer)
                return False
            for start in range(0, len(step), self._chunk):
                peer.sendall(step[start : start + self._chunk])
        return True


def read(gateway: ScriptedGateway, **settings: object) -> Snapshot:
    """One snapshot of that gateway."""
    with open_broker(gateway.settings(**settings)) as broker:
        return broker.snapshot()


def snapshot(answers: dict[int, list[Answer]], **gateway: object) -> Snapshot:
    """One snapshot of a gateway that answers so."""
    with ScriptedGateway(answers, **gateway) as scripted:  # type: ignore[arg-type]
        return read(scripted)


def _shut(peer: socket.socket) -> None:
    with suppress(OSError):  # the client was quicker
        peer.shutdown(socket.SHUT_RDWR)


def _read_frame(reader: Any) -> bytes | None:
    head = reader.read(4)
    return reader.read(struct.unpack(">I", head)[0]) if len(head) == 4 else None


def _read_fields(reader: Any) -> list[str] | None:
    body = _read_frame(reader)
    return None if body is None else body.decode().split("\0")[:-1]
