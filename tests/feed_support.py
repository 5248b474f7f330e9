"""A feed on a real workspace and a real socket to the simulated gateway, and a consumer that keeps what comes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from broker_support import CLIENT
from cli_support import Workplace
from tieout.clock import now_ns
from tieout.config import open_workspace
from tieout.staging.desk import Desk, open_desk
from tieout.ticks.layout import TICK
from tieout.ticks.live.feed import Feed
from workspace_support import make_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments

WAIT_S = 20.0
ES, AAPL = 637533641, 265598


def subscriptions(**ticks_of: str) -> str:
    """`ES="quotes"` -> the setting, in one line."""
    con_ids = {"ES": ES, "AAPL": AAPL}
    return "[" + ", ".join(f"{{con_id: {con_ids[name]}, ticks: {ticks}}}" for name, ticks in ticks_of.items()) + "]"


def desk_at(root: Path, port: int, wanted: str, **live: object) -> Desk:
    """A workspace whose settings ask that gateway for ticks."""
    make_workspace(root)
    place = Workplace(root)
    place.set(
        BROKER__port=port, BROKER__client=CLIENT, LIVE_DATA__subscriptions=wanted, LIVE_DATA__base_delay=0.05,
        **{f"LIVE_DATA__{key}": value for key, value in live.items()},
    )  # fmt: skip
    return open_desk(open_workspace(root, None, {}), now=now_ns, client_id=11, who="a test")


class Keeping:
    """A consumer that keeps everything, and lets a test wait for it."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.frames: list[pl.DataFrame] = []
        self.instruments: Instruments | None = None
        self.closed = 0
        self._then = then
        self._changed = threading.Condition(threading.RLock())

    def made_for(self, instruments: Instruments) -> dict[str, Keeping]:
        self.instruments = instruments
        return {"kept": self}

    def take(self, ticks: pl.DataFrame) -> None:
        with self._changed:
            self.frames.append(ticks)
            self._changed.notify_all()
        self._then()

    def idle(self, now_ns: int) -> None:
        """Nothing to do."""

    def close(self) -> None:
        self.closed += 1

    @property
    def ticks(self) -> pl.DataFrame:
        with self._changed:
            return pl.concat([pl.DataFrame(schema=TICK), *self.frames])

    def wait_for(self, done: Callable[[pl.DataFrame], bool]) -> pl.DataFrame:
        """What came, once it is enough."""
        with self._changed:
            assert self._changed.wait_for(lambda: done(self.ticks), WAIT_S), self.ticks
        return self.ticks


@contextmanager
def fed(
    desk: Desk, kept: Keeping, *, consumers: Callable[[Instruments], Mapping[str, Consumer]] | None = None
) -> Iterator[Feed]:
    """A feed for the length of a block."""
    feed = Feed(desk, consumers or kept.made_for)
    feed.start()
    try:
        yield feed
    finally:
        assert feed.stop(WAIT_S)
    assert kept.closed == (kept.instruments is not None)
    assert (feed.stats().waiting, feed.stats().balances) == (0, True)


def until(done: Callable[[], bool]) -> None:
    """Wait for what another thread does; the deadline is for a broken test alone."""
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)
