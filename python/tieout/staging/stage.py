"""
Stage: backup, fetch, match, plan, and a file that waits. Nothing is written into the book.

The book is read twice, before and after the broker is asked: what changed in between waits for the next time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tieout.broker.port import ContractSpec, Quote
from tieout.clock import NS_PER_S, to_iso
from tieout.errors import (
    EXIT_AMBIGUOUS,
    EXIT_CHANGES_WAIT,
    EXIT_INCOMPLETE,
    EXIT_OK,
    EXIT_UNKNOWN,
    BrokerError,
)
from tieout.files import pretty_json, write_atomically
from tieout.reconcile.plan import Plan, build_plan, changed_rows
from tieout.reconcile.positions import Market, watched
from tieout.staging.kept import with_kept
from tieout.staging.planfile import Bound, render
from tieout.staging.restarts import restart_suspected
from tieout.staging.restoring import note_restore
from tieout.staging.safekeeping import verified_backup
from tieout.staging.statements import with_statements
from tieout.staging.timekeeping import check_clock
from tieout.staging.unsettled import Unsettled, open_intents, unsettled
from tieout.store import reader
from tieout.store.state import StagedPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.backup import Backup
    from tieout.broker.port import Broker
    from tieout.model import Snapshot
    from tieout.staging.desk import Desk

_MINUTE_NS: Final = 60 * NS_PER_S
_DAY_NS: Final = 24 * 60 * _MINUTE_NS
_FINDINGS_TOLD: Final = 5
"""How many findings the status names; the plan's file has them all."""


@dataclass(frozen=True, slots=True)
class Staged:
    """
    What a stage came to. `outdated` is the waiting plan's id where a background reconcile found another plan
    and left the waiting one alone.
    """

    plan_id: str
    plan: Plan
    snapshot: Snapshot
    backup: Backup
    expires_ns: int
    kept: bool
    outdated: str | None
    unknown: int = 0
    """How many orders of the gate have a fate that nothing proves."""

    @property
    def exit_code(self) -> int:
        """16, else 17, 14, 3, 0: what weighs most is answered."""
        if not self.snapshot.complete:
            return EXIT_INCOMPLETE
        if self.unknown:
            return EXIT_UNKNOWN
        if self.plan.undecided:
            return EXIT_AMBIGUOUS
        return EXIT_CHANGES_WAIT if self.plan.actions else EXIT_OK


@dataclass(frozen=True, slots=True)
class Evidence:
    """The broker's answer, the book as read after it, what moved meanwhile, and quotes of the positions watched."""

    snapshot: Snapshot
    book: reader.Book
    moving: frozenset[int]
    quotes: tuple[Quote, ...] = ()
    unsettled: Unsettled = field(default_factory=Unsettled)


def stage(desk: Desk, *, replace: bool = True, counts: Mapping[str, int] | None = None) -> Staged:
    """
    Reconcile, and leave a plan to be reviewed. The caller holds the reconcile lock.

    Args:
        replace: whether a waiting plan gives way; a background reconcile leaves it.
        counts: what this run executed before, for the status.

    Raises:
        BackupError, BookError, BrokerError: the status says FAILED; nothing was changed.
    """
    with desk.reconciling("stage"):
        desk.ensure_book()
        for plan_id in desk.state.carry_over(desk.workspace.book):
            desk.told.append(f"plan {plan_id[:12]} was executed in full before the last run was interrupted")
        note_restore(desk)
        backup = verified_backup(desk)
        evidence = gather(desk)
        plan = plan_of(desk, evidence)
        staged = _write(desk, plan, evidence, backup=backup, replace=replace)
        _report(desk, staged, counts)
    return staged


def gather(desk: Desk) -> Evidence:
    """Read the book, ask the broker, read the book again."""
    with desk.broker() as broker:
        broker.connect()
        desk.reached = True
        check_clock(desk, broker)
        return ask(desk, broker)


def ask(desk: Desk, broker: Broker) -> Evidence:
    """The same over a connection that is there; the quotes come last, so that they are fresh."""
    with reader.rereading(desk.workspace.book) as read:
        first, intents = read(), open_intents(desk)
        snapshot = broker.snapshot(twice=restart_suspected(desk, broker.connect()))
        snapshot = with_statements(desk, snapshot)
        if snapshot.read_twice:
            desk.told.append(
                f"the gateway may have restarted ({snapshot.read_twice}): it was read until two answers agreed"
            )
        desk.state.open_session(snapshot)
        second = read()
    snapshot = with_kept(desk, snapshot, second)
    doubts = unsettled(desk, snapshot, intents)
    moving = changed_rows(first, second) | doubts.rows(second)
    return Evidence(snapshot, second, moving, _quotes(desk, broker, snapshot), doubts)


def _quotes(desk: Desk, broker: Broker, snapshot: Snapshot) -> tuple[Quote, ...]:
    """Quotes of the positions that are watched. That they cannot be had fails nothing: then nothing is recommended."""
    held = watched(snapshot.positions, desk.settings.spy_futures.symbols)
    contracts = [ContractSpec(con_id=row["con_id"]) for row in held if row["con_id"] is not None]
    try:
        return tuple(broker.quotes(contracts)) if contracts else ()
    except BrokerError as error:
        now_ns = desk.now()
        return tuple(Quote(contract=contract, at_ns=now_ns, why=error.message) for contract in contracts)


