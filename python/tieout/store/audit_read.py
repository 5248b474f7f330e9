"""Reading the audit for a person: rows of an order, of a plan, since a time; archives first, then the book."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout.store import engine, migrate
from tieout.store.audit import ARCHIVED, Row, table_rows
from tieout.store.audit_archive import Archive, archives_named, read_archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which rows. `order` is the book's row of the order, IB's order_id or its perm_id; `plan` the beginning of a
    plan's id; `since` an ISO-8601 time with Z, as the rows have it. None wants all.
    """

    order: int | None = None
    plan: str | None = None
    since: str | None = None

    def takes(self, row: Row) -> bool:
        """Whether that row is wanted."""
        if self.since is not None and row["at"] < self.since:
            return False
        if self.plan is not None and not (row["plan_id"] or "").startswith(self.plan):
            return False
        return self.order is None or _of_order(row, self.order)


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows found, each with its `position` in the chain, and the archives that could not be read, with why."""

    rows: list[Row]
    unread: list[str]


def read_audit(book: Path, archives_dir: Path, wanted: Wanted) -> Reading:
    """
    The wanted rows in the chain's order. Nothing is verified: that is `tieout.store.audit_verify`'s.

    Raises:
        BookError: the book cannot be read.
    """
    unread: list[str] = []
    with engine.connect(book) as connection, engine.read(connection):
        migrate.require_current(connection, book)
        try:
            named = archives_named(connection)
        except ValueError as error:
            named, unread = [], [str(error)]
        found = _from_archives(named, archives_dir, wanted=wanted, unread=unread)
        start = named[-1].last + 1 if named else 1
        found += _taken(table_rows(connection), start, wanted)
    return Reading(found, unread)


def image(text: str | None) -> dict[str, object]:
    """`before` or `after` as values; what is no JSON object (somebody edited it) comes as {"text": ...}."""
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"text": text}


def _from_archives(named: list[Archive], folder: Path, *, wanted: Wanted, unread: list[str]) -> list[Row]:
    waiting, found, seen = list(named), list[Row](), set[str]()
    while waiting:
        archive = waiting.pop()
        if archive.file in seen:
            continue
        seen.add(archive.file)
        inner: list[Archive] = []
        try:
            rows = _noting(read_archive(folder / archive.file), inner)
            found += list(_taken(rows, archive.first, wanted))
        except (OSError, EOFError, ValueError) as error:
            unread.append(f"{archive.file} (rows {archive.first} to {archive.last}): {error}")
        waiting += inner
    return sorted(found, key=lambda row: int(row["position"]))


def _noting(rows: Iterator[Row], inner: list[Archive]) -> Iterator[Row]:
    """The rows as they come, noting the older archives that they name."""
    for row in rows:
        if row["kind"] == ARCHIVED:
            inner.append(Archive.of_row(row))
        yield row


def _taken(rows: Iterable[Row], first: int, wanted: Wanted) -> Iterator[Row]:
    for position, row in enumerate(rows, start=first):
        if wanted.takes(row):
            yield {"position": position, **row}


def _of_order(row: Row, order: int) -> bool:
    digits = str(order)
    if row["entity"] == "order" and row["row"] == order:
        return True
    if digits not in (row["before"] or "") and digits not in (row["after"] or ""):
        return False
    keys = ("order_row", "order_id", "perm_id")
    return any(image(row[side]).get(key) == order for side in ("before", "after") for key in keys)
