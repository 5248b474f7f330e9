"""
Looks at a feed once a second, in a thread of its own: tells alerts, counts metrics, writes `status/ticks.json`.

Alerts and files wait for the disk; neither the socket nor the drain does.
"""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, Final

from tieout.alerts.tick_metrics import TickFigures
from tieout.clock import NS_PER_S, to_iso
from tieout.errors import DiskError
from tieout.files import pretty_json, write_atomically
from tieout.ticks.consumer import Counting
from tieout.ticks.live.asked import names_of
from tieout.ticks.live.judging import Losses, Silence
from tieout.ticks.live.shown import Picture, ticks_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tieout.staging.desk import Desk
    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.live.asked import Asked
    from tieout.ticks.live.connection import Connection
    from tieout.ticks.live.drain import Drain, Trouble
    from tieout.ticks.live.standing import Standing
    from tieout.ticks.live.tally import Reading, Tally
    from tieout.ticks.ring import RingStats, TickRing

EVERY_S: Final = 1.0


class Watch:
    """
    The look-out of one feed.

    Args:
        shows: whether it writes `status/ticks.json`.
    """

    def __init__(
        self,
        desk: Desk,
        asked: Sequence[Asked],
        ring: TickRing,
        connection: Connection,
        *,
        standing: Standing,
        tally: Tally,
        client_id: int,
        shows: bool,
    ) -> None:
        live = desk.settings.live_data
        self._desk = desk
        self._asked = asked
        self._ring = ring
        self._connection = connection
        self._standing = standing
        self._tally = tally
        self._shows = shows
        self._losses = Losses(desk.settings.alerts.rate_limit_seconds * NS_PER_S)
        self._silence = Silence(live.stale_after_seconds)
        self._picture = Picture(desk.now(), client_id=client_id, simulated=desk.simulated is not None)
        self._refused: Mapping[int, tuple[str, int]] = {}
        self._troubles: Mapping[str, Trouble] = {}
        self._troubles_ns: dict[str, int] = {}
        self._ends = threading.Event()
        self._unwritable: str | None = None
        self.instruments: Instruments
        self.drain: Drain | None = None
        self.consumers: Mapping[str, Consumer] = {}
        self._thread = threading.Thread(target=self._run, name="tieout-feed-watch", daemon=True)

    def start(self, instruments: Instruments) -> None:
        """Start the thread."""
        self.instruments = instruments
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end."""
        self._ends.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(EVERY_S):
            self._look_safely()
        self._look_safely(ended=True)

    def _look_safely(self, *, ended: bool = False) -> None:
        """A look that fails is told, and the next one comes all the same."""
        try:
            self.look(ended=ended)
        except Exception:  # noqa: BLE001 - nobody else would hear of it
            self._desk.log.error("live_data_not_watched", trace=traceback.format_exc())

    def look(self, *, ended: bool = False) -> None:
        """One look."""
        now_ns, stats, reading = self._desk.now(), self._ring.stats(), self._tally.read()
        self._tell_losses(stats, now_ns, ended=ended)
        self._tell_silence(reading, now_ns)
        self._tell_refusals(reading)
        self._tell_troubles(now_ns, ended=ended)
        self._count(stats, reading)
        if self._shows:
            self._show(stats, reading, now_ns, ended=ended)

    def _names(self) -> list[str]:
        return names_of(self._asked, self.instruments)

    def _tell_losses(self, stats: RingStats, now_ns: int, *, ended: bool) -> None:
        loss = self._losses.look(stats, now_ns, at_the_end=ended)
        if loss is None:
            return
        names = self._names()
        self._desk.alerts.raise_alert(
            "live_data_backpressure_drop",
            lost={names[number]: count for number, count in loss.by_instrument.items()},
            dropped=loss.dropped, conflated=loss.conflated, full_seconds=round(loss.full_ns / NS_PER_S, 3),
            queue=self._ring.capacity, policy=self._desk.settings.live_data.policy,
        )  # fmt: skip

    def _tell_silence(self, reading: Reading, now_ns: int) -> None:
        standing, names = self._standing, self._names()
        up = standing.since_ns if standing.state == "up" else None
        last = {number: one.last_ns for number, one in reading.counts.items() if number in standing.asked}
        fell, back = self._silence.look(last, now_ns, up_since_ns=up)
        if fell:
            self._desk.alerts.raise_alert(
                "live_data_stale",
                silent={names[number]: to_iso(last[number] // 1_000_000 * 1_000_000) for number in fell},
                seconds=self._desk.settings.live_data.stale_after_seconds,
            )
            self._connection.renew(fell)
        if back:
            self._desk.alerts.raise_alert("live_data_resumed", instruments=[names[number] for number in back])

    def _tell_refusals(self, reading: Reading) -> None:
        """Each refusal once, until its instrument has ticked."""
        refused = self._standing.refused
        new = {number: why for number, why in refused.items() if self._refused.get(number, (None, 0))[0] != why}
        ticked = {number: one.ticks for number, one in reading.counts.items()}
        kept = {n: told for n, told in self._refused.items() if n in refused or ticked.get(n, 0) == told[1]}
        self._refused = kept | {number: (why, ticked.get(number, 0)) for number, why in new.items()}
        if new:
            names = self._names()
            self._desk.alerts.raise_alert("live_data_refused", refused={names[n]: why for n, why in new.items()})

    def _tell_troubles(self, now_ns: int, *, ended: bool) -> None:
        """The first failure of a consumer at once with its traceback, those that follow once in a while."""
        if self.drain is None:
            return
        every_ns = self._desk.settings.alerts.rate_limit_seconds * NS_PER_S
        for name, trouble in self.drain.troubles.items():
            before, told_ns = self._troubles.get(name), self._troubles_ns.get(name)
            times = trouble.times - (0 if before is None else before.times)
            if not times or (told_ns is not None and now_ns - told_ns < every_ns and not ended):
                continue
            self._troubles = {**self._troubles, name: trouble}
            self._troubles_ns[name] = now_ns
            self._desk.log.error("live_data_consumer_failed", consumer=name, what=trouble.what, trace=trouble.trace)
            self._desk.alerts.raise_alert(
                "live_data_consumer_failed", consumer=name, method=trouble.method, reason=trouble.what, times=times
            )

    def _count(self, stats: RingStats, reading: Reading) -> None:
        names = self._names()
        self._desk.alerts.metrics.ticks.set(TickFigures(
            ticks={names[number]: one.ticks for number, one in reading.counts.items()},
            lags_s={names[n]: one.lag_ns / NS_PER_S for n, one in reading.counts.items() if one.lag_ns is not None},
            dropped=stats.dropped, conflated=stats.conflated, waiting=stats.waiting, stale=len(self._silence.stale),
            up=self._standing.state == "up",
        ))  # fmt: skip

    def _show(self, stats: RingStats, reading: Reading, now_ns: int, *, ended: bool) -> None:
        drain = self.drain
        content = self._picture.draw(
            now_ns, asked=self._asked, instruments=self.instruments, standing=self._standing, stats=stats,
            capacity=self._ring.capacity, reading=reading, stale=self._silence.stale,
            troubles={} if drain is None else drain.troubles, counts=_counts(self.consumers),
            unknown=self._connection.unknown, ended=ended,
        )  # fmt: skip
        path = ticks_file(self._desk.workspace.status_dir)
        try:
            write_atomically(path, pretty_json(content), mode=0o644, durable=ended)
        except DiskError as error:
            if error.message != self._unwritable:
                self._desk.log.error("status_not_written", reason=error.message)
            self._unwritable = error.message
        else:
            self._unwritable = None


def _counts(consumers: Mapping[str, Consumer]) -> dict[str, Mapping[str, int]]:
    return {name: one.counts() if isinstance(one, Counting) else {} for name, one in consumers.items()}
