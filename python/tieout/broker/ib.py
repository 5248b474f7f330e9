"""
One socket to TWS or IB Gateway, through the library's low-level `Client`. The only import of the libraries.

Both libraries are used alike: `Client` frames, encodes and decodes; `Collector` takes what it decodes. Never
`IB()`, whose connect asks for more than we want and whose caches mix answers up.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, Final, cast

from tieout.broker import codes
from tieout.broker.collect import Collector, RawCommission
from tieout.broker.port import BrokerSettings, ClientName
from tieout.broker.probe import Attempt, unreachable
from tieout.broker.wrapper import wrapper
from tieout.errors import BrokerError, ClientMissing

_log = logging.getLogger("tieout.broker")
_log.addHandler(logging.NullHandler())

FIRST_REQ_ID: Final = 1_900_000_000
"""Our questions' ids: far above order ids, so that a message about the one is never taken for the other."""

_CLOSE_WAIT_S: Final = 0.5
_CANCEL_AGAIN_S: Final = 0.05
_HANDSHAKE_MAX_BYTES: Final = 256

_ERROR, _EXECUTION, _COMMISSION = 4, 11, 59
_READ: Final = frozenset(
    {1, 3, _ERROR, 5, 9, 10, _EXECUTION, 15, 46, 49, 52, 53, 55, 57, 58, _COMMISSION, 61, 62, 101, 102}
)
"""tickPrice, orderStatus, error, openOrder, nextValidId, contractDetails, execDetails, managedAccounts, tickString,
currentTime, contractDetailsEnd, openOrderEnd, execDetailsEnd, tickSnapshotEnd, marketDataType, commissionReport,
position, positionEnd, completedOrder, completedOrdersEnd."""

_STREAMED: Final = frozenset({2, 21, 45, 99})
"""tickSize, tickOptionComputation, tickGeneric, tickByTick: what a subscription brings beside prices and strings."""

_EXECUTION_TIME_FIELD: Final = 15
_HARMLESS_TIME: Final = "20000101 00:00:00 UTC"


def library(name: ClientName) -> ModuleType:
    """
    The client library, imported on first use. Call it inside a running event loop: eventkit looks for one.

    Raises:
        ClientMissing: it is not installed.
    """
    if importlib.util.find_spec(name) is None:
        other = "ib_insync" if name == "ib_async" else "ib_async"
        hint = f"pip install 'tieout[{name}]'"
        if importlib.util.find_spec(other) is not None:
            hint += f", or set BROKER.client to {other}, which is installed"
        raise ClientMissing(f"BROKER.client is {name}, and {name} is not installed.", hint=hint)
    return _load(name)


@cache
def _load(name: str) -> ModuleType:
    with warnings.catch_warnings():
        # Warnings at import are between the library, its eventkit and Python's version.
        warnings.simplefilter("ignore")
        importlib.import_module(f"{name}.client")
        return importlib.import_module(name)


