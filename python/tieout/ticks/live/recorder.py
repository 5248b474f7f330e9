"""A feed into a recording, without a bot: from the first tick until somebody wishes the end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.ticks.files.sink import ParquetSink
from tieout.ticks.files.waiting import SinkStats
from tieout.ticks.live.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import Event

    import polars as pl

    from tieout.staging.desk import Desk
    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.ring import RingStats

LOOK_S: Final = 0.2
TELL_S: Final = 10.0
"""How often it says how far it is, and how much longer than asked for it waits for a gateway."""
PATIENCE_S: Final = 3.0
"""How long it is no news that the gateway is not reached yet."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    What a recording came to.

    Attributes:
        reached: whether the gateway ever said what the instruments are; `why` it did not, or what was wrong last.
        ring: what came from the gateway, and what was lost before the sink.
        sink: what became of the rest.
        by_instrument: name -> ticks that came to the sink.
        refused: name -> why no ticks of it come.
        in_time: whether everything ended within the time that it is given.
    """

    reached: bool
    why: str | None
    ring: RingStats
    sink: SinkStats
    by_instrument: dict[str, int]
    refused: dict[str, str]
    seconds: float
    in_time: bool

    @property
    def whole(self) -> bool:
        """Whether everything that came is in files; what `conflate` replaced is not missed."""
        kept = self.sink.written == self.sink.taken and self.ring.dropped == 0
        return self.reached and self.in_time and kept


class Recorder:
    """
    One recording.

    Args:
        root: where to; `LIVE_DATA` says how far behind at most, and for how long it is kept.
        client_id: the data connection's; None is `LIVE_DATA.client_id`, and then `status/ticks.json` shows the feed.
        say: where a line for the operator goes.
    """

    def __init__(self, desk: Desk, root: Path, *, client_id: int | None, say: Callable[[str], None]) -> None:
        self._desk = desk
        self._root = root
        self._say = say
        self._sink: ParquetSink | None = None
        self._tally = _Tally()
        self._instruments: Instruments | None = None
        self._feed = Feed(desk, self._consumers, client_id=client_id, shows=client_id is None)

    def run(self, wished: Event, seconds: float | None) -> Recorded:
        """Record until it is wished, or so many seconds after the gateway said what the instruments are."""
        self._feed.start()
        begun = time.monotonic()
        started = self._wait_for_gateway(wished, None if seconds is None else seconds + TELL_S)
        told_s = time.monotonic()
        while self._sink is not None and not wished.wait(LOOK_S):
            now_s = time.monotonic()
            if seconds is not None and now_s - started >= seconds:
                break
            if now_s - told_s >= TELL_S:
                told_s = now_s
                self._tell(self._sink.stats())
        in_time = self._feed.stop()
        return self._recorded(time.monotonic() - (started if self._sink is not None else begun), in_time=in_time)

    def _wait_for_gateway(self, wished: Event, wait_s: float | None) -> float:
        """Until ticks can come; when that was."""
        begun, told = time.monotonic(), ""
        while self._sink is None and not wished.wait(LOOK_S):
            why = self._feed.standing.why
            if why is not None and why != told and time.monotonic() - begun > PATIENCE_S:
                told = why
                self._say(f"no ticks yet: {why}")
            if wait_s is not None and time.monotonic() - begun >= wait_s:
                break
        if self._instruments is not None:
            names = ", ".join(one.name for one in self._instruments)
            self._say(f"recording {names} to {self._root}")
        return time.monotonic()

    def _consumers(self, instruments: Instruments) -> dict[str, Consumer]:
        live = self._desk.settings.live_data
        self._instruments = instruments
        self._sink = ParquetSink(
            self._root, instruments, flush_seconds=live.record_flush_seconds, keep_days=live.record_keep_days,
            alarm=self._desk.alerts.raise_alert, now=self._desk.now,
        )  # fmt: skip
        return {"recording": self._sink, "counting": self._tally}

    def _tell(self, stats: SinkStats) -> None:
        lost = f", {stats.lost:,} lost" if stats.lost else ""
        trouble = f"; not written now: {stats.failing}" if stats.failing else ""
        self._say(f"{stats.written:,} ticks written, {stats.waiting:,} waiting{lost}{trouble}")

    def _recorded(self, seconds: float, *, in_time: bool) -> Recorded:
        standing, names = self._feed.standing, self._feed.instruments
        return Recorded(
            reached=self._sink is not None,
            why=standing.why,
            ring=self._feed.stats(),
            sink=SinkStats(0, 0, 0, 0, {}) if self._sink is None else self._sink.stats(),
            by_instrument={one.name: self._tally.by_number[one.number] for one in names},
            refused={names[number].name: why for number, why in standing.refused.items()},
            seconds=seconds,
            in_time=in_time,
        )


class _Tally:
    """Counts what came, by instrument."""

    def __init__(self) -> None:
        self.by_number: Counter[int] = Counter()

    def take(self, ticks: pl.DataFrame) -> None:
        """Count a batch."""
        self.by_number.update(dict(ticks["instrument"].value_counts().iter_rows()))

    def idle(self, now_ns: int) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""
