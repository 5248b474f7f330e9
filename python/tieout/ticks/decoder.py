"""
The gateway's bytes to ticks: `TickDecoder` over `rust/wire`.

The layout of every kind of record is in docs/wire.md; prices and sizes are counts of 1e-8.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout import _core
from tieout.errors import TicksUnreadable

if TYPE_CHECKING:
    from tieout._core import RecordBatch


@dataclass(frozen=True)
class Malformed:
    """A tick message that gave no record: its id, what is wrong with it, and the first 256 bytes of its body."""

    message_id: int
    flaw: str
    sample: bytes


class TickDecoder:
    """
    Decodes one connection's bytes, from the first one after the handshake on.

    Tick messages become records; every other message, and a tick message that no record can hold, goes to `on_other`
    as it came. The interpreter lock is released while a feed decodes. One thread feeds a decoder.

    Args:
        server_version: the gateway's, 157 to 178.
        on_other: gets each other message, in order: the whole frame with its length prefix. None leaves them away;
            they are counted as handed on all the same.
        hand_on: ids of tick messages that are not to be decoded, but handed on as well.

    Raises:
        ValueError: another server version; an id in `hand_on` that is no tick message's.
    """

    def __init__(
        self,
        server_version: int,
        *,
        on_other: Callable[[bytes], object] | None = None,
        hand_on: Iterable[int] = (),
    ) -> None:
        self._core = _core.TickDecoder(server_version, list(hand_on))
        self._on_other = on_other
        self._others: deque[bytes] = deque()
        self._kept: list[RecordBatch] = []

    def feed(self, data: bytes | bytearray, *, received_ns: int | None = None) -> RecordBatch:
        """
        Decode the next bytes of the stream; an unfinished message waits for the next call.

        Args:
            data: any piece of the stream.
            received_ns: when it was read from the socket, UTC nanoseconds; None is now.

        Returns:
            One row for each record: instrument (the request id), kind, field, price, size, exchange_ns, received_ns,
            sequence (ascending by 1), extra_0, extra_1, flags. What was not sent is null.

        Raises:
            TicksUnreadable: this is not a TWS stream, or bytes of it are missing; and so does every further call.
            RuntimeError: another thread is feeding this decoder.

        What `on_other` raises comes through. Rows that were decoded before an error are not lost: `take` has them, and
        messages that were not delivered come with the next feed.
        """
        batch, others, error = self._core.feed(data, received_ns)
        if self._on_other is not None and (others or self._others):
            self._others.extend(others)
            self._deliver(self._on_other, batch)
        if error is not None:
            self._kept.append(batch)
            raise TicksUnreadable(error, hint="close this connection and connect anew")
        return batch

    def take(self) -> list[RecordBatch]:
        """The batches of feeds that raised, oldest first; each is given once."""
        kept, self._kept = self._kept, []
        return kept

    @property
    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their message."""
        return self._core.pending_bytes()

    @property
    def account(self) -> dict[str, int]:
        """Counts since the start: frames = decoded + handed_on + malformed; ticks; beyond, part of handed_on."""
        return self._core.account()

    @property
    def malformed(self) -> dict[int, int]:
        """Message id -> how many of them were malformed."""
        return self._core.malformed()

    @property
    def last_malformed(self) -> Malformed | None:
        """The last message that was malformed."""
        last = self._core.last_malformed()
        return None if last is None else Malformed(*last)

    def _deliver(self, on_other: Callable[[bytes], object], batch: RecordBatch) -> None:
        done = False
        try:
            while self._others:
                frame = self._others.popleft()
                on_other(frame)
            done = True
        finally:
            if not done:
                self._others.appendleft(frame)
                self._kept.append(batch)