def plan_of(desk: Desk, evidence: Evidence) -> Plan:
    """The plan that follows from the evidence, under the settings of now."""
    return build_plan(
        evidence.snapshot,
        evidence.book,
        flags=desk.settings.flags,
        rules=desk.rules,
        symbols=desk.settings.spy_futures.symbols,
        moving=evidence.moving,
        in_flight=evidence.unsettled.moved,
        market=Market(evidence.quotes, desk.settings.spy_futures, desk.now()),
        resolutions=desk.state.resolutions(
            lineage=evidence.book.identity.lineage, simulated=desk.simulated is not None
        ),
    )


def expiry_ns(snapshot: Snapshot, now_ns: int, *, ttl_minutes: int) -> int:
    """
    When a plan staged now expires: after its time to live, or when the broker's day ends, whichever is first.

    Completed orders and executions are told since midnight: after the next one the broker's answer speaks for
    another time. On the day of a clock change this is an hour off; confirm compares the days themselves.
    """
    days = [part.covers_from_ns + _DAY_NS for part in snapshot.parts.values() if part.covers_from_ns is not None]
    return min([now_ns + ttl_minutes * _MINUTE_NS, *days])


def _write(desk: Desk, plan: Plan, evidence: Evidence, *, backup: Backup, replace: bool) -> Staged:
    now_ns, identity, snapshot = desk.now(), evidence.book.identity, evidence.snapshot
    unknown = len(evidence.unsettled.unknown)
    plan_id = plan.plan_id(
        config=desk.config(),
        lineage=identity.lineage,
        restore_epoch=identity.restore_epoch,
        last_applied=desk.state.last_applied(),
    )
    waiting = desk.state.waiting(now_ns)
    if waiting is not None and not replace:
        outdated = None if waiting.plan_id == plan_id else waiting.plan_id
        return Staged(
            plan_id, plan, snapshot, backup, waiting.expires_ns, kept=True, outdated=outdated, unknown=unknown
        )
    expires_ns = expiry_ns(snapshot, now_ns, ttl_minutes=desk.settings.reconcile.plan_ttl_minutes)
    bound = Bound(
        plan_id=plan_id,
        config=desk.config(),
        identity=identity,
        snapshot=snapshot,
        backup=backup,
        generated_ns=now_ns,
        expires_ns=expires_ns,
        simulated=desk.simulated is not None,
    )
    data = render(plan, bound)
    entry = StagedPlan(
        plan_id=plan_id,
        file_sha256=hashlib.sha256(data).hexdigest(),
        staged_ns=now_ns,
        expires_ns=expires_ns,
        state="waiting" if plan.waits else "empty",
        backup_id=backup.id,
        summary=plan.summary(),
        executable=len(plan.actions),
        simulated=bound.simulated,
    )
    desk.state.announce(entry)
    write_atomically(desk.workspace.staged_actions, data)
    desk.state.stage(entry)
    return Staged(plan_id, plan, snapshot, backup, expires_ns, kept=False, outdated=None, unknown=unknown)


def _report(desk: Desk, staged: Staged, counts: Mapping[str, int] | None) -> None:
    plan, snapshot = staged.plan, staged.snapshot
    ambiguous = {
        "generated_at": to_iso(desk.now()),
        "plan_id": staged.plan_id,
        "simulated": desk.simulated is not None,
        "ambiguous_matches": [one.to_json() for one in plan.undecided],
    }
    write_atomically(desk.workspace.ambiguous_file, pretty_json(ambiguous))
    desk.log.info(
        "plan_staged" if not staged.kept else "plan_found",
        plan_id=staged.plan_id,
        summary=plan.summary(),
        complete=snapshot.complete,
        backup=staged.backup.id,
        notes=list(plan.notes),
        findings=len(plan.findings),
    )
    if plan.undecided:
        desk.alerts.raise_alert(
            "ambiguous_matches_found", count=len(plan.undecided), file=str(desk.workspace.ambiguous_file)
        )
    holes = {part.name: part.why for part in snapshot.missing()}
    if holes:
        desk.alerts.raise_alert("evidence_incomplete", parts=holes)
    if staged.unknown:
        desk.told.append(
            f"{staged.unknown} order(s) of unknown fate: their rows wait, their instruments are closed: "
            "`tieout intents list`"
        )
    can = desk.permissions()
    status = "FAILED" if holes else can.stage_state if plan.waits else can.clean_state
    told = "; ".join(f"{name}: {why}" for name, why in holes.items())
    desk.status(
        status,
        counts={**(counts or {}), "ambiguous_count": len(plan.undecided)},
        plan_id=staged.plan_id if plan.waits else None,
        summary={**plan.summary()},
        expires_at=to_iso(staged.expires_ns) if plan.waits else None,
        reason=f"the broker's answer is incomplete: {told}" if holes else None,
        waiting_plan=_outdated(staged),
        findings=[one.text for one in plan.findings[:_FINDINGS_TOLD]] or None,
        findings_count=len(plan.findings) or None,
    )


def _outdated(staged: Staged) -> str | None:
    if staged.outdated is None:
        return None
    found = ", ".join(f"{count} {name}" for name, count in staged.plan.summary().items() if count) or "nothing to do"
    return f"the waiting plan {staged.outdated[:12]} is outdated: a reconcile just found {found}; stage again"
