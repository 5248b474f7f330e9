"""
Verifying the audit: every row, every archive, and every end that was ever kept.

1. Each row's hash is its content's, and follows the row before: an edit, a removal or a swap is found.
2. Archives cover the chain's beginning without a hole, and are the files that the chain names.
3. Every kept head stands in the chain where it stood, so a cut tail is found. Heads that a restore took away are
   excused by the `restored` row that continues the chain, provided that a head at or after that row was kept later:
   whoever cuts the tail and appends such a row, without the state's knowledge, is found as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from tieout.store.audit import ARCHIVED, GENESIS, RESTORED, Head, Row, head, links, table_rows
from tieout.store.audit_archive import Archive, archives_named, file_sha256, read_archive
from tieout.store.tables import order_audit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

FULL_ROWS: Final = 20_000
"""Up to this many rows in the book a confirm verifies them all (measured: 0.4 s); beyond, only the chain's end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What verifying came to.

    `head` is how far the chain holds. `problem` is what is wrong with it, or None; `cut` says that all rows hold and
    only a kept head is missing, as after a restore by hand. `met`: the hash that was asked for stands in it.
    """

    head: Head
    archives: int = 0
    heads: int = 0
    problem: str | None = None
    cut: bool = False
    met: bool = True


class _Broken(Exception):
    """The chain is wrong here; the text says how."""


@dataclass(slots=True)
class _Walk:
    """Going along the chain: where it stands, and what is remembered of the way."""

    wanted: frozenset[int]
    expected: str
    at: dict[int, str] = field(default_factory=dict)
    restored: list[int] = field(default_factory=list)
    met: bool = False

    def step(self, row: Row, before: Head) -> Head:
        """
        Take one row.

        Raises:
            _Broken: it does not follow.
        """
        here = before.rows + 1
        if not links(row, before.hash):
            moved = row["previous_hash"] != before.hash
            raise _Broken(
                f"row {here} (id {row['id']}, {row['kind']} of {row['entity']}, {row['at']}) "
                + ("does not follow the row before it: one was removed, moved or edited" if moved else "was edited")
            )
        found = str(row["hash"])
        if here in self.wanted:
            self.at[here] = found
        if row["kind"] == RESTORED:
            self.restored.append(here)
        self.met = self.met or found.startswith(self.expected)
        return Head(here, found)


def verify(connection: Connection, *, archives_dir: Path, kept: Sequence[Head], expected: str = "") -> Verdict:
    """
    Verify the whole chain inside the caller's read transaction.

    Args:
        archives_dir: where the archives are.
        kept: the heads that the state kept for this book, oldest first.
        expected: a hash, or its beginning, that must stand in the chain; as a log noted it, say.
    """
    walk = _Walk(frozenset(one.rows for one in kept), expected)
    reached, archives = Head(0, GENESIS), 0
    try:
        for archive in _archives(connection, archives_dir, walk):
            if (archive.first, archive.previous_hash) != (reached.rows + 1, reached.hash):
                raise _Broken(
                    f"the archive {archive.file} does not follow row {reached.rows}: one before it is missing"
                )
            reached, archives = Head(archive.last, archive.last_hash), archives + 1
        for row in table_rows(connection):
            reached = walk.step(row, reached)
    except _Broken as broken:
        return Verdict(reached, archives, len(kept), str(broken))
    problem = _missing_head(kept, walk, reached)
    return Verdict(reached, archives, len(kept), problem, cut=problem is not None, met=walk.met or not expected)


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


def _archives(connection: Connection, folder: Path, walk: _Walk) -> list[Archive]:
    """Every archive that the chain names, each walked through, in the chain's order."""
    try:
        waiting = archives_named(connection)
        seen: dict[str, Archive] = {}
        while waiting:
            archive = waiting.pop()
            if archive.file in seen:
                raise _Broken(f"the archive {archive.file} is named twice")
            seen[archive.file] = archive
            waiting += _walk_archive(folder / archive.file, archive, walk)
    except ValueError as error:
        raise _Broken(str(error)) from error
    return sorted(seen.values(), key=lambda one: one.first)


def _walk_archive(path: Path, archive: Archive, walk: _Walk) -> list[Archive]:
    named: list[Archive] = []
    reached = Head(archive.first - 1, archive.previous_hash)
    try:
        if file_sha256(path) != archive.sha256:
            raise _Broken(f"the archive {archive.file} is not the file that was written: its SHA-256 differs")
        for row in read_archive(path):
            reached = walk.step(row, reached)
            if row["kind"] == ARCHIVED:
                named.append(Archive.of_row(row))
    except FileNotFoundError as error:
        raise _Broken(f"the archive {archive.file} (rows {archive.first} to {archive.last}) is missing") from error
    except (OSError, EOFError) as error:
        raise _Broken(f"the archive {archive.file} cannot be read: {error}") from error
    if reached != Head(archive.last, archive.last_hash):
        raise _Broken(f"the archive {archive.file} ends at row {reached.rows}, the chain says {archive.last}")
    return named


def _missing_head(kept: Sequence[Head], walk: _Walk, end: Head) -> str | None:
    anchored = 0
    for one in reversed(kept):
        if walk.at.get(one.rows, GENESIS if one.rows == 0 else "") == one.hash:
            anchored = max(anchored, one.rows)
        elif not any(row <= min(one.rows, anchored) for row in walk.restored):
            if one.rows > end.rows:
                return f"the chain ends at row {end.rows}; it had {one.rows} rows before: its end was cut off"
            return f"row {one.rows} is not the one that was written: the rows up to it were written anew"
    return None
