"""
The gates of a confirm, in their order, each its own function and its own error.

    lock            11   (the caller's: tieout.locks)
    chain           12   tieout.staging.chain: the audit is what was written; a book put back by hand is recognised
    file            12   one read, of a file that is ours alone
    schema          12   tieout.staging.planfile.parse
    digest          12   the plan id and the SHA-256 that the journal holds
    current         10   not expired, superseded or already applied
    choice           2   tieout.staging.approve: what the operator named is in the plan
    flags           13   DRY_RUN, SAFE_MODE, DRY_RUN_CONFIRM, the latch; nothing looser than at staging
    book            10   the same book, in the same state as far as the plan rests on it
    ambiguity       14   nothing is left that only the operator can decide
    broker          10   asked again: every chosen action is still true (16 where the answer has holes)
    backup          15   tieout.staging.safekeeping.verified_backup
    fingerprint     10   inside the transaction: the book became what was predicted
"""

from __future__ import annotations

import hashlib
import os
import stat
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tieout.clock import to_iso
from tieout.errors import (
    Ambiguous,
    EvidenceIncomplete,
    Forbidden,
    PlanMissing,
    PlanStale,
    PlanTampered,
    UsageError,
)
from tieout.flags import Flags, MatchRules, loosened, strictest
from tieout.staging.changes import as_table, book_changes, broker_changes, coverage_changes
from tieout.staging.planfile import StagedFile, parse, parts_of
from tieout.store import reader
from tieout.store.tables import executions, orders

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tieout.config import Workspace
    from tieout.reconcile.actions import Action
    from tieout.reconcile.plan import Plan
    from tieout.staging.approve import Chosen
    from tieout.staging.desk import Desk
    from tieout.staging.stage import Evidence
    from tieout.store.state import StagedPlan, State
    from tieout.store.writer import Applied

PREFIX_DIGITS: Final = 12
_FILE_BYTES_MAX: Final = 1 << 30
_RESTAGE: Final = "run `tieout stage` and review the new plan; nothing was changed"


def chosen_plan(state: State, plan_id: str | None) -> StagedPlan:
    """
    The journal's line for the plan that the operator named, or for the newest one.

    Raises:
        UsageError: the prefix is shorter than 12 hex digits.
        PlanMissing: no such plan was staged here.
    """
    if plan_id is None:
        newest = state.newest()
        if newest is None:
            raise PlanMissing("no plan was ever staged here", hint="run `tieout stage` first")
        return newest
    if len(plan_id) < PREFIX_DIGITS or not set(plan_id) <= set("0123456789abcdef"):
        raise UsageError(
            f"{plan_id!r} is not a plan id; expected its first {PREFIX_DIGITS} hex digits or more",
            hint="`tieout show` prints it",
        )
    found = state.find(plan_id)
    if len(found) != 1:
        raise PlanMissing(
            f"{'no' if not found else 'more than one'} plan with id {plan_id} was staged here",
            hint="`tieout show` prints the id of the plan that waits",
        )
    return found[0]


