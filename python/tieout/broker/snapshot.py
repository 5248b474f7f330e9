"""
One snapshot: the gateway's time, then the four parts, one after another on one socket.

1. One question at a time; its answer is complete only with its End, in time, and no error beside it.
2. A socket with an unanswered question is dropped and never used again (measured: the late End would complete
   the next question); the remaining parts are asked on a new one.
3. What did arrive is kept: presence is proof even where absence is not.
4. Commission reports are waited for apart; one that does not come is a null, never a failed part.
5. What is asked after the gateway closed the connection in the middle is failed: it may have restarted, and what it
   tells then is late (tieout.broker.settled).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from tieout.broker import codes, gather
from tieout.broker.collect import THEY_CLOSED, Collector
from tieout.broker.gather import Context, Gathered
from tieout.broker.ib import Link
from tieout.broker.moments import day_start_ns
from tieout.clock import NS_PER_S, now_ns
from tieout.errors import BrokerError
from tieout.model import PARTS, Gateway, Part, PartName, Snapshot
from tieout.schema import EXECUTION, ORDER, POSITION, empty

COMMISSION_QUIET_S: Final = 1.0
"""How long no commission report may come before those that are missing are left null."""

SAID_MAX: Final = 20

_NO_TIME: Final = "the gateway did not tell its time, so it is not known from when on this answer speaks"


@dataclass(frozen=True, slots=True)
class Question:
    """How a part is asked and turned into a frame."""

    send: Callable[[Link, int], None]
    gather: Callable[[Collector, Context], Gathered]
    schema: dict[str, pl.DataType]
    of_today: bool = False
    numbered: bool = False
    after: Callable[[Link], None] | None = None


def _ask_executions(link: Link, req_id: int) -> None:
    link.client.reqExecutions(req_id, link.library.ExecutionFilter())


QUESTIONS: Final[dict[PartName, Question]] = {
    "open_orders": Question(lambda link, _: link.client.reqAllOpenOrders(), gather.open_orders, ORDER),
    "completed_orders": Question(
        lambda link, _: link.client.reqCompletedOrders(False), gather.completed_orders, ORDER, of_today=True
    ),
    "executions": Question(_ask_executions, gather.executions, EXECUTION, of_today=True, numbered=True),
    "positions": Question(
        lambda link, _: link.client.reqPositions(),
        gather.positions,
        POSITION,
        after=lambda link: link.client.cancelPositions(),
    ),
}


class Reading:
    """
    A snapshot in the making.

    Args:
        link: an open connection.
        reopen: gives a new connection to the same account after the old one was dropped; raises BrokerError.
    """

    def __init__(self, link: Link, *, gateway: Gateway, zone: str | None, reopen: Callable[[Link], Awaitable[Link]]):
        settings = link.settings
        self.link = link
        self._gateway = gateway
        self._reopen = reopen
        self._timeout_s = settings.timeout_s
        self._total_timeout_s = settings.total_timeout_s
        self._deadline = asyncio.get_running_loop().time() + settings.total_timeout_s
        only = link.accounts == (gateway.account,)
        self._context = Context(gateway.account, only_account=only, gateway_zone=zone)
        self._server_time_ns: int | None = None
        self._gone_why: str | None = None
        self._late_why: str | None = None
        self.silent_at_first = False
        """Whether the gateway told its time only on a new connection."""
        self._parts: dict[PartName, Part] = {}
        self._frames: dict[PartName, pl.DataFrame] = {}

    async def read(self) -> Snapshot:
        """All of it; a question that failed is a failed part."""
        self.link.collector.forget_executions()
        await self._read_time()
        for name in PARTS:
            await self._read_part(name)
        taken_at_ns = now_ns()
        server_time_ns = taken_at_ns if self._server_time_ns is None else self._server_time_ns
        return Snapshot(
            gateway=self._gateway,
            server_time_ns=server_time_ns,
            taken_at_ns=taken_at_ns,
            parts=self._parts,
            open_orders=self._frames["open_orders"],
            completed_orders=self._frames["completed_orders"],
            executions=self._frames["executions"],
            positions=self._frames["positions"],
        )

    async def _read_time(self) -> None:
        for tries in range(2):  # a socket that died unnoticed deserves one more try
            if await self._socket() is None:
                self._server_time_ns = await server_time(self.link, timeout_s=self._left())
            if self._server_time_ns is not None:
                self.silent_at_first = tries > 0
                return

    async def _read_part(self, name: PartName) -> None:
        question = QUESTIONS[name]
        why_not = await self._socket()
        if why_not is not None:
            self._frames[name] = empty(question.schema)
            self._parts[name] = Part(name, now_ns(), None, None, 0, why_not)
            return
        link = self.link
        req_id = link.new_req_id()
        end: str | int = req_id if question.numbered else name
        link.collector.forget()
        lost_before = link.collector.link_lost
        asked_at_ns = now_ns()
        sent = _send(link, lambda: question.send(link, req_id))
        own_req_id = req_id if question.numbered else None
        if sent:
            await link.collector.wait(
                lambda: end in link.collector.ends or _spoilt(link, own_req_id) is not None,
                timeout_s=self._left(),
            )
        ended = end in link.collector.ends
        answered_at_ns = now_ns() if ended else None
        if ended and name == "executions":
            await self._commissions(link.collector)
        gathered = question.gather(link.collector, self._context)
        why = lost_before or _spoilt(link, own_req_id) or (None if ended else self._no_end(link))
        why = why or gathered.why or (_NO_TIME if question.of_today and self._server_time_ns is None else None)
        covers = None
        if question.of_today and self._server_time_ns is not None:
            covers = day_start_ns(self._server_time_ns, gateway_zone=self._context.gateway_zone)
        self._frames[name] = gathered.frame
        self._parts[name] = Part(
            name, asked_at_ns, answered_at_ns, covers, gathered.frame.height, why or self._late_why,
            server_time_ns=self._server_time_ns, said=_said(link.collector),
        )  # fmt: skip
        if not ended:
            await link.drop()
        elif question.after is not None:
            after = question.after
            _send(link, lambda: after(link))

    async def _commissions(self, collector: Collector) -> None:
        fills = gather.fills_of(collector, self._context)
        stop_at = asyncio.get_running_loop().time() + self._left()
        while asyncio.get_running_loop().time() < stop_at:
            before = len(collector.commissions)
            # Counted first: to compare the ids at every piece that comes would take the square of their number.
            if before >= len(fills) and fills <= collector.commissions.keys():
                return
            came = await collector.wait(
                lambda count=before: len(collector.commissions) > count,  # type: ignore[misc]
                timeout_s=min(COMMISSION_QUIET_S, self._left()),
            )
            if not came:
                return

    async def _socket(self) -> str | None:
        """Have a socket without an open question; why that cannot be had, else None."""
        if self._left() <= 0:
            return f"not asked: {self._too_long()}"
        if self.link.alive or self._gone_why is not None:
            return self._gone_why
        lost_why = self.link.collector.closed_why
        try:
            async with asyncio.timeout(self._left(each=False)):
                self.link = await self._reopen(self.link)
            if lost_why == THEY_CLOSED and self._parts:
                self._late_why = f"asked anew after {lost_why}: a gateway that restarted reports late"
        except TimeoutError:
            self._gone_why = f"not asked: {self._too_long()}"
        except BrokerError as error:
            self._gone_why = f"not asked: {error.message}"
        return self._gone_why

    def _left(self, *, each: bool = True) -> float:
        left = self._deadline - asyncio.get_running_loop().time()
        return min(left, self._timeout_s) if each else left

    def _no_end(self, link: Link) -> str:
        if not link.alive:
            return f"{link.collector.closed_why} before the answer's end"
        if self._left(each=False) <= 0:
            return f"the answer's end had not come when {self._too_long()}"
        return f"the answer's end did not come within {self._timeout_s:g} s"

    def _too_long(self) -> str:
        return f"the whole read took longer than {self._total_timeout_s:g} s"


async def server_time(link: Link, *, timeout_s: float) -> int | None:
    """The gateway's clock, UTC nanoseconds; None where it did not answer, and then the socket is dropped."""
    collector = link.collector
    collector.forget()
    if _send(link, link.client.reqCurrentTime):
        await collector.wait(lambda: collector.server_time_s is not None, timeout_s=timeout_s)
    if collector.server_time_s is None:
        await link.drop()
        return None
    return collector.server_time_s * NS_PER_S


def _send(link: Link, send: Callable[[], Any]) -> bool:
    """Whether the question went out; the library refuses on a socket that is gone."""
    try:
        send()
    except ConnectionError as error:
        link.collector.close(f"the connection was gone ({error})")
        return False
    return True


def _said(collector: Collector) -> tuple[str, ...]:
    """What was said beside the answer, once each and in order, at most `SAID_MAX`."""
    return tuple(dict.fromkeys(f"{message.code} {message.text}" for message in collector.messages))[:SAID_MAX]


def _spoilt(link: Link, own_req_id: int | None) -> str | None:
    """The first thing beside the answer that makes it incomplete."""
    collector, harmless = link.collector, link.settings.warning_codes
    for message in collector.messages:
        spoils = codes.spoils_answer(message.code, req_id=message.req_id, own_req_id=own_req_id)
        if spoils and message.code not in harmless:
            return f"IB error {message.code}: {message.text}"
    if collector.unreadable:
        return f"the answer held {collector.unreadable[0]}"
    return None
