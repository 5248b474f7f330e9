"""
From the raw messages of one answer to one frame: whose rows count, which of two wins, what spoils the answer.

Pure functions over what a `Collector` holds. IB repeats itself: the last message about one thing wins.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import polars as pl

from tieout.broker import translate
from tieout.broker.collect import Collector, RawOrder, RawStatus

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Context:
    """Whose rows are kept, and how the gateway's bare times are read."""

    account: str
    only_account: bool
    gateway_zone: str | None

    def owns(self, account: str) -> bool:
        """Whether a row of that account is ours; one without is, where the gateway has no other account."""
        return account == self.account or (not account and self.only_account)


@dataclass(frozen=True, slots=True)
class Gathered:
    """A part's frame, and what makes its rows worth less than a complete answer (None: nothing)."""

    frame: pl.DataFrame
    why: str | None = None


def open_orders(collected: Collector, context: Context) -> Gathered:
    """Live orders of the account, schema `ORDER`; an order that has ended meanwhile stays, not live."""
    by_perm_id: dict[int, RawStatus] = {}
    by_order_id: dict[tuple[int, int], RawStatus] = {}
    for status in collected.statuses:
        if status.perm_id:
            by_perm_id[status.perm_id] = status
        if status.order_id:
            by_order_id[(status.client_id, status.order_id)] = status

    def reported(raw: RawOrder) -> RawStatus | None:
        order = raw.order
        found = by_perm_id.get(order.permId) if order.permId else None
        if found is None and order.orderId:
            found = by_order_id.get((order.clientId, order.orderId))
            if found is not None and order.permId and found.perm_id:
                return None  # the same id, another order
        return found

    latest = _latest(collected.open_orders, _order_key)
    ours = [raw for raw in latest if context.owns(raw.order.account)]
    rows = (_with_account(translate.order_row(raw, reported(raw)), context) for raw in ours)
    return Gathered(translate.order_frame(rows), _unowned([raw.order.account for raw in latest], context))


def completed_orders(collected: Collector, context: Context) -> Gathered:
    """The account's completed orders, schema `ORDER`."""
    latest = _latest(collected.completed, _order_key)
    ours = [raw for raw in latest if context.owns(raw.order.account)]
    rows = (_with_account(translate.completed_row(raw, gateway_zone=context.gateway_zone), context) for raw in ours)
    return Gathered(translate.order_frame(rows), _unowned([raw.order.account for raw in latest], context))


def executions(collected: Collector, context: Context) -> Gathered:
    """The account's executions with the commissions that came, schema `EXECUTION`."""
    latest = _latest(collected.executions, lambda raw: raw.execution.execId or None)
    ours = [raw for raw in latest if context.owns(raw.execution.acctNumber)]
    rows = (
        _with_account(
            translate.execution_row(
                raw, collected.commissions.get(raw.execution.execId), gateway_zone=context.gateway_zone
            ),
            context,
        )
        for raw in ours
    )
    why = _unowned([raw.execution.acctNumber for raw in latest], context)
    if any(translate.text_of(raw.execution.execId) is None for raw in ours):
        why = "an execution came without an execution id"
    return Gathered(translate.execution_frame(rows), why)


def positions(collected: Collector, context: Context) -> Gathered:
    """The account's positions, schema `POSITION`."""
    latest = _latest(collected.positions, lambda raw: (raw.account, _contract_key(raw.contract)))
    rows = [_with_account(translate.position_row(raw), context) for raw in latest if context.owns(raw.account)]
    why = _unowned([raw.account for raw in latest], context)
    if any(row["quantity_e8"] is None for row in rows):
        why = "a position came without a size that 1e-8 can hold"
    return Gathered(translate.position_frame(rows), why)


def fills_of(collected: Collector, context: Context) -> set[str]:
    """The exec ids of the account's executions."""
    return {raw.execution.execId for raw in collected.executions if context.owns(raw.execution.acctNumber)}


def _with_account(row: translate.Row, context: Context) -> translate.Row:
    return row | {"account": context.account}


def _unowned(accounts: list[str], context: Context) -> str | None:
    count = 0 if context.only_account else sum(not account for account in accounts)
    return f"{count} rows name no account, and the gateway holds several" if count else None


def _latest(items: Iterable[_Item], key: Callable[[_Item], Hashable | None]) -> list[_Item]:
    """One item for each key, the last; an item whose key is None stands for itself."""
    kept: dict[Hashable, _Item] = {}
    for count, item in enumerate(items):
        found = key(item)
        kept[("no key", count) if found is None else ("key", found)] = item
    return list(kept.values())


def _order_key(raw: RawOrder) -> Hashable | None:
    order = raw.order
    if order.permId:
        return ("perm_id", order.permId)
    return ("order_id", order.clientId, order.orderId) if order.orderId else None


def _contract_key(contract: Any) -> Hashable:
    if contract.conId:
        return int(contract.conId)
    return tuple(
        str(value)
        for value in (
            contract.symbol,
            contract.secType,
            contract.lastTradeDateOrContractMonth,
            contract.strike,
            contract.right,
            contract.multiplier,
            contract.currency,
            contract.localSymbol,
        )
    )
