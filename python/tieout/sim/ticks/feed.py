"""All markets of a gateway and all who listen: how many may, and what goes wrong for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tieout.sim.gateway import Gateway
    from tieout.sim.ticks.market import Market, MarketFault, MarketPlan

_LINK_LOST: Final = 1100
_DATA_LOST: Final = 1101


class Feed:
    """The markets, as the gateway streams them. It lives in the gateway's event loop."""

    def __init__(self, gateway: Gateway, plan: MarketPlan) -> None:
        self.plan = plan
        self._gateway = gateway
        self._linked = True
        self._coming: dict[int, list[MarketFault]] = {}
        for fault in sorted(plan.faults, key=lambda fault: fault.after):
            self._coming.setdefault(fault.con_id, []).append(fault)
        self._timers: set[asyncio.TimerHandle] = set()

    def full(self, *, by_tick: bool) -> bool:
        """Whether no further subscription of that sort is allowed."""
        used = sum(one.ticks.count(by_tick=by_tick) for one in self._gateway.sessions.values())
        return used >= (self.plan.by_tick_lines if by_tick else self.plan.lines)

    def streams(self, market: Market) -> bool:
        """Whether events of this market are told now."""
        return self._linked and not market.silent

    def next_fault(self, market: Market) -> int | None:
        """The number of the event behind which something goes wrong next."""
        coming = self._coming.get(market.con_id)
        return coming[0].after if coming else None

    def told(self, market: Market) -> None:
        """Events were sent; what was to go wrong behind them does."""
        coming = self._coming.get(market.con_id)
        while coming and market.told.number >= coming[0].after:
            self._fail(market, coming.pop(0))

    def link(self, code: int) -> None:
        """1100, 1101 or 1102 was said to every client."""
        self._linked = code != _LINK_LOST
        for session in self._gateway.sessions.values():
            if code == _DATA_LOST:
                session.ticks.clear()
            session.ticks.begin_again()

    def silence(self, con_id: int, *, silent: bool = True) -> None:
        """A market falls silent, or speaks again from where it stopped."""
        self.plan.markets[con_id].silent = silent
        for session in self._gateway.sessions.values():
            session.ticks.begin_again()

    def close(self) -> None:
        """No timer outlives the gateway."""
        for timer in self._timers:
            timer.cancel()

    def _fail(self, market: Market, fault: MarketFault) -> None:
        match fault.do:
            case "silence":
                market.silent = True
                if fault.ms:
                    self._later(fault.ms, fault)
            case "lose_link":
                self._gateway.link(_LINK_LOST)
                self._later(fault.ms, fault)
            case "cut":
                for session in tuple(self._gateway.sessions.values()):
                    session.cut()

    def _later(self, ms: int, fault: MarketFault) -> None:
        timer = asyncio.get_running_loop().call_later(ms / 1000, self._mend, fault)
        self._timers.add(timer)

    def _mend(self, fault: MarketFault) -> None:
        if fault.do == "silence":
            self.silence(fault.con_id, silent=False)
        else:
            self._gateway.link(fault.back)
