"""
What one connection told us, kept as the decoder gave it.

The client library's own caches mix answers up (measured: a late End completes the next question, a warning
survives a later status, an unset amount becomes 0), so its decoder reports to a `Collector` and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from tieout.broker import codes
from tieout.broker.port import BrokerEvent
from tieout.clock import now_ns

THEY_CLOSED: Final = "the gateway closed the connection"
EVENTS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class RawOrder:
    """One openOrder or completedOrder message, in the library's classes."""

    contract: Any
    order: Any
    state: Any


@dataclass(frozen=True, slots=True)
class RawStatus:
    """One orderStatus message."""

    order_id: int
    perm_id: int
    client_id: int
    status: str
    filled: float


@dataclass(frozen=True, slots=True)
class RawExecution:
    """One execDetails message; `time_text` is the time as it stood on the wire."""

    contract: Any
    execution: Any
    time_text: str


@dataclass(frozen=True, slots=True)
class RawCommission:
    """One commissionReport message, amounts as they stood on the wire ("" is not 0)."""

    exec_id: str
    commission: str
    currency: str
    realized_pnl: str


@dataclass(frozen=True, slots=True)
class RawPosition:
    """One position message."""

    account: str
    contract: Any
    quantity: float
    average_cost: float


@dataclass(frozen=True, slots=True)
class RawTick:
    """One piece of market data: a price, a text (the last trade's time), or the kind of data that comes."""

    req_id: int
    what: Literal["price", "text", "kind"]
    tick_type: int
    value: float | str


@dataclass(frozen=True, slots=True)
class Message:
    """One error message; `req_id` is a question's id, an order's id, or -1."""

    req_id: int
    code: int
    text: str


Heard = tuple[BrokerEvent, RawStatus | RawExecution | RawCommission | None]


