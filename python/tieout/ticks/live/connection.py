"""
The feed's connection: made, lost and made again, with everything asked for that the settings name.

1. 1101 says that subscriptions are lost: all are asked for anew, once. After 1102 nothing is. A new connection starts
   from nothing.
2. A lost connection is made again as long as the feed runs, `base_delay` to `max_delay` apart.
3. A subscription that is refused is told, and asked for again where 1 or 2 ask for all; one that is refused for want
   of room or for another session, every `max_delay` as well. The others go on.
4. Where a data farm was gone, an instrument that is silent is asked for anew, once: some were seen to stay dead.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tieout.broker import DataLine
from tieout.clock import NS_PER_S
from tieout.errors import TieoutError
from tieout.ticks.lane import FastLane, open_fast_lane
from tieout.ticks.live.asked import REQUEST_BASE
from tieout.ticks.live.slow_lane import SlowLane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tieout.alerts import Log
    from tieout.broker import BrokerSettings, ContractSpec, Said
    from tieout.config import LiveData
    from tieout.ticks.live.asked import Asked
    from tieout.ticks.live.standing import Standing
    from tieout.ticks.ring import TickRing

LISTEN_S: Final = 1.0
PROVE_NS: Final = 30 * NS_PER_S
"""How often the gateway is asked for its time: a socket can look healthy while it is dead."""


class Connection:
    """
    Keeps the data connection up. `stop` and `renew` may be called from any thread, the rest is for its own loop.

    Args:
        ready: called once, after the gateway was first asked what the instruments are: number -> contract.
        lost: called with each failure: how many came before it since the connection was last up, why, and what to do.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        live: LiveData,
        asked: Sequence[Asked],
        ring: TickRing,
        *,
        standing: Standing,
        now: Callable[[], int],
        ready: Callable[[dict[int, ContractSpec]], None],
        lost: Callable[[int, str, str | None], None],
        log: Log,
    ) -> None:
        self._settings = settings
        self._live = live
        self._asked = {one.instrument.number: one for one in asked}
        self._ring = ring
        self._standing = standing
        self._now = now
        self._ready: Callable[[dict[int, ContractSpec]], None] | None = ready
        self._lost = lost
        self._log = log
        self._resolved: dict[int, ContractSpec] = {}
        self._slow = SlowLane(ring, base=REQUEST_BASE, instruments=len(asked))
        self._fast: FastLane | None = None
        self._line: DataLine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._to_renew: frozenset[int] = frozenset()
        self._again_ns: dict[int, int] = {}
        self._farm_was_gone = False
        self._broken: str | None = None
        self._attempt = 0
        self._unknown_before = 0
        self._opened = 0

    @property
    def unknown(self) -> int:
        """Ticks that came under an id that nobody asked with."""
        return self._unknown_before + self._slow.unknown + (0 if self._fast is None else self._fast.unknown)

    def stop(self) -> None:
        """Cancel what is subscribed to, leave the gateway, and end."""
        self._in_loop(self._ended.set)

    def renew(self, numbers: Iterable[int]) -> None:
        """These ticked and are silent: where a data farm was gone meanwhile, ask for them anew."""
        self._to_renew = frozenset(numbers)
        self._in_loop(lambda: None)

    async def live(self) -> None:
        """Until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._broke)
        while not self._ended.is_set():
            why, hint = await self._once()
            if self._ended.is_set():
                break
            self._standing.asked = frozenset()
            self._standing.turn("down", self._now(), why)
            self._lost(self._attempt, why, hint)
            wait_s = self._live.delay_s(self._attempt, chance=random.random())
            self._attempt += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), wait_s)
        self._standing.asked = frozenset()
        self._standing.turn("ended", self._now())

    async def _once(self) -> tuple[str, str | None]:
        """One connection from its beginning to its end; why it ended, and what to do about it."""
        self._forget_lane()
        self._broken = None
        try:
            lane = self._lane if self._live.fast_lane else None
            line = DataLine(self._settings, taker=self._slow.taker(), lane=lane, kind=self._live.market_data_type)
            await line.open()
        except TieoutError as error:
            return error.message, error.hint
        self._line = line
        try:
            why = await self._serve(line)
        except OSError as error:  # the library refuses to write on a socket that is gone
            why = line.closed_why or str(error)
        finally:
            self._line = None
            await line.close()
        return self._broken or why, None

    def _broke(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Where the bytes are no stream of ticks any more, asyncio closes the socket and says so here."""
        error = context.get("exception")
        self._broken = error.message if isinstance(error, TieoutError) else f"{context['message']} ({error!r})"
        self._log.error("live_data_broken", reason=self._broken)

    async def _serve(self, line: DataLine) -> str:
        self._is_up(line)
        await self._resolve(line)
        if self._ready is not None:
            ready, self._ready = self._ready, None
            ready(dict(self._resolved))
        self._ask_all(line)
        proven_ns = self._now()
        while line.closed_why is None and not self._ended.is_set():
            for said in await line.heard(wait_s=LISTEN_S):
                await self._hear(line, said)
            self._renew(line)
            self._ask_again(line)
            if self._now() - proven_ns >= PROVE_NS:
                await line.answers()
                proven_ns = self._now()
        if line.closed_why is None:
            self._cancel(line, self._standing.asked)
        return line.closed_why or "the feed ends"

    def _is_up(self, line: DataLine) -> None:
        standing, now_ns = self._standing, self._now()
        self._attempt, self._farm_was_gone = 0, False
        standing.reconnects, self._opened = self._opened, self._opened + 1
        fast = self._fast if self._live.fast_lane else None
        standing.lane = "fast" if fast is not None and fast.slow is None else "slow"
        standing.lane_why = "LIVE_DATA.fast_lane is false" if fast is None else fast.slow
        if line.link_lost is None:
            standing.turn("up", now_ns)
        else:
            standing.turn("no_ib", now_ns, line.link_lost)
        self._log.info("live_data_connected", lane=standing.lane, lane_why=standing.lane_why)

    async def _resolve(self, line: DataLine) -> None:
        """Ask what the instruments are that are not known yet."""
        refused = {}
        for number, one in self._asked.items():
            if number in self._resolved or line.closed_why is not None or self._ended.is_set():
                continue
            found = await line.resolve(one.instrument.contract)
            if isinstance(found, str):
                refused[number] = found
            else:
                self._resolved[number] = found
        self._standing.refused = refused

    def _ask_all(self, line: DataLine) -> None:
        self._ask(line, self._asked)
        self._standing.restored += 1

    def _ask(self, line: DataLine, numbers: Iterable[int]) -> None:
        """Subscribe to those of them that the gateway knows."""
        wanted = [number for number in numbers if number in self._resolved]
        self._again_ns = {number: at_ns for number, at_ns in self._again_ns.items() if number not in wanted}
        for number in wanted:
            one = self._asked[number]
            line.subscribe(one.request_id, self._resolved[number], one.ticks)
        self._standing.asked |= frozenset(wanted)

    def _cancel(self, line: DataLine, numbers: Iterable[int]) -> None:
        for number in sorted(numbers):
            line.unsubscribe(self._asked[number].request_id, self._asked[number].ticks)
        self._standing.asked -= frozenset(numbers)

    async def _hear(self, line: DataLine, said: Said) -> None:
        standing = self._standing
        number = None if said.request_id is None else said.request_id - REQUEST_BASE
        if said.meaning == "ib_lost":
            standing.turn("no_ib", self._now(), said.words)
        elif said.meaning in {"ib_back", "data_lost"}:
            standing.turn("up", self._now())
            await self._ib_is_back(line, everything=said.meaning == "data_lost")
        elif said.meaning == "farm_broken":
            self._farm_was_gone = True
        elif number in self._asked:
            self._hear_of(number, said)
        self._log.info("live_data_said", code=said.code, text=said.text, meaning=said.meaning, instrument=number)

    def _hear_of(self, number: int, said: Said) -> None:
        standing = self._standing
        if said.meaning == "no_ticks":
            standing.refused = {**standing.refused, number: said.words}
            standing.asked -= {number}
            if said.passes:
                self._again_ns[number] = self._now() + int(self._live.max_delay * NS_PER_S)
        else:
            standing.notes = {**standing.notes, number: said.words}

    async def _ib_is_back(self, line: DataLine, *, everything: bool) -> None:
        """Ask for all anew, or only for what could not be asked for yet."""
        before = frozenset(self._resolved)
        if everything:
            # Whether the gateway forgot an id is its secret: one that it did not would be refused as a duplicate.
            self._cancel(line, before)
        await self._resolve(line)
        if everything:
            self._ask_all(line)
        else:
            self._ask(line, frozenset(self._resolved) - before)

    def _renew(self, line: DataLine) -> None:
        silent, self._to_renew = self._to_renew & self._standing.asked, frozenset()
        if silent and self._farm_was_gone:
            self._farm_was_gone = False
            self._cancel(line, silent)
            self._ask(line, silent)
            self._log.info("live_data_renewed", instruments=sorted(silent))

    def _ask_again(self, line: DataLine) -> None:
        """What was refused for a reason that may have passed."""
        due = {number for number, at_ns in self._again_ns.items() if at_ns <= self._now()}
        if due:
            self._again_ns = {number: at_ns for number, at_ns in self._again_ns.items() if number not in due}
            self._standing.refused = {n: why for n, why in self._standing.refused.items() if n not in due}
            self._cancel(line, due)
            self._ask(line, due)

    def _lane(self, connection: Any) -> None:
        self._fast = open_fast_lane(connection, self._ring, base=REQUEST_BASE, instruments=len(self._asked))

    def _forget_lane(self) -> None:
        if self._fast is not None:
            self._unknown_before, self._fast = self._unknown_before + self._fast.unknown, None

    def _in_loop(self, action: Callable[[], None]) -> None:
        """From any thread: do it in the loop, and let the loop look up."""

        def act() -> None:
            action()
            if self._line is not None:
                self._line.wake()

        loop = self._loop
        if loop is None:
            action()
            return
        with suppress(RuntimeError):  # the loop was closed a moment ago: nobody listens any more
            loop.call_soon_threadsafe(act)
