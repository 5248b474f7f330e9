"""
What happens in an instrument's market: one row for each event, a quote or a trade.

Prices and sizes count 1e-8; `at_ns` counts from the market's start. A row carries the state after its event.
"""

from __future__ import annotations

from typing import Final

import polars as pl

STATE: Final[dict[str, pl.DataType]] = {
    "at_ns": pl.Int64(),
    "bid": pl.Int64(),
    "bid_size": pl.Int64(),
    "ask": pl.Int64(),
    "ask_size": pl.Int64(),
    "last": pl.Int64(),
    "last_size": pl.Int64(),
    "trade": pl.Boolean(),
    "price": pl.Int64(),
    "size": pl.Int64(),
    "volume": pl.Int128(),
    "turnover": pl.Int128(),
    "exchange": pl.String(),
    "conditions": pl.String(),
    "past_limit": pl.Boolean(),
    "unreported": pl.Boolean(),
}
"""
`price` and `size` are of the trade in this row; `last`, `last_size` of the last reported one. `volume` counts reported
trades, `turnover` is the sum of their price x size, of which the average is made.
"""

_QUOTED: Final = ("bid", "bid_size", "ask", "ask_size", "last")
CHANGES: Final = tuple(f"new_{name}" for name in _QUOTED)
EVENT: Final[dict[str, pl.DataType]] = {**STATE, **dict.fromkeys(CHANGES, pl.Boolean())}
"""`STATE`, and which of its values the event changed."""


def with_changes(states: pl.DataFrame, *, before: pl.DataFrame) -> pl.DataFrame:
    """
    Events of these states, schema `EVENT`.

    Args:
        states: schema `STATE`, in the order of time.
        before: the one row before them, or none where nothing was quoted before.
    """
    whole = pl.concat([before, states])
    changed = [pl.col(name).ne_missing(pl.col(name).shift(1)).alias(f"new_{name}") for name in _QUOTED]
    return whole.with_columns(changed).slice(before.height)
