"""
Ticks to Parquet and back: the sink beside lists of objects through pandas, a replay beside polars reading all at once.

TIEOUT_BENCH_TICKS ticks (default 300,000, at most 3,000,000; in bench-once TIEOUT_BENCH_ORDERS) of a hundred
instruments, and TIEOUT_BENCH_PAIRS pairs (default 3). Up to 50,000 ticks: of four instruments, one pair.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import polars as pl
import pytest

from bench_report import ratio_in_pairs, tell
from tieout.bot.replaying import StrategyPlayer
from tieout.broker.port import ContractSpec
from tieout.strategy import Strategy, Tick
from tieout.ticks import replay
from tieout.ticks.files.compacting import compact
from tieout.ticks.files.sink import ParquetSink
from tieout.ticks.instruments import Instrument, Instruments
from tieout.ticks.layout import TICK
from tieout.ticks.sources.tape import Tape

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from tick_file_support import DAY, NOON

TICKS = min(int(os.environ.get("TIEOUT_BENCH_TICKS", os.environ.get("TIEOUT_BENCH_ORDERS", "300000"))), 3_000_000)
"""More would only fill the memory with the peer's objects."""
PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3" if TICKS > 50_000 else "1"))
INSTRUMENTS, BATCH = 100 if TICKS > 50_000 else 4, 65_536
TABLE = Instruments(
    [Instrument(at, ContractSpec(con_id=at + 1, local_symbol=f"I{at:03}")) for at in range(INSTRUMENTS)]
)


class Row(NamedTuple):
    """A tick as a program keeps it that has no columns."""

    instrument: int
    kind: int
    field: int
    price: int
    size: int
    received_ns: int
    sequence: int


def made(count: int) -> pl.DataFrame:
    """Trades of all instruments in turn, 20 us apart, prices on a walk."""
    at = pl.int_range(count, eager=True)
    walk = (at.hash(seed=7) % 5).cast(pl.Int64) - 2
    return pl.DataFrame({"instrument": (at % INSTRUMENTS).cast(pl.UInt32)}).with_columns(
        kind=pl.lit(99, pl.UInt8), field=pl.lit(1, pl.UInt8), price=5_000 * 10**8 + walk.cum_sum() * 25 * 10**6,
        size=(at % 9 + 1) * 10**8, exchange_ns=pl.lit(None, pl.Int64), received_ns=NOON + at * 20_000,
        sequence=at.cast(pl.UInt64), extra_0=pl.lit(None, pl.UInt64), extra_1=pl.lit(None, pl.UInt64),
        flags=pl.lit(3, pl.UInt16),
    ).select(list(TICK))  # fmt: skip


def sunk(ticks: pl.DataFrame, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    sink = ParquetSink(folder, TABLE, flush_seconds=60, waiting_max=1 << 24)
    for batch in ticks.iter_slices(BATCH):
        sink.take(batch)
    sink.close()
    assert sink.stats().written == ticks.height


def by_pandas(rows: list[Row], folder: Path) -> None:
    """Objects to a frame, the frame to Parquet by instrument, as programs without columns do it."""
    shutil.rmtree(folder, ignore_errors=True)
    frame = pd.DataFrame(rows)
    for number, group in frame.groupby("instrument"):
        target = folder / f"instrument={number}"
        target.mkdir(parents=True)
        group.drop(columns="instrument").to_parquet(target / "part.parquet", compression="zstd")


@pytest.fixture(scope="module")
def ticks() -> pl.DataFrame:
    return made(TICKS)


@pytest.mark.benchmark(group="tick files")
def test_the_sink_beside_objects_through_pandas(ticks: pl.DataFrame, tmp_path: Path) -> None:
    rows = [Row(*row) for row in ticks.select(Row._fields).iter_rows()]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    sunk(ticks, ours)
    by_pandas(rows, theirs)
    columns = [*Row._fields[1:]]
    got = pl.scan_parquet(ours).select(columns).sort("sequence").collect()
    assert got.equals(ticks.select(columns))
    assert pl.scan_parquet(theirs).select(columns).sort("sequence").collect()["price"].equals(ticks["price"])
    figures = ratio_in_pairs(lambda: sunk(ticks, ours), lambda: by_pandas(rows, theirs), pairs=PAIRS)
    tell(f"{TICKS:,} ticks to Parquet ({TICKS / figures[0]:,.0f} a second)", "objects through pandas", figures)


@pytest.mark.benchmark(group="tick files")
def test_a_replay_beside_polars_reading_all_at_once(ticks: pl.DataFrame, tmp_path: Path) -> None:
    sunk(ticks, tmp_path / "ticks")
    compact(tmp_path / "ticks", now_ns=NOON + 9 * DAY)

    def batches() -> Iterator[pl.DataFrame]:
        return Tape.open([tmp_path / "ticks"]).batches()

    def all_at_once() -> pl.DataFrame:
        found = pl.scan_parquet(tmp_path / "ticks", hive_partitioning=True)
        return found.sort("received_ns", "sequence").collect()

    assert pl.concat([*batches()]).select(list(TICK)).equals(ticks)
    assert all_at_once()["price"].equals(ticks["price"])
    figures = ratio_in_pairs(lambda: sum(one.height for one in batches()), all_at_once, pairs=PAIRS)
    tell(f"{TICKS:,} ticks replayed ({TICKS / figures[0]:,.0f} a second)", "polars, all at once", figures)


class Counting(Strategy):
    """A strategy that does next to nothing."""

    def __init__(self) -> None:
        self.ticks = 0

    def on_tick(self, tick: Tick) -> None:
        self.ticks += 1


@pytest.mark.benchmark(group="tick files")
def test_a_strategy_at_a_replay(ticks: pl.DataFrame, tmp_path: Path) -> None:
    some = ticks.head(min(TICKS, 1_000_000))
    sunk(some, tmp_path / "ticks")
    strategy = Counting()
    done = replay(tmp_path / "ticks", consumers=lambda table: {"s": StrategyPlayer(strategy, table, bar_seconds=60)})
    assert strategy.ticks == done.ticks == some.height
    print(f"\na strategy gets {done.ticks_per_s:,.0f} ticks a second one by one")
