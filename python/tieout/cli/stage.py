"""`tieout stage`: back up, ask the broker, match, and leave a plan to be reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tieout.cli.surroundings import SIMULATED, LockTimeout, SimOption, desk_of

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("stage", epilog=epilog)(stage)


def stage(ctx: typer.Context, sim: SimOption = None, lock_timeout: LockTimeout = 0.0) -> int:
    """
    Back up, ask the broker, match, and stage a plan. Changes nothing in the book.

    Exit: 0 nothing to do, 3 changes wait for a confirm, 14 something is ambiguous, 16 the broker's answer has holes.
    """
    from tieout import locks
    from tieout.staging import stage as staging

    console: Console = ctx.obj
    with desk_of(console, sim=sim) as desk:
        lock = desk.workspace.reconcile_lock
        with locks.hold(lock, what="stage", now_ns=desk.now(), wait_s=lock_timeout):
            staged = staging.stage(desk)
        report(console, desk, staged)
    return staged.exit_code


def report(console: Console, desk: Desk, staged: Staged) -> None:
    """Say what was staged: to a person in lines, to a program as one object."""
    from tieout.cli.view import finding_lines, next_step, summary_line
    from tieout.reconcile.positions import Recommendation

    for line in desk.told:
        console.say(line)
    for note in staged.plan.notes:
        console.say(f"note: {note}")
    simulated = f"{SIMULATED} " if desk.simulated else ""
    if not staged.plan.waits:
        console.say(f"{simulated}book and broker agree: nothing to do", style="ok")
    else:
        console.say(
            f"{simulated}plan {staged.plan_id[:12]}: {summary_line(staged.plan.summary(), staged.plan.actions)}",
            style="head",
        )
    recommended = sum(isinstance(one, Recommendation) for one in staged.plan.positions)
    if recommended:
        console.say(f"{recommended} position(s) with a recommendation: tieout show --full")
    for line, style in finding_lines([one.to_json() for one in staged.plan.findings], full=False):
        console.say(line, style=style)
    for line in next_step(desk, staged):
        console.say(line)
    console.result(as_json(desk, staged))


def as_json(desk: Desk, staged: Staged) -> dict[str, Any]:
    """The result for a program."""
    from tieout.clock import to_iso
    from tieout.staging.statements import told

    return {
        "plan_id": staged.plan_id,
        "summary": staged.plan.summary(),
        "evidence": {
            "complete": staged.snapshot.complete,
            "parts": {
                name: {"complete": p.complete, "why": p.why, "rows": p.rows}
                for name, p in staged.snapshot.parts.items()
            },
            "flex": told(staged.snapshot),
        },
        "backup": staged.backup.id,
        "expires_at": to_iso(staged.expires_ns),
        "notes": list(staged.plan.notes),
        "findings": [one.to_json() for one in staged.plan.findings],
        "simulated": desk.simulated is not None,
        "status": desk.permissions().stage_state if staged.plan.waits else desk.permissions().clean_state,
    }
