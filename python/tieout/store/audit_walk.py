"""
Going along the audit's chain, row by row: archives first, then the book.

The walk does not stop at a break: it remembers the first one, and goes on hashing what stands there, since an
`accepted` row further on may have settled exactly that.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tieout.store.audit import ACCEPTED, ARCHIVED, GENESIS, RESTORED, Head, Row, archived_rows, row_hash
from tieout.store.audit_accept import Accepted
from tieout.store.audit_archive import Archive, archives_named, file_sha256, read_archive

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


@dataclass(slots=True)
class Walk:
    """
    Where the walk stands, and what is remembered of the way.

    Attributes:
        wanted: positions whose hash is to be remembered in `at`.
        expected: a hash, or its beginning, that must be met.
        settled: by hash, the acceptances that the state knows.
        trouble: the first break that nobody accepted; `held` is how far the chain holds before it.
        accepted: every `accepted` row on the way; `settling`: the hashes of those that count.
    """

    wanted: frozenset[int]
    expected: str = ""
    settled: frozenset[str] = frozenset()
    at: dict[int, str] = field(default_factory=dict)
    restored: list[int] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    settling: set[str] = field(default_factory=set)
    met: bool = False
    trouble: str | None = None
    held: Head = field(default_factory=lambda: Head(0, GENESIS))
    archives: int = 0
    _content: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def content(self) -> str:
        """SHA-256 over all that was met so far, as it stands: what an `accepted` row commits to."""
        return self._content.hexdigest()

    def step(self, row: Row, before: Head) -> Head:
        """Take one row, which should follow the chain's point `before`; answers the point that it makes."""
        here = before.rows + 1
        own = _own_hash(row)
        sound = own is not None and own == row["hash"]
        follows = sound and row["previous_hash"] == before.hash
        if not follows:
            moved = row["previous_hash"] != before.hash
            self.note(
                f"row {here} (id {row['id']}, {row['kind']} of {row['entity']}, {row['at']}) "
                + ("does not follow the row before it: one was removed, moved or edited" if moved else "was edited"),
                at=before,
            )
        if sound and row["kind"] == ACCEPTED:
            self._accept(row, here)
        if row["kind"] == RESTORED:
            self.restored.append(here)
        found = str(row["hash"])
        if here in self.wanted:
            self.at[here] = found
        self.met = self.met or found.startswith(self.expected)
        standing = own if own is not None else repr(sorted(row.items()))
        self._take(f"{row['id']} {standing} {row['hash']!r}")
        return Head(here, found)

    def note(self, problem: str, *, at: Head) -> None:
        """A break: the first one is told."""
        if self.trouble is None:
            self.trouble, self.held = problem, at

    def lack(self, problem: str, *, at: Head, found: str = "") -> None:
        """A break outside the rows; what was `found` there counts as content, like a row."""
        self.note(problem, at=at)
        self._take(f"{problem} {found}")

    def _accept(self, row: Row, here: int) -> None:
        told = Accepted.of_row(row, here)
        if told is None:
            return
        self.accepted.append(told)
        if row["hash"] not in self.settled:
            return
        if told.content == self.content:
            self.settling.add(row["hash"])
            self.trouble = None
            return
        first = "" if self.trouble is None else f"; the first break now: {self.trouble}"
        self.trouble = f"the rows before row {here} are not the ones that {told.by} accepted there{first}"

    def _take(self, text: str) -> None:
        self._content.update(text.encode("utf-8", "backslashreplace") + b"\n")


def walk_archives(connection: Connection, folder: Path, walk: Walk) -> Head:
    """Go through every archive that the chain names; answers where the rows in the book have to follow."""
    reached = Head(0, GENESIS)
    try:
        waiting = archives_named(connection)
    except ValueError as error:
        walk.lack(str(error), at=reached)
        return Head(archived_rows(connection), GENESIS)
    seen: dict[str, Archive] = {}
    while waiting:
        archive = waiting.pop()
        if archive.file in seen:
            walk.lack(f"the archive {archive.file} is named twice", at=reached)
            continue
        seen[archive.file] = archive
        waiting += _walk_archive(folder / archive.file, archive, walk)
    for archive in sorted(seen.values(), key=lambda one: one.first):
        if (archive.first, archive.previous_hash) != (reached.rows + 1, reached.hash):
            walk.lack(
                f"the archive {archive.file} does not follow row {reached.rows}: one before it is missing", at=reached
            )
        reached = Head(archive.last, archive.last_hash)
    walk.archives = len(seen)
    return reached


def _walk_archive(path: Path, archive: Archive, walk: Walk) -> list[Archive]:
    """The older archives that this one names."""
    named: list[Archive] = []
    start = reached = Head(archive.first - 1, archive.previous_hash)
    try:
        if (found := file_sha256(path)) != archive.sha256:
            told = f"the archive {archive.file} is not the file that was written: its SHA-256 differs"
            walk.lack(told, at=start, found=found)
        for row in read_archive(path):
            reached = walk.step(row, reached)
            if row["kind"] == ARCHIVED:
                named.append(Archive.of_row(row))
    except FileNotFoundError:
        walk.lack(f"the archive {archive.file} (rows {archive.first} to {archive.last}) is missing", at=start)
        return named
    except (OSError, EOFError, ValueError, zlib.error) as error:
        walk.lack(f"the archive {archive.file} cannot be read: {error}", at=start)
        return named
    if reached != Head(archive.last, archive.last_hash):
        walk.lack(f"the archive {archive.file} ends at row {reached.rows}, the chain says {archive.last}", at=start)
    return named


def _own_hash(row: Row) -> str | None:
    """The hash that the row's content has; None where a column holds what no audit row holds."""
    try:
        return row_hash(row)
    except (TypeError, ValueError):
        return None
