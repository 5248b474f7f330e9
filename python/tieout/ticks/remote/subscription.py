"""
Ticks from NATS JetStream, message by message, with the account that proves what came and what did not.

1. Every message of the stream is given at least once to a subscription that goes on, and once to its reader: one that
   comes again (its acknowledgement was lost, or the server was) is counted and passed over.
2. A message is acknowledged when its reader asks for the next one.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Self

from tieout.errors import TieoutError
from tieout.ticks.remote.account import Account
from tieout.ticks.remote.client import RECONNECT_WAIT_S, connect, require_client, shown, words_of
from tieout.ticks.remote.message import Head, decoded

if TYPE_CHECKING:
    from types import TracebackType

    import polars as pl
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

FETCH_MESSAGES: Final = 16
FETCH_WAIT_S: Final = 0.5
LOOK_AFTER: Final = 4
"""Fetches that brought nothing."""
CONNECT_WITHIN_S: Final = 10.0


class Subscription:
    """
    An asynchronous iterator over frames of schema `tieout.ticks.remote.message.SENT`.

        async with Subscription("nats://localhost:4222", "tieout.ticks") as ticks:
            async for frame in ticks:
                ...
            print(ticks.account)

    Args:
        address: of the server.
        subject: what the publisher publishes to.
        durable: a name under which the server remembers what was acknowledged, also when this process ends; None
            starts with the oldest message that the stream keeps.
        until_end: whether the iteration ends when a feed says that it ended; a bot that is started anew is a new feed.
        silent_s: the iteration ends when nothing came for so long; None: never.

    Raises:
        UsageError: NATS's client is not installed.
        TieoutError: no server answers within 10 s. Later it may go and come as it likes.
        InputUnusable: a message on the subject is not one of ours; asking again passes over it.
    """

    def __init__(
        self,
        address: str,
        subject: str,
        *,
        durable: str | None = None,
        until_end: bool = False,
        silent_s: float | None = None,
    ) -> None:
        require_client()
        self._address = address
        self._subject = subject
        self._durable = durable
        self._until_end = until_end
        self._silent_s = silent_s
        self._client: Client | None = None
        self._pull: JetStreamContext.PullSubscription | None = None
        self._messages: list[Msg] = []
        self._given: Msg | None = None
        self._next_stored = 1
        self._silent = 0
        self._done = False
        self.accounts: dict[str, Account] = {}
        """By the feed's id, in the order in which they came."""

    @property
    def account(self) -> Account | None:
        """The latest feed's."""
        return next(reversed(self.accounts.values()), None)

    async def __aenter__(self) -> Self:
        heard: list[Exception] = []

        async def failed(error: Exception) -> None:
            heard[:] = [error]

        try:
            self._client = await asyncio.wait_for(connect(self._address, failed=failed), CONNECT_WITHIN_S)
        except TimeoutError as error:
            why = f": {words_of(heard[0], self._address)}" if heard else ""
            raise TieoutError(
                f"no NATS server at {shown(self._address)} within {CONNECT_WITHIN_S:g} s{why}",
                hint="is it running, and are user and password right?",
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self._acknowledge()
        if self._client is not None:
            await self._client.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pl.DataFrame:
        await self._acknowledge()
        while not self._done:
            message = await self._message()
            if message is None:
                break
            self._given = message
            head = Head.of(message.headers)
            account = self.accounts.setdefault(head.feed, Account(head.feed))
            fresh = account.take(head)
            if fresh and head.end and self._until_end:
                self._done = True
            if fresh and head.rows:
                return decoded(message.data)
            await self._acknowledge()
        raise StopAsyncIteration

    async def _acknowledge(self) -> None:
        from nats.errors import Error

        given, self._given = self._given, None
        if given is not None:
            self._next_stored = given.metadata.sequence.stream + 1
            try:
                await given.ack()
            except Error:  # it comes again, and is passed over
                return

    async def _message(self) -> Msg | None:
        """The next one; None when nothing came for too long."""
        from nats.errors import Error

        until = None if self._silent_s is None else time.monotonic() + self._silent_s
        while not self._messages:
            if until is not None and time.monotonic() > until:
                return None
            try:
                if self._pull is None:
                    self._pull = await self._subscribed()
                self._messages = await self._pull.fetch(FETCH_MESSAGES, timeout=FETCH_WAIT_S)
            except TimeoutError:
                await self._look_after()
            except Error:
                # The server is away, or has no such stream yet.
                self._pull = None
                await asyncio.sleep(RECONNECT_WAIT_S)
        return self._messages.pop(0)

    async def _look_after(self) -> None:
        """After some silence: whether the server still knows us. It forgets a subscription without a durable name."""
        from nats.errors import Error

        self._silent += 1
        if self._pull is None or self._silent % LOOK_AFTER:
            return
        try:
            await self._pull.consumer_info()
        except (Error, TimeoutError):
            self._pull = None

    async def _subscribed(self) -> JetStreamContext.PullSubscription:
        from nats.js.api import ConsumerConfig, DeliverPolicy

        if self._client is None:
            raise RuntimeError("a Subscription is used in `async with`")
        options: dict[str, Any] = {"durable": self._durable}
        if self._durable is None:
            options["config"] = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self._next_stored
            )
        return await self._client.jetstream().pull_subscribe(self._subject, **options)
