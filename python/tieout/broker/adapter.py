"""The broker port over TWS or IB Gateway: blocking calls around an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from tieout.broker import orders, quotes
from tieout.broker.events import told
from tieout.broker.handshake import gateway_of, refuse_client_zero, refuse_live_port
from tieout.broker.ib import Link, inside_a_loop
from tieout.broker.moments import zone_of
from tieout.broker.port import Acknowledgement, BrokerEvent, BrokerSettings, ContractSpec, OrderSpec, Quote
from tieout.broker.readonly import refusal
from tieout.broker.settled import Suspicion, read_settled
from tieout.broker.snapshot import Reading, server_time
from tieout.errors import BrokerError, GatewayUnreachable, Interrupted
from tieout.model import Gateway, Snapshot

_T = TypeVar("_T")

_REOPEN_TRIES: Final = 4
_REOPEN_PAUSE_S: Final = 0.25
"""A gateway needs a moment before it lets a client id in again."""


class IbBroker:
    """
    `tieout.broker.port.Broker` over ib_async or ib_insync.

    It runs its event loop inside each call, in the calling thread, so Ctrl-C interrupts at once; not for use
    inside a running event loop.

    Raises:
        SettingsError: the client id is 0 or negative.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        refuse_client_zero(settings)
        self._settings = settings
        self._runner: asyncio.Runner | None = None
        self._link: Link | None = None
        self._gateway: Gateway | None = None
        self._zone: str | None = None
        self._events: list[BrokerEvent] = []
        self._suspicion = Suspicion()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._question: asyncio.Task[Any] | None = None
        self._woken = False
        self._given_up = False

    def connect(self) -> Gateway:
        """See `Broker.connect`."""
        return self._run(self._ask(self._ensure()))

    def snapshot(self, *, twice: str | None = None) -> Snapshot:
        """See `Broker.snapshot`."""
        return self._run(self._ask(self._snapshot(twice)))

    def restarted(self) -> str | None:
        """See `Broker.restarted`."""
        return self._suspicion.why(self._link)

    def read_only(self) -> str | None:
        """See `Broker.read_only`."""
        return self._run(self._ask(self._read_only()))

    def current_time(self) -> int:
        """See `Broker.current_time`."""
        return self._run(self._ask(self._current_time()))

    def quotes(self, contracts: Sequence[ContractSpec]) -> list[Quote]:
        """See `Broker.quotes`."""
        return self._run(self._quotes(contracts))

    def next_order_id(self) -> int:
        """See `Broker.next_order_id`."""
        return self._run(self._next_order_id())

    def place(self, contract: ContractSpec, order: OrderSpec, *, order_id: int) -> Acknowledgement:
        """See `Broker.place`."""
        return self._run(self._place(contract, order, order_id))

    def place_group(
        self, contract: ContractSpec, group: Sequence[tuple[int, OrderSpec]]
    ) -> list[Acknowledgement | None]:
        """See `Broker.place_group`."""
        return self._run(self._place_group(contract, group))

    def cancel(self, order_id: int) -> Acknowledgement:
        """See `Broker.cancel`."""
        return self._run(self._cancel(order_id))

    def events(self, *, wait_s: float = 0.0) -> list[BrokerEvent]:
        """See `Broker.events`."""
        if self._link is not None and self._runner is not None:
            self._run(self._ask(self._listen(wait_s)))
        taken, self._events = self._events, []
        return taken

    def wake(self) -> None:
        """See `Broker.wake`."""
        self._woken = True
        loop, link = self._loop, self._link
        if loop is not None and link is not None:
            with suppress(RuntimeError):  # the loop was closed a moment ago: nobody waits in it
                loop.call_soon_threadsafe(link.collector.look_again)

    def interrupt(self) -> None:
        """See `Broker.interrupt`."""
        self._given_up = True
        loop, question = self._loop, self._question
        if loop is not None and question is not None:
            with suppress(RuntimeError):  # as above
                loop.call_soon_threadsafe(question.cancel)

    def resume(self) -> None:
        """See `Broker.resume`."""
        self._given_up = False

    def close(self) -> None:
        """See `Broker.close`."""
        runner, self._runner = self._runner, None
        link, self._link = self._link, None
        if runner is None:
            return
        try:
            if link is not None:
                runner.run(self._retire(link))
        finally:
            runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        if inside_a_loop():
            work.close()
            raise RuntimeError("a Broker blocks; it cannot be used inside a running event loop")
        if self._runner is None:
            self._runner = asyncio.Runner()
            self._loop = self._runner.get_loop()
        try:
            return self._runner.run(work)
        except BaseException:
            # Whatever was under way is unanswered now, and such a socket is never used again.
            self.close()
            raise

    async def _ask(self, work: Coroutine[Any, Any, _T]) -> _T:
        """A question, which `interrupt` ends."""
        self._question = asyncio.current_task()
        try:
            if self._given_up:
                work.close()
                raise asyncio.CancelledError
            return await work
        except asyncio.CancelledError:
            if not self._given_up:
                raise
            raise Interrupted("the gateway was not waited for: the program ends", hint="start it again") from None
        finally:
            self._question = None

    async def _ensure(self) -> Gateway:
        await asyncio.sleep(0)  # let the loop notice what happened to the socket while nobody looked
        await asyncio.sleep(0)
        if self._gateway is None or self._link is None or not self._link.alive:
            if self._link is not None:
                await self._retire(self._link)
            await self._adopt(await self._open())
        assert self._gateway is not None
        return self._gateway

    async def _open(self, *, link_lost: str | None = None) -> Link:
        refuse_live_port(self._settings)
        link = Link(self._settings, link_lost=link_lost)
        await link.open()
        return link

    async def _adopt(self, link: Link, *, expected: str | None = None) -> None:
        try:
            self._gateway = gateway_of(link, expected or self._settings.account)
        except BaseException:
            await link.drop()
            raise
        self._link = link
        self._suspicion.opened(link)
        handshake = link.attempt.handshake
        self._zone = zone_of(handshake[1]) if handshake else None

    async def _retire(self, link: Link) -> None:
        self._suspicion.ended(link)
        await link.drop()
        self._events += told(link.collector.take_events(), gateway_zone=self._zone)

    async def _reopen(self, old: Link) -> Link:
        await self._retire(old)
        account = self._gateway.account if self._gateway else None
        for tries_left in reversed(range(_REOPEN_TRIES)):
            try:
                link = await self._open(link_lost=old.collector.link_lost)
            except GatewayUnreachable:
                raise
            except BrokerError:
                if not tries_left:
                    raise
                await asyncio.sleep(_REOPEN_PAUSE_S)
            else:
                await self._adopt(link, expected=account)
                return link
        raise AssertionError("unreachable: the last try returns or raises")

    async def _snapshot(self, twice: str | None) -> Snapshot:
        await self._ensure()
        why = twice or self._suspicion.why(self._link)
        if why is None:
            snapshot = await self._read()
            why = self._suspicion.silence
            if why is None:
                return snapshot
        settled = await read_settled(self._read, pause_s=self._settings.restart_pause_s, why=why)
        if settled.complete:
            self._suspicion.settled(self._link)
        return settled

    async def _read(self) -> Snapshot:
        gateway = await self._ensure()
        assert self._link is not None
        reading = Reading(self._link, gateway=gateway, zone=self._zone, reopen=self._reopen)
        snapshot = await reading.read()
        if reading.silent_at_first:
            self._suspicion.silent()
        return snapshot

    async def _read_only(self) -> str | None:
        await self._ensure()
        assert self._link is not None
        return await refusal(self._link)

    async def _proven(self) -> tuple[Link, int]:
        """A socket that answered just now, and the time it told."""
        await self._ensure()
        assert self._link is not None
        told_ns = await server_time(self._link, timeout_s=self._settings.timeout_s)
        if told_ns is None:
            self._suspicion.silent()
            s = self._settings
            raise GatewayUnreachable(
                f"The gateway at {s.host}:{s.port} did not tell its time within {s.timeout_s:g} s.",
                hint="Its connection was dropped. Look at TWS or IB Gateway, then try again.",
            )
        return self._link, told_ns

    async def _current_time(self) -> int:
        return (await self._proven())[1]

    async def _quotes(self, contracts: Sequence[ContractSpec]) -> list[Quote]:
        await self._ensure()
        assert self._link is not None
        return await quotes.ask(self._link, contracts)

    async def _next_order_id(self) -> int:
        await self._ensure()
        assert self._link is not None
        return int(self._link.client.getReqId())

    async def _place(self, contract: ContractSpec, order: OrderSpec, order_id: int) -> Acknowledgement:
        link, _ = await self._proven()
        assert self._gateway is not None
        return await orders.place(link, contract, order, order_id=order_id, account=self._gateway.account)

    async def _place_group(
        self, contract: ContractSpec, group: Sequence[tuple[int, OrderSpec]]
    ) -> list[Acknowledgement | None]:
        link, _ = await self._proven()
        assert self._gateway is not None
        return await orders.place_group(link, contract, group, account=self._gateway.account)

    async def _cancel(self, order_id: int) -> Acknowledgement:
        link, _ = await self._proven()
        return await orders.cancel(link, order_id)

    async def _listen(self, wait_s: float) -> None:
        assert self._link is not None
        collector = self._link.collector
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not self._events:
            await collector.wait(lambda: collector.has_events or self._woken, timeout_s=wait_s)
            self._woken = False
        self._events += told(collector.take_events(), gateway_zone=self._zone)
