"""
Drained ticks to NATS JetStream: a consumer that never waits for the network.

1. taken = published + waiting + lost, at any time; losses are counted by instrument.
2. A message follows the one before it only when that one was acknowledged, and keeps its number and id however often it
   is sent: JetStream keeps one copy within its window, and the subscriber passes over any other.
3. A server that is away never holds up the feed, and costs no tick before `waiting_max` of them wait. It is told once,
   and once more with what was lost when ticks are published again.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.ticks.files.waiting import SinkStats, Waiting
from tieout.ticks.remote.client import connect, require_client, shown, stream_of, words_of
from tieout.ticks.remote.message import ROW_BYTES, Head, encoded, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from tieout.ticks.files.sink import Alarm
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.ring import RingStats

WAITING_MAX: Final = 1 << 20
"""Ticks that may wait for the server, about 70 bytes each."""
GATHER_S: Final = 0.02
"""How long the first tick of a message waits for others."""
ROWS_MAX: Final = 8_192
"""Of one message; fewer where the server takes no such size."""
_HEAD_BYTES: Final = 8_192
ACKNOWLEDGED_WITHIN_S: Final = 5.0
RETRY_S: Final = 0.2
CLOSE_WAIT_S: Final = 10.0


class _GivenUpError(Exception):
    """The feed has ended and the server has not come back."""


class NatsPublisher:
    """
    Publishes ticks to one subject; a `Consumer`.

    Args:
        address: of the server, `nats://host:4222`; user, password or token in it are told to nobody.
        subject: what the messages go to.
        instruments: what the numbers stand for.
        ring: the ring's account, which goes into the messages.
        waiting_max: ticks that may wait for the server.
        alarm: told `ticks_not_published`, from the publisher's thread; it must not raise.

    Raises:
        UsageError: NATS's client is not installed.
    """

    def __init__(
        self,
        address: str,
        subject: str,
        instruments: Instruments,
        *,
        ring: Callable[[], RingStats] | None = None,
        waiting_max: int = WAITING_MAX,
        alarm: Alarm | None = None,
    ) -> None:
        require_client()
        self.feed = uuid.uuid4().hex
        """This run's id: it is in every message."""
        self._address = address
        self._subject = subject
        self._instruments = instruments
        self._ring = ring
        self._alarm = alarm
        self._waiting = Waiting(waiting_max)
        self._number = self._published = 0
        self._failing: str | None = None
        self._lost_told = 0
        self._give_up_s = 0.0
        self._thread = threading.Thread(target=self._run, name="tieout-ticks-nats", daemon=True)
        self._thread.start()

    def take(self, ticks: pl.DataFrame) -> None:
        """Take a batch; never waits. What does not fit any more is lost, and counted."""
        self._waiting.put(ticks)

    def idle(self, now_ns: int) -> None:
        """Nothing to do: the publisher has a thread of its own."""

    def close(self) -> None:
        """Publish what waits and close the account; what the server does not take within 10 s is lost, and counted."""
        self._give_up_s = time.monotonic() + CLOSE_WAIT_S
        self._waiting.close()
        self._thread.join(CLOSE_WAIT_S + ACKNOWLEDGED_WITHIN_S)

    def stats(self) -> SinkStats:
        """The account; `written` is what was acknowledged."""
        return self._waiting.stats(self._failing)

    def _run(self) -> None:
        over = False
        while not over:
            try:
                asyncio.run(self._live())
                over = True
            except _GivenUpError:
                over = True
            except BaseException as error:  # noqa: BLE001 - whatever it is (polars' panics too), the thread goes on
                self._failed(error)
                over = self._waiting.closed
                self._waiting.pause(RETRY_S)
        for ticks in self._waiting.get(after_s=0, within_s=0):
            self._waiting.lose(ticks)
        self._tell()

    async def _live(self) -> None:
        client = await self._connected()
        try:
            streams = client.jetstream(timeout=ACKNOWLEDGED_WITHIN_S)
            ended = False
            while not ended:
                ended = self._waiting.closed
                # In a thread, so that the client can answer the server's pings meanwhile.
                batches = await asyncio.to_thread(self._waiting.get, after_s=GATHER_S, within_s=1.0)
                if batches:
                    await self._publish(client, streams, pl.concat(batches))
            await self._deliver(client, streams, None)
        finally:
            await client.close()

    async def _connected(self) -> Client:
        """The connection, however long it takes, but not beyond the end."""

        async def failed(error: Exception) -> None:
            self._failed(error)

        connecting = asyncio.ensure_future(connect(self._address, failed=failed))
        while not (await asyncio.wait({connecting}, timeout=RETRY_S))[0]:
            if self._is_over():
                connecting.cancel()
                raise _GivenUpError
        return connecting.result()

    async def _publish(self, client: Client, streams: JetStreamContext, ticks: pl.DataFrame) -> None:
        rows = max(min(ROWS_MAX, (client.max_payload - _HEAD_BYTES) // ROW_BYTES), 1)
        for start in range(0, ticks.height, rows):
            try:
                await self._deliver(client, streams, ticks.slice(start, rows))
            except BaseException:
                self._waiting.lose(ticks.slice(start))
                raise

    async def _deliver(self, client: Client, streams: JetStreamContext, ticks: pl.DataFrame | None) -> None:
        """Send one message, again and again until it is acknowledged; without ticks it is the last one."""
        from nats.errors import Error

        data = b"" if ticks is None else encoded(named(ticks, self._instruments))
        head = self._head(ticks)
        # Whatever becomes of it: a number is never given to another message, which would look like a copy.
        self._number = head.number
        has_stream = head.number > 1 and self._failing is None
        acknowledged = False
        while not acknowledged:
            try:
                if client.is_connected:
                    if not has_stream:
                        await stream_of(streams, self._subject)
                    await streams.publish(self._subject, data, headers=head.headers())
                    acknowledged = True
            except (Error, OSError, TimeoutError) as error:
                self._failed(error)
                has_stream = False
            if not acknowledged:
                if self._is_over():
                    raise _GivenUpError
                await asyncio.sleep(RETRY_S)
        self._published = head.published
        self._waiting.wrote(head.rows)
        self._failing = None
        self._tell()

    def _head(self, ticks: pl.DataFrame | None) -> Head:
        sequence = pl.Series(dtype=pl.UInt64) if ticks is None else ticks["sequence"]
        rows = sequence.len()
        # The ring first: what it produced by then was taken by then, or waits.
        ring = None if self._ring is None else self._ring()
        stats = self._waiting.stats()
        return Head(
            feed=self.feed,
            number=self._number + 1,
            rows=rows,
            published=self._published + rows,
            first_sequence=int(sequence[0]) if rows else 0,
            last_sequence=int(sequence[-1]) if rows else 0,
            taken=stats.taken,
            lost=stats.lost,
            produced=None if ring is None else ring.produced,
            dropped=0 if ring is None else ring.dropped,
            conflated=0 if ring is None else ring.conflated,
            end=ticks is None,
        )

    def _is_over(self) -> bool:
        return self._waiting.closed and time.monotonic() > self._give_up_s

    def _failed(self, error: BaseException) -> None:
        first = self._failing is None
        self._failing = words_of(error, self._address)
        if first and self._alarm is not None:
            self._alarm(
                "ticks_not_published",
                server=shown(self._address), reason=self._failing, waiting=self._waiting.stats().waiting,
            )  # fmt: skip

    def _tell(self) -> None:
        """Tell of what was lost since the last time, now that it is known how much."""
        stats = self._waiting.stats()
        if stats.lost > self._lost_told and self._alarm is not None:
            self._alarm(
                "ticks_not_published",
                server=shown(self._address),
                reason=self._failing or "ticks came faster than the server took them",
                lost=stats.lost - self._lost_told,
                lost_by_instrument_since_start={
                    self._instruments.of(number).name: lost for number, lost in stats.lost_by.items()
                },
            )
        self._lost_told = stats.lost