def inside_a_loop() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Link:
    """
    One connection, from opening to closing; never opened twice. Use inside a running event loop.

    Args:
        streamed: the decoder's name for a kind of tick -> what takes it; without them no ticks but a snapshot's are
            read.
    """

    def __init__(
        self, settings: BrokerSettings, *, link_lost: str | None = None, streamed: Mapping[str, object] | None = None
    ) -> None:
        self.settings = settings
        self.library = library(settings.client)
        self.collector = Collector(link_lost=link_lost)
        self.attempt = Attempt()
        told = wrapper(self.collector)
        vars(told).update(streamed or {})
        self.client: Any = self.library.client.Client(told)
        self._read = _READ if streamed is None else _READ | _STREAMED
        self.server_version = 0
        self.accounts: tuple[str, ...] = ()
        self._next_req_id = FIRST_REQ_ID
        self._quiet()
        self._tap()

    async def open(self) -> None:
        """
        Connect and log on.

        Raises:
            GatewayUnreachable: nothing answers, or not as a gateway does.
            BrokerError: the gateway answered and refused.
        """
        s = self.settings
        logon = asyncio.ensure_future(self.client.connectAsync(s.host, s.port, s.client_id, s.timeout_s))
        try:
            await self._logon(logon)
        except BaseException:
            await _end(logon)
            await self.drop()
            raise
        self.server_version = int(self.client.serverVersion())
        if self.server_version > self.client.MaxClientVersion:
            await self.drop()
            raise BrokerError(
                f"The gateway answered with API version {self.server_version}; {self.settings.client} asked "
                f"for at most {self.client.MaxClientVersion}.",
                hint="Set BROKER.port to TWS or IB Gateway itself.",
            )
        self.accounts = tuple(self.client.getAccounts())
        _log.info("connected to server version %s", self.server_version)

    async def drop(self) -> None:
        """Close the socket, whatever it still says."""
        self.collector.close("we closed the connection")
        transport = self.client.conn.transport
        try:
            self.client.disconnect()
        except OSError:  # the library says goodbye first, which fails on a socket that the gateway has reset
            transport.abort()
        if transport is None:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CLOSE_WAIT_S
        while self.client.conn.transport is not None and loop.time() < deadline:
            await asyncio.sleep(0)
            if transport.get_write_buffer_size():
                transport.abort()  # it does not read what we wrote: nobody is there to say goodbye to

    @property
    def alive(self) -> bool:
        """Whether the socket is up as far as we know."""
        return self.collector.closed_why is None

    def new_req_id(self) -> int:
        """An id for a question of ours."""
        self._next_req_id += 1
        return self._next_req_id

    async def _logon(self, logon: asyncio.Future[Any]) -> None:
        # A gateway that closes during the logon tells only the wrapper; the library would wait on.
        timeout_s = self.settings.timeout_s
        logon.add_done_callback(lambda _: self.collector.look_again())
        await self.collector.wait(lambda: logon.done() or self._refusal() is not None, timeout_s=timeout_s)
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        error = logon.exception() if logon.done() else None
        if not logon.done() or error is not None or not self.alive:
            raise unreachable(self.settings, self.attempt, error=error, closed_why=self.collector.closed_why)

    def _refusal(self) -> BrokerError | None:
        s = self.settings
        for message in self.collector.messages:
            if message.code == codes.CLIENT_ID_IN_USE:
                return BrokerError(
                    f"The gateway at {s.host}:{s.port} already has a client with id {s.client_id} (IB error 326).",
                    hint=f"End the other program, or change {s.id_setting}.",
                )
        return None

    def _quiet(self) -> None:
        """The library logs what we report ourselves, and to stderr where nobody set logging up."""
        self.client._logger = _log.getChild("client")
        self.client._logger.setLevel(logging.CRITICAL)
        self.client.decoder.logger = _Noticing(self.collector)

    def _tap(self) -> None:
        """Stand between the socket and the decoder."""
        connection, decoder = self.client.conn, self.client.decoder
        decode = cast(Callable[[list[str]], None], decoder.interpret)
        connection.connection_made = self._on_made
        connection.hasData.connect(self._on_bytes, self._on_failure)

        def interpret(fields: list[str]) -> None:
            self._interpret(fields, decode)

        decoder.interpret = interpret

    def _interpret(self, fields: list[str], decode: Callable[[list[str]], None]) -> None:
        message_id = int(fields[0])
        if message_id not in self.client.decoder.handlers:
            self.collector.cannot_read(f"a message of unknown kind {message_id}")
        elif message_id == _COMMISSION:
            # Measured: the decoder turns amounts that were not sent into 0.0.
            _, _, exec_id, commission, currency, realized_pnl, *_rest = fields
            self.collector.commission(RawCommission(exec_id, commission, currency, realized_pnl))
        elif message_id == _EXECUTION:
            # Measured: the decoder reads a time without a zone in this computer's zone.
            self.collector.execution_time_text = fields[_EXECUTION_TIME_FIELD]
            decode([*fields[:_EXECUTION_TIME_FIELD], _HARMLESS_TIME, *fields[_EXECUTION_TIME_FIELD + 1 :]])
        elif message_id in self._read:
            decode(fields)

    def _on_made(self, transport: asyncio.BaseTransport) -> None:
        self.attempt.connected = True

    def _on_bytes(self, data: bytes) -> None:
        if len(self.attempt.first_bytes) < _HANDSHAKE_MAX_BYTES:
            self.attempt.first_bytes += data[:_HANDSHAKE_MAX_BYTES]
        if not self.client.serverVersion() and self.attempt.garbled:
            self.collector.close("it sent something that is not the IB API")

    def _on_failure(self, _event: object, error: Exception) -> None:
        self.attempt.garbage = f"{type(error).__name__}: {error}"
        self.collector.close("it sent something that is not the IB API")


async def _end(task: asyncio.Future[Any]) -> None:
    """
    Cancel a task of the library and wait until it has ended.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which the library uses, drops a cancellation that
    arrives just as its own work is done (measured: Ctrl-C while the connection was being made was lost).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_S)
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain that nobody did


class _Noticing:
    """The decoder's logger: what it would only log is a hole in an answer."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def exception(self, text: str, *_values: object) -> None:
        """Called by the decoder inside its `except`."""
        error = sys.exc_info()[1]
        self._collector.cannot_read(f"a message that the decoder cannot read ({type(error).__name__}: {error})")
        _log.warning("unreadable message: %s", text)
