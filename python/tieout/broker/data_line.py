"""
The data connection: a socket of its own for live ticks, under a client id of its own.

1. Whatever orders and reconciles wait for, ticks go on; whatever ticks come, orders do not wait behind them. One socket
   would have one order for both, and one thread to read it.
2. It asks for ticks and contract details, and never for anything that changes something.
3. Where a lane stands before the client library, the library sees no ticks; else its decoder tells them to the taker.

Sources: IB's API guide, "Message Codes", "Requesting Watchlist Data" and "Tick-by-Tick Data".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tieout.broker import codes, orders, quotes
from tieout.broker.handshake import gateway_of, refuse_client_zero, refuse_live_port
from tieout.broker.ib import Link
from tieout.broker.port import BrokerSettings, ContractSpec, QuoteKind
from tieout.broker.snapshot import server_time
from tieout.broker.translate import decimal_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import BrokerEvent
    from tieout.model import Gateway

RT_VOLUME: Final = "233"
"""The generic tick that reports every trade of an instrument."""

BY_TICK: Final[Mapping[str, str]] = {
    "last": "Last", "all_last": "AllLast", "bid_ask": "BidAsk", "midpoint": "MidPoint"
}  # fmt: skip
"""`ticks` in the settings -> IB's word, where every single tick is asked for."""


_TYPES: Final[Mapping[QuoteKind, int]] = {"live": 1, "frozen": 2, "delayed": 3, "delayed_frozen": 4}
_SMART: Final = "SMART"

Meaning = Literal["no_ticks", "less_ticks", "farm_broken", "farm_fine", "ib_lost", "ib_back", "data_lost", "hint"]
"""
What a message means for ticks: of one subscription, that it brings none (`no_ticks`) or less than was asked for; of
all, that a data farm or IB itself is gone or back. `data_lost` is IB back with all subscriptions lost (1101), `ib_back`
with all kept (1102). What is not known is a `hint`.
"""

