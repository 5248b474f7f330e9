"""The running bot's feed: live ticks to bars, to the recording and to the strategy; trouble with it stays with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.bot.market import Market
from tieout.clock import NS_PER_S
from tieout.errors import UsageError
from tieout.ticks.bars.building import BarBuilder, BarConsumer
from tieout.ticks.files.sink import ParquetSink
from tieout.ticks.live.asked import asked_for, names_of, trade_sources
from tieout.ticks.live.feed import Feed
from tieout.ticks.remote.publisher import NatsPublisher
from tieout.ticks.trades import TradeReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.bot.strategist import Strategist
    from tieout.staging.desk import Desk
    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments


class Feeding:
    """
    Starts the feed after the first reconcile and stops it with the bot; without `enable_tick_subscriptions` it does
    nothing. What the settings say at the start counts for the whole life of the bot.
    """

    def __init__(self, desk: Desk, strategist: Strategist | None, *, say: Callable[[str], None]) -> None:
        self._desk = desk
        self._strategist = strategist
        self._say = say
        self._feed: Feed | None = None
        self._names: list[str] = []
        self._told: dict[int, int] = {}
        self._told_ns: int | None = None

    def start(self) -> None:
        """Reach the gateway for ticks, in the background."""
        live = self._desk.settings.live_data
        if not live.enable_tick_subscriptions:
            return
        try:
            self._feed = Feed(self._desk, self._consumers)
        except MemoryError as error:
            self._desk.alerts.raise_alert(
                "live_data_lost", reason=f"no memory for the queue: {error}", attempts=1,
                hint="lower LIVE_DATA.max_event_queue_size, then start the bot again",
            )  # fmt: skip
            self._say("live data: there is no memory for LIVE_DATA.max_event_queue_size; the bot runs without")
            return
        self._feed.start()
        self._say(f"live data: {len(live.subscriptions)} subscription(s), client id {live.client_id}")

    def look(self, now_ns: int) -> None:
        """Tell of ticks that the strategy was too slow for: the first at once, then once in a while."""
        if self._strategist is None or self._feed is None:
            return
        lost = self._strategist.box.lost()
        new = {number: count - self._told.get(number, 0) for number, count in lost.items()}
        every_ns = self._desk.settings.alerts.rate_limit_seconds * NS_PER_S
        if not any(new.values()) or (self._told_ns is not None and now_ns - self._told_ns < every_ns):
            return
        self._told, self._told_ns = lost, now_ns
        named = {self._names[number]: count for number, count in new.items() if count}
        counts = self._strategist.box.counts()
        self._desk.alerts.raise_alert(
            "strategy_behind", lost=named, conflated=counts["conflated"], bars_lost=counts["bars_lost"]
        )

    def stop(self) -> None:
        """Leave the gateway, give everybody what waits, close files."""
        if self._feed is None:
            return
        self.look(self._desk.now())
        feed, self._feed = self._feed, None
        if not feed.stop():
            self._say("the feed did not end in time: it was left behind")
            self._desk.log.error("live_data_not_stopped")

    def _consumers(self, instruments: Instruments) -> dict[str, Consumer]:
        desk, live = self._desk, self._desk.settings.live_data
        asked = asked_for(live.subscriptions)
        self._names = names_of(asked, instruments)
        found: dict[str, Consumer] = {}
        if live.record:
            found["recording"] = ParquetSink(
                desk.workspace.ticks_dir, instruments, flush_seconds=live.record_flush_seconds,
                keep_days=live.record_keep_days, alarm=desk.alerts.raise_alert, now=desk.now,
            )  # fmt: skip
        if live.publish is not None and self._feed is not None:
            found |= self._publishing(live.publish, self._feed, instruments)
        if self._strategist is not None:
            market = Market(self._strategist.strategy, self._strategist.box, instruments, asked)
            self._strategist.listen(market)
            found["strategy"] = market
            if market.wants_bars:
                builder = BarBuilder(live.candle_interval_seconds, trades=TradeReader(trade_sources(asked)))
                found["bars"] = BarConsumer(builder, market.take_bars)
        return found

    def _publishing(self, server: str, feed: Feed, instruments: Instruments) -> dict[str, Consumer]:
        subject, alarm = self._desk.settings.live_data.publish_subject, self._desk.alerts.raise_alert
        try:
            publisher = NatsPublisher(server, subject, instruments, ring=feed.stats, alarm=alarm)
        except UsageError as error:
            alarm("ticks_not_published", reason=error.message, hint=error.hint)
            return {}
        return {"publishing": publisher}
