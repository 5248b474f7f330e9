"""
The feed: live ticks from the gateway to whoever takes them.

    gateway -> data connection -> decoder -> ring -> drain -> consumers

The connection has a thread with an event loop of its own, and so has the drain: a reconcile or a slow order never holds
up a tick, a flood of ticks never holds up an order, and a consumer never holds up the socket. What is too much for the
drain is lost in the ring, counted by instrument and told.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tieout.ticks.live.asked import asked_for, instruments_of
from tieout.ticks.live.connection import Connection
from tieout.ticks.live.drain import Drain
from tieout.ticks.live.standing import Standing
from tieout.ticks.live.tally import Tally
from tieout.ticks.live.watch import Watch
from tieout.ticks.ring import TickRing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tieout.broker import ContractSpec
    from tieout.staging.desk import Desk
    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.ring import RingStats

STOP_WAIT_S: Final = 20.0


class Feed:
    """
    One feed, from start to stop; never started twice.

    What goes wrong with it is told in the log, by alerts and in its standing, and never raised: a bot trades on.

    Args:
        desk: settings, log, alerts, and where the gateway is.
        consumers: called once, when the gateway has said what the instruments are: the consumers by name, in the order
            in which they get each batch. Never called where the gateway was never reached.
        client_id: the data connection's; None is `LIVE_DATA.client_id`.
        shows: whether it writes `status/ticks.json`; one feed of a workspace does.
    """

    def __init__(
        self,
        desk: Desk,
        consumers: Callable[[Instruments], Mapping[str, Consumer]],
        *,
        client_id: int | None = None,
        shows: bool = True,
    ) -> None:
        live = desk.settings.live_data
        own_id = live.client_id if client_id is None else client_id
        self._desk = desk
        self._make_consumers = consumers
        self._asked = asked_for(live.subscriptions)
        self._ring = TickRing(
            live.max_event_queue_size, policy=live.policy, drop_count=live.backpressure_drop_count,
            instruments=max(len(self._asked), 1),
        )  # fmt: skip
        self._drain: Drain | None = None
        self.instruments = instruments_of(self._asked, {})
        """What the numbers stand for; more is known of them once `consumers` was called."""
        self.standing = Standing(desk.now())
        self._connection = Connection(
            replace(desk.broker_settings(client_id=own_id), id_setting="LIVE_DATA.client_id"),
            live, self._asked, self._ring, standing=self.standing, now=desk.now,
            ready=self._ready, lost=self._lost, log=desk.log,
        )  # fmt: skip
        self._tally = Tally(desk.now)
        self._watch = Watch(
            desk, self._asked, self._ring, self._connection,
            standing=self.standing, tally=self._tally, client_id=own_id, shows=shows,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, name="tieout-feed", daemon=True)

    def start(self) -> None:
        """Start the threads; the gateway is reached in the background."""
        self._thread.start()
        self._watch.start(self.instruments)

    def stop(self, wait_s: float = STOP_WAIT_S) -> bool:
        """Cancel the subscriptions, give the consumers what waits, close them; answers whether all ended in time."""
        self._connection.stop()
        if self._thread.ident is not None:
            self._thread.join(wait_s)
        ended = not self._thread.is_alive()
        if self._drain is not None:
            ended = self._drain.stop(wait_s) and ended
        self._watch.stop()
        self._ring.close()
        return ended

    def stats(self) -> RingStats:
        """The ring's account."""
        return self._ring.stats()

    def _run(self) -> None:
        try:
            asyncio.run(self._connection.live())
        except Exception as error:  # noqa: BLE001 - a mistake in the feed is told; it must not end the bot
            what = f"{type(error).__name__}: {error}"
            self.standing.turn("down", self._desk.now(), what)
            self._desk.log.error("live_data_failed", reason=what, trace=traceback.format_exc())
            hint = "./logs/reconcile.log has the traceback; start the bot again"
            self._desk.alerts.raise_alert("live_data_lost", reason=what, attempts=1, hint=hint)

    def _ready(self, resolved: dict[int, ContractSpec]) -> None:
        self.instruments = instruments_of(self._asked, resolved)
        consumers = dict(self._make_consumers(self.instruments))
        self._drain = Drain(self._ring, {"tally": self._tally} | consumers, now=self._desk.now)
        self._watch.instruments, self._watch.consumers, self._watch.drain = self.instruments, consumers, self._drain
        self._drain.start()

    def _lost(self, attempt: int, why: str, hint: str | None) -> None:
        self._desk.log.warning("live_data_connection_lost", attempt=attempt, reason=why)
        if attempt == self._desk.settings.live_data.reconnect_max_retries:
            self._desk.alerts.raise_alert("live_data_lost", reason=why, attempts=attempt + 1, hint=hint)
