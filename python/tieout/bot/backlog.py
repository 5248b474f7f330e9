"""
What of the market waits for a strategy: bounded, and what is too much is lost by rule and counted.

1. At most `rows_max` ticks and `bars_max` bars wait.
2. A strategy that is behind loses its oldest trades and superseded quotes; the newest bid and ask of every instrument
   are never among them.
3. taken = given + waiting + lost + conflated, in ticks.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from tieout.ticks.layout import BY_TICK, BY_TICK_BID_ASK, PRICE, SIZE
from tieout.ticks.quotes import PRICE_FIELDS, SIZE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TICKS_MAX: Final = 100_000
BARS_MAX: Final = 10_000
PIECE_MAX: Final = 4096
"""Ticks that are given at once: what waits is put together, since one frame of many rows costs little more than one of
few."""

What = Literal["ticks", "bars"]


def of_kinds(fields: Mapping[int, Iterable[int]]) -> pl.Expr:
    """Ticks of these kinds and fields. One number for both is looked up, which is quicker than a condition for each."""
    wanted = [kind << 8 | field for kind, all_fields in fields.items() for field in all_fields]
    return (pl.col("kind").cast(pl.UInt16) * 256 + pl.col("field")).is_in(wanted)


QUOTE_FIELDS: Final = {PRICE: PRICE_FIELDS, SIZE: SIZE_FIELDS, BY_TICK: (BY_TICK_BID_ASK,)}
QUOTES: Final = of_kinds(QUOTE_FIELDS)
"""The ticks that a newer one of the same instrument, kind and field makes worthless."""


class Backlog:
    """Not for several threads by itself."""

    def __init__(self, *, rows_max: int = TICKS_MAX, bars_max: int = BARS_MAX, piece_max: int = PIECE_MAX) -> None:
        self._rows_max, self._bars_max, self._piece_max = rows_max, bars_max, piece_max
        self._waiting: deque[tuple[What, pl.DataFrame]] = deque()
        self._rows: Counter[What] = Counter()
        self._left: pl.DataFrame | None = None
        """What is left of ticks that were lost: the newest quotes."""
        self._lost: Counter[int] = Counter()
        self._conflated = 0
        self._bars_lost = 0
        self._taken = 0

    def __bool__(self) -> bool:
        return bool(self._waiting) or self._left is not None

    @property
    def behind(self) -> bool:
        """Whether more ticks wait than are given at once."""
        return self._rows["ticks"] > self._piece_max

    def put(self, what: What, frame: pl.DataFrame) -> None:
        """These are the newest."""
        if not frame.height:
            return
        self._waiting.append((what, frame))
        self._rows[what] += frame.height
        if what == "ticks":
            self._taken += frame.height
        while self._rows["ticks"] > self._rows_max:
            self._reduce(self._oldest("ticks"))
        while self._rows["bars"] > self._bars_max:
            self._bars_lost += self._oldest("bars").height

    def pop(self) -> tuple[What, pl.DataFrame]:
        """The oldest: bars, or ticks that follow one another. IndexError where nothing waits."""
        if self._left is not None:
            left, self._left = self._left, None
            return "ticks", left
        what, frame = self._waiting.popleft()
        if what == "ticks":
            frame = self._piece(frame)
        self._rows[what] -= frame.height
        return what, frame

    def _piece(self, first: pl.DataFrame) -> pl.DataFrame:
        """It and what follows it, as far as the piece goes; the rest waits on."""
        frames, room = [first], self._piece_max - first.height
        while room > 0 and self._waiting and self._waiting[0][0] == "ticks":
            _, frame = self._waiting.popleft()
            frames.append(frame)
            room -= frame.height
        whole = pl.concat(frames, rechunk=False) if len(frames) > 1 else first
        if room < 0:
            self._waiting.appendleft(("ticks", whole[self._piece_max :]))
        return whole[: self._piece_max]

    def clear(self) -> None:
        """Nobody wants it any more."""
        self._waiting.clear()
        self._rows.clear()
        self._left = None

    @property
    def lost(self) -> Mapping[int, int]:
        """Instrument -> ticks that were lost, quotes that newer ones replaced not among them."""
        return dict(self._lost)

    def counts(self) -> dict[str, int]:
        """The account, in ticks; `bars_lost` in bars."""
        left = 0 if self._left is None else self._left.height
        return {
            "taken": self._taken,
            "waiting": self._rows["ticks"] + left,
            "lost": self._lost.total(),
            "conflated": self._conflated,
            "bars_lost": self._bars_lost,
        }

    def _oldest(self, what: What) -> pl.DataFrame:
        at = next(at for at, (one, _) in enumerate(self._waiting) if one == what)
        _, frame = self._waiting[at]
        del self._waiting[at]
        self._rows[what] -= frame.height
        return frame

    def _reduce(self, ticks: pl.DataFrame) -> None:
        """Keep of them, and of those before them, the newest quotes."""
        trades = ticks.filter(~QUOTES)
        self._lost.update(dict(trades.group_by("instrument").len().iter_rows()))
        quotes = ticks.filter(QUOTES)
        if self._left is not None:
            quotes = pl.concat([self._left, quotes])
        kept = quotes.unique(["instrument", "kind", "field"], keep="last", maintain_order=True)
        self._conflated += quotes.height - kept.height
        self._left = kept if kept.height else None
