"""The gate as a strategy holds it: with the strategy's name on what it sends, and from its coroutines as well."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from tieout.bot.aside import Aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import ContractSpec, OrderSpec
    from tieout.gate import BracketOutcome, OrderGate, Outcome

_T = TypeVar("_T")


class StrategyGate:
    """
    `tieout.strategy.Gate`.

    Every call waits for its answer. In a coroutine it is made in another thread, since a broker's call runs an event
    loop of its own and two loops do not run in one thread; the strategy's loop waits with it.
    """

    def __init__(self, gate: OrderGate, strategy: str) -> None:
        self._gate = gate
        self._strategy = strategy
        self._aside = Aside()

    def submit(self, contract: ContractSpec, order: OrderSpec, *, intent_id: str | None = None) -> Outcome:
        """See `tieout.strategy.Gate`."""
        return self._outside_a_loop(
            lambda: self._gate.submit(contract, order, intent_id=intent_id, strategy=self._strategy)
        )

    def submit_bracket(
        self,
        contract: ContractSpec,
        entry: OrderSpec,
        *,
        intent_id: str,
        take_profit: OrderSpec | None = None,
        stop_loss: OrderSpec | None = None,
    ) -> BracketOutcome:
        """See `tieout.strategy.Gate`."""
        return self._outside_a_loop(
            lambda: self._gate.submit_bracket(
                contract, entry, intent_id=intent_id, take_profit=take_profit, stop_loss=stop_loss,
                strategy=self._strategy,
            )
        )  # fmt: skip

    def modify(self, intent_id: str, order: OrderSpec, *, change_id: str | None = None) -> Outcome:
        """See `tieout.strategy.Gate`."""
        return self._outside_a_loop(lambda: self._gate.modify(intent_id, order, change_id=change_id))

    def cancel(self, intent_id: str) -> Outcome:
        """See `tieout.strategy.Gate`."""
        return self._outside_a_loop(lambda: self._gate.cancel(intent_id))

    def outcome(self, intent_id: str) -> Outcome | None:
        """See `tieout.strategy.Gate`."""
        return self._outside_a_loop(lambda: self._gate.outcome(intent_id))

    def why_closed(self, contract: ContractSpec | None = None) -> list[str]:
        """See `tieout.strategy.Gate`."""
        return self._outside_a_loop(lambda: self._gate.why_closed(contract))

    def _outside_a_loop(self, call: Callable[[], _T]) -> _T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return call()
        answer: _T = self._aside.submit(call).result()
        return answer
