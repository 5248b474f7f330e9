"""
One client's connection: handshake, start, then request after request.

A client that breaks the protocol is cut off alone; a request the gateway does not know is passed over, as
TWS does with what its version does not know.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tieout.sim import codec, messages
from tieout.sim.fault_rules import counters
from tieout.sim.faults import AnswerName
from tieout.sim.incoming import Reader, RequestError
from tieout.sim.lane import Ends, Lane
from tieout.sim.layout import VERSION_MIN
from tieout.sim.ticks.pump import Pump
from tieout.sim.wording import stamp

if TYPE_CHECKING:
    from tieout.sim.gateway import Gateway

HANDSHAKE: Final = b"API\0"
START_API: Final = "71"
FARM_NOTICES: Final = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)
_VERSIONS: Final = re.compile(r"v(\d+)(?:\.\.(\d+))?(?: .*)?")


class Session:
    """A connected client. `version` and `client_id` are known once it has started."""

    def __init__(self, gateway: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.gateway = gateway
        self.reader = reader
        self.writer = writer
        self.version = 0
        self.client_id = -1
        self.placed_ids: set[int] = set()
        self.ticks = Pump(self, gateway.feed)
        self._silent = False
        self._said = Lane(self._ends(self._write))
        self._asked = Lane(self._ends(self._handle))

    async def run(self) -> None:
        """Serve the client until it leaves or breaks the protocol."""
        try:
            await self._serve()
        except (codec.FrameError, RequestError) as error:
            self.gateway.note(f"client {self.client_id} is cut off: {error}")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gateway.note(f"client {self.client_id} left")
        except asyncio.CancelledError:
            self.writer.transport.abort()  # the gateway closes: what is still queued is not sent
            raise
        finally:
            if self.gateway.sessions.get(self.client_id) is self:
                del self.gateway.sessions[self.client_id]
            await self.ticks.close()
            self.writer.close()

    def send(self, message: messages.Message) -> None:
        """Queue one message for the client, as far as the scenario lets it through."""
        self._said.pass_on(message)

    def stream(self, data: bytes) -> None:
        """Queue whole messages of streamed ticks; the rules of `faults` do not count them."""
        if data and not self._silent and not self.writer.is_closing():
            self.writer.write(data)

    def cut(self) -> None:
        """Close the connection behind what was said so far."""
        self.writer.close()

    def answer(self, name: AnswerName, rows: list[messages.Message], end: messages.Message) -> bool:
        """Queue a list and its End, as far as the gateway's faults let it through; whether the rows were among it."""
        if self.gateway.faults.breaks(name):
            self._break_inside([*rows, end])
            return False
        withheld = self.gateway.conduct.withholds(name)
        for row in [] if withheld else rows:
            self.send(row)
        if self.gateway.faults.ends(name):
            self.send(end)
        return not withheld

    def error(self, code: int, text: str, *, request_id: int = messages.NO_REQUEST) -> None:
        """Queue an error message."""
        self.send(messages.error(self.version, code, text, request_id=request_id))

    def plain_error(self, code: int, text: str, *, request_id: int = messages.NO_REQUEST) -> None:
        """Queue an error that a rule says: past the rules, so that none answers itself without end."""
        self._write(messages.error(self.version, code, text, request_id=request_id))

    async def _serve(self) -> None:
        if self.gateway.faults.silent:
            await self.reader.read()  # until the client gives up; what it said stays unanswered
            return
        if not await self._shake_hands() or not await self._start():
            return
        while not self.writer.is_closing():
            self._asked.pass_on(codec.decode(await codec.read_body(self.reader)))
            await self.writer.drain()

    async def _shake_hands(self) -> bool:
        if await self.reader.readexactly(len(HANDSHAKE)) != HANDSHAKE:
            raise codec.FrameError("the handshake does not begin with API")
        offer = (await codec.read_body(self.reader)).decode("ascii", errors="replace")
        match = _VERSIONS.fullmatch(offer)
        if match is None:
            raise codec.FrameError(f"the handshake offers {offer!r} instead of versions")
        lowest, highest = int(match[1]), int(match[2] or match[1])
        version = min(highest, self.gateway.version_max)
        if version < max(lowest, VERSION_MIN):
            self.gateway.note(f"a client offers server versions {lowest} to {highest}: no common one")
            return False
        self.version = version
        self.send([str(version), stamp(self.gateway.now_ns())])
        await self.writer.drain()
        return True

    async def _start(self) -> bool:
        fields = codec.decode(await codec.read_body(self.reader))
        while fields[0] != START_API:
            fields = codec.decode(await codec.read_body(self.reader))
        client_id = Reader(fields, at=2).integer()
        if client_id in self.gateway.sessions or client_id in self.gateway.faults.busy_client_ids:
            self.error(326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
            await self.writer.drain()
            return False
        self.client_id = client_id
        self.gateway.sessions[client_id] = self
        self._arm()
        self.send(messages.managed_accounts(self.gateway.world.accounts))
        self.send(messages.next_valid_id(self.gateway.conduct.next_id(self.gateway.world.next_id(client_id))))
        for code, text in FARM_NOTICES:
            self.error(code, text)
        await self.writer.drain()
        return True

    def _arm(self) -> None:
        """From here on the scenario's rules count this connection's messages."""
        gateway = self.gateway
        gateway.sessions_seen += 1
        said, asked = counters(
            gateway.faults.rules, seed=gateway.faults.seed, session=gateway.sessions_seen, client=self.client_id
        )
        self._said = Lane(self._ends(self._write), said)
        self._asked = Lane(self._ends(self._handle), asked)

    def _ends(self, deliver: Callable[[list[str]], None]) -> Ends:
        return Ends(
            deliver=deliver,
            cut=self.cut,
            silence=self._fall_silent,
            say=lambda code, text, about: self.gateway.say(self, code, text, request_id=about),
            restart=self.gateway.restart,
        )

    def _fall_silent(self) -> None:
        self._silent = True

    def _write(self, message: messages.Message) -> None:
        if not self._silent and not self.writer.is_closing():
            self.writer.write(codec.encode(message))

    def _handle(self, fields: list[str]) -> None:
        if not self._silent:
            self.gateway.handle(self, fields)

    def _break_inside(self, answer: list[messages.Message]) -> None:
        data = b"".join(codec.encode(message) for message in answer)
        self.writer.write(data[: len(data) // 2])
        self.writer.close()
