"""
A market that walks at random: the same seed gives the same events, on every machine and at every speed.

Every event draws from a hash of its own number (splitmix64), so that no library's random numbers matter. Quotes move
bid and ask by a tick up or down, or change a size; trades happen at one of them. The bid stays within `reach` ticks of
the price it starts from, turning round at the edge.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from tieout.clock import NS_PER_S
from tieout.fixed import SCALE
from tieout.sim.ticks.event import STATE, with_changes

BLOCK_MIN: Final = 2048
BLOCK_MAX: Final = 8192
"""So many events are made at once: fewer of a slow market, so that its first ones do not wait for many others."""

_MARK_EVERY: Final = 256
_LATEST_MAX: Final = 64
"""Blocks whose beginnings are remembered: every so many, and so many of the latest."""

_JITTERS: Final = 1024
_VENUES: Final = pl.Series(["NASDAQ", "ARCA", "NYSE", "FINRA"])
_ODD: Final = " I"
"""The condition of an odd lot, in one of sixteen trades."""


_Beginning = tuple[dict[str, Any], int]
"""The state before a block, and how far the bid has drifted."""


@dataclass(frozen=True, slots=True)
class Burst:
    """In every `every_s` seconds, the first `for_s` have `times` as many events."""

    every_s: float
    for_s: float
    times: float


@dataclass(frozen=True, slots=True)
class Walk:
    """
    How the market walks.

    rate: events a second outside bursts. price, min_tick: in 1e-8. spread, reach: in ticks. sizes: the largest. trades:
    how many of 100 events are trades; unreported: how many of 100 trades are.
    """

    seed: int
    con_id: int
    rate: float
    price: int
    min_tick: int
    exchange: str = ""
    spread: int = 1
    sizes: int = 50
    trades: int = 20
    unreported: int = 0
    reach: int = 400
    burst: Burst | None = None

    def opening(self) -> pl.DataFrame:
        """What is quoted before the first event: one row, schema `STATE`."""
        bid = self._bid(0)
        row = {
            "at_ns": 0, "bid": bid, "bid_size": SCALE, "ask": bid + self.spread * self.min_tick, "ask_size": SCALE,
            "last": bid, "last_size": SCALE, "trade": False, "price": None, "size": None, "volume": 0, "turnover": 0,
            "exchange": "", "conditions": "", "past_limit": False, "unreported": False,
        }  # fmt: skip
        return pl.DataFrame([row], schema=STATE)

    def states(self, numbers: range, state: dict[str, Any], drift: int) -> tuple[pl.DataFrame, int]:
        """The states of these events, behind the state and the drift of the one before; and the new drift."""
        frame = pl.DataFrame({"number": pl.int_range(numbers.start, numbers.stop, dtype=pl.UInt64, eager=True)})
        frame = frame.with_columns(dice=_hash(self._key(0)), more=_hash(self._key(1))).with_columns(
            trade=_throw("dice", 8, 100) < self.trades,
            act=_throw("more", 40, 4),
            venue=_throw("more", 50, len(_VENUES)),
        )
        quote = ~pl.col("trade")
        step = pl.when(quote & (pl.col("act") > 1)).then(_throw("dice", 0, 3) - 1).otherwise(0)
        frame = frame.with_columns(drift=step.cum_sum() + drift)
        bid = self._bid_of(pl.col("drift"))
        odd = _throw("dice", 24, 16) == 0
        frame = frame.with_columns(
            at_ns=self._at(),
            bid=bid,
            ask=bid + self.spread * self.min_tick,
            bid_size=self._size(quote & (pl.col("act") != 1), 0, state["bid_size"]),
            ask_size=self._size(quote & (pl.col("act") != 0), 10, state["ask_size"]),
            unreported=pl.col("trade") & (_throw("dice", 16, 100) < self.unreported),
            exchange=self._venue(),
            conditions=pl.when(pl.col("trade") & odd).then(pl.lit(_ODD)).otherwise(pl.lit("")),
            past_limit=pl.lit(value=False),
        )
        return self._with_trades(frame, state).select(*STATE), frame["drift"][-1]

    def _with_trades(self, frame: pl.DataFrame, state: dict[str, Any]) -> pl.DataFrame:
        reported = pl.col("trade") & ~pl.col("unreported")
        price = pl.when(_throw("dice", 40, 2) == 0).then("bid").otherwise("ask")
        size = (_throw("more", 20, self.sizes) + 1) * SCALE
        traded = pl.when("trade")
        seen = frame.with_columns(price=traded.then(price), size=traded.then(size))
        worth = pl.when(reported).then(pl.col("price").cast(pl.Int128) * pl.col("size")).otherwise(0)
        return seen.with_columns(
            last=pl.when(reported).then("price").forward_fill().fill_null(state["last"]),
            last_size=pl.when(reported).then("size").forward_fill().fill_null(state["last_size"]),
            volume=pl.when(reported).then("size").otherwise(0).cast(pl.Int128).cum_sum() + _wide(state["volume"]),
            turnover=worth.cum_sum() + _wide(state["turnover"]),
        )

    def _key(self, stream: int) -> pl.Expr:
        text = f"tieout ticks:{self.seed}:{self.con_id}:{stream}".encode()
        return pl.col("number") + pl.lit(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"), dtype=pl.UInt64)

    def _at(self) -> pl.Expr:
        """When it happens: evenly spread, each one somewhere in its own share of time."""
        place = pl.col("number").cast(pl.Float64) + _throw("dice", 44, _JITTERS) / _JITTERS
        burst = self.burst
        if burst is None:
            return (place / self.rate * NS_PER_S).floor().cast(pl.Int64)
        inside = burst.for_s * self.rate * burst.times
        whole = inside + (burst.every_s - burst.for_s) * self.rate
        lap = (place / whole).floor()
        rest = place - lap * whole
        seconds = pl.when(rest < inside).then(rest / (self.rate * burst.times)).otherwise(
            burst.for_s + (rest - inside) / self.rate
        )  # fmt: skip
        # Rounding must not put the last event of a lap behind the first of the next.
        return ((lap * burst.every_s + seconds) * NS_PER_S).floor().cast(pl.Int64).cum_max()

    def _bid(self, drift: int) -> int:
        return int(pl.select(self._bid_of(pl.lit(drift, dtype=pl.Int64))).item())

    def _bid_of(self, drift: pl.Expr) -> pl.Expr:
        lap = (drift + self.reach) % (4 * self.reach)
        folded = pl.when(lap <= 2 * self.reach).then(lap).otherwise(4 * self.reach - lap) - self.reach
        return folded * self.min_tick + self.price

    def _size(self, changes: pl.Expr, bits: int, before: int) -> pl.Expr:
        size = (_throw("more", bits, self.sizes) + 1) * SCALE
        return pl.when(changes).then(size).forward_fill().fill_null(before)

    def _venue(self) -> pl.Expr:
        if self.exchange and self.exchange != "SMART":
            venue: pl.Expr = pl.lit(self.exchange)
        else:
            venue = pl.lit(_VENUES).gather(pl.col("venue"))
        return pl.when("trade").then(venue).otherwise(pl.lit(""))


class Walker:
    """
    The events of a walk, block by block; any block again.

    The beginnings of the latest blocks are remembered, and every so many of the others, from where a block that a slow
    client comes to late is walked to once more.
    """

    def __init__(self, walk: Walk, *, block: int = BLOCK_MAX) -> None:
        self.walk = walk
        self._size = block
        self._marks: dict[int, _Beginning] = {0: (self.opening().row(0, named=True), 0)}
        self._latest: OrderedDict[int, _Beginning] = OrderedDict()

    def opening(self) -> pl.DataFrame:
        """What is quoted before the first event: one row, schema `STATE`."""
        return self.walk.opening()

    def block(self, number: int) -> pl.DataFrame:
        """The events of a block, numbered from 0, schema `EVENT`; a walk has no last one."""
        start = number
        while start not in self._latest and start not in self._marks:
            start -= 1
        for before in range(start, number):
            self._make(before)
        return self._make(number)

    def _make(self, number: int) -> pl.DataFrame:
        state, drift = self._latest.get(number) or self._marks[number]
        states, drift = self.walk.states(range(number * self._size, (number + 1) * self._size), state, drift)
        self._remember(number + 1, (states.row(-1, named=True), drift))
        return with_changes(states, before=pl.DataFrame([state], schema=STATE))

    def _remember(self, number: int, beginning: _Beginning) -> None:
        if number % _MARK_EVERY == 0:
            self._marks[number] = beginning
            return
        self._latest[number] = beginning
        self._latest.move_to_end(number)
        if len(self._latest) > _LATEST_MAX:
            self._latest.popitem(last=False)


def _hash(counter: pl.Expr) -> pl.Expr:
    """splitmix64 of a counter: multiplications wrap, and a division by a power of two is a shift."""
    mixed = counter * _word(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed // _word(2**30))) * _word(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed // _word(2**27))) * _word(0x94D049BB133111EB)
    return mixed ^ (mixed // _word(2**31))


def _word(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)


def _wide(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)


def _throw(dice: str, bits: int, sides: int) -> pl.Expr:
    """0 to `sides` - 1, of the draw's bits from this one on."""
    return (pl.col(dice) // _word(2**bits) % _word(sides)).cast(pl.Int64)