class Collector:
    """
    The messages of one connection.

    The lists hold what came since `forget()`. `closed_why` is None while the socket is up; `link_lost` is IB's message
    while the gateway itself has no connection to IB, `disturbed` its last word on losing or regaining it. `read_only`
    is the text of the first refusal because of "Read-Only API", `writable` says that there is none. `next_valid_id` is
    the first one told.
    """

    def __init__(self, *, link_lost: str | None = None) -> None:
        self.open_orders: list[RawOrder] = []
        self.statuses: list[RawStatus] = []
        self.completed: list[RawOrder] = []
        self.executions: list[RawExecution] = []
        self.commissions: dict[str, RawCommission] = {}
        self.positions: list[RawPosition] = []
        self.ticks: list[RawTick] = []
        self.details: list[tuple[int, Any]] = []
        self.ends: set[str | int] = set()
        self.server_time_s: int | None = None
        self.messages: list[Message] = []
        self.unreadable: list[str] = []
        self.link_lost = link_lost
        self.disturbed: str | None = None
        self.read_only: str | None = None
        self.writable = False
        self.next_valid_id: int | None = None
        self.closed_why: str | None = None
        self.execution_time_text = ""
        self._events: deque[Heard] = deque(maxlen=EVENTS_MAX)
        self._events_lost = False
        self._changed = asyncio.Event()

    def forget(self) -> None:
        """Start afresh with the next question."""
        for kept in (self.open_orders, self.statuses, self.completed, self.positions, self.ticks, self.details):
            kept.clear()
        self.ends.clear()
        self.messages.clear()
        self.unreadable.clear()
        self.server_time_s = None

    def forget_executions(self) -> None:
        """Start afresh with executions and their commissions, which may come before they are asked for."""
        self.executions.clear()
        self.commissions.clear()

    async def wait(self, done: Callable[[], bool], *, timeout_s: float) -> bool:
        """Whether `done` came true before the time was up or the socket closed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not done():
            if self.closed_why is not None or loop.time() >= deadline:
                return False
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                return done()
        return True

    def take_events(self) -> list[Heard]:
        """What came since the last call, oldest first, each with the message it came in."""
        taken = list(self._events)
        self._events.clear()
        if self._events_lost:
            lost = BrokerEvent(kind="lost", at_ns=now_ns(), text=f"only {EVENTS_MAX} events are kept")
            taken.insert(0, (lost, None))
            self._events_lost = False
        return taken

    @property
    def has_events(self) -> bool:
        """Whether `take_events` would give any."""
        return bool(self._events)

    def close(self, why: str) -> None:
        """The socket is gone. The first reason stays."""
        if self.closed_why is None:
            self.closed_why = why
            self._tell(BrokerEvent(kind="closed", at_ns=now_ns(), text=why))

    def look_again(self) -> None:
        """Wake whoever waits: something outside changed."""
        self._changed.set()

    def cannot_read(self, what: str) -> None:
        """A message came that the decoder could not take apart, so the answer around it has a hole."""
        self.unreadable.append(what)
        self._changed.set()

    def open_order(self, _order_id: int, contract: Any, order: Any, state: Any) -> None:
        """openOrder."""
        self.open_orders.append(RawOrder(contract, order, state))
        self._changed.set()

    def order_status(self, *fields: Any) -> None:
        """orderStatus: order id, status, filled, remaining, average, perm id, parent, last, client id."""
        order_id, status, filled, _remaining, _average, perm_id, _parent, _last, client_id = fields[:9]
        raw = RawStatus(order_id, perm_id, client_id, status, filled)
        self.statuses.append(raw)
        self._tell(
            BrokerEvent(
                kind="status", at_ns=now_ns(), perm_id=perm_id or None, order_id=order_id or None,
                client_id=client_id if order_id else None, text=status,
            ),
            raw,
        )  # fmt: skip

    def completed_order(self, contract: Any, order: Any, state: Any) -> None:
        """completedOrder."""
        self.completed.append(RawOrder(contract, order, state))
        self._changed.set()

    def execution(self, req_id: int, contract: Any, execution: Any) -> None:
        """execDetails."""
        raw = RawExecution(contract, execution, self.execution_time_text)
        self.executions.append(raw)
        self._tell(
            BrokerEvent(
                kind="execution", at_ns=now_ns(), perm_id=execution.permId or None,
                order_id=execution.orderId or None, exec_id=execution.execId, asked=req_id > 0,
            ),
            raw,
        )  # fmt: skip

    def commission(self, report: RawCommission) -> None:
        """commissionReport."""
        self.commissions[report.exec_id] = report
        self._tell(BrokerEvent(kind="commission", at_ns=now_ns(), exec_id=report.exec_id), report)

    def position(self, account: str, contract: Any, quantity: float, average_cost: float) -> None:
        """position."""
        self.positions.append(RawPosition(account, contract, quantity, average_cost))
        self._changed.set()

    def tick(self, req_id: int, what: Literal["price", "text", "kind"], tick_type: int, value: float | str) -> None:
        """tickPrice, tickString, marketDataType."""
        self.ticks.append(RawTick(req_id, what, tick_type, value))
        self._changed.set()

    def contract_details(self, req_id: int, details: Any) -> None:
        """contractDetails."""
        self.details.append((req_id, details))
        self._changed.set()

    def valid_id(self, next_valid_id: int) -> None:
        """nextValidId."""
        if self.next_valid_id is None:
            self.next_valid_id = next_valid_id

    def end(self, name: str | int) -> None:
        """An End message: the part's name, or the question's id."""
        self.ends.add(name)
        self._changed.set()

    def time(self, seconds: int) -> None:
        """currentTime."""
        self.server_time_s = seconds
        self._changed.set()

    def message(self, req_id: int, code: int, text: str, *_more: str) -> None:
        """error, which is also how IB informs and warns."""
        if code in codes.LINK_LOST:
            self.link_lost = f"{code} {text}"
        elif code in codes.LINK_BACK:
            self.link_lost = None
        if code in codes.LINK_LOST or code in codes.LINK_BACK:
            self.disturbed = f"IB error {code}: {text}"
        if codes.is_read_only(code, text):
            self.read_only = text
        self.messages.append(Message(req_id, code, text))
        order_id = req_id if req_id > 0 else None
        self._tell(BrokerEvent(kind="message", at_ns=now_ns(), order_id=order_id, code=code, text=text))

    def _tell(self, event: BrokerEvent, raw: RawStatus | RawExecution | RawCommission | None = None) -> None:
        if event.asked and len(self._events) >= EVENTS_MAX // 2:
            return  # the snapshot has it; what nobody asked for must not be pushed out by it
        self._events_lost = self._events_lost or len(self._events) == EVENTS_MAX
        self._events.append((event, raw))
        self._changed.set()
