"""
The gateway: one world, several clients, no thread but the event loop's.

It listens on loopback only. "Today" at this gateway starts at midnight UTC of its clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from tieout.sim import conduct, linked, matching, messages
from tieout.sim.faults import Faults
from tieout.sim.incoming import Reader
from tieout.sim.layout import VERSION_MAX, VERSION_MIN
from tieout.sim.quotes import QUOTES
from tieout.sim.requests import ANSWERS
from tieout.sim.session import Session
from tieout.sim.ticks.feed import Feed
from tieout.sim.ticks.market import MarketPlan
from tieout.sim.ticks.requests import STREAMS
from tieout.sim.trading import TRADES
from tieout.sim.world import World

HOST: Final = "127.0.0.1"
NOTES_MAX: Final = 1000
_LINK_LOST: Final = 1100
_LINK: Final = {
    _LINK_LOST: "Connectivity between IB and Trader Workstation has been lost.",
    1101: "Connectivity between IB and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IB and Trader Workstation has been restored - data maintained.",
}
_HANDLERS: Final = {**ANSWERS, **TRADES, **QUOTES, **STREAMS}
_ACCEPT_TURNS: Final = 3
"""The event loop's turns from an accepted connection to its callback."""


class Gateway:
    """
    A simulated TWS on a world.

    `sessions` holds the started clients by client id, `notes` the last few things worth a line of log.
    """

    def __init__(
        self,
        world: World,
        *,
        now_ns: Callable[[], int],
        faults: Faults | None = None,
        version_max: int = VERSION_MAX,
        ticks: MarketPlan | None = None,
    ) -> None:
        if not VERSION_MIN <= version_max <= VERSION_MAX:
            raise ValueError(f"server version {version_max}, expected {VERSION_MIN} to {VERSION_MAX}")
        self.world = world
        self.now_ns = now_ns
        self.faults = faults or Faults()
        self.conduct = conduct.Conduct(self.faults)
        self.feed = Feed(self, ticks or MarketPlan())
        self.sessions_seen = 0
        self.version_max = version_max
        self.sessions: dict[int, Session] = {}
        self.notes: deque[str] = deque(maxlen=NOTES_MAX)
        self._bound_id = 0
        self._linked = True
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self, port: int) -> int:
        """
        Listen on loopback; port 0 takes any free one. Answers the port.

        Raises:
            OSError: the port is taken.
        """
        self._server = await asyncio.start_server(self._connected, HOST, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every client, also one that was let in a moment ago."""
        self.feed.close()
        if self._server is not None:
            await _let_in_no_more(self._server)
        connections = dict(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in connections.values():
            writer.transport.abort()  # a connection cancelled before its first step has not done it itself
        await asyncio.sleep(0)  # the transports let go of their sockets in the loop's next turn
        if self._server is not None:
            await self._server.wait_closed()

    def handle(self, session: Session, fields: list[str]) -> None:
        """Answer one request; one that the gateway does not know is passed over."""
        handler = _HANDLERS.get(fields[0])
        if self.conduct.refuses(fields[0]):
            about = int(fields[1]) if fields[0] == "3" else messages.NO_REQUEST
            session.error(321, conduct.READ_ONLY_TEXT, request_id=about)
        elif handler is None:
            self.note(f"client {session.client_id} asked {fields[0]!r}, which the gateway does not know")
        else:
            handler(session, Reader(fields, at=1))

    def publish(self, events: Iterable[matching.Event]) -> None:
        """Tell each event to the client that owns the order, if it is there and IB is reached."""
        for event in self.conduct.arrange(self.world, linked.consequences(self.world, events, self.now_ns())):
            if not self._linked:
                continue
            owner = self.sessions.get(event.order.client_id)
            if owner is not None and event.order.order_id != 0:
                owner.send(_event_message(event, owner.version))

    def set_price(self, con_id: int, price: Decimal) -> None:
        """The instrument trades at this price now; what it reaches fills."""
        self.publish(matching.move_price(self.world, con_id, price, now_ns=self.now_ns()))

    def say(self, session: Session, code: int, text: str, *, request_id: int) -> None:
        """Say an error to that client; the loss of IB and its return to every client."""
        if code not in _LINK:
            session.plain_error(code, text or f"Simulated message {code}", request_id=request_id)
            return
        self.link(code, text)

    def link(self, code: int, text: str = "") -> None:
        """IB is lost (1100) or back (1101, 1102), and every client is told."""
        self._linked = code != _LINK_LOST
        for one in tuple(self.sessions.values()):
            one.plain_error(code, text or _LINK[code])
        self.feed.link(code)

    def restart(self) -> None:
        """The daily restart: every client is cut off, and what nextValidId had learnt is forgotten."""
        self.world.id_marks.clear()
        self.conduct.restarted()
        for session in tuple(self.sessions.values()):
            session.cut()
        self.note("the gateway restarted")

    def bind_manual(self) -> None:
        """Manual orders get negative order ids, as when a client 0 binds them."""
        self._bound_id = conduct.bind_manual(self.world.live_orders(), self._bound_id)

    def take_bound_id(self) -> int:
        """The next negative order id, for a manual order that client 0 binds."""
        self._bound_id -= 1
        return self._bound_id

    def note(self, text: str) -> None:
        """Keep a line for whoever looks."""
        self.notes.append(text)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(Session(self, reader, writer).run())
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)


async def _let_in_no_more(server: asyncio.Server) -> None:
    """Close the listener behind the connections that it has accepted: asyncio fails on one that comes in between."""
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener.fileno())
    for _ in range(_ACCEPT_TURNS):
        await asyncio.sleep(0)
    server.close()


def _event_message(event: matching.Event, version: int) -> messages.Message:
    if event.fill is not None:
        return messages.execution(event.fill, version) if event.kind == "execution" else messages.commission(event.fill)
    return (
        messages.open_order(event.order, version) if event.kind == "open_order" else messages.order_status(event.order)
    )
