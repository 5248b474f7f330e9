"""
A breakout: as small as a strategy can be that trades on bars. It needs `LIVE_DATA.enable_tick_subscriptions`.

When a bar closes above the highest price of the bars before it, it buys at that close, with a limit and for the day.
The intent id names strategy, instrument and bar, so that the same bar is never bought twice, whatever is restarted.
"""

from __future__ import annotations

from collections import defaultdict, deque
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from tieout.strategy import Bar, Gate, OrderSpec, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence


class Breakout(Strategy):
    """
    Buys what breaks out.

    `bars` is how many of an instrument's last bars are looked at; until so many are there nothing is bought.
    """

    name: ClassVar[str] = "breakout"
    bars: ClassVar[int] = 20
    quantity: ClassVar[Decimal] = Decimal(1)

    def on_start(self, gate: Gate) -> None:
        """Keep the gate."""
        self.gate = gate
        self.open = False
        self.highs: defaultdict[int, deque[Decimal]] = defaultdict(lambda: deque(maxlen=self.bars))

    def on_gate(self, reasons: Sequence[str]) -> None:
        """A breakout that the gate would block is not bought later: its price is gone by then."""
        self.open = not reasons

    def on_bar(self, bar: Bar) -> None:
        """Buy a close above all the highs before it. A bar that was not seen whole says nothing."""
        highs = self.highs[bar.instrument.number]
        if not bar.complete:
            highs.clear()
            return
        if self.open and len(highs) == self.bars and bar.close > max(highs):
            order = OrderSpec(side="BUY", quantity=self.quantity, order_type="LMT", limit_price=bar.close)
            intent_id = f"{self.name}/{bar.instrument.contract.con_id}/{bar.start_ns}"
            self.gate.submit(bar.instrument.contract, order, intent_id=intent_id)
        highs.append(bar.high)
