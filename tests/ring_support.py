"""Ticks for the ring, and a producer that is ten times as fast as its consumer."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from resource import getpagesize
from typing import Any, Final

import polars as pl

from tieout.ticks import RingStats, TickRing
from tieout.ticks.ring import Policy

SCHEMA: Final[dict[str, Any]] = {
    "instrument": pl.UInt32, "kind": pl.UInt8, "field": pl.UInt8, "price": pl.Int64, "size": pl.Int64,
    "exchange_ns": pl.Int64, "received_ns": pl.Int64, "sequence": pl.UInt64, "extra_0": pl.UInt64,
    "extra_1": pl.UInt64, "flags": pl.UInt16,
}  # fmt: skip
"""The columns of a batch of ticks, as `TickRing.drain` gives them."""

QUOTE: Final = 32768
"""The flag of a tick that a newer one of its instrument, kind and field replaces."""

CAPACITY, PUSHED, TAKEN, INSTRUMENTS = 10_000, 5_000, 500, 50
_WARM_ROUNDS = 20


def ticks(rows: int, **columns: Any) -> pl.DataFrame:
    """Ticks of instrument 7, all alike but for their number, with these columns instead."""
    values = {"instrument": 7, "kind": 1, "field": 4, "price": 5, "size": 6, "exchange_ns": 8, "received_ns": 9,
              "sequence": list(range(rows)), "extra_0": None, "extra_1": None, "flags": 7} | columns  # fmt: skip
    lists = {name: value if isinstance(value, list) else [value] * rows for name, value in values.items()}
    return pl.DataFrame(lists, schema=SCHEMA)


@dataclass(frozen=True, slots=True)
class Overload:
    """What both ends counted themselves, the ring's account, and by how much the process grew."""

    produced: int
    consumed: int
    stats: RingStats
    trades_lost: int
    grown_bytes: int


def overload(policy: Policy, *, go_on: Callable[[], bool]) -> Overload:
    """
    Push ten times what is taken, round after round while `go_on`, then take the rest.

    Every tenth tick is a trade, the others are quotes, of fifty instruments in turn.
    """
    instruments = [number % INSTRUMENTS for number in range(PUSHED)]
    trade = [number // INSTRUMENTS % 10 == 0 for number in range(PUSHED)]
    rows = ticks(PUSHED, instrument=instruments, field=[4 if is_trade else 1 for is_trade in trade],
                 flags=[7 if is_trade else 7 | QUOTE for is_trade in trade]).drop("sequence")  # fmt: skip
    produced = consumed = trades = rounds = resident = 0
    with TickRing(CAPACITY, policy=policy, drop_count=100) as ring:
        while rounds <= _WARM_ROUNDS or go_on():
            ring.push_batch(rows)
            taken = pl.DataFrame(ring.drain(TAKEN))
            produced += PUSHED
            consumed += taken.height
            trades += int((taken["field"] == 4).sum())
            rounds += 1
            if rounds == _WARM_ROUNDS:
                resident = resident_bytes()
        grown = resident_bytes() - resident
        rest = pl.DataFrame(ring.drain(CAPACITY))
        trades += int((rest["field"] == 4).sum())
        return Overload(
            produced=produced,
            consumed=consumed + rest.height,
            stats=ring.stats(),
            trades_lost=rounds * sum(trade) - trades,
            grown_bytes=grown,
        )


def resident_bytes() -> int:
    """What this process holds in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * getpagesize()
