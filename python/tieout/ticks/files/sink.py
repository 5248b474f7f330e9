"""
Ticks to Parquet, by day and instrument: a consumer that never waits for the disk.

1. taken = written + waiting + lost, at any time; losses are counted by instrument.
2. A tick is in a whole file `flush_seconds` after it was taken, as long as the disk keeps up.
3. A disk that takes nothing never holds up the feed, and costs no tick before `waiting_max` of them wait. It is told
   once, and once more with what was lost when ticks are written again.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from tieout.clock import now_ns
from tieout.errors import TieoutError
from tieout.ticks.files.folder import RecordingFolder
from tieout.ticks.files.parts import DAY_NS, day_of, folder_names
from tieout.ticks.files.retention import remove_old_days
from tieout.ticks.files.waiting import SinkStats, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    from tieout.ticks.instruments import Instruments

FLUSH_SECONDS: Final = 5.0
WAITING_MAX: Final = 1 << 21
"""Ticks that may wait for the disk, about 70 bytes each."""
CLOSE_WAIT_S: Final = 10.0
WRITERS: Final = 8
"""Files that are written at once."""
RETRY_S: Final = 1.0
"""How long a disk that took nothing is left alone, and how often the day is looked at."""
_DISK: Final = re.compile(r"IO error: (.+?) \(os error \d+\)")


class Alarm(Protocol):
    """How a sink tells what went wrong: `AlertRouter.raise_alert`."""

    def __call__(self, name: str, /, **details: object) -> object:
        """Raise the alert of that name."""


class ParquetSink:
    """
    Records ticks below a folder, as `tieout.ticks.files.parts` says; a `Consumer`.

    Args:
        folder: the recording; opened with the first ticks, or by `open`.
        instruments: what the numbers stand for; one that is not among them is recorded by its number.
        flush_seconds: the most that a crash may lose, as long as the disk keeps up.
        keep_days: whole days before today that are kept; None is for ever.
        waiting_max: ticks that may wait for the disk.
        alarm: told `ticks_not_written` and `ticks_not_removed`, from the writer's thread; it must not raise.
        now: the clock, UTC ns.
    """

    def __init__(
        self,
        folder: Path,
        instruments: Instruments,
        *,
        flush_seconds: float = FLUSH_SECONDS,
        keep_days: int | None = None,
        waiting_max: int = WAITING_MAX,
        alarm: Alarm | None = None,
        now: Callable[[], int] = now_ns,
    ) -> None:
        self._root = folder
        self._instruments = instruments
        self._names = folder_names(instruments)
        self._after_s = flush_seconds / 2  # the other half is for the writing
        self._keep_days = keep_days
        self._alarm = alarm
        self._now = now
        self._waiting = Waiting(waiting_max)
        self._groups: dict[tuple[int, int], list[pl.DataFrame]] = {}
        self._folder: RecordingFolder | None = None
        self._session = now()
        self._opening = threading.Lock()
        self._today: date | None = None
        self._failing: str | None = None
        self._lost_told = 0
        self._thread = threading.Thread(target=self._run, name="tieout-ticks-sink", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """
        Open the folder now, instead of with the first ticks.

        Raises:
            Locked: another process records into it.
            DiskError: it cannot be written.
        """
        self._opened()

    def take(self, ticks: pl.DataFrame) -> None:
        """Take a batch; never waits. What does not fit any more is lost, and counted."""
        self._waiting.put(ticks)

    def idle(self, now_ns: int) -> None:
        """Nothing to do: the writer has a thread of its own."""

    def close(self) -> None:
        """
        Write what waits and give the folder back.

        A disk that takes nothing for 10 s is left: what it did not take stands in `stats().waiting`, or as lost.
        """
        self._waiting.close()
        written, until_s = -1, 0.0
        while self._thread.is_alive() and (self.stats().written != written or time.monotonic() < until_s):
            if self.stats().written != written:
                written, until_s = self.stats().written, time.monotonic() + CLOSE_WAIT_S
            self._thread.join(0.1)

    def counts(self) -> Mapping[str, int]:
        """The account by name, as `status/ticks.json` shows it."""
        stats = self.stats()
        return {"written": stats.written, "waiting": stats.waiting, "lost": stats.lost}

    def stats(self) -> SinkStats:
        """The account."""
        return self._waiting.stats(self._failing)

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._waiting.closed
            batches = self._waiting.get(after_s=self._after_s, within_s=RETRY_S)
            try:
                self._sort(batches)
                batches.clear()
                self._write()
            except BaseException as error:  # noqa: BLE001 - whatever it is (polars' panics too), the thread goes on
                for unsorted in batches:  # they are no ticks as `TICK` has them
                    self._waiting.lose(unsorted)
                self._failed(error)
                self._waiting.pause(RETRY_S)
        for kept in self._groups.values():
            for ticks in kept:
                self._waiting.lose(ticks)
        self._groups.clear()
        self._tell_lost()
        if self._folder is not None:
            self._folder.close()

    def _sort(self, batches: list[pl.DataFrame]) -> None:
        """Put ticks with those of their day and instrument."""
        if not batches:
            return
        ticks = pl.concat(batches).with_columns((pl.col("received_ns") // DAY_NS).alias("day"))
        for (day, number), group in ticks.partition_by("day", "instrument", maintain_order=True, as_dict=True).items():
            self._groups.setdefault((day, number), []).append(group.drop("day"))

    def _write(self) -> None:
        if self._groups:
            folder = self._opened()
            today = day_of(self._now())
            # A disk syncs several files in about the time of one.
            with ThreadPoolExecutor(WRITERS, thread_name_prefix="tieout-ticks-write") as pool:
                writes = [pool.submit(self._write_group, folder, key, today) for key in sorted(self._groups)]
            for write in writes:
                write.result()
            self._recovered()
        if self._folder is not None:
            self._look_at_day(self._folder)

    def _write_group(self, folder: RecordingFolder, key: tuple[int, int], today: date) -> None:
        """One day and instrument; what could not be written stays where it was."""
        ticks = pl.concat(self._groups[key])
        one = self._instruments.of(key[1])
        folder.write(day_of(key[0] * DAY_NS), one, ticks, name=self._names.get(key[1], one.name), today=today)
        self._waiting.wrote(ticks.height)
        del self._groups[key]

    def _opened(self) -> RecordingFolder:
        with self._opening:
            if self._folder is None:
                self._folder = RecordingFolder(self._root, session=self._session)
            return self._folder

    def _look_at_day(self, folder: RecordingFolder) -> None:
        today = day_of(self._now())
        if today == self._today:
            return
        self._today = today
        folder.forget_days_before(today)
        if self._keep_days is not None:
            try:
                remove_old_days(self._root, today=today, keep_days=self._keep_days)
            except OSError as error:
                self._tell("ticks_not_removed", folder=str(self._root), reason=_words(error))

    def _failed(self, error: BaseException) -> None:
        first = self._failing is None
        self._failing = _words(error)
        if self._folder is not None:  # what is mended may be another disk: open it anew
            self._folder.close()
            self._folder = None
        if first:
            self._tell("ticks_not_written", folder=str(self._root), reason=self._failing, waiting=self.stats().waiting)

    def _recovered(self) -> None:
        self._failing = None
        self._tell_lost()

    def _tell_lost(self) -> None:
        stats = self.stats()
        if stats.lost == self._lost_told:
            return
        names = {str(self._names.get(number, number)): lost for number, lost in stats.lost_by.items()}
        self._tell(
            "ticks_not_written",
            folder=str(self._root),
            reason=self._failing or "ticks came faster than they could be written",
            lost=stats.lost - self._lost_told,
            lost_by_instrument_since_start=names,
        )
        self._lost_told = stats.lost

    def _tell(self, name: str, /, **details: object) -> None:
        if self._alarm is not None:
            self._alarm(name, **details)


def _words(error: BaseException) -> str:
    if isinstance(error, TieoutError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    said = str(error).splitlines()[0] if str(error) else ""
    disk = _DISK.search(said)  # polars wraps what the operating system said
    return disk[1] if disk else f"{type(error).__name__}: {said}"
