"""
What tieout asks of a broker, and in which words. The one adapter is `tieout.broker.adapter`.

Calls block until they are answered, fail or run out of time; one thread at a time may use a broker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Final, Literal, Protocol, Self

from tieout.model import Gateway, Side, Snapshot

ClientName = Literal["ib_async", "ib_insync"]
EventKind = Literal["status", "execution", "commission", "message", "closed", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """
    Where the gateway is and how long to wait for it.

    Args:
        client: the library that speaks to the gateway.
        client_id: never 0: connecting as 0 binds manual orders, which changes their ids.
        account: the account to read; None means the gateway's only one.
        timeout_s: the most that one question may take.
        total_timeout_s: the most that one read of the whole snapshot may take.
        allow_live: whether a live port or a live account may be connected to at all.
        restart_pause_s: between two reads after a restart of the gateway.
        warning_codes: further IB codes that only inform: they spoil no answer and say nothing of an order's fate.
        id_setting: where the operator changes the client id.
    """

    client: ClientName
    host: str
    port: int
    client_id: int
    account: str | None = None
    timeout_s: float = 10.0
    total_timeout_s: float = 60.0
    allow_live: bool = False
    restart_pause_s: float = 30.0
    warning_codes: frozenset[int] = frozenset()
    id_setting: str = "BROKER.client_id (BROKER.cli_client_id for the command line)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSpec:
    """What to trade; `con_id` alone with `exchange` is enough where it is known."""

    con_id: int | None = None
    symbol: str | None = None
    sec_type: str | None = None
    exchange: str | None = None
    currency: str | None = None
    expiry: str | None = None
    strike: Decimal | None = None
    right: str | None = None
    multiplier: Decimal | None = None
    local_symbol: str | None = None
    trading_class: str | None = None


QuoteKind = Literal["live", "frozen", "delayed", "delayed_frozen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """
    What an instrument was quoted at when `at_ns` (our clock) came.

    Prices are counts of 1e-8 as the exchange quotes them: a contract is worth price x multiplier / `price_magnifier`
    in its currency. `kind` is what the gateway says of them; `last_ns` is the last trade's time, in whole seconds.
    `why` says why the answer is worth nothing; None where it came in full (it may hold no price all the same).
    """

    contract: ContractSpec
    at_ns: int
    exchange: str | None = None
    price_magnifier: int = 1
    kind: QuoteKind | None = None
    bid_e8: int | None = None
    ask_e8: int | None = None
    last_e8: int | None = None
    last_ns: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSpec:
    """What to do with it. Prices are in the contract's currency; None is not sent."""

    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    tif: str = "DAY"
    order_ref: str | None = None
    parent_id: int | None = None
    oca_group: str | None = None
    outside_rth: bool = False
    transmit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """
    The gateway's first word on an order that was sent or cancelled.

    Either `status` (and `perm_id`, once IB gave one) or `code` with `text`, IB's error, is set. An error
    is a hint, never a terminal state: only `status` and a later snapshot say how an order ended.
    """

    order_id: int
    perm_id: int | None = None
    status: str | None = None
    code: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerEvent:
    """
    Something that the gateway said without being asked. `at_ns` is our clock on arrival.

    `closed`: the socket is gone. `lost`: more events came than are kept; read a snapshot. `row` has the columns of
    schema `EXECUTION` on an execution (its commission is never in it), those of `COMMISSION_COLUMNS` on a commission.
    """

    kind: EventKind
    at_ns: int
    perm_id: int | None = None
    order_id: int | None = None
    client_id: int | None = None
    exec_id: str | None = None
    code: int | None = None
    text: str | None = None
    filled_e8: int | None = None
    row: Mapping[str, object] | None = None
    asked: bool = False
    """An execution that answers our question, and so may be one that we missed."""


COMMISSION_COLUMNS: Final = ("commission_e8", "commission_currency", "realized_pnl_e8")


class Broker(Protocol):
    """One account at one gateway."""

    def connect(self) -> Gateway:
        """
        Reach the gateway and find the account; where already connected, says who answers.

        Raises:
            GatewayUnreachable: nothing answers there, or it is not a TWS or IB Gateway.
            ClientMissing: the library of the settings is not installed.
            AccountUnknown: the account is not there, or several are and none was named.
            LiveNotAllowed: a live port or a live account, and the settings do not allow live.
            BrokerError: the gateway refused, for instance because the client id is in use.
        """
        ...

    def snapshot(self, *, twice: str | None = None) -> Snapshot:
        """
        Open orders, completed orders, executions and positions, asked one after another.

        A question that failed is a failed part, not an error. Where the gateway may have restarted it is read again
        until two reads in a row agree, `restart_pause_s` apart (see `restarted`).

        Args:
            twice: why the caller takes it that the gateway restarted; None leaves it to what was seen here.

        Raises:
            GatewayUnreachable: the gateway was not reached at all.
        """
        ...

    def restarted(self) -> str | None:
        """
        Why the gateway may have restarted since the last settled snapshot, as far as it was seen here: a connection
        that it closed or that died, 1100, 1101, 1102, a nextValidId that went back. Asks nothing.
        """
        ...

    def read_only(self) -> str | None:
        """
        The gateway's words where its "Read-Only API" is on: it refuses orders and lists no orders. Asked once for each
        connection, with reqOpenOrders.

        Raises:
            GatewayUnreachable: no answer in time; the socket was dropped.
        """
        ...

    def current_time(self) -> int:
        """
        The gateway's clock, UTC nanoseconds: proof that the socket is alive.

        Raises:
            GatewayUnreachable: no answer in time; the socket was dropped.
        """
        ...

    def quotes(self, contracts: Sequence[ContractSpec]) -> list[Quote]:
        """
        One quote for each contract, in their order; a question that failed is a quote that says why.

        Raises:
            GatewayUnreachable: the gateway was not reached at all.
        """
        ...

    def next_order_id(self) -> int:
        """
        An order id above every one that the gateway named on this connection.

        The gateway may hand out ids again after its restart: the caller keeps the high-water mark.
        """
        ...

    def place(self, contract: ContractSpec, order: OrderSpec, *, order_id: int) -> Acknowledgement:
        """
        Send one order, after a round trip that proves the socket, and wait for the gateway's first word.

        Raises:
            GatewayUnreachable: the socket was dead; nothing was sent.
            OutcomeUnknown: sent, and not acknowledged in time: it may be live. Never send it again.
        """
        ...

    def place_group(
        self, contract: ContractSpec, group: Sequence[tuple[int, OrderSpec]]
    ) -> list[Acknowledgement | None]:
        """
        Send orders that belong together (order id, order) as `place` does, one behind the other, and wait for a word
        on each; None where none came: that order may be live.

        Raises:
            GatewayUnreachable: the socket was dead; nothing was sent.
        """
        ...

    def cancel(self, order_id: int) -> Acknowledgement:
        """
        Ask for an order of this client id to be cancelled. Raises as `place` does.
        """
        ...

    def events(self, *, wait_s: float = 0.0) -> list[BrokerEvent]:
        """What came unasked since the last call, oldest first, waiting up to `wait_s` for the first one."""
        ...

    def wake(self) -> None:
        """End a wait of `events` at once, this one or the next. Any thread may call it."""
        ...

    def interrupt(self) -> None:
        """
        For the end of a program: a question under way, and every later one, raises `Interrupted` at once.

        `place`, `place_group` and `cancel` are let finish. Any thread, or a signal handler, may call it.
        """
        ...

    def resume(self) -> None:
        """Questions are asked again: what still has to be said before the end can be."""
        ...

    def close(self) -> None:
        """Leave the gateway. May be called again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
