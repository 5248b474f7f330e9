"""
What the account holds in the settings' symbols, as recommendations: `spy_futures_actions`.

Positions check; they never invent fills, and nothing here changes the book. Price-based recommendations need a fresh
quote and come with the gate; without one there is only the state that was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tieout.canonical import Json, digest
from tieout.fixed import SCALE, from_e8, round_e8

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl


@dataclass(frozen=True, slots=True)
class PositionNote:
    """
    One position as it was found (`initial_state`).

    `average_price` is IB's average cost divided by the multiplier: a check, not a source.
    """

    account: str
    symbol: str
    local_symbol: str | None
    con_id: int | None
    quantity: str
    average_cost: str | None
    average_price: str | None

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
        return {"action_id": digest(told)[:16], **told}


def position_notes(positions: pl.DataFrame, symbols: Collection[str]) -> list[PositionNote]:
    """The positions in those symbols that are not flat, by symbol and contract. `positions` has schema `POSITION`."""
    notes = []
    for row in positions.sort("symbol", "local_symbol", "con_id", nulls_last=True).iter_rows(named=True):
        if row["symbol"] not in symbols or not row["quantity_e8"]:
            continue
        cost, multiplier = row["average_cost_e8"], row["multiplier_e8"] or SCALE
        price = None if cost is None else round_e8(Decimal(cost) / Decimal(multiplier))
        notes.append(
            PositionNote(
                account=row["account"],
                symbol=row["symbol"],
                local_symbol=row["local_symbol"],
                con_id=row["con_id"],
                quantity=from_e8(row["quantity_e8"]) or "0",
                average_cost=from_e8(cost),
                average_price=from_e8(price),
            )
        )
    return notes