def read_plan_file(path: Path) -> bytes:
    """
    The file's bytes, read once, from a regular file that nobody else can write.

    Raises:
        PlanMissing: there is none.
        PlanTampered: a link, not a file, another's, or writable by others.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise PlanMissing(f"there is no staged plan at {path}", hint="run `tieout stage` first") from error
    except OSError as error:
        raise PlanTampered(f"{path} cannot be read as a plain file: {error.strerror}", hint=_RESTAGE) from error
    try:
        about = os.fstat(handle)
        problem = (
            "is not a plain file" if not stat.S_ISREG(about.st_mode)
            else f"belongs to uid {about.st_uid}, not to uid {os.geteuid()}" if about.st_uid != os.geteuid()
            else "can be written by others" if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            else "has more than one name (hard links)" if about.st_nlink != 1
            else "is larger than a plan can be" if about.st_size > _FILE_BYTES_MAX
            else None
        )  # fmt: skip
        if problem:
            raise PlanTampered(f"{path} {problem}; expected the file that `tieout stage` wrote", hint=_RESTAGE)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(_FILE_BYTES_MAX)
    finally:
        os.close(handle)


def check_finished(data: bytes, state: State) -> None:
    """
    Raises:
        PlanStale: the stage that wrote this file was cut off before it journalled the plan.
    """
    if state.is_announced(hashlib.sha256(data).hexdigest()):
        raise PlanStale("a `tieout stage` was interrupted while it wrote its plan", hint=_RESTAGE)


def check_digest(data: bytes, journal: StagedPlan) -> StagedFile:
    """
    The parsed file, proven to be what was staged under that id.

    Raises:
        PlanTampered: it is not JSON, not a plan, or not byte for byte what the journal holds.
    """
    file = parse(data)
    if file.sha256 != journal.file_sha256 or file.plan_id != journal.plan_id:
        whose = "of another plan" if file.plan_id != journal.plan_id else "edited"
        raise PlanTampered(
            f"the staged file is {whose}: its SHA-256 is {file.sha256[:12]}..., "
            f"what was staged as {journal.plan_id[:12]} has {journal.file_sha256[:12]}...",
            hint=_RESTAGE,
        )
    return file


def check_current(journal: StagedPlan, state: State, now_ns: int) -> None:
    """
    Raises:
        PlanStale: expired, from the future, superseded, or applied already.
    """
    name = journal.plan_id[:PREFIX_DIGITS]
    if journal.state == "applied" or state.is_applied(journal.plan_id):
        raise PlanStale(f"plan {name} was executed already; a plan runs once", hint="`tieout stage` shows what is left")
    if journal.state == "superseded":
        raise PlanStale(f"plan {name} was superseded by a newer one", hint="`tieout show` prints the one that waits")
    if now_ns >= journal.expires_ns:
        raise PlanStale(f"plan {name} expired at {to_iso(journal.expires_ns)}", hint=_RESTAGE)
    if now_ns < journal.staged_ns:
        raise PlanStale(
            f"plan {name} was staged at {to_iso(journal.staged_ns)}, which the clock says is yet to come",
            hint=f"check the clock; {_RESTAGE}",
        )


def check_flags(desk: Desk, file: StagedFile, chosen: tuple[Action, ...]) -> None:
    """
    Raises:
        Forbidden: a flag, the latch, or settings that are looser than at staging; a chosen hard delete without
            FORCE_SYNC_DELETE.
    """
    reason = desk.permissions().reasons.get("confirm")
    if reason:
        raise Forbidden(
            f"not executed: {reason}",
            hint="to execute a reviewed plan set DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true",
        )
    config = dict(file.content["config"])
    matching = config.pop("matching", None)
    flags = strictest(Flags(**config), desk.settings.flags)
    if isinstance(flags, str):
        raise Forbidden(f"not executed: {flags}", hint=_RESTAGE)
    looser = [] if matching is None else loosened(_rules(matching), desk.rules)
    if looser:
        raise Forbidden(f"not executed: looser than when the plan was staged: {', '.join(looser)}", hint=_RESTAGE)
    if not desk.settings.force_sync_delete and any(action.kind == "hard_delete" for action in chosen):
        raise Forbidden("not executed: the plan deletes rows, and FORCE_SYNC_DELETE is false now", hint=_RESTAGE)
    check_gateway(desk, file)


def check_gateway(desk: Desk, file: StagedFile) -> None:
    """Raises Forbidden: the plan was staged against the real gateway, this is the simulated one, or turned around."""
    if file.content["simulated"] != (desk.simulated is not None):
        was = "simulated" if file.content["simulated"] else "real"
        raise Forbidden(
            f"not executed: the plan was staged against a {was} gateway, this confirm asks another kind",
            hint="confirm with --sim what was staged with --sim, and only that",
        )


def check_book(connection: Connection, file: StagedFile, workspace: Workspace) -> None:
    """
    The book is the one that was staged, and the rows that the plan rests on are as they were.

    Inside the caller's transaction: it runs once before the broker is asked, and again before anything is
    written.

    Raises:
        PlanStale: another book, another epoch, or changed rows, named.
    """
    bound, now = file.content["db"], reader.identity(connection)
    names = ("lineage", "restore_epoch", "schema", "schema_sha256")
    differs = [name for name in names if getattr(now, name) != bound[name]]
    if differs:
        what = {"lineage": "another one", "restore_epoch": "restored since"}.get(
            differs[0], "of another layout: its tables, indexes or triggers were changed"
        )
        raise PlanStale(
            f"the book at {workspace.book} is {what}; the plan was staged on a different state", hint=_RESTAGE
        )
    rows = bound["rows"]
    found = reader.fingerprint_of_rows(connection, {"order": rows["orders"], "execution": rows["executions"]})
    if found != bound["fingerprint"]:
        order_images = reader.images(connection, orders, rows["orders"])
        execution_images = reader.images(connection, executions, rows["executions"])
        raise PlanStale(
            "rows of the book that the plan rests on have changed since it was staged"
            + as_table(
                book_changes(file.actions, bound["held"], {"order": order_images, "execution": execution_images})
            ),
            hint=_RESTAGE,
        )


def check_ambiguity(count: int) -> None:
    """
    Raises:
        Ambiguous: something is left that only the operator can decide.
    """
    if count:
        raise Ambiguous(
            f"not executed: {count} ambiguous match(es) are unresolved; while one is, nothing executes",
            hint="review ./logs/ambiguous_matches.json, settle each with `tieout resolve`, then stage again; "
            "they are never resolved automatically",
        )


def check_broker(file: StagedFile, fresh: Plan, evidence: Evidence, *, chosen: tuple[Action, ...]) -> None:
    """
    The broker was asked again: every chosen action follows from its answer as it did.

    Raises:
        Ambiguous: the new answer cannot be matched clearly.
        EvidenceIncomplete: actions rest on parts that were not answered in full this time.
        PlanStale: the broker's day turned since, or actions no longer follow, listed.
    """
    check_ambiguity(len(fresh.undecided))
    again = {action.action_id: action for action in fresh.actions}
    gone = [a for a in chosen if a.action_id not in again or again[a.action_id].after != a.after]
    holes = [part.name for part in evidence.snapshot.missing()]
    if gone and any(set(action.evidence) & set(holes) for action in gone):
        raise EvidenceIncomplete(
            f"the broker's answer has holes now ({', '.join(holes)}), and {len(gone)} action(s) rest on it",
            hint="try again when the gateway answers in full; nothing was changed",
        )
    turned = list(coverage_changes(file.content["broker"]["parts"], parts_of(evidence.snapshot)))
    if turned:
        raise PlanStale(
            "the broker's answer speaks for another time than when the plan was staged" + as_table(turned),
            hint=_RESTAGE,
        )
    if gone:
        raise PlanStale(
            f"{len(gone)} action(s) are no longer true at the broker" + as_table(broker_changes(gone, fresh.actions)),
            hint=_RESTAGE,
        )


def check_prediction(connection: Connection, chosen: Chosen, done: Applied) -> None:
    """
    Inside the transaction: what was written is what was predicted for the chosen actions.

    Raises:
        PlanStale: it is not; the caller rolls back.
    """
    kept = [action for action in chosen.actions if action.kind != "hard_delete"]
    rows = {
        entity: [done.rows[action.action_id] for action in kept if action.entity == entity]
        for entity in ("order", "execution")
    }
    found = reader.fingerprint_of_content(connection, rows, known=done.content)
    if found != chosen.predicted_fingerprint:
        raise PlanStale("the book did not become what the plan predicted; everything was rolled back", hint=_RESTAGE)


def _rules(matching: dict[str, Any]) -> MatchRules:
    return MatchRules(**{**matching, "price_tolerance": Decimal(matching["price_tolerance"])})
