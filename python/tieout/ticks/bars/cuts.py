"""
Where one bar ends and the next begins: by time, number of trades, volume or turnover. docs/bars.md has the rules.

A cut gives every trade its bar: `bar` tells an instrument's bars apart and ascends, `end_ns` is when time closes it (or
far off), `full` says whether this trade fills it. It keeps what it needs from one frame to the next.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Protocol

import polars as pl

from tieout.clock import NS_PER_S
from tieout.fixed import SCALE, to_e8
from tieout.ticks.bars.sessions import Session

NEVER_NS: Final = 1 << 62
"""An end that no clock reaches."""
_WIDE: Final = pl.Int128()


class Cut(Protocol):
    """How bars are cut."""

    session: Session | None
    timed: bool
    """Whether bars begin and end by the clock, so that a trade can come late."""

    def assign(self, trades: pl.DataFrame) -> pl.DataFrame:
        """
        Trades with `bar`, `start_ns`, `end_ns` and `full`; those of a session before the instrument's are left out.

        Args:
            trades: schema `TRADE`, and with a session `session_ns`, `session_end_ns`, inside which they are.
        """
        ...


class TimeCut:
    """
    Bars of so many seconds: from the epoch on, or from each session's opening on and cut at its close.

    Raises:
        ValueError: not 1 to 604,800 seconds.
    """

    timed = True

    def __init__(self, seconds: int, *, session: Session | None = None) -> None:
        if not 1 <= seconds <= 604_800:
            raise ValueError(f"found bars of {seconds} seconds, expected 1 to 604800")
        self.interval_ns = seconds * NS_PER_S
        self.session = session

    def assign(self, trades: pl.DataFrame) -> pl.DataFrame:
        """Each trade's interval."""
        origin = pl.lit(0, dtype=pl.Int64) if self.session is None else pl.col("session_ns")
        start = origin + (pl.col("time_ns") - origin) // self.interval_ns * self.interval_ns
        rows = trades.with_columns(start_ns=start, bar=start.cast(_WIDE), full=pl.lit(value=False))
        end = pl.col("start_ns") + self.interval_ns
        if self.session is not None:
            end = pl.min_horizontal(end, "session_end_ns")
        return rows.with_columns(end_ns=end)


class _AmountCut:
    """Bars that end when trades have added up to a threshold; what is beyond it counts towards the next bar."""

    timed = False

    def __init__(self, threshold: int, amount: pl.Expr, *, session: Session | None = None) -> None:
        """`amount` is what a trade adds."""
        self.session = session
        self._amount = amount.cast(_WIDE)
        self._threshold = pl.lit(threshold, dtype=_WIDE)
        self._sums = pl.DataFrame(schema={"instrument": pl.UInt32(), "session_ns": pl.Int64(), "sum": _WIDE})

    def assign(self, trades: pl.DataFrame) -> pl.DataFrame:
        """Each trade's bar: the one that is open when it comes."""
        rows = trades if self.session is not None else trades.with_columns(
            session_ns=pl.lit(0, dtype=pl.Int64), session_end_ns=pl.lit(NEVER_NS, dtype=pl.Int64)
        )  # fmt: skip
        rows = rows.with_columns(amount=self._amount)
        before = self._sums.select(
            "instrument", "session_ns", number=pl.lit(None, dtype=pl.UInt64), amount=pl.col("sum")
        )
        whole = pl.concat([before, rows], how="diagonal").filter(
            pl.col("session_ns") == pl.col("session_ns").cum_max().over("instrument")
        ).with_columns(sum=pl.col("amount").cum_sum().over("instrument", "session_ns"))  # fmt: skip
        self._sums = whole.group_by("instrument").agg(pl.col("session_ns", "sum").last())
        ordinal = (pl.col("sum") - pl.col("amount")) // self._threshold
        # A session's opening comes first, so that bars ascend from one session to the next.
        return whole.filter(pl.col("number").is_not_null()).with_columns(
            ordinal=ordinal
        ).with_columns(
            bar=pl.col("session_ns").cast(_WIDE) * pl.lit(1 << 60, dtype=_WIDE) + pl.col("ordinal"),
            full=pl.col("sum") >= (pl.col("ordinal") + 1) * self._threshold,
            start_ns=pl.col("time_ns"),
            end_ns=pl.col("session_end_ns"),
        ).drop("sum", "amount", "ordinal")  # fmt: skip


class TickCut(_AmountCut):
    """Bars of so many trades. Raises ValueError below 1."""

    def __init__(self, trades: int, *, session: Session | None = None) -> None:
        if trades < 1:
            raise ValueError(f"found bars of {trades} trades, expected 1 or more")
        super().__init__(trades, pl.lit(1), session=session)


class VolumeCut(_AmountCut):
    """Bars of so many units. Raises ValueError where it is not above 0, or has more than 8 places."""

    def __init__(self, volume: Decimal, *, session: Session | None = None) -> None:
        super().__init__(_positive(volume, "units"), pl.col("size"), session=session)


class DollarCut(_AmountCut):
    """
    Bars of so much turnover, price x size without the contract's multiplier; a price below zero counts as the same
    above it. Raises ValueError as `VolumeCut`.
    """

    def __init__(self, turnover: Decimal, *, session: Session | None = None) -> None:
        amount = pl.col("price").abs().cast(_WIDE) * pl.col("size").cast(_WIDE)
        super().__init__(_positive(turnover, "turnover") * SCALE, amount, session=session)


def _positive(value: Decimal, what: str) -> int:
    found = to_e8(value)
    if found is None or found <= 0:
        raise ValueError(f"found bars of {value} {what}, expected more than 0 and at most 8 places")
    return found
