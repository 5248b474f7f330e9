"""
Resolve: the operator's choice in one ambiguous match, kept with who, when and why.

A choice changes nothing by itself: the next stage follows it, as long as both records are what was shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tieout.canonical import digest
from tieout.errors import PlanMissing, PlanTampered, UsageError
from tieout.reconcile.ambiguity import LISTED_MAX
from tieout.staging.approve import named_by
from tieout.store import engine, migrate, reader
from tieout.store.resolutions import Choice, Record, Resolution

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.staging.desk import Desk

CANDIDATES_NAMED_MAX: Final = 64
"""A broker's record with this many candidates may have more than the file names."""
_NAMED_MAX: Final = 20
"""Records of a match that an error names."""
_STAGE: Final = "run `tieout stage`; it lists the ambiguous matches in ./logs/ambiguous_matches.json"


@dataclass(frozen=True, slots=True)
class Match:
    """
    An ambiguous match as the newest stage listed it.

    `candidates` are pairs of positions with what differs; `possible` is how many there are, listed or not.
    """

    match_id: str
    entity: str
    account: str | None
    reason: str
    why: str
    broker: tuple[Record, ...]
    book: tuple[Record, ...]
    candidates: tuple[dict[str, Any], ...]
    possible: int
    simulated: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """The choice that was kept, and how many earlier ones gave way to it."""

    resolution: Resolution
    replaced: int


