"""
What the account holds in the settings' symbols, as recommendations: `spy_futures_actions`. Pure.

    initial_state         the ledger does not explain it: it was not opened by us
    close_recommendation  its loss is beyond max_unrealized_loss_pct, or it is held longer than
                          max_position_duration_hours
    take_profit           its gain is beyond take_profit_threshold_pct, and nothing speaks for closing it

1. Nothing is recommended without a quote that may be judged by (tieout.reconcile.marking); entry or note says why.
2. A recommendation asks for one limit order against the whole position, at the side of the quote that it was judged by.
3. It is blocked while an order against the position is live, or it is not known whether one is: both together would
   turn the position around.
4. Positions check, they never invent fills. Entries move with the quotes, so they are not in the plan id; each has a
   hash of its own, over all that it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl

from tieout.canonical import Json, digest
from tieout.clock import NS_PER_S, to_iso
from tieout.fixed import from_e8, plain
from tieout.model import ENDED_STATUSES
from tieout.reconcile.holding import Holding, holding_of
from tieout.reconcile.marking import Mark, average_price_e8, mark_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tieout.broker.port import Quote
    from tieout.config.blocks import SpyFutures
    from tieout.model import Snapshot

Advice = Literal["close_recommendation", "take_profit"]

_HOUR_NS: Final = 3_600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class PositionNote:
    """
    One position as it was found (`initial_state`).

    `average_price` is IB's average cost divided by the multiplier: a check, not a source. `not_recommended` says why
    nothing could be judged; it moves, so it is not in the entry's hash.
    """

    account: str
    symbol: str
    local_symbol: str | None
    con_id: int | None
    quantity: str
    average_cost: str | None
    average_price: str | None
    not_recommended: str | None = None

    def to_json(self) -> dict[str, Json]:
        """The entry as `staged_actions.json` carries it, with a hash of its own."""
        told: dict[str, Json] = {
            "entity": "position",
            "kind": "initial_state",
            "account": self.account,
            "symbol": self.symbol,
            "local_symbol": self.local_symbol,
            "con_id": self.con_id,
            "quantity": self.quantity,
            "average_cost": self.average_cost,
            "average_price": self.average_price,
            "reason": "held at the broker when this run began, not opened by it",
        }
        return {"action_id": digest(told)[:16], **told, "not_recommended": self.not_recommended}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """
    One order that would end a position, with all that it was judged by. Nothing sends it but an approval.

    `blocked` says why it may not be sent as things stand.
    """

    kind: Advice
    position: Mapping[str, Json]
    contract: Mapping[str, Json]
    order: Mapping[str, Json]
    quote: Mapping[str, Json]
    gain_pct: str
    held_since: str | None
    held_since_unknown: str | None
    reason: str
    blocked: str | None

    def to_json(self) -> dict[str, Json]:
        """The entry as `staged_actions.json` carries it, with a hash of its own over all of it."""
        told: dict[str, Json] = {
            "entity": "position",
            "kind": self.kind,
            **self.position,
            "reason": self.reason,
            "gain_pct": self.gain_pct,
            "held_since": self.held_since,
            "held_since_unknown": self.held_since_unknown,
            "quote": dict(self.quote),
            "contract": dict(self.contract),
            "order": dict(self.order),
            "blocked": self.blocked,
            "requires": ["AUTO_MANAGE_EXTERNAL_ORDERS"],
        }
        return {"action_id": digest(told)[:16], **told}


@dataclass(frozen=True, slots=True)
class Market:
    """What positions are judged by: the quotes (of `con_id`s), the limits, and the time."""

    quotes: tuple[Quote, ...]
    limits: SpyFutures
    now_ns: int

    def quote_of(self, con_id: int | None) -> Quote | None:
        """The quote of that contract, if one was asked for."""
        return next((q for q in self.quotes if con_id is not None and q.contract.con_id == con_id), None)


def watched(positions: pl.DataFrame, symbols: Collection[str]) -> list[dict[str, Any]]:
    """The positions in those symbols that are not flat, by symbol and contract; rows of schema `POSITION`."""
    rows = positions.sort("symbol", "local_symbol", "con_id", nulls_last=True).iter_rows(named=True)
    return [row for row in rows if row["symbol"] in symbols and row["quantity_e8"]]


def judge_positions(
    snapshot: Snapshot, ledger: pl.DataFrame, *, symbols: Collection[str], market: Market | None
) -> tuple[list[PositionNote | Recommendation], list[str]]:
    """
    The entries for those positions, and notes about those that are within bounds or could not be judged.

    Args:
        ledger: schema `tieout.reconcile.predicted.LEDGER`.
        market: None where no quotes were asked for: then only the state is told.
    """
    entries: list[PositionNote | Recommendation] = []
    notes: list[str] = []
    for row in watched(snapshot.positions, symbols):
        holding = holding_of(row, ledger)
        advice = _judge(row, holding, snapshot, market)
        why = advice if isinstance(advice, str) else None
        ours = holding.explains(row["quantity_e8"])
        if not ours:
            entries.append(_note(row, holding, why, market))
        if isinstance(advice, Recommendation):
            entries.append(advice)
        elif ours and why is not None and market is not None:
            notes.append(f"{row['local_symbol'] or row['symbol']}: nothing can be recommended: {why}")
    return entries, notes


def _judge(
    row: dict[str, Any], holding: Holding, snapshot: Snapshot, market: Market | None
) -> Recommendation | str | None:
    """A recommendation, why none can be made, or None where the position is within bounds."""
    if market is None:
        return "no quote was asked for"
    part = snapshot.parts.get("positions")
    if part is None or not part.complete:
        return "the positions were not answered in full"
    quote = market.quote_of(row["con_id"])
    mark = mark_of(row, quote, now_ns=market.now_ns)
    if isinstance(mark, str) or quote is None:
        return mark if isinstance(mark, str) else None
    found = _advice(mark, holding, market)
    if found is None:
        return None
    kind, reason = found
    return Recommendation(
        kind=kind,
        position=_position(row, quote.price_magnifier),
        contract={"con_id": row["con_id"], "exchange": quote.exchange, "symbol": row["symbol"],
                  "sec_type": row["sec_type"], "currency": row["currency"], "local_symbol": row["local_symbol"]},
        order={"side": _against(row), "quantity": from_e8(abs(row["quantity_e8"])), "order_type": "LMT",
               "limit_price": from_e8(mark.price_e8), "tif": "DAY"},
        quote={"bid": from_e8(quote.bid_e8), "ask": from_e8(quote.ask_e8), "last": from_e8(quote.last_e8),
               "kind": quote.kind, "at": to_iso(quote.at_ns), "price_magnifier": quote.price_magnifier},
        gain_pct=_percent(mark.gain_pct),
        held_since=None if holding.since_ns is None else to_iso(holding.since_ns),
        held_since_unknown=holding.why,
        reason=reason,
        blocked=_blocked(row, snapshot),
    )  # fmt: skip


def _advice(mark: Mark, holding: Holding, market: Market) -> tuple[Advice, str] | None:
    """Which advice, and why; a reason to close weighs more than a gain."""
    limits, close = market.limits, []
    if -mark.gain_pct > limits.max_unrealized_loss_pct:
        close.append(f"its loss is {_percent(-mark.gain_pct)} %, beyond {plain(limits.max_unrealized_loss_pct)} %")
    held_ns = None if holding.since_ns is None else market.now_ns - holding.since_ns
    if held_ns is not None and held_ns > limits.max_position_duration_hours * _HOUR_NS:
        hours = held_ns // _HOUR_NS
        close.append(f"it is held for {hours} h, longer than {plain(limits.max_position_duration_hours)} h")
    if close:
        return "close_recommendation", "; ".join(close)
    if mark.gain_pct > limits.take_profit_threshold_pct:
        gain = _percent(mark.gain_pct)
        return "take_profit", f"its gain is {gain} %, beyond {plain(limits.take_profit_threshold_pct)} %"
    return None


def _blocked(row: dict[str, Any], snapshot: Snapshot) -> str | None:
    part = snapshot.parts.get("open_orders")
    if part is None or not part.complete:
        return "the open orders were not answered in full: one of them may be against this position"
    same = pl.when(pl.col("con_id").is_not_null()).then(pl.col("con_id") == row["con_id"])
    against = snapshot.open_orders.filter(
        same.otherwise(pl.col("symbol") == row["symbol"]) & (pl.col("side") == _against(row)) & _may_fill()
    )
    if against.height == 0:
        return None
    named = ", ".join(str(perm_id) for perm_id in against["perm_id"].to_list())
    return f"{against.height} {_against(row)} order(s) on it are live (perm_id {named}): cancel them first"


def _may_fill() -> pl.Expr:
    """Inactive orders too: one that is held can come alive."""
    return ~pl.col("status").is_in(sorted(ENDED_STATUSES)).fill_null(value=False)


def _note(row: dict[str, Any], holding: Holding, why: str | None, market: Market | None) -> PositionNote:
    quote = None if market is None else market.quote_of(row["con_id"])
    price = average_price_e8(row, price_magnifier=1 if quote is None else quote.price_magnifier)
    return PositionNote(
        account=row["account"],
        symbol=row["symbol"],
        local_symbol=row["local_symbol"],
        con_id=row["con_id"],
        quantity=from_e8(row["quantity_e8"]) or "0",
        average_cost=from_e8(row["average_cost_e8"]),
        average_price=from_e8(price),
        not_recommended=why,
    )


def _position(row: dict[str, Any], price_magnifier: int) -> dict[str, Json]:
    return {
        "account": row["account"],
        "symbol": row["symbol"],
        "local_symbol": row["local_symbol"],
        "con_id": row["con_id"],
        "quantity": from_e8(row["quantity_e8"]),
        "multiplier": from_e8(row["multiplier_e8"]),
        "average_cost": from_e8(row["average_cost_e8"]),
        "average_price": from_e8(average_price_e8(row, price_magnifier=price_magnifier)),
    }


def _against(row: dict[str, Any]) -> str:
    return "SELL" if row["quantity_e8"] > 0 else "BUY"


def _percent(value: Decimal) -> str:
    """For people, to 0.0001 %: the limits were compared with all digits."""
    return plain(round(value, 4))
