"""
What the ledger says of one position: how much, and since when. Pure.

1. A fill counts for a position where it provably is of that contract: the same con_id, or the same local symbol, or
   (a stock) the same symbol. One that may or may not be is a doubt, and then nothing is said.
2. The ledger explains a position exactly where its signed fills add up to it.
3. Held since: the fill that opened the present position, from flat or through it. Where equal times, or a fill without
   one, leave that open, it is not known. It is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STOCK = "STK"


@dataclass(frozen=True, slots=True)
class Fill:
    """A signed quantity (buys above 0) and its time, None where it is not known."""

    quantity_e8: int
    executed_ns: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """
    The ledger's word on a position.

    `quantity_e8` is None where it cannot be told which fills are its own. `since_ns` is None where `why` says why.
    """

    quantity_e8: int | None
    since_ns: int | None = None
    why: str | None = None

    def explains(self, quantity_e8: int) -> bool:
        """Whether the ledger says that quantity."""
        return self.quantity_e8 == quantity_e8


def holding_of(position: dict[str, Any], ledger: pl.DataFrame) -> Holding:
    """
    What the ledger says of this position.

    Args:
        position: one row, schema `POSITION`.
        ledger: schema `tieout.reconcile.predicted.LEDGER`.
    """
    mine: list[Fill] = []
    doubts = 0
    for row in _candidates(position, ledger).iter_rows(named=True):
        same = _same_contract(position, row)
        if same is False:
            continue
        if same is None or row["side"] is None or row["quantity_e8"] is None:
            doubts += 1
            continue
        mine.append(Fill(row["quantity_e8"] if row["side"] == "BUY" else -row["quantity_e8"], row["executed_ns"]))
    if doubts:
        name = position["local_symbol"] or position["symbol"]
        return Holding(None, why=f"{doubts} execution(s) in the book do not say whether they are of {name}")
    total = sum(fill.quantity_e8 for fill in mine)
    if total != position["quantity_e8"]:
        return Holding(total, why="the executions in the book do not add up to it")
    if any(fill.executed_ns is None for fill in mine):
        return Holding(total, why="an execution of it has no time")
    since_ns = opened_ns(mine)
    return Holding(total, since_ns, None if since_ns is not None else "executions of the same time leave it open")


def _candidates(position: dict[str, Any], ledger: pl.DataFrame) -> pl.DataFrame:
    """The executions that move positions, of that account and symbol or con_id."""
    named = (pl.col("symbol") == position["symbol"]) | (pl.col("con_id") == position["con_id"])
    return ledger.filter(pl.col("active") & ~pl.col("combo") & (pl.col("account") == position["account"]) & named)


def opened_ns(fills: Sequence[Fill]) -> int | None:
    """
    When the position that these fills come to was opened; None where that depends on their order within one time.

    All of them have a time.
    """
    opened: int | None = None
    held = 0
    for at_ns, together in groupby(sorted(fills, key=_time), key=_time):
        held, opened = _step(held, opened, at_ns, [fill.quantity_e8 for fill in together])
    return opened


def _step(held: int, opened: int | None, at_ns: int, moves: Sequence[int]) -> tuple[int, int | None]:
    """The position after fills of one time, whose order is not known."""
    after = held + sum(moves)
    if after == 0:
        return 0, None
    if held == 0 or (held > 0) != (after > 0):
        return after, at_ns  # whatever their order, it went through flat at this time
    against = sum(move for move in moves if (move > 0) != (held > 0))
    if abs(against) < abs(held):
        return after, opened  # whatever their order, it never came to flat
    return after, None


def _time(fill: Fill) -> int:
    assert fill.executed_ns is not None
    return fill.executed_ns


def _same_contract(position: dict[str, Any], row: dict[str, Any]) -> bool | None:
    """Whether a fill is of the position's contract; None where it cannot be told."""
    if None not in (position["con_id"], row["con_id"]):
        return bool(position["con_id"] == row["con_id"])
    if _differ(position, row, ("symbol", "sec_type", "local_symbol", "expiry")):
        return False
    if position["local_symbol"] is not None and position["local_symbol"] == row["local_symbol"]:
        return True
    stock = position["sec_type"] == STOCK and row["sec_type"] == STOCK
    return True if stock and position["symbol"] == row["symbol"] else None


def _differ(left: dict[str, Any], right: dict[str, Any], names: Iterable[str]) -> bool:
    """Whether both know one of these and it is not the same."""
    return any(None not in (left[name], right[name]) and left[name] != right[name] for name in names)