def open_matches(path: Path) -> list[Match]:
    """
    The ambiguous matches of the newest stage.

    Raises:
        PlanMissing: nothing was ever staged here.
        PlanTampered: the file is not what a stage writes; a match's id is the hash of its records.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = [_match(entry, simulated=content["simulated"]) for entry in content["ambiguous_matches"]]
    except FileNotFoundError as error:
        raise PlanMissing("no stage has listed ambiguous matches here", hint=_STAGE) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PlanTampered(f"{path.name} is not what `tieout stage` writes", hint=_STAGE) from error
    for match in found:
        expected = digest([match.entity, match.account, list(match.broker), list(match.book)])[:16]
        if match.match_id != expected:
            raise PlanTampered(f"match {match.match_id} in {path.name} was edited: its records have another id",
                               hint=_STAGE)  # fmt: skip
    return found


def find_match(path: Path, prefix: str) -> Match:
    """
    The open match whose id begins so.

    Raises:
        UsageError: none does, or several.
        PlanMissing, PlanTampered: as `open_matches`.
    """
    found = {match.match_id: match for match in open_matches(path)}
    if not found:
        raise UsageError("the newest stage found no ambiguous match", hint=_STAGE)
    return found[named_by(prefix, found, what="ambiguous match", hint="`tieout show` lists them")]


def pair_of(match: Match, left: str, right: str) -> tuple[int, int]:
    """
    Positions of the two records that the operator named.

    Args:
        left: a broker's record: its perm_id (an execution's exec_id), or #N by its position from 0.
        right: a book's record: its row id, or #N.

    Raises:
        UsageError: no such record, or the two are no candidates of each other.
    """
    key = "exec_id" if match.entity == "execution" else "perm_id"
    i = _position(match.broker, left, key=key, side="broker")
    j = _position(match.book, right, key="row", side="book")
    listed = {(one["broker"], one["book"]) for one in match.candidates}
    named = sum(one["broker"] == i for one in match.candidates)
    all_listed = named < CANDIDATES_NAMED_MAX and len(match.candidates) < LISTED_MAX
    if (i, j) not in listed and all_listed:
        raise UsageError(
            f"{key} {left} and row {right} are in match {match.match_id}, but are no candidates of each other",
            hint=f"`tieout resolve {match.match_id}` shows which are",
        )
    perm_id, known = match.broker[i].get("perm_id"), match.book[j].get("perm_id")
    if match.reason.startswith("forked") and known is not None and known != perm_id:
        raise UsageError(
            f"row {right} is known to be perm_id {known}; perm_id {perm_id} is a second order on the same key",
            hint="--none makes it an order of its own",
        )
    return i, j


def resolve(desk: Desk, match: Match, pair: tuple[int, int] | None, *, by: str, reason: str) -> Resolved:
    """
    Keep the choice. The caller holds the reconcile lock.

    Args:
        pair: positions of the two that are the same; None: none of the match's records is any other's, as far
            as they were not paired before.

    Raises:
        UsageError: name or reason is blank, or nothing is left to decide.
        BookError: the book, whose rows the choice is about, cannot be read.
    """
    if not by.strip() or not reason.strip():
        raise UsageError("who decides and why is missing", hint="add --by NAME --reason TEXT")
    book = desk.workspace.book
    with engine.connect(book) as connection, engine.read(connection):
        migrate.require_current(connection, book)
        lineage = reader.identity(connection).lineage
    if pair is None:
        earlier = desk.state.resolutions(lineage=lineage, simulated=match.simulated)
        resolution = _none(match, earlier, by=by.strip(), reason=reason.strip(), at_ns=desk.now())
    else:
        i, j = pair
        sides = ((match.broker[i],), (match.book[j],))
        resolution = _choice(match, "pair", sides, by=by.strip(), reason=reason.strip(), at_ns=desk.now())
    replaced = desk.state.resolve(resolution, lineage=lineage, simulated=match.simulated)
    desk.log.info(
        "match_resolved",
        match=match.match_id,
        resolution=resolution.resolution_id,
        choice=resolution.choice,
        by=resolution.by,
        signed=desk.who,
        reason=resolution.reason,
        replaced=replaced,
    )
    return Resolved(resolution, replaced)


def _none(match: Match, earlier: list[Resolution], *, by: str, reason: str, at_ns: int) -> Resolution:
    pairs = [one.fingerprints for one in earlier if one.choice == "pair" and one.entity == match.entity]
    paired = {one for sides in pairs for side in sides for one in side}
    whole = _choice(match, "none", (match.broker, match.book), by=by, reason=reason, at_ns=at_ns)
    broker = tuple(record for record in match.broker if whole.fingerprint(record) not in paired)
    book = tuple(record for record in match.book if whole.fingerprint(record) not in paired)
    if not broker and not book:
        raise UsageError(f"every record of match {match.match_id} was paired already", hint="run `tieout stage`")
    return _choice(match, "none", (broker, book), by=by, reason=reason, at_ns=at_ns)


def _choice(
    match: Match,
    choice: Choice,
    sides: tuple[tuple[Record, ...], tuple[Record, ...]],
    *,
    by: str,
    reason: str,
    at_ns: int,
) -> Resolution:
    return Resolution(
        match_id=match.match_id,
        entity=match.entity,
        account=match.account,
        choice=choice,
        broker=sides[0],
        book=sides[1],
        by=by,
        reason=reason,
        at_ns=at_ns,
    )


def _position(records: tuple[Record, ...], named: str, *, key: str, side: str) -> int:
    found = [i for i, record in enumerate(records) if str(record.get(key)) == named and record.get(key) is not None]
    if not found and named.startswith("#") and named[1:].isdecimal() and int(named[1:]) < len(records):
        found = [int(named[1:])]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"#{i} {key} {record.get(key)}" for i, record in enumerate(records[:_NAMED_MAX])) or "none"
    if len(records) > _NAMED_MAX:
        known += f" and {len(records) - _NAMED_MAX:,} more"
    many = "several records of the match have" if found else "no record of the match has"
    raise UsageError(f"{side}: {many} {key} {named}; it holds {known}", hint=f"name {key}, or #N by its position")


def _match(entry: dict[str, Any], *, simulated: bool) -> Match:
    return Match(
        match_id=entry["match_id"],
        entity=entry["entity"],
        account=entry["account"],
        reason=entry["reason"],
        why=entry["why"],
        broker=tuple(entry["broker"]),
        book=tuple(entry["book"]),
        candidates=tuple(entry["candidates"]),
        possible=int(entry.get("possible", len(entry["candidates"]))),
        simulated=bool(simulated),
    )
