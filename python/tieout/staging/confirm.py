"""
Confirm: what was staged, reviewed and named is what happens, once, or nothing happens.

One `BEGIN IMMEDIATE` transaction holds the changes, their audit and the journal: after a kill at any point the
book is before or after, never between, and the next run says which.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tieout.errors import BookError, PlanTampered, TieoutError
from tieout.staging import gates, recommend, recommend_outcome
from tieout.staging.approve import ALL, Chosen, Wish, choose, only_approved
from tieout.staging.restoring import note_restore
from tieout.staging.safekeeping import verified_backup
from tieout.staging.stage import gather, plan_of
from tieout.store import engine, migrate
from tieout.store.ready import make_ready, read_standing
from tieout.store.writer import Applied, Approval, Change, apply_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tieout.backup import Backup
    from tieout.reconcile.actions import Action
    from tieout.staging.desk import Desk
    from tieout.staging.planfile import StagedFile
    from tieout.staging.recommend_outcome import Sent


@dataclass(frozen=True, slots=True)
class Confirmed:
    """
    What was done: actions executed and left out, by kind, and on which backup.

    `subset` is the digest of the executed actions' ids where only some of the plan was confirmed; `notes` say which
    came along or stayed behind because of another. `orders` is what became of the approved recommendations.
    """

    plan_id: str
    executed: int
    skipped: int
    by_kind: dict[str, int]
    backup_id: str | None
    audit_head: str | None
    subset: str | None = None
    notes: tuple[str, ...] = ()
    orders: tuple[Sent, ...] = ()

    def counts(self) -> dict[str, int]:
        """The guide's three counters."""
        return {
            "inserted": self.by_kind.get("insert", 0),
            "updated": self.by_kind.get("update", 0),
            "deleted": self.by_kind.get("soft_delete", 0) + self.by_kind.get("hard_delete", 0),
        }


def confirm(desk: Desk, plan_id: str | None, wish: Wish = ALL) -> Confirmed:
    """
    Execute the staged plan, or what the operator chose of it, through every gate. The caller holds the reconcile
    lock. However little of it is executed, the plan has run: the rest has to be staged again.

    Args:
        plan_id: at least 12 digits of the plan's id, or None for the one that waits.
        wish: which of its actions; all of them where nothing is named.

    Raises:
        UsageError: the wish names what the plan does not hold, or leaves nothing.
        PlanMissing, PlanTampered, PlanStale, Forbidden, Ambiguous, EvidenceIncomplete, BackupError, BookError,
        BrokerError: a gate did not open; nothing was changed.
    """
    before = _approved_before(desk, plan_id, wish)
    if before is not None:
        return before
    file, chosen = admit(desk, plan_id, wish)
    if not chosen.actions:
        confirmed = Confirmed(file.plan_id, 0, len(chosen.left_out), {}, None, None, notes=chosen.notes)
        return _with_orders(desk, confirmed, chosen) if chosen.approved else confirmed
    confirmed = _execute_all(desk, file, chosen)
    return _with_orders(desk, confirmed, chosen) if chosen.approved else confirmed


def _approved_before(desk: Desk, plan_id: str | None, wish: Wish) -> Confirmed | None:
    """What became of the recommendations, where all that are named were approved before: a plan runs once."""
    if not wish.approve:
        return None
    journal = gates.chosen_plan(desk.state, plan_id)
    sent = recommend_outcome.sent_before(desk, journal.plan_id, wish.approve)
    if sent is None:
        return None
    note = "every recommendation named was approved before; this is what became of it, and nothing else was done"
    return Confirmed(journal.plan_id, 0, 0, {}, None, None, notes=(note,), orders=sent)


def _with_orders(desk: Desk, confirmed: Confirmed, chosen: Chosen) -> Confirmed:
    """The same with the approved recommendations judged again and sent; a failure there is an outcome, no error."""
    sent = recommend.send_approved(desk, confirmed.plan_id, chosen.approved)
    return replace(confirmed, orders=sent)


