"""`tieout confirm`: execute the plan that was staged and reviewed, and no other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import SIMULATED, LockTimeout, SimOption, desk_of
from tieout.errors import UsageError

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.staging.desk import Desk


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("confirm", epilog=epilog)(confirm)


def confirm(
    ctx: typer.Context,
    plan_id: Annotated[
        str | None, typer.Argument(help="At least 12 digits of the plan's id; all of it is confirmed.")
    ] = None,
    sim: SimOption = None,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Execute the staged plan, all of it, deletes included, or nothing. Asks on a terminal if no id is given.

    Exit: 0 done, 10 stale, 11 locked, 12 the file was edited, 13 a flag forbids it, 14 ambiguous, 15 backup or
    book, 16 the broker's answer has holes.
    """
    from tieout import locks
    from tieout.staging import confirm as confirming

    console: Console = ctx.obj
    with desk_of(console, sim=sim) as desk:
        wanted = plan_id or _ask(console, desk)
        with locks.hold(desk.workspace.reconcile_lock, what="confirm", now_ns=desk.now(), wait_s=lock_timeout):
            done = confirming.confirm(desk, wanted)
        simulated = f"{SIMULATED} " if desk.simulated else ""
        if done.executed:
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(done.by_kind.items()))
            console.say(f"{simulated}executed plan {done.plan_id[:12]}: {told}", style="ok")
            console.say(f"backup before it: {done.backup_id}; see what is left: tieout stage")
        else:
            console.say(f"{simulated}plan {done.plan_id[:12]} holds nothing to execute", style="ok")
        console.result(
            {
                "plan_id": done.plan_id,
                "executed": done.executed,
                "skipped": done.skipped,
                "failed": 0,
                "by_kind": done.by_kind,
                "backup": done.backup_id,
                "audit_head": done.audit_head,
                "simulated": desk.simulated is not None,
            }
        )
    return 0


def _ask(console: Console, desk: Desk) -> str:
    """The id of the plan that waits, shown and agreed to on a terminal; nothing is assumed without one."""
    from tieout.cli.view import plan_lines
    from tieout.staging import gates

    journal = gates.chosen_plan(desk.state, None)
    if console.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "no plan id was given, and there is no terminal to ask on",
            hint=f"name the plan that you reviewed: tieout confirm {journal.plan_id[:12]}",
        )
    file = gates.check_digest(gates.read_plan_file(desk.workspace.staged_actions), journal)
    for text, style in plan_lines(file.content, journal, now_ns=desk.now(), full=False):
        console.say(text, style=style)
    deletes = len(file.content["plan"]["to_delete"])
    if deletes:
        account = str(file.content["account"])
        typed = typer.prompt(f"It deletes {deletes} order(s). Type the account id to execute all of it")
        if typed != account:
            raise UsageError(f"{typed!r} is not the account id; nothing was changed")
    else:
        typer.confirm("Execute all of it?", abort=True)
    return journal.plan_id
