"""
The ring that ticks wait in: `TickRing` over `rust/ring`.

What it promises is in docs/ring.md: produced = consumed + dropped + conflated + waiting whenever both ends are at rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

from tieout import _core

if TYPE_CHECKING:
    from tieout._core import ArrowStream, RecordBatch

Policy = Literal["drop_oldest", "drop_newest", "conflate"]
"""What gives way when the ring is full; `LIVE_DATA.policy`."""

CAPACITY_MAX: Final = 1 << 24
INSTRUMENTS_MAX: Final = 1 << 20
"""The most ticks that may wait, and the most instruments whose losses are counted one by one."""

_NO_END: Final = 0xFFFF_FFFF

RECORD_BYTES: Final = 64
"""One tick, as `push_batch` takes it from a buffer; the words are little-endian, docs/ring.md has their table."""


class ArrowArray(Protocol):
    """Anything that gives its rows as one Arrow array: a record batch does."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The schema's and the array's capsules."""


class Push(Protocol):
    """How one tick is pushed; see `TickRing.push`."""

    def __call__(
        self,
        instrument: int,
        kind: int,
        field: int,
        price: int | None = None,
        size: int | None = None,
        *,
        exchange_ns: int | None = None,
        received_ns: int | None = None,
        extra_0: int | None = None,
        extra_1: int | None = None,
        flags: int = 0,
    ) -> int:
        """Push one tick."""


@dataclass(frozen=True, slots=True)
class RingStats:
    """
    A ring's account since its start, in ticks.

    Attributes:
        produced: pushed, whether stored or not.
        consumed: drained.
        dropped: lost, oldest or newest.
        conflated: lost because a newer one of the same subject was there.
        waiting: in the ring.
        full_ns: how long it was full: from each first loss to the drain that followed.
        lost: instrument -> dropped and conflated together; only those that lost something.
        lost_unlisted: the same of all instruments beyond those that are counted one by one.
    """

    produced: int
    consumed: int
    dropped: int
    conflated: int
    waiting: int
    full_ns: int
    lost: Mapping[int, int]
    lost_unlisted: int

    @property
    def balances(self) -> bool:
        """Whether every tick is accounted for; true whenever both ends are at rest."""
        return self.produced == self.consumed + self.dropped + self.conflated + self.waiting


class TickRing:
    """
    A bounded ring of ticks: a push never waits for the consumer, memory is taken once, every lost tick is counted.

    Any thread may use either end. Threads that push wait for one another, and so do threads that drain; the two ends
    wait for each other only with `conflate`. `push_batch` and `drain` release the interpreter lock.

    As a context manager it is closed at the end: its memory is given back, and what still waits goes with it.

    Args:
        capacity: `max_event_queue_size`, 1 to 2^24: so many ticks may wait, exactly. 72 bytes each are taken at once;
            with `conflate`, about 120.
        policy: what gives way when it is full.
        drop_count: `backpressure_drop_count`, how many of the oldest go at once; only `drop_oldest` reads it.
        instruments: losses of the instruments 0 to `instruments` - 1 are counted one by one, at most 2^20.

    Raises:
        ValueError: a number out of its range, or no such policy.
        OverflowError: a number that is negative or beyond 64 bits.
        MemoryError: there is no memory for it.
    """

    __slots__ = ("_capacity", "_core", "_final", "push")

    push: Push
    """
    Push one tick, and return how many ticks were lost by it: older ones that gave way, or this one.

    `price` and `size` count 1e-8, times are UTC nanoseconds; what is None was not sent. `received_ns` None is now.
    `flags` are those of docs/ring.md; the ones that say what was sent follow from the values. The ring numbers the
    tick. Raises OverflowError when a value does not fit its place, and ValueError when the ring is closed. It is the
    extension's own method, without a call of Python's between.
    """

    def __init__(
        self, capacity: int, *, policy: Policy = "drop_oldest", drop_count: int = 1, instruments: int = 4096
    ) -> None:
        self._core: _core.TickRing | None = _core.TickRing(
            capacity, policy=policy, drop_count=drop_count, instruments=instruments
        )
        self._capacity = capacity
        self._final: RingStats | None = None
        self.push = self._core.push

    def push_batch(
        self,
        ticks: ArrowStream | ArrowArray | bytes | bytearray | memoryview,
        *,
        base: int = 0,
        end: int = _NO_END,
        renumber: bool = False,
    ) -> int:
        """
        Push ticks in their order, and return how many ticks were lost by it.

        Args:
            ticks: Arrow rows, with the columns that `TickDecoder.feed` and `drain` give: instrument, kind, field and
                received_ns at least. A null was not sent, whatever `flags` says; rows without `sequence` are numbered
                by the ring. Or bytes: whole records of 64, which carry their own flags and numbers.
            base: is subtracted from every instrument's number, so that request ids become small and dense.
            end: numbers of instruments are below it; of bytes it is not looked at.
            renumber: the ring numbers the rows, whatever numbers they have.

        Raises:
            TypeError: neither of them, or a column of another type or with nulls where there can be none.
            ValueError: a column is missing or unknown, an instrument is not from `base` to `end`, bytes are not whole
                records, the ring is closed. Nothing was pushed.
        """
        return self._open().push_batch(ticks, instrument_base=base, instrument_end=end, renumber=renumber)

    def drain(self, max_rows: int) -> RecordBatch:
        """
        Take the oldest ticks that wait, at most so many; none is an answer.

        Returns:
            The rows in the columns of `TickDecoder.feed`; `sequence` ascends by 1 from each producer, a gap is a loss.

        Raises:
            ValueError: the ring is closed.
            OverflowError: the number is negative.
        """
        return self._open().drain(max_rows)

    def stats(self) -> RingStats:
        """The account; exact while both ends are at rest. Of a closed ring, as it was closed."""
        if self._core is None:
            assert self._final is not None, "closing keeps the account"
            return self._final
        counts, lost, unlisted, full_ns = self._core.stats()
        return RingStats(**counts, full_ns=full_ns, lost=lost, lost_unlisted=unlisted)

    def lost_of(self, instrument: int) -> int:
        """How many ticks of one instrument were lost; of an unlisted one, those of all unlisted ones."""
        if self._core is None:
            stats = self.stats()
            return stats.lost.get(instrument, 0)
        return self._core.lost_of(instrument)

    @property
    def capacity(self) -> int:
        """How many ticks may wait."""
        return self._capacity

    def close(self) -> None:
        """Give the memory back; what waits is lost to the consumer and stands in `stats().waiting`. Twice is once."""
        if self._core is not None:
            self._final = self.stats()
            self._core, self.push = None, _closed

    def __enter__(self) -> Self:
        """The ring."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def _open(self) -> _core.TickRing:
        if self._core is None:
            raise ValueError(_CLOSED)
        return self._core


_CLOSED: Final = "the ring is closed; make a new one"


def _closed(*_tick: object, **_values: object) -> int:
    raise ValueError(_CLOSED)
