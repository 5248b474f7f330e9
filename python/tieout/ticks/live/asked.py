"""What the settings ask for, as instruments with numbers: `LIVE_DATA.subscriptions` -> `Asked`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.broker.port import ContractSpec
from tieout.ticks.instruments import Instrument, Instruments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tieout.config.live_data import Subscription, TickStream
    from tieout.ticks.trades import TradeSource

REQUEST_BASE: Final = 1_800_000_000
"""An instrument's request id is this and its number: far from order ids, and from tieout's other questions."""


_SOURCES: Final[Mapping[TickStream, TradeSource]] = {
    "quotes": "last", "quotes_and_trades": "rt_volume", "last": "by_tick", "all_last": "by_tick"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One subscription: the instrument, and which of its ticks are asked for."""

    instrument: Instrument
    ticks: TickStream

    @property
    def request_id(self) -> int:
        """The id that its ticks come under."""
        return REQUEST_BASE + self.instrument.number


def asked_for(subscriptions: Sequence[Subscription]) -> tuple[Asked, ...]:
    """The subscriptions in their order; the first one's instrument has the number 0."""
    return tuple(Asked(Instrument(at, _contract(one)), one.ticks) for at, one in enumerate(subscriptions))


def instruments_of(asked: Sequence[Asked], resolved: Mapping[int, ContractSpec]) -> Instruments:
    """The instruments with what the gateway said of them; where it said nothing, as the settings have them."""
    numbered = (one.instrument for one in asked)
    return Instruments([Instrument(one.number, resolved.get(one.number, one.contract)) for one in numbered])


def _contract(one: Subscription) -> ContractSpec:
    return ContractSpec(
        con_id=one.con_id, symbol=one.symbol, sec_type=one.sec_type, exchange=one.exchange, currency=one.currency,
        expiry=one.expiry, strike=one.strike, right=one.right, multiplier=one.multiplier,
        local_symbol=one.local_symbol, trading_class=one.trading_class,
    )  # fmt: skip


def trade_sources(asked: Sequence[Asked]) -> dict[int, TradeSource]:
    """Which ticks tell of an instrument's trades, by what was asked for."""
    return {one.instrument.number: _SOURCES[one.ticks] for one in asked if one.ticks in _SOURCES}


def names_of(asked: Sequence[Asked], instruments: Instruments) -> list[str]:
    """What a reader knows each instrument by; two subscriptions to one are told apart by what they ask for."""
    names = [instruments[one.instrument.number].name for one in asked]
    return [
        f"{name} {one.ticks}" if names.count(name) > 1 else name for name, one in zip(names, asked, strict=True)
    ]  # fmt: skip
