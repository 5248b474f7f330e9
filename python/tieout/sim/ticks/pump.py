"""What sends one client its ticks: on time, in batches, and never more than it takes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S
from tieout.sim.ticks.cursor import Cursor

if TYPE_CHECKING:
    from tieout.sim.session import Session
    from tieout.sim.ticks.feed import Feed
    from tieout.sim.ticks.market import Market, Source
    from tieout.sim.ticks.wire import Wanted

TURN_S: Final = 0.005
"""Between two looks at what is due; what became due meanwhile goes out in one piece."""


class Pump:
    """
    One client's subscriptions, and the task that serves them while there are any.

    It waits until the client has taken what was sent: ticks are then late, never lost, and memory is what the transport
    holds. Each client has a place of its own in every market, so a slow one holds up nobody else.
    """

    def __init__(self, session: Session, feed: Feed) -> None:
        self._session = session
        self._feed = feed
        self._cursors: dict[int, Cursor] = {}
        self._begun: dict[int, int] = {}
        self._by_request: dict[int, Cursor] = {}
        self._task: asyncio.Task[None] | None = None

    def count(self, *, by_tick: bool) -> int:
        """How many subscriptions there are, by tick or to quotes."""
        return sum(
            (wanted.kind != "quotes") == by_tick for one in self._cursors.values() for wanted in one.wanted.values()
        )

    def has(self, request: int, *, by_tick: bool | None = None) -> bool:
        """Whether that request is a subscription, of that sort."""
        cursor = self._by_request.get(request)
        if cursor is None:
            return False
        return by_tick is None or (cursor.wanted[request].kind != "quotes") == by_tick

    def add(self, market: Market, source: Source, wanted: Wanted) -> None:
        """Subscribe; the first words are queued at once."""
        cursor = self._cursors.get(market.con_id)
        if cursor is None:
            plan = self._feed.plan
            cursor = Cursor(market, source, now_ns=self._session.gateway.now_ns(), start_ns=plan.start_ns)
            self._cursors[market.con_id] = cursor
            self._begin(cursor)
        self._by_request[wanted.request] = cursor
        self._session.stream(cursor.add(wanted))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def remove(self, request: int) -> None:
        """Unsubscribe; nothing more of it comes."""
        cursor = self._by_request.pop(request)
        cursor.remove(request)
        if not cursor.wanted:
            del self._cursors[cursor.market.con_id]

    def clear(self) -> None:
        """Forget every subscription."""
        self._cursors.clear()
        self._by_request.clear()

    def begin_again(self) -> None:
        """Every market goes on from where it stands, as if no time had gone by."""
        for cursor in self._cursors.values():
            self._begin(cursor)

    async def close(self) -> None:
        """The client left."""
        self.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self, cursor: Cursor) -> None:
        """From now on the market's time runs on from its next event."""
        self._begun[cursor.market.con_id] = time.monotonic_ns() - self._slow(cursor.reached_ns)

    def _slow(self, market_ns: int) -> int:
        speed = self._feed.plan.speed
        return 0 if speed is None else round(market_ns / speed)

    def _due_ns(self, cursor: Cursor) -> int | None:
        speed = self._feed.plan.speed
        return None if speed is None else int((time.monotonic_ns() - self._begun[cursor.market.con_id]) * speed)

    async def _run(self) -> None:
        session = self._session
        try:
            while not session.writer.is_closing():
                if not self._cursors:
                    break
                busy = False
                for cursor in tuple(self._cursors.values()):
                    busy |= self._turn(cursor)
                    await session.writer.drain()
                await asyncio.sleep(0 if busy else self._pause_s())
        except ConnectionError:
            session.gateway.note(f"client {session.client_id} left while ticks were sent")
        except Exception as error:
            session.gateway.note(f"client {session.client_id} is cut off: its ticks failed: {error}")
            session.cut()
            raise
        finally:
            self._task = None

    def _turn(self, cursor: Cursor) -> bool:
        """Send what is due of one market; whether more may be due already."""
        market, feed = cursor.market, self._feed
        if market.con_id not in self._cursors or not feed.streams(market):
            return False
        data = cursor.take(self._due_ns(cursor), before=feed.next_fault(market))
        self._session.stream(data)
        feed.told(market)
        due = self._due_ns(cursor)
        return not cursor.ended and (due is None or cursor.reached_ns <= due)

    def _pause_s(self) -> float:
        """Until something is due again; at least a turn, so that what comes close together goes out together."""
        speed = self._feed.plan.speed
        waits = [
            (cursor.reached_ns - (self._due_ns(cursor) or 0)) / NS_PER_S / (speed or 1.0)
            for cursor in self._cursors.values()
            if not cursor.ended and self._feed.streams(cursor.market)
        ]
        return min(max([TURN_S, min(waits, default=PAUSE_S_MAX)]), PAUSE_S_MAX)


PAUSE_S_MAX: Final = 0.05
"""Nobody wakes it, so it looks this often for new subscriptions and markets that speak again."""
