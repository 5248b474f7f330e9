"""The Flex statements that were kept, as a further part of what the broker said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tieout.clock import NS_PER_S, to_iso
from tieout.errors import StatementUnusable
from tieout.reconcile.coverage import covered_spans, day_end_ns
from tieout.store import reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tieout.broker.flex import Document, Kept
    from tieout.canonical import Json
    from tieout.config import Workspace
    from tieout.model import Snapshot
    from tieout.staging.desk import Desk

_CLOCKS_APART_NS: Final = 120 * NS_PER_S


def with_statements(desk: Desk, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the kept statements of its account; one that cannot be used is a hole in the evidence."""
    from tieout.broker.flex import kept_statements

    zone = desk.settings.flex.time_zone
    statements, part = kept_statements(desk.workspace.flex_dir, snapshot.gateway.account, zone=zone)
    if part is None:
        return snapshot
    return replace(snapshot, statements=statements, parts={**snapshot.parts, "flex": part})


def told(snapshot: Snapshot) -> dict[str, Json]:
    """The statements as a plan's certificate carries them, and the spans of time that they cover together."""
    statements: list[Json] = [
        {
            "statement": one.statement_id,
            "kind": one.kind,
            "from": one.first_day.isoformat(),
            "to": one.last_day.isoformat(),
            "generated_at": to_iso(one.generated_ns),
            "executions": one.executions.height,
        }
        for one in snapshot.statements
    ]
    covers: list[Json] = [[to_iso(begin), to_iso(end)] for begin, end in covered_spans(snapshot.statements)]
    return {"statements": statements, "covers": covers}


@dataclass(frozen=True, slots=True)
class Taken:
    """A statement that is kept now; `new` is false where it was kept before. `notes` are for the operator."""

    kept: Kept
    new: bool
    notes: tuple[str, ...]


def take(workspace: Workspace, data: bytes, *, by: str, origin: str, at_ns: int) -> Taken:
    """
    Check a statement against the workspace, and keep it.

    It must be of the workspace's account (the one in the settings, else those of the book, else any), and must not
    be over before the book's first record.

    Raises:
        StatementUnusable: what is wrong with it; nothing was kept.
        BookError: the book cannot be read.
    """
    from tieout.broker.flex import Reading, keep, kept_files, read_statement

    zone = workspace.settings.flex.time_zone
    accounts, first_ns = _book_knows(workspace)
    configured = workspace.settings.broker.account
    wanted = frozenset({configured}) if configured else accounts
    document = read_statement(data, Reading(wanted, zone))
    if document.generated_ns > at_ns + _CLOCKS_APART_NS:
        raise StatementUnusable(
            f"the statement was generated at {to_iso(document.generated_ns)}, and it is {to_iso(at_ns)} now",
            hint="check this computer's clock, and FLEX.time_zone; nothing was kept",
        )
    end_ns = day_end_ns(document.last_day)
    if first_ns is not None and end_ns <= first_ns:
        raise StatementUnusable(
            f"the statement ends on {document.last_day}, before the book's first record ({to_iso(first_ns)}): "
            "they have no day in common",
            hint="set the query's period to the days that are missing; nothing was kept",
        )
    new = document.statement_id not in {one.statement_id for one in kept_files(workspace.flex_dir)}
    kept = keep(workspace.flex_dir, data, document, by=by, origin=origin, zone=zone, at_ns=at_ns)
    return Taken(kept, new, tuple(_notes(document, kept)))


def _notes(document: Document, kept: Kept) -> Iterator[str]:
    if document.lacks:
        yield f"not ticked in the query: {', '.join(document.lacks)}; with them more orders are found by themselves"
    if kept.left_out:
        yield f"{kept.left_out} row(s) are no executions (sums, busted or booked trades) and were left out"
    if document.last_whole_day < document.first_day:
        yield "it was generated on the day that it is about: it shows executions, and proves no absence"


def _book_knows(workspace: Workspace) -> tuple[frozenset[str], int | None]:
    """The accounts in the book, and the time of its first record."""
    if not workspace.book.is_file():
        return frozenset(), None
    book = reader.load(workspace.book)
    accounts = {one for frame in (book.orders, book.executions) for one in frame["account"].unique() if one}
    times = (book.orders["placed_ns"].min(), book.executions["executed_ns"].min())
    known = [one for one in times if isinstance(one, int)]
    return frozenset(accounts), min(known, default=None)
