"""
The whole feed under overload: a gateway that tells ten times what the consumer takes, with each policy.

Every tick that the gateway tells is known beforehand, so that the account is checked against the wire and not against
itself. TIEOUT_BENCH_OVERLOAD_S (default 0.4) is for how many seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from cli_support import Workplace
from feed_support import desk_at
from ring_support import resident_bytes
from tieout.clock import now_ns
from tieout.config import open_workspace
from tieout.staging.desk import open_desk
from tieout.ticks.live.feed import Feed
from tieout.ticks.ring import Policy
from whole_way import INSTRUMENTS, WAIT_S, gateway, planned, wanted

SECONDS = float(os.environ.get("TIEOUT_BENCH_OVERLOAD_S", "0.4"))
RATE = 4_000
"""Events a second of each instrument; three quarters of them or so are ticks."""
TAKEN = RATE * INSTRUMENTS * 3 // 4 // 10
"""Ticks a second that the consumer takes."""
QUEUE = 500
EVENTS = int(RATE * SECONDS)
POLICIES: tuple[Policy, ...] = get_args(Policy)
ALERT_EVERY_S = 5
GROWN_BYTES_MAX = 24 << 20


class Slow:
    """A consumer that takes a tenth of what comes."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, ticks: pl.DataFrame) -> None:
        """Take a batch, in the time that it takes."""
        self.taken += ticks.height
        time.sleep(ticks.height / TAKEN)

    def idle(self, now_ns: int) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One gateway, with a group of instruments for each policy."""
    with gateway(tmp_path_factory.mktemp("sim"), *[EVENTS] * len(POLICIES), rate=RATE, speed="1") as port:
        yield port


@pytest.mark.benchmark(group="overload")
@pytest.mark.parametrize("policy", POLICIES)
def test_the_feed_at_ten_times_its_consumers_rate(tmp_path: Path, port: int, policy: Policy) -> None:
    group = POLICIES.index(policy)
    expected = planned(group, EVENTS, rate=RATE).height
    slow = Slow()
    root = tmp_path / "desk"
    desk_at(root, port, wanted(group), policy=policy, max_event_queue_size=QUEUE)
    Workplace(root).set(ALERTS__rate_limit_seconds=ALERT_EVERY_S)
    desk = open_desk(open_workspace(root, None, {}), now=now_ns, client_id=11, who="a benchmark")
    feed = Feed(desk, lambda _: {"slow": slow})
    started = time.monotonic()
    feed.start()
    resident = 0
    while feed.stats().produced < expected:
        assert time.monotonic() - started < WAIT_S, feed.stats()
        if not resident and feed.stats().produced > expected // 5:
            resident = resident_bytes()
        time.sleep(0.05)
    seconds = time.monotonic() - started
    grown = resident_bytes() - resident
    assert feed.stop(WAIT_S)
    stats = feed.stats()
    assert stats.produced == expected
    assert stats.consumed == slow.taken
    assert stats.waiting == 0
    assert stats.balances
    assert sum(stats.lost.values()) == stats.dropped + stats.conflated
    assert grown < GROWN_BYTES_MAX
    lines = (tmp_path / "desk" / "alerts" / "alerts.jsonl").read_text("utf-8").splitlines()
    told = [one for one in map(json.loads, lines) if one["alert"] == "live_data_backpressure_drop"]
    assert sum(one["details"]["dropped"] for one in told) == stats.dropped
    assert sum(one["details"]["conflated"] for one in told) == stats.conflated
    assert 1 <= len(told) <= seconds / ALERT_EVERY_S + 2
    print(
        f"\nthe feed, {policy}, {seconds:.0f} s: {stats.produced} told = {stats.consumed} taken + {stats.dropped} "
        f"dropped + {stats.conflated} conflated, named in {len(told)} alerts; it grew by {grown / 1024:.0f} KiB"
    )
