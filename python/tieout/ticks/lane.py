"""
The fast lane: a connection's bytes go to Rust first, and the client library sees what is not a tick.

1. Bytes that are no decoded tick message reach the client as they came, in order; the handshake among them.
2. Every decoded tick is in the ring, or counted as lost there, or counted in `unknown`.
3. A gateway whose version the decoder does not know keeps the slow lane: the client gets every byte, `slow` says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout.ticks.decoder import TickDecoder

if TYPE_CHECKING:
    from tieout._core import RecordBatch
    from tieout.ticks.ring import TickRing

_PREFIX_BYTES: Final = 4
_HANDSHAKE_BYTES_MAX: Final = 256
"""A version and a time; a first message that announces more is no handshake."""
_VERSION: Final = re.compile(rb"(\d{1,6})\0[^\0]*\0")


class FastLane:
    """
    Stands between a socket and its client, from the first byte of a connection on. One thread feeds it.

    Args:
        ring: takes the ticks, with their request id less `base` as instrument.
        deliver: takes the bytes for the client.
        base: the first request id of ticks.
        instruments: how many there are from there on. Ticks of other ids are counted in `unknown` and go nowhere: ask
            for snapshots through another connection, or name their messages in `hand_on`.
        hand_on: ids of tick messages that the client is to have instead.

    Raises:
        ValueError: an id in `hand_on` that is no tick message's, at the end of the handshake.
    """

    def __init__(
        self,
        ring: TickRing,
        deliver: Callable[[bytes], object],
        *,
        base: int,
        instruments: int,
        hand_on: Iterable[int] = (),
    ) -> None:
        self._ring = ring
        self._deliver = deliver
        self._base, self._end = base, base + instruments
        self._hand_on = tuple(hand_on)
        self._handshake: bytes | None = b""
        self.decoder: TickDecoder | None = None
        self.slow: str | None = None
        """Why the client decodes the ticks itself; None as long as the fast lane is open."""
        self.unknown = 0
        """Ticks of request ids that are not the ring's."""

    def received(self, data: bytes) -> None:
        """
        Take what the socket gave: ticks into the ring, everything else on to the client.

        Raises:
            TicksUnreadable: this is no TWS stream, or bytes of it are missing. What came before is in the ring and with
                the client. Close the connection; asyncio does so when it comes out of `data_received`.
        """
        if self._handshake is not None:
            data = self._greeted(self._handshake, data)
        if self.slow is not None:
            self._on(data)
        elif self.decoder is not None and data:
            self._feed(self.decoder, data)

    def _feed(self, decoder: TickDecoder, data: bytes) -> None:
        done = False
        try:
            batch = decoder.feed(data)
            done = True
        finally:
            if not done:
                for kept in decoder.take():
                    self._push(kept)
        self._push(batch)

    def _push(self, batch: RecordBatch) -> None:
        # A new connection's decoder counts from 0 again, so the ring numbers the ticks.
        try:
            self._ring.push_batch(batch, base=self._base, end=self._end, renumber=True)
        except ValueError:
            ticks = pl.DataFrame(batch)
            ours = ticks.filter(pl.col("instrument").is_between(self._base, self._end, closed="left"))
            self.unknown += ticks.height - ours.height
            self._ring.push_batch(ours, base=self._base, renumber=True)

    def _greeted(self, before: bytes, data: bytes) -> bytes:
        """Hand the handshake on as it comes, and open the lane behind it; the bytes that follow it."""
        seen = before + data
        end = _PREFIX_BYTES + int.from_bytes(seen[:_PREFIX_BYTES], "big")
        if len(seen) >= _PREFIX_BYTES and end > _HANDSHAKE_BYTES_MAX:
            self._handshake, self.slow = None, "what came first is no handshake of the IB API"
            return data
        if len(seen) < _PREFIX_BYTES or len(seen) < end:
            self._handshake = seen
            self._on(data)
            return b""
        self._handshake = None
        self._open(seen[_PREFIX_BYTES:end])
        own = end - len(before)
        self._on(data[:own])
        return data[own:]

    def _open(self, greeting: bytes) -> None:
        version = _VERSION.fullmatch(greeting)
        if version is None:
            self.slow = "what came first is no handshake of the IB API"
            return
        try:
            self.decoder = TickDecoder(int(version[1]), on_other=self._deliver)
        except ValueError as error:
            self.slow = str(error)
            return
        if self._hand_on:  # an id that cannot be left out is the caller's error, and no reason for the slow lane
            self.decoder = TickDecoder(int(version[1]), on_other=self._deliver, hand_on=self._hand_on)

    def _on(self, data: bytes) -> None:
        if data:
            self._deliver(data)


def open_fast_lane(
    connection: Any, ring: TickRing, *, base: int, instruments: int, hand_on: Iterable[int] = ()
) -> FastLane:
    """
    Lead an unconnected `Connection` of ib_async or ib_insync through a fast lane; the arguments are `FastLane`'s.

    The library's own handlers stay where they are: they get the bytes that are left. Never opened: the slow lane.
    """
    lane = FastLane(ring, connection.hasData.emit, base=base, instruments=instruments, hand_on=hand_on)
    connection.data_received = lane.received
    return lane
