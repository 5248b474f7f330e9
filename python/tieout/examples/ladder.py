"""
A ladder of limit orders: as small as a strategy can be that is safe to stop, kill and start again.

Its orders have stable intent ids (strategy, instrument, day, rung). Whenever the gate opens it simply asks for all of
them: what was sent before, by this process or an earlier one, is answered by the gate and never sent twice. To use it
with other terms, inherit from it in a module of your own and change the class's values.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from tieout.strategy import ContractSpec, Gate, OrderSpec, OrderUpdate, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence


class Ladder(Strategy):
    """
    Buy limit orders below one another.

    `name` with a rung's number makes an intent id: give each ladder, and each day's ladder, a name of its own.
    `top` is the highest limit, `step` the distance of the next, in the contract's currency; `rungs` is how many.
    """

    name: ClassVar[str] = "ladder/ES/1"
    contract: ClassVar[ContractSpec] = ContractSpec(
        con_id=637533641, symbol="ES", sec_type="FUT", exchange="CME", currency="USD"
    )
    top: ClassVar[Decimal] = Decimal(100)
    step: ClassVar[Decimal] = Decimal(1)
    rungs: ClassVar[int] = 3
    quantity: ClassVar[Decimal] = Decimal(1)

    def on_start(self, gate: Gate) -> None:
        """Keep the gate; the orders go out when it opens."""
        self.gate = gate
        self.filled: dict[str, Decimal] = {}

    def on_gate(self, reasons: Sequence[str]) -> None:
        """Ask for every rung. One that the gate blocks, since it closed again meanwhile, is asked for the next time."""
        if reasons:
            return
        for rung in range(self.rungs):
            order = OrderSpec(
                side="BUY", quantity=self.quantity, order_type="LMT", limit_price=self.top - rung * self.step, tif="GTC"
            )
            self.gate.submit(self.contract, order, intent_id=f"{self.name}/{rung + 1}")

    def on_order(self, update: OrderUpdate) -> None:
        """Count what was filled; a fill that is told twice counts once."""
        if update.fill is not None and update.fill.quantity is not None:
            self.filled[update.fill.exec_id] = update.fill.quantity
