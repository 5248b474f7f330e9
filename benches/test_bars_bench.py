"""
Bars from ticks as they come, beside polars over the whole of them at once; the answer is checked first.

TIEOUT_BENCH_TICKS trades (default 20,000) of a hundred instruments, in frames of 65,536 as the drain has them.
"""

from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Final

import polars as pl
import pytest

from bench_report import ratio_in_pairs, tell
from tieout.ticks.bars.bar import BAR
from tieout.ticks.bars.building import BarBuilder
from tieout.ticks.bars.cuts import Cut, DollarCut, TickCut, VolumeCut
from tieout.ticks.layout import TICK

TICKS: Final = int(os.environ.get("TIEOUT_BENCH_TICKS", "20000"))
FRAME: Final = 65_536
SMALL: Final = 20
INSTRUMENTS: Final = 100
START_NS: Final = 1_772_600_000 * 10**9
GAP_NS: Final = 36_000
PAIRS: Final = 3


def stream(count: int) -> pl.DataFrame:
    """A second of the market for each 28,000 trades, all of them by tick."""
    at = pl.int_range(0, count, eager=True)
    columns = {
        "instrument": at % INSTRUMENTS,
        "kind": pl.repeat(99, count, eager=True),
        "field": pl.repeat(1, count, eager=True),
        "price": 660_025_000_000 + at * 7919 % 401 * 25_000_000,
        "size": (at * 31 % 50 + 1) * 10**8,
        "exchange_ns": START_NS + at * GAP_NS,
        "received_ns": START_NS + at * GAP_NS + 10**6,
        "sequence": at,
        "extra_0": pl.repeat(None, count, eager=True),
        "extra_1": pl.repeat(None, count, eager=True),
        "flags": pl.repeat(7, count, eager=True),
    }
    return pl.DataFrame(columns).cast(TICK)  # type: ignore[arg-type]


def built(ticks: pl.DataFrame, cut: Cut | int) -> pl.DataFrame:
    """Ours, frame by frame."""
    builder = BarBuilder(cut)
    bars = [builder.take(ticks[start : start + FRAME]) for start in range(0, ticks.height, FRAME)]
    return pl.concat([*bars, builder.close()])


def windows(ticks: pl.DataFrame) -> pl.DataFrame:
    """polars' windows of a second over everything, sorted as they want it."""
    price, size = pl.col("price"), pl.col("size")
    return (
        ticks.with_columns(at=pl.from_epoch("exchange_ns", "ns"))
        .sort("instrument", "at", maintain_order=True)
        .group_by_dynamic("at", every="1s", group_by="instrument")
        .agg(
            open=price.first(), high=price.max(), low=price.min(), close=price.last(), volume=size.sum(),
            count=pl.len(),
        )
    )  # fmt: skip


def grouped(ticks: pl.DataFrame) -> pl.DataFrame:
    """polars without windows, over everything, which has to be in the order of time."""
    price, size = pl.col("price"), pl.col("size")
    return ticks.group_by("instrument", at=pl.col("exchange_ns") // 10**9).agg(
        open=price.first(), high=price.max(), low=price.min(), close=price.last(), volume=size.sum(), count=pl.len()
    )


@pytest.mark.benchmark(group="bars")
def test_bars_of_a_second_beside_polars() -> None:
    ticks = stream(TICKS)
    ours = built(ticks, 1).sort("instrument", "start_ns")
    theirs = windows(ticks).with_columns(start_ns=pl.col("at").dt.timestamp("ns")).sort("instrument", "start_ns")
    columns = ["instrument", "start_ns", "open", "high", "low", "close", "volume", "count"]
    assert ours.select(columns).equals(theirs.select(columns))
    assert ours.schema == BAR
    what = f"{TICKS} trades to bars of a second"
    tell(what, "polars' group_by_dynamic", ratio_in_pairs(lambda: built(ticks, 1), lambda: windows(ticks), pairs=PAIRS))
    tell(what, "polars' group_by", ratio_in_pairs(lambda: built(ticks, 1), lambda: grouped(ticks), pairs=PAIRS))


@pytest.mark.benchmark(group="bars")
def test_other_bars() -> None:
    ticks = stream(TICKS)
    cuts: dict[str, Cut] = {"100 trades": TickCut(100), "2,500 units": VolumeCut(Decimal(2500)),
                            "turnover of 16,500,000": DollarCut(Decimal(16_500_000))}  # fmt: skip
    for name, cut in cuts.items():
        start = time.perf_counter()
        bars = built(ticks, cut)
        seconds = time.perf_counter() - start
        assert bars["count"].sum() == TICKS
        assert bars["volume"].sum() == ticks["size"].sum()
        print(f"\nbars of {name}: {TICKS / seconds / 1e6:.2f} million trades a second, {bars.height} bars")


@pytest.mark.benchmark(group="bars")
def test_small_frames() -> None:
    """A quiet feed's frames: what a builder costs per frame, and per second of a drain that comes every 5 ms."""
    ticks = stream(min(TICKS, 100_000)).with_columns(
        pl.col("exchange_ns", "received_ns") - START_NS
    ).with_columns((pl.col("exchange_ns", "received_ns") * 7) + START_NS)  # fmt: skip
    frames = [ticks[start : start + SMALL] for start in range(0, ticks.height, SMALL)]
    builder = BarBuilder(1)
    start = time.process_time()
    bars = [builder.take(frame) for frame in frames]
    seconds = time.process_time() - start
    assert sum(int(bar["count"].sum()) for bar in [*bars, builder.close()]) == ticks.height
    print(f"\nframes of {SMALL} ticks: {seconds / len(frames) * 1e6:.0f} us of processor each")
