"""
The drain: a thread that empties the ring and gives what comes to every consumer.

1. Every tick that is in the ring when `stop` is called goes to every consumer before they are closed.
2. A consumer that raises is counted and gets the next batch all the same; the others do not notice.
"""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.clock import now_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tieout.ticks.consumer import Consumer
    from tieout.ticks.ring import TickRing

BATCH_ROWS_MAX: Final = 65_536
POLL_S: Final = 0.005
"""How long an empty ring is left alone: the most that it adds to a tick's way."""
IDLE_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Trouble:
    """What became of a consumer: how often it raised, and of the last time in which method, what, and the traceback."""

    times: int
    method: str
    what: str
    trace: str


class Drain:
    """
    Takes ticks out of one ring, in a thread of its own.

    Args:
        ring: stays open; nobody else drains it meanwhile.
        consumers: name -> consumer; each batch goes to them in this order.
        batch_rows: the most ticks of one batch.
    """

    def __init__(
        self,
        ring: TickRing,
        consumers: Mapping[str, Consumer],
        *,
        batch_rows: int = BATCH_ROWS_MAX,
        now: Callable[[], int] = now_ns,
    ) -> None:
        self._ring = ring
        self._consumers = dict(consumers)
        self._batch_rows = batch_rows
        self._now = now
        self._ends = threading.Event()
        self._troubles: dict[str, Trouble] = {}
        self._idle_due = 0.0
        self._thread = threading.Thread(target=self._run, name="tieout-drain", daemon=True)

    @property
    def troubles(self) -> dict[str, Trouble]:
        """Consumer -> what it raised; only those that did. Any thread may ask."""
        return dict(self._troubles)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, wait_s: float | None = None) -> bool:
        """
        Take what still waits, close the consumers, and end; answers whether it did in time.

        Whoever fills the ring has stopped by now: a ring that is filled faster than it is drained is never empty.
        """
        self._ends.set()
        if self._thread.ident is not None:
            self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ends.is_set():
            if not self._step():
                self._ends.wait(POLL_S)
            if time.monotonic() >= self._idle_due:
                self._idle_due = time.monotonic() + IDLE_EVERY_S
                self._idle(self._now())
        while self._step():
            pass
        self._each("close", lambda consumer: consumer.close())

    def _idle(self, at_ns: int) -> None:
        self._each("idle", lambda consumer: consumer.idle(at_ns))

    def _step(self) -> bool:
        """One batch; whether there was anything."""
        batch = self._ring.drain(self._batch_rows)
        if not batch.num_rows:
            return False
        ticks = pl.DataFrame(batch)
        self._each("take", lambda consumer: consumer.take(ticks))
        return True

    def _each(self, method: str, call: Callable[[Consumer], None]) -> None:
        for name, consumer in self._consumers.items():
            try:
                call(consumer)
            except Exception as error:  # noqa: BLE001 - whatever a consumer raises is its own trouble
                before = self._troubles.get(name)
                times = 1 if before is None else before.times + 1
                trace = "".join(traceback.format_exception(error))
                self._troubles[name] = Trouble(times, method, f"{type(error).__name__}: {error}", trace)
