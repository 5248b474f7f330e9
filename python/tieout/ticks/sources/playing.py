"""
Recorded ticks once more, into consumers as the live feed has them: at full speed, as fast as they came, or N times.

1. The same input makes the same calls of the same consumers, whatever the speed.
2. No tick is lost: a consumer is waited for.
3. Time goes on in silence, too: `idle` is called with every second of an hour, then time jumps to the next tick.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import polars as pl

from tieout.clock import NS_PER_S
from tieout.ticks.layout import TICK
from tieout.ticks.sources.merge import AT
from tieout.ticks.sources.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.ring import TickRing
    from tieout.ticks.sources.mapped import Columns

SILENT_S_MAX: Final = 3_600
_RING_SLICE_NS: Final = 10_000_000
_FULL_S: Final = 0.0005


@runtime_checkable
class Paced(Protocol):
    """A consumer that gives ticks on one by one, each at its time."""

    def pace(self, until: Callable[[int], None] | None) -> None:
        """Call `until` with a tick's time before it is given on; None: at full speed."""
        ...


@dataclass(slots=True)
class Replayed:
    """
    What was replayed.

    Attributes:
        ticks: by the instrument's number, `by_instrument`.
        first_ns, last_ns: of the replay's clock: `received_ns`, never going back.
        elapsed_s: how long it took.
        ended: whether it came to the end; False where `stop` said so before.
    """

    ticks: int = 0
    by_instrument: Counter[int] = field(default_factory=Counter)
    batches: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    elapsed_s: float = 0.0
    ended: bool = True

    @property
    def ticks_per_s(self) -> float:
        """How fast it was."""
        return self.ticks / self.elapsed_s if self.elapsed_s else 0.0


class Pace:
    """
    Waits until a moment of the recording is due.

    Args:
        speed: how many times as fast as it was; None waits never.
        stop: asked while waiting; True ends the wait.
    """

    def __init__(self, speed: float | None, stop: Callable[[], bool]) -> None:
        self._speed = speed
        self._stop = stop
        self._start: tuple[float, int] | None = None

    def until(self, at_ns: int) -> None:
        """Wait until it is due; the first call's moment is due at once."""
        if self._speed is None:
            return
        if self._start is None:
            self._start = time.monotonic(), at_ns
        due_s = self._start[0] + (at_ns - self._start[1]) / NS_PER_S / self._speed
        while (left_s := due_s - time.monotonic()) > 0 and not self._stop():
            time.sleep(min(left_s, 0.1))


def replay(
    *sources: str | Path,
    consumers: Callable[[Instruments], Mapping[str, Consumer]] = lambda _instruments: {},
    speed: float | None = None,
    ring: TickRing | None = None,
    columns: Columns | None = None,
    instruments: Sequence[str] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Replayed:
    """
    Replay sources into consumers, and close them.

    Args:
        sources: recordings, files of other programs, DBN; docs/ticks_files.md says which.
        consumers: called once with the instruments; the consumers by name, in the order in which they get each batch.
        speed: 1 is as fast as it was, N is N times that; None is as fast as the consumers take it.
        ring: gets every tick as well; somebody else drains it, and is waited for when it is full.
        columns: how files of other programs are to be read.
        instruments: only these names.
        start_ns, end_ns: only this time, the end not included; UTC ns.

    Raises:
        UsageError, InputUnusable, SchemaMismatch: a source cannot be used; the message names the file.
        What a consumer raises comes through; the others are closed all the same.
    """
    tape = Tape.open(sources, columns, names=instruments, start_ns=start_ns, end_ns=end_ns)
    return play(tape, consumers(tape.instruments), speed=speed, ring=ring)


def play(
    tape: Tape,
    consumers: Mapping[str, Consumer],
    *,
    speed: float | None = None,
    ring: TickRing | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _ticks: None,
) -> Replayed:
    """
    Play a tape into consumers, and close them. `replay` says what is what.

    Args:
        stop: asked between batches, and while waiting; True ends the replay.
        progress: told how many ticks are done.
    """
    done, pace = Replayed(), Pace(speed, stop)
    for one in consumers.values():
        if isinstance(one, Paced):
            one.pace(None if speed is None else pace.until)
    started = time.monotonic()
    try:
        for batch in tape.batches():
            if stop():
                done.ended = False
                break
            _pass_time(done.last_ns, batch[AT][0], consumers, pace)
            ticks = batch.select(list(TICK))
            for one in consumers.values():
                if not isinstance(one, Paced):
                    pace.until(batch[AT][-1])
                one.take(ticks)
            if ring is not None:
                _push(ring, batch, pace, stop)
            _count(done, batch)
            progress(done.ticks)
    finally:
        _close_all(list(consumers.values()))
    done.elapsed_s = time.monotonic() - started
    return done


def _pass_time(before_ns: int | None, at_ns: int, consumers: Mapping[str, Consumer], pace: Pace) -> None:
    """Every second from the last tick to this one, as long as there are not too many."""
    second = at_ns // NS_PER_S
    first = second if before_ns is None else before_ns // NS_PER_S + 1
    seconds = [*range(first, min(second, first + SILENT_S_MAX)), *([second] if first <= second else [])]
    for one in seconds:
        pace.until(max(one * NS_PER_S, before_ns or at_ns))
        for consumer in consumers.values():
            consumer.idle(one * NS_PER_S)


def _push(ring: TickRing, batch: pl.DataFrame, pace: Pace, stop: Callable[[], bool]) -> None:
    """Into the ring, never more than there is room for: nothing is lost by it."""
    for (_,), some in (
        batch.with_columns(part=pl.col(AT) // _RING_SLICE_NS)
        .partition_by("part", maintain_order=True, as_dict=True)
        .items()
    ):
        pace.until(some[AT][0])
        ticks = some.select(list(TICK))
        at = 0
        while at < ticks.height and not stop():
            room = ring.capacity - ring.stats().waiting
            if room:
                ring.push_batch(ticks.slice(at, room))
                at += room
            else:
                time.sleep(_FULL_S)


def _count(done: Replayed, batch: pl.DataFrame) -> None:
    done.batches += 1
    done.ticks += batch.height
    done.by_instrument.update(batch["instrument"].to_list())
    done.first_ns = batch[AT][0] if done.first_ns is None else done.first_ns
    done.last_ns = batch[AT][-1]


def _close_all(consumers: list[Consumer]) -> None:
    """Every one is closed, though one of them raises."""
    if not consumers:
        return
    try:
        consumers[0].close()
    finally:
        _close_all(consumers[1:])
