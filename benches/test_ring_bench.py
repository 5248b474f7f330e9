"""
The ring from Python beside deque and SimpleQueue, and what overload does to it.

TIEOUT_BENCH_PAIRS pairs (default 3) are timed. TIEOUT_BENCH_OVERLOAD_S (default 1) is for how many seconds, with each
policy, a producer pushes ten times what the consumer takes.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from pathlib import Path
from queue import SimpleQueue
from typing import Any, get_args

import polars as pl
import pyarrow as pa
import pytest
from ib_async.objects import TickData

from bench_report import ratio_in_pairs, tell
from tieout.ticks import TickRing
from tieout.ticks.ring import Policy

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from ring_support import SCHEMA, overload, ticks

PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
OVERLOAD_S = float(os.environ.get("TIEOUT_BENCH_OVERLOAD_S", "1"))
SINGLE, BATCH, DRAIN = 50_000, 10_000, 65_536
NAMES = tuple(SCHEMA)
ARROW = pl.DataFrame(schema=SCHEMA).to_arrow().schema


def fresh(number: int) -> tuple[int, ...]:
    """One tick as a program would keep it that has no ring: the six values that a trade has."""
    return (number % 100, 1, 4, number, 1, number)


def push_ring(ring: TickRing) -> None:
    push = ring.push
    for number in range(SINGLE):
        push(number % 100, 1, 4, number, 1, received_ns=number)


def push_ring_now(ring: TickRing) -> None:
    push = ring.push
    for number in range(SINGLE):
        push(number % 100, 1, 4, number, 1)


def append_tuples(queue: deque[Any], count: int) -> None:
    queue.clear()
    append = queue.append
    for number in range(count):
        append((number % 100, 1, 4, number, 1, number))


def append_tick_data(queue: deque[Any]) -> None:
    append = queue.append
    for number in range(SINGLE):
        append(TickData(number, 4, number, 1))


def put_tuples(queue: SimpleQueue[Any]) -> None:
    put = queue.put
    for number in range(SINGLE):
        put((number % 100, 1, 4, number, 1, number))


@pytest.mark.benchmark(group="ring")
def test_single_push_beside_deque_and_simple_queue() -> None:
    ring = TickRing(SINGLE, drop_count=1_000)
    queue: deque[Any] = deque(maxlen=SINGLE)
    append_tuples(queue, SINGLE)
    push_ring(ring)
    got = pl.DataFrame(ring.drain(SINGLE))
    assert got.select("instrument", "kind", "field", "price", "size", "received_ns").rows() == list(queue)
    what = f"{SINGLE} single pushes"
    peers = (
        ("ib_async's TickData to a deque", lambda: append_tick_data(queue)),
        ("fresh tuples to a deque", lambda: append_tuples(queue, SINGLE)),
        ("fresh tuples to a SimpleQueue", lambda: put_tuples(SimpleQueue())),
    )
    for name, peer in peers:
        tell(what, name, ratio_in_pairs(lambda: push_ring(ring), peer, pairs=PAIRS))
    tell(what + ", received now", peers[0][0], ratio_in_pairs(lambda: push_ring_now(ring), peers[0][1], pairs=PAIRS))


@pytest.mark.benchmark(group="ring")
def test_batch_push_beside_appends() -> None:
    ring = TickRing(65_536, drop_count=1_000)
    rows = ticks(BATCH)
    with TickRing(BATCH) as other:
        other.push_batch(rows)
        batch = other.drain(BATCH)
    queue: deque[Any] = deque(maxlen=65_536)
    append_tuples(queue, BATCH)
    ring.push_batch(batch)
    assert pl.DataFrame(ring.drain(BATCH)).equals(rows)
    assert len(queue) == BATCH
    words = bytes(64 * BATCH)
    for name, pushed in (("Arrow rows", batch), ("64-byte records", words)):
        pair = ratio_in_pairs(lambda pushed=pushed: ring.push_batch(pushed),  # type: ignore[misc]
                              lambda: append_tuples(queue, BATCH), pairs=PAIRS * 10)  # fmt: skip
        tell(f"a batch of {BATCH} {name}", "appends of fresh tuples", pair)


@pytest.mark.benchmark(group="ring")
def test_drain_to_arrow_beside_deque_to_arrow() -> None:
    rows = ticks(DRAIN)
    ring = TickRing(DRAIN)
    tuples = rows.rows()
    seconds: dict[str, list[float]] = {"ring": [], "deque": []}
    for _ in range(PAIRS + 1):
        ring.push_batch(rows)
        start = time.perf_counter()
        batch = ring.drain(DRAIN)
        seconds["ring"].append(time.perf_counter() - start)
        queue = deque(tuples)
        start = time.perf_counter()
        columns = zip(*(queue.popleft() for _ in range(DRAIN)), strict=True)
        plain = pa.RecordBatch.from_arrays(
            [pa.array(column, kind) for column, kind in zip(columns, ARROW.types, strict=True)], names=list(NAMES)
        )
        seconds["deque"].append(time.perf_counter() - start)
        assert pl.DataFrame(batch).equals(pl.DataFrame(plain))
    mine, theirs = (min(seconds[side][1:]) for side in ("ring", "deque"))
    tell(f"{DRAIN} ticks drained to Arrow", "a deque to Arrow", (mine, theirs, mine / theirs))


@pytest.mark.benchmark(group="overload")
@pytest.mark.parametrize("policy", get_args(Policy))
def test_overload(policy: Policy) -> None:
    end = time.monotonic() + OVERLOAD_S
    seen = overload(policy, go_on=lambda: time.monotonic() < end)
    stats = seen.stats
    assert stats.balances
    assert (seen.produced, seen.consumed) == (stats.produced, stats.consumed)
    assert sum(stats.lost.values()) == stats.dropped + stats.conflated
    print(f"\noverload, {policy}: {stats.produced} produced = {stats.consumed} consumed + {stats.dropped} dropped + "
          f"{stats.conflated} conflated + {stats.waiting} waiting; the process grew by "
          f"{seen.grown_bytes / 1024:.0f} KiB, full {stats.full_ns / 1e9:.1f} s")  # fmt: skip