_OF_ALL: Final[Mapping[int, Meaning]] = {
    1100: "ib_lost", 2110: "ib_lost", 1101: "data_lost", 1102: "ib_back",
    codes.FARM_BROKEN: "farm_broken", codes.FARM_FINE: "farm_fine",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the gateway: what it means, of which request (None: of the connection), and its words."""

    meaning: Meaning
    request_id: int | None
    code: int
    text: str

    @property
    def passes(self) -> bool:
        """Whether it is worth asking again later."""
        return self.code in codes.NO_TICKS_FOR_NOW

    @property
    def words(self) -> str:
        """As an operator reads it."""
        why = codes.NO_TICKS.get(self.code) if self.meaning == "no_ticks" else None
        told = f"IB error {self.code}: {self.text}"
        return told if why is None else f"{why} ({told})"


class DataLine:
    """
    One data connection, from opening to closing; never opened twice. Use inside a running event loop.

    Args:
        taker: the decoder's name for a kind of tick -> what takes it (`priceSizeTick`, `tickByTickBidAsk`, ...).
        kind: what IB sends of an instrument of which it sends nothing live.
        lane: given the library's connection before it is opened, so that something may be put before the library.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        taker: Mapping[str, object],
        lane: Callable[[Any], object] | None = None,
        kind: QuoteKind = "live",
    ) -> None:
        refuse_client_zero(settings)
        self._settings = settings
        self._kind = kind
        self._link = Link(settings, streamed=taker)
        self._woken = False
        if lane is not None:
            lane(self._link.client.conn)

    async def open(self) -> Gateway:
        """
        Connect and log on.

        Raises:
            GatewayUnreachable: nothing answers, or not as a gateway does.
            LiveNotAllowed: a live port or a live account, and the settings do not allow live.
            BrokerError: the gateway answered and refused, for instance because the client id is in use.
        """
        refuse_live_port(self._settings)
        await self._link.open()
        try:
            gateway = gateway_of(self._link, self._settings.account)
        except BaseException:
            await self._link.drop()
            raise
        if self._kind != "live":
            self._link.client.reqMarketDataType(_TYPES[self._kind])
        return gateway

    @property
    def closed_why(self) -> str | None:
        """Why the socket is gone; None while it is up."""
        return self._link.collector.closed_why

    @property
    def link_lost(self) -> str | None:
        """IB's message while the gateway has no connection to IB."""
        return self._link.collector.link_lost

    async def resolve(self, contract: ContractSpec) -> ContractSpec | str:
        """The contract with all that its details say, or why it is not known."""
        found = await quotes.details_of(self._link, contract, timeout_s=self._settings.timeout_s)
        if isinstance(found, str):
            return found
        # One contract is told once for each of its exchanges, in no order that IB promises.
        smart = _SMART if _SMART in (found.validExchanges or "").split(",") else None
        return _spec_of(found.contract, exchange=contract.exchange or smart)

    def subscribe(self, request_id: int, contract: ContractSpec, ticks: str) -> None:
        """Ask for ticks of the kind (`LIVE_DATA.subscriptions[].ticks`); raises ConnectionError on a dead socket."""
        client, wanted = self._link.client, orders.contract_of(self._link, contract)
        if ticks in BY_TICK:
            client.reqTickByTickData(request_id, wanted, BY_TICK[ticks], 0, False)
        else:
            generic = RT_VOLUME if ticks == "quotes_and_trades" else ""
            client.reqMktData(request_id, wanted, generic, False, False, "")

    def unsubscribe(self, request_id: int, ticks: str) -> None:
        """Ask for no more of them; raises ConnectionError on a dead socket."""
        cancel = self._link.client.cancelTickByTickData if ticks in BY_TICK else self._link.client.cancelMktData
        cancel(request_id)

    async def heard(self, *, wait_s: float) -> list[Said]:
        """What the gateway said since the last call, oldest first, waiting up to `wait_s` for the first word."""
        collector = self._link.collector
        await collector.wait(lambda: collector.has_events or self._woken, timeout_s=wait_s)
        self._woken = False
        events = [event for event, _ in collector.take_events()]
        collector.forget()
        return [_said(event) for event in events if event.kind == "message"]

    def wake(self) -> None:
        """End a wait of `heard` at once, this one or the next. In the loop's thread."""
        self._woken = True
        self._link.collector.look_again()

    async def answers(self) -> bool:
        """Whether the gateway tells its time; where it does not, the socket was dropped."""
        return await server_time(self._link, timeout_s=self._settings.timeout_s) is not None

    async def close(self) -> None:
        """Leave the gateway."""
        await self._link.drop()


def _said(event: BrokerEvent) -> Said:
    code, request_id = event.code or 0, event.order_id
    if code == codes.NOTHING_TO_CANCEL:
        request_id = None  # said of what was to end anyway, not of the subscription that follows it
    meaning: Meaning = _OF_ALL.get(code, "hint")
    if meaning == "hint" and request_id is not None:
        meaning = "no_ticks" if code in codes.NO_TICKS else "less_ticks" if code in codes.LESS_TICKS else "hint"
    return Said(meaning, request_id, code, event.text or "")


def _spec_of(contract: Any, *, exchange: str | None) -> ContractSpec:
    """A contract of the library's class in our words; the exchange that was asked for stays."""
    strike = decimal_of(contract.strike) or None
    return ContractSpec(
        con_id=contract.conId or None,
        symbol=contract.symbol or None,
        sec_type=contract.secType or None,
        exchange=exchange or contract.exchange or None,
        currency=contract.currency or None,
        expiry=contract.lastTradeDateOrContractMonth or None,
        strike=strike,
        right=contract.right or None,
        multiplier=decimal_of(contract.multiplier or None),
        local_symbol=contract.localSymbol or None,
        trading_class=contract.tradingClass or None,
    )