def _execute_all(desk: Desk, file: StagedFile, chosen: Chosen) -> Confirmed:
    with desk.reconciling("confirm"):
        done, backup = _execute(desk, file, chosen)
        with _executed(file.plan_id):
            head = done.head
            desk.state.carry_over(desk.workspace.book)
            by_kind: dict[str, int] = dict(Counter(action.kind for action in chosen.actions))
            confirmed = Confirmed(
                plan_id=file.plan_id,
                executed=len(done.rows),
                skipped=len(chosen.left_out),
                by_kind=by_kind,
                backup_id=backup.id,
                audit_head=None if head is None else head.hash,
                subset=chosen.subset,
                notes=chosen.notes,
            )
            if head is not None:
                desk.state.keep_head(head, lineage=file.content["db"]["lineage"], now_ns=desk.now())
            desk.log.info(
                "plan_executed",
                plan_id=file.plan_id,
                by=desk.who,
                executed=confirmed.executed,
                left_out=confirmed.skipped,
                subset=chosen.subset,
                by_kind=by_kind,
                backup=backup.id,
                audit_head=confirmed.audit_head,
            )
            desk.alerts.raise_alert(
                "plan_executed", plan_id=file.plan_id, by=desk.who, by_kind=by_kind, audit_head=confirmed.audit_head
            )
            desk.status("COMPLETED", counts=confirmed.counts(), plan_id=file.plan_id, backup=backup.id)
    return confirmed


@contextmanager
def _executed(plan_id: str) -> Iterator[None]:
    """The transaction is committed: what fails from here on must not read as if nothing had happened."""
    try:
        yield
    except TieoutError as error:
        raise _told_late(plan_id, error) from error


def _told_late(plan_id: str, error: TieoutError) -> TieoutError:
    return TieoutError(
        f"plan {plan_id[:12]} was executed in full, but not all of it could be recorded: {error.message}",
        hint="see to that, then run `tieout stage`: it takes over what the book's own journal holds",
    )


def admit(desk: Desk, plan_id: str | None, wish: Wish = ALL) -> tuple[StagedFile, Chosen]:
    """
    The gates that need neither the broker nor a write: the plan as it was staged, and what is chosen of it.

    Raises:
        As `confirm`.
    """
    if desk.workspace.book.exists():
        desk.state.carry_over(desk.workspace.book)
        note_restore(desk)
    journal = gates.chosen_plan(desk.state, plan_id)
    path = desk.workspace.staged_actions
    try:
        if journal.state != "applied":
            data = gates.read_plan_file(path)
            gates.check_finished(data, desk.state)
            file = gates.check_digest(data, journal)
    except PlanTampered as error:
        if journal.state in {"waiting", "empty"}:
            desk.alerts.raise_alert("plan_tampered", reason=error.message)
            desk.alerts.raise_alert("reconcile_failed", during="confirm", reason=error.message)
            desk.latch(by="reconcile_failed", reason=f"confirm failed: {error.message}")
            desk.status("FAILED", reason=error.message)
            raise
    gates.check_current(journal, desk.state, desk.now())
    chosen = choose(file, wish)
    if chosen.approved:
        recommend.check_allowed(desk)
    if chosen.approved and desk.settings.dry_run:
        chosen = only_approved(chosen)
        gates.check_gateway(desk, file)
    else:
        gates.check_flags(desk, file, chosen.actions)
    with engine.connect(desk.workspace.book) as connection, engine.read(connection):
        migrate.require_current(connection, desk.workspace.book)
        gates.check_book(connection, file, desk.workspace)
    gates.check_ambiguity(len(file.content["plan"]["ambiguous_matches"]))
    return file, chosen


def _execute(desk: Desk, file: StagedFile, chosen: Chosen) -> tuple[Applied, Backup]:
    evidence = gather(desk)
    gates.check_broker(file, plan_of(desk, evidence), evidence, chosen=chosen.actions)
    backup = verified_backup(desk)
    approval = Approval(
        plan_id=file.plan_id,
        file_sha256=file.sha256,
        approver=desk.who if desk.simulated is None else f"{desk.who} (SIMULATED)",
        backup_id=backup.id,
        now_ns=desk.now(),
        predicted_fingerprint=chosen.predicted_fingerprint,
        subset=chosen.subset,
    )
    try:
        with engine.connect(desk.workspace.book) as connection:
            changes = [_change(action) for action in chosen.actions]
            with engine.read(connection):
                gates.check_book(connection, file, desk.workspace)
                standing = read_standing(connection, changes)
            ready = make_ready(connection, standing, changes, approval)  # while the bot can still write
            with engine.write(connection):
                if not ready.holds(connection):
                    gates.check_book(connection, file, desk.workspace)
                done = apply_changes(connection, changes, approval, ready=ready)
                gates.check_prediction(connection, chosen, done)
    except BookError as error:
        # A disk may fail at the very end of a commit that is durable already: only the book itself knows.
        if file.plan_id in desk.state.carry_over(desk.workspace.book):
            raise _told_late(file.plan_id, error) from error
        raise
    return done, backup


def _change(action: Action) -> Change:
    return Change(
        action_id=action.action_id,
        entity=action.entity,
        kind=action.kind,
        row=action.row,
        before=action.before,
        after=action.after,
        reason=action.reason,
        order_row=action.order_row,
        order_action=action.order_action,
    )
