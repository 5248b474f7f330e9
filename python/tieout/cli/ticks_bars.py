"""`--bars-out FILE`: the bars of a replay as a file for other programs, exact prices and times in their own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.errors import DiskError, UsageError
from tieout.files import beside
from tieout.ticks.bars.bar import BAR
from tieout.ticks.bars.building import BarBuilder, BarConsumer

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.ticks.instruments import Instruments

_ENDINGS: Final = (".parquet", ".csv")
_PRICES: Final = ("open", "high", "low", "close", "volume", "vwap")
_TIMES: Final = ("start", "end", "first", "last")
_E8: Final = 100_000_000
_GATHERED_ROWS: Final = 65_536


class BarsFile:
    """
    Bars on their way to a file.

    Args:
        path: ends in .parquet or .csv.
        seconds: the length of a bar.

    Raises:
        UsageError: another ending, or no such folder.
    """

    def __init__(self, path: Path, seconds: int) -> None:
        if path.suffix.lower() not in _ENDINGS:
            raise UsageError(f"--bars-out {path}: expected a name in .parquet or .csv", hint="for example bars.parquet")
        if not path.parent.is_dir():
            raise UsageError(f"--bars-out {path}: there is no folder {path.parent}", hint="make it first")
        self.path = path
        self.seconds = seconds
        self._frames: list[pl.DataFrame] = []
        self.consumer = _Gathering(BarConsumer(BarBuilder(seconds), self._frames.append))

    @property
    def count(self) -> int:
        """How many bars there are."""
        return sum(frame.height for frame in self._frames)

    def write(self, instruments: Instruments) -> None:
        """
        Write them: instrument, start, end (UTC), open, high, low, close, volume, vwap (exact decimals), count, first,
        last (UTC), complete. A file that is there is replaced, whole or not at all.

        Raises:
            DiskError: it cannot be written.
        """
        names = {one.number: one.name for one in instruments}
        bars = pl.concat([pl.DataFrame(schema=BAR), *self._frames])
        shown = bars.select(
            pl.col("instrument").replace_strict(names, return_dtype=pl.String()),
            *(pl.from_epoch(pl.col(f"{name}_ns"), "ns").dt.replace_time_zone("UTC").alias(name) for name in _TIMES[:2]),
            *((pl.col(name).cast(pl.Decimal(38, 8)) / _E8).cast(pl.Decimal(38, 8)) for name in _PRICES),
            "count",
            *(pl.from_epoch(pl.col(f"{name}_ns"), "ns").dt.replace_time_zone("UTC").alias(name) for name in _TIMES[2:]),
            "complete",
        )
        try:
            with beside(self.path) as draft:
                if self.path.suffix.lower() == ".parquet":
                    shown.write_parquet(draft)
                else:
                    shown.write_csv(draft)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DiskError(
                f"{self.path} cannot be written: {error}", hint="check disk space, owner and mode"
            ) from error


class _Gathering:
    """Larger frames for the builder: nobody waits for a file's bars, and one look costs as much as many rows."""

    def __init__(self, consumer: BarConsumer) -> None:
        self._consumer = consumer
        self._held: list[pl.DataFrame] = []
        self._rows = 0

    def take(self, ticks: pl.DataFrame) -> None:
        self._held.append(ticks)
        self._rows += ticks.height
        if self._rows >= _GATHERED_ROWS:
            self._hand_on()

    def idle(self, now_ns: int) -> None:
        """A bar is over by the ticks behind it."""

    def close(self) -> None:
        self._hand_on()
        self._consumer.close()

    def _hand_on(self) -> None:
        if self._held:
            self._consumer.take(pl.concat(self._held))
            self._held, self._rows = [], 0
