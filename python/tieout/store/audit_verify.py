"""
Verifying the audit: every row, every archive, and every end that was ever kept.

1. Each row's hash is its content's, and follows the row before: an edit, a removal or a swap is found.
2. Archives cover the chain's beginning without a hole, and are the files that the chain names.
3. Every kept head stands in the chain where it stood, so a cut tail is found. Heads that a restore took away are
   excused by the `restored` row that continues the chain, provided that a head at or after that row was kept later:
   whoever cuts the tail and appends such a row, without the state's knowledge, is found as well.
4. A break that an operator accepted (tieout.store.audit_accept) is told as that, never again as none: what it covers
   has to stay exactly as it was accepted, and the heads kept before it are settled with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from tieout.store.audit import GENESIS, Head, head, links, table_rows
from tieout.store.audit_archive import archives_named
from tieout.store.audit_walk import Walk, walk_archives
from tieout.store.tables import order_audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from tieout.store.audit_accept import Accepted, Settled

FULL_ROWS: Final = 20_000
"""Up to this many rows in the book a confirm verifies them all (measured: 0.4 s); beyond, only the chain's end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What verifying came to.

    `head` is how far the chain holds. `problem` is what is wrong with it, or None; `cut` says that all rows hold and
    only a kept head is missing, as after a restore by hand. `met`: the hash that was asked for stands in it.
    `accepted`: the breaks that an operator accepted, oldest first. `content`: the hash of all rows as they stand,
    which an acceptance commits to.
    """

    head: Head
    archives: int = 0
    heads: int = 0
    problem: str | None = None
    cut: bool = False
    met: bool = True
    accepted: tuple[Accepted, ...] = ()
    content: str = ""


def verify(
    connection: Connection,
    *,
    archives_dir: Path,
    kept: Sequence[Head],
    settled: Sequence[Settled] = (),
    expected: str = "",
) -> Verdict:
    """
    Verify the whole chain inside the caller's transaction.

    Args:
        archives_dir: where the archives are.
        kept: the heads that the state kept for this book, oldest first.
        settled: the acceptances that the state knows for this book, oldest first.
        expected: a hash, or its beginning, that must stand in the chain; as a log noted it, say.
    """
    walk = Walk(frozenset(one.rows for one in kept), expected, frozenset(one.hash for one in settled))
    reached = walk_archives(connection, archives_dir, walk)
    for row in table_rows(connection):
        reached = walk.step(row, reached)
    broken = walk.trouble is not None
    problem = walk.trouble if broken else _missing_head(kept, settled, walk=walk, end=reached)
    return Verdict(
        head=walk.held if broken else reached,
        archives=walk.archives,
        heads=len(kept),
        problem=problem,
        cut=not broken and problem is not None,
        met=broken or walk.met or not expected,
        accepted=tuple(walk.accepted),
        content=walk.content,
    )


def holds_quickly(connection: Connection, newest: Head | None) -> tuple[bool, Head]:
    """
    Whether the kept end is in the book, and the rows there hold, all of them or, beyond `FULL_ROWS`, the last one;
    and the chain's end. False may also mean that the kept end was archived: `verify` knows.
    """
    end = head(connection)
    if newest is not None and newest.rows > 0:
        kept = select(order_audit.c.id).where(order_audit.c.hash == newest.hash)
        if connection.execute(kept).first() is None:
            return False, end
    try:
        named = archives_named(connection)
    except ValueError:
        return False, end
    archived = Head(named[-1].last, named[-1].last_hash) if named else Head(0, GENESIS)
    if end.rows - archived.rows > FULL_ROWS:
        last = connection.execute(select(order_audit).order_by(order_audit.c.id.desc()).limit(1)).mappings().one()
        return links(dict(last), str(last["previous_hash"])), end
    previous = archived.hash
    for row in table_rows(connection):
        if not links(row, previous):
            return False, end
        previous = str(row["hash"])
    return True, end


def _missing_head(kept: Sequence[Head], settled: Sequence[Settled], *, walk: Walk, end: Head) -> str | None:
    """What is said where a kept head is not in the chain, and neither a restore nor an acceptance excuses it."""
    first = max((one.heads for one in settled if one.hash in walk.settling), default=0)
    # An acceptance that a restore took away leaves heads of a chain that was cut first: shorter than the restored one.
    branched = min((one.heads for one in settled if one.hash not in walk.settling), default=len(kept))
    anchored = 0
    for index in reversed(range(first, len(kept))):
        one = kept[index]
        reach = anchored if index >= branched else min(one.rows, anchored)
        if walk.at.get(one.rows, GENESIS if one.rows == 0 else "") == one.hash:
            anchored = max(anchored, one.rows)
        elif not any(row <= reach for row in walk.restored):
            if one.rows > end.rows:
                return f"the chain ends at row {end.rows}; it had {one.rows} rows before: its end was cut off"
            return f"row {one.rows} is not the one that was written: the rows up to it were written anew"
    return None
