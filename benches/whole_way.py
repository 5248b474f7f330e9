"""What the whole-way benchmark runs: a gateway that streams as fast as it is read, and two programs that read it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
from ib_async import IB, Contract, Ticker

from feed_support import desk_at
from tieout.clock import now_ns
from tieout.sim.ticks.walk import BLOCK_MAX, Walk, Walker
from tieout.ticks.files.sink import ParquetSink
from tieout.ticks.live.feed import Feed

INSTRUMENTS: Final = 10
FIRST_ID: Final = 1000
SEED: Final = 7
RATE: Final = 1000
PRICE: Final = 6000
FLUSH_ROWS: Final = 100_000
WAIT_S: Final = 600.0
START: Final = "2026-03-04T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: ticks, seconds and processor seconds from the first subscription to the last file, lags in ms."""

    ticks: int
    seconds: float
    processor_s: float
    lags_ms: tuple[float, float, float]
    lost: int


def con_ids(group: int) -> range:
    """The instruments of a group."""
    return range(FIRST_ID + group * INSTRUMENTS, FIRST_ID + (group + 1) * INSTRUMENTS)


def wanted(group: int) -> str:
    """`LIVE_DATA.subscriptions`: the quotes by tick of every instrument of the group."""
    return "[" + ", ".join(f"{{con_id: {con_id}, ticks: bid_ask}}" for con_id in con_ids(group)) + "]"


@contextmanager
def gateway(folder: Path, *events: int, rate: int = RATE, speed: str = "full") -> Iterator[int]:
    """A gateway in a process of its own; its port. The markets of each group end after so many events."""
    ending = {con_id: count for group, count in enumerate(events) for con_id in con_ids(group)}
    contracts = "".join(
        f"  I{n}: {{con_id: {n}, symbol: I{n}, sec_type: FUT, exchange: CME, min_tick: 0.25}}\n" for n in ending
    )
    markets = "".join(f"    I{n}: {{rate: {rate}, price: {PRICE}}}\n" for n in ending)
    ends = "".join(f"    - {{do: silence, contract: I{n}, after: {count}}}\n" for n, count in ending.items())
    path = folder / "whole_way.yml"
    path.write_text(
        f"accounts: [DU1234567]\ncontracts:\n{contracts}ticks:\n  seed: {SEED}\n  speed: {speed}\n"
        f"  starts_at: {START}\n  lines: 1000\n  by_tick_lines: 1000\n  markets:\n{markets}  faults:\n{ends}",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "tieout", "sim", "--scenario", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rsplit(":", 1)[1])
        finally:
            process.terminate()


def planned(group: int, events: int, *, rate: int = RATE) -> pl.DataFrame:
    """Bid, ask and sizes of every quote by tick that a group's markets tell, by con_id, in their order."""
    frames = []
    for con_id in con_ids(group):
        walk = Walk(
            seed=SEED, con_id=con_id, rate=float(rate), price=PRICE * 10**8, min_tick=25_000_000, exchange="CME"
        )
        walker = Walker(walk)
        rows = pl.concat([walker.block(block) for block in range(events // BLOCK_MAX + 1)]).head(events)
        news = pl.any_horizontal("new_bid", "new_ask", "new_bid_size", "new_ask_size")
        frames.append(
            rows.filter(news).select(pl.lit(con_id).alias("instrument"), "bid", "ask", "bid_size", "ask_size")
        )
    return pl.concat(frames)


class Lags:
    """How long each tick waited from the socket to the consumers."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lags: list[np.ndarray[Any, Any]] = []
        self.done = threading.Event()

    def take(self, ticks: pl.DataFrame) -> None:
        """Take a batch."""
        self._lags.append(now_ns() - ticks["received_ns"].to_numpy())
        self._left -= ticks.height
        if self._left <= 0:
            self.done.set()

    def idle(self, now_ns: int) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def percentiles(self) -> tuple[float, float, float]:
        """Half, 99 % and all of them, in milliseconds."""
        return percentiles(np.concatenate(self._lags))


def percentiles(lags_ns: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    half, most, longest = np.percentile(lags_ns, [50, 99, 100]) / 1e6
    return float(half), float(most), float(longest)


def by_feed(folder: Path, port: int, group: int, count: int) -> tuple[Figures, pl.DataFrame]:
    """Ours: socket, decoder, ring, drain, Parquet. The figures, and what is in the files."""
    desk = desk_at(folder / "desk", port, wanted(group), max_event_queue_size=1 << 20)
    lags = Lags(count)
    recording = folder / "ticks"
    feed = Feed(desk, lambda instruments: {"recording": ParquetSink(recording, instruments), "lags": lags})
    started, processor = time.perf_counter(), time.process_time()
    feed.start()
    assert lags.done.wait(WAIT_S), feed.stats()
    assert feed.stop(WAIT_S)
    figures = Figures(
        count, time.perf_counter() - started, time.process_time() - processor, lags.percentiles(),
        feed.stats().dropped + feed.stats().conflated,
    )  # fmt: skip
    rows = pl.read_parquet(recording, hive_partitioning=True).with_columns(
        pl.col("instrument").str.strip_prefix("I").cast(pl.Int32)
    )
    names = {"price": "bid", "extra_0": "ask", "size": "bid_size", "extra_1": "ask_size"}
    told = rows.sort("instrument", "sequence").select("instrument", *names).rename(names)
    return figures, told.cast({"ask": pl.Int64, "ask_size": pl.Int64})


def by_pandas(folder: Path, port: int, group: int, count: int) -> tuple[Figures, int]:
    """ib_async with pandas: tickers' ticks to rows, to frames, to Parquet. The figures, and how many are in files."""
    return asyncio.run(_by_pandas(folder, port, group, count))


async def _by_pandas(folder: Path, port: int, group: int, count: int) -> tuple[Figures, int]:
    rows: list[tuple[Any, ...]] = []
    files: list[Path] = []
    lags: list[int] = []
    seen = 0

    def write() -> None:
        frame = pd.DataFrame(rows, columns=["instrument", "time", "bid", "ask", "bid_size", "ask_size"])
        files.append(folder / f"part-{len(files)}.parquet")
        frame.to_parquet(files[-1])
        rows.clear()

    def hear(tickers: set[Ticker]) -> None:
        nonlocal seen
        now = now_ns()
        for ticker in tickers:
            assert ticker.contract is not None
            for tick in ticker.tickByTicks:
                assert tick is not None
                rows.append(
                    (ticker.contract.conId, tick.time, tick.bidPrice, tick.askPrice, tick.bidSize, tick.askSize)
                )  # type: ignore[union-attr]
                lags.append(now - int(tick.time.timestamp() * 1e9))
                seen += 1
        if len(rows) >= FLUSH_ROWS:
            write()

    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=7, timeout=20)
    ib.pendingTickersEvent += hear
    started, processor = time.perf_counter(), time.process_time()
    for con_id in con_ids(group):
        ib.reqTickByTickData(Contract(conId=con_id), "BidAsk")
    async with asyncio.timeout(WAIT_S):
        while seen < count:
            await asyncio.sleep(0.01)
    write()
    figures = Figures(
        seen, time.perf_counter() - started, time.process_time() - processor, percentiles(np.array(lags)), 0
    )
    ib.disconnect()
    return figures, sum(len(pd.read_parquet(path)) for path in files)
