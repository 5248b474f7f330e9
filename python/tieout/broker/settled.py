"""
Two reads after a gateway restart: its reports are late then, and a late report looks like an absence.

1. A part is complete only where two reads in a row, a pause apart, are complete and say the same about it.
2. Only what bears a conclusion is compared: which orders, executions and positions there are, how they stand, how
   much of them is filled. A commission or an average that comes late is no difference.
3. The second of the two is what is answered; presence in it is proof as ever.

What the API lets us see of a restart is little, so each of these counts as one: a socket that the gateway closed, one
that died without a word, 1100, 1101 or 1102, a nextValidId that went back.
Sources: ib-facts ("reports are late. Read twice after it", "nextValidId rolls back").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from tieout.broker.collect import THEY_CLOSED
from tieout.broker.ib import Link
from tieout.model import Part, PartName, Snapshot

READS_MAX: Final = 4
"""After so many reads of which no two in a row agree, what still moves is incomplete."""

_TELLING: Final[dict[PartName, tuple[str, ...]]] = {
    "open_orders": ("perm_id", "client_id", "order_id", "status", "filled_quantity_e8", "quantity_e8",
                    "limit_price_e8", "stop_price_e8"),
    "completed_orders": ("perm_id", "status", "filled_quantity_e8", "placed_ns", "symbol", "side"),
    "executions": ("exec_id", "perm_id", "quantity_e8", "price_e8"),
    "positions": ("con_id", "symbol", "local_symbol", "quantity_e8"),
}  # fmt: skip


class Suspicion:
    """What was seen of a restart through the connections of one adapter, until a settled snapshot was read."""

    def __init__(self) -> None:
        self.silence: str | None = None
        self._lost: str | None = None
        self._told: int | None = None

    def opened(self, link: Link) -> None:
        """A connection was made."""
        told, self._told = self._told, link.collector.next_valid_id
        if told is not None and self._told is not None and self._told < told:
            self._lost = f"nextValidId went back from {told} to {self._told}"

    def ended(self, link: Link) -> None:
        """A connection is over; that it was closed at our end is no sign."""
        if link.collector.closed_why == THEY_CLOSED:
            self._lost = THEY_CLOSED
        self._lost = self._lost or link.collector.disturbed

    def silent(self) -> None:
        """The gateway did not tell its time: the socket had died without a word."""
        self.silence = "the gateway did not answer on a connection that seemed to be up"

    def settled(self, link: Link | None) -> None:
        """A settled snapshot was read: whatever was suspected is over."""
        self.silence = self._lost = None
        if link is not None:
            link.collector.disturbed = None

    def why(self, link: Link | None) -> str | None:
        """Why the gateway may have restarted; the connection that is up is looked at as well."""
        if link is not None and not link.alive:
            self.ended(link)
        return self.silence or self._lost or (None if link is None else link.collector.disturbed)


async def read_settled(read: Callable[[], Awaitable[Snapshot]], *, pause_s: float, why: str) -> Snapshot:
    """
    Read until two reads in a row agree, at most `READS_MAX` times.

    Args:
        read: one whole read.
        pause_s: between the end of a read and the next one.
        why: what made one read not enough; it stands in the snapshot.
    """
    latest, count, doubts = await read(), 1, {"all": why}
    while doubts and count < READS_MAX:
        await asyncio.sleep(pause_s)
        before, latest, count = latest, await read(), count + 1
        doubts = {name: doubt for name in latest.parts if (doubt := _doubt(before, latest, name)) is not None}
    parts = {name: replace(part, reads=count, why=part.why or doubts.get(name)) for name, part in latest.parts.items()}
    return replace(latest, parts=parts, read_twice=why)


def _doubt(before: Snapshot, latest: Snapshot, name: PartName) -> str | None:
    """Why this part of the two is not settled, or None."""
    part = latest.parts[name]
    if not part.complete:
        return part.why
    earlier: Part | None = before.parts.get(name)
    if earlier is None or not earlier.complete:
        return f"the read before it was incomplete ({earlier.why if earlier else 'not asked'}), and two must agree"
    was, now = (getattr(one, name).select(_TELLING[name]) for one in (before, latest))
    if was.height == now.height and not was.join(now, on=was.columns, how="anti", nulls_equal=True).height:
        return None
    return f"two reads of it differ ({was.height} and {now.height} rows): the gateway is still catching up"
