"""The drain: every tick to every consumer, whatever a consumer does, and nothing left behind at the end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import polars as pl

from tieout.ticks import TickRing
from tieout.ticks.layout import TICK
from tieout.ticks.live.drain import Drain

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 20.0


class Collecting:
    """A consumer that keeps everything, and does more if it is told to."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.frames: list[pl.DataFrame] = []
        self.idled = threading.Event()
        self.closed = 0
        self._then = then

    def take(self, ticks: pl.DataFrame) -> None:
        assert not self.closed
        self.frames.append(ticks)
        self._then()

    def idle(self, now_ns: int) -> None:
        assert now_ns > 1_700_000_000 * 10**9
        self.idled.set()

    def close(self) -> None:
        self.closed += 1

    def prices(self) -> list[int]:
        return [price for frame in self.frames for price in frame["price"]]


def test_all_that_waits_is_taken_before_the_consumers_are_closed() -> None:
    with TickRing(10_000) as ring:
        seen = Collecting()
        drain = Drain(ring, {"seen": seen}, batch_rows=100)
        for price in range(1000):
            ring.push(1, 1, 1, price)
        drain.start()
        assert drain.stop(WAIT_S)
        assert (seen.prices(), seen.closed) == (list(range(1000)), 1)
        assert max(frame.height for frame in seen.frames) == 100
        assert [(frame.schema, frame.height > 0) for frame in seen.frames] == [(TICK, True)] * len(seen.frames)
        assert (ring.stats().waiting, ring.stats().balances) == (0, True)


def test_consumers_idle_while_nothing_comes() -> None:
    with TickRing(10) as ring:
        seen = Collecting()
        drain = Drain(ring, {"seen": seen})
        drain.start()
        assert seen.idled.wait(WAIT_S)
        assert drain.stop(WAIT_S)
        assert seen.frames == []


def test_a_consumer_that_raises_is_counted_and_holds_up_nobody() -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with TickRing(10_000) as ring:
        broken, sound = Collecting(fail), Collecting()
        drain = Drain(ring, {"broken": broken, "sound": sound}, batch_rows=10)
        for price in range(50):
            ring.push(1, 1, 1, price)
        drain.start()
        assert drain.stop(WAIT_S)
        assert broken.prices() == sound.prices() == list(range(50))
        assert (broken.closed, sound.closed) == (1, 1)
        ((name, trouble),) = drain.troubles.items()
        assert (name, trouble.times, trouble.method) == ("broken", 5, "take")
        assert trouble.what == "OSError: the disk is full"
        assert "in fail" in trouble.trace


def test_a_drain_that_was_never_started_ends_too() -> None:
    with TickRing(10) as ring:
        assert Drain(ring, {}).stop(WAIT_S)
