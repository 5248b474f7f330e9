"""`tieout confirm`: execute the plan that was staged and reviewed, and no other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.surroundings import SIMULATED, LockTimeout, SimOption, desk_of
from tieout.errors import UsageError

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.staging.approve import Chosen, Wish
    from tieout.staging.confirm import Confirmed
    from tieout.staging.desk import Desk
    from tieout.staging.planfile import StagedFile
    from tieout.staging.recommend_outcome import Sent

Actions = list[str] | None


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("confirm", epilog=epilog)(confirm)


def confirm(
    ctx: typer.Context,
    plan_id: Annotated[
        str | None, typer.Argument(help="At least 12 digits of the plan's id; all of it is confirmed.")
    ] = None,
    only: Annotated[
        Actions, typer.Option("--only", metavar="ACTION", help="Only this action, and what it needs; may be repeated.")
    ] = None,
    exclude: Annotated[
        Actions, typer.Option("--exclude", metavar="ACTION", help="All but this action, and what needs it.")
    ] = None,
    approve: Annotated[
        Actions, typer.Option("--approve", metavar="ACTION", help="Approve this position recommendation.")
    ] = None,
    sim: SimOption = None,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Execute the staged plan, all of it, deletes included, or the actions named. Asks on a terminal if no id is given.

    ACTION is an id that `tieout show --full` prints, or its first 6 digits or more. What is left out has to be staged
    again.

    An approved recommendation is judged again by new quotes and sent once, through the order gate; approving it again
    tells what became of it.

    Exit: 0 done, 10 stale, 11 locked, 12 the file was edited, 13 a flag forbids it, 14 ambiguous, 15 backup or
    book, 16 the broker's answer has holes, 17 an order's outcome is unknown.
    """
    from tieout import locks
    from tieout.staging import confirm as confirming
    from tieout.staging.approve import Wish

    console: Console = ctx.obj
    wish = Wish(only=tuple(only or ()), exclude=tuple(exclude or ()), approve=tuple(approve or ()))
    with desk_of(console, sim=sim) as desk:
        wanted = plan_id or _ask(console, desk, wish)
        with locks.hold(desk.workspace.reconcile_lock, what="confirm", now_ns=desk.now(), wait_s=lock_timeout):
            done = confirming.confirm(desk, wanted, wish)
        report(console, desk, done)
    return exit_code(done)


def exit_code(done: Confirmed) -> int:
    """What the command answers: the orders' outcome, where recommendations were approved."""
    from tieout.staging.recommend_outcome import exit_code_of

    return exit_code_of(done.orders)


def report(console: Console, desk: Desk, done: Confirmed) -> None:
    """Say what was executed: to a person in lines, to a program as one object."""
    for note in done.notes:
        console.say(note)
    simulated = f"{SIMULATED} " if desk.simulated else ""
    if done.executed:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(done.by_kind.items()))
        console.say(f"{simulated}executed plan {done.plan_id[:12]}: {told}", style="ok")
        if done.skipped:
            console.say(f"{done.skipped} action(s) were left out; to execute them, stage again")
        console.say(f"backup before it: {done.backup_id}; see what is left: tieout stage")
    elif not done.orders:
        console.say(f"{simulated}plan {done.plan_id[:12]} holds nothing to execute", style="ok")
    for sent in done.orders:
        console.say(simulated + order_line(sent), style="ok" if sent.exit_code == 0 else "!")
    console.result(as_json(done, simulated=desk.simulated is not None))


def order_line(sent: Sent) -> str:
    """One approved recommendation and what became of it."""
    order = sent.order
    what = f"{order['side']} {order['quantity']} {sent.symbol or ''} {order['order_type']} {order['limit_price']}"
    before = "approved before: " if sent.duplicate else ""
    status = f", {sent.status}" if sent.status else ""
    why = f" ({sent.reason})" if sent.reason else ""
    return f"{before}{sent.state}{status}: {what}, action {sent.action_id}{why}"


def as_json(done: Confirmed, *, simulated: bool) -> dict[str, Any]:
    """The result for a program."""
    return {
        "plan_id": done.plan_id,
        "executed": done.executed,
        "skipped": done.skipped,
        "failed": sum(sent.exit_code != 0 for sent in done.orders),
        "by_kind": done.by_kind,
        "backup": done.backup_id,
        "audit_head": done.audit_head,
        "subset": done.subset,
        "notes": list(done.notes),
        "orders": [sent.to_json() for sent in done.orders],
        "simulated": simulated,
    }


def on_a_terminal(console: Console) -> bool:
    """Whether there is somebody to ask."""
    return not console.as_json and sys.stdin.isatty() and sys.stdout.isatty()


def agree(console: Console, file: StagedFile, chosen: Chosen) -> None:
    """
    Ask once for what was chosen; deletes want the account id typed.

    Raises:
        UsageError: another account was typed.
        typer.Abort: the answer was no.
    """
    for note in chosen.notes:
        console.say(note)
    count = f"{len(chosen.actions)} of {len(file.actions)} action(s)" if chosen.left_out else "all of it"
    if chosen.approved:
        orders = "; ".join(f"{e['order']['side']} {e['order']['quantity']} {e['symbol']}" for e in chosen.approved)
        count = (
            f"{count if chosen.actions else 'none of the actions'}, and send {len(chosen.approved)} order(s) ({orders})"
        )
    deletes = sum(action.after is None or action.kind == "soft_delete" for action in chosen.actions)
    if not deletes:
        typer.confirm(f"Execute {count}?", abort=True)
        return
    typed = typer.prompt(f"It deletes {deletes} order(s). Type the account id to execute {count}")
    if typed.strip() != file.content["account"]:
        raise UsageError(f"{typed!r} is not the account id; nothing was changed", hint="look again: tieout show --full")


def _ask(console: Console, desk: Desk, wish: Wish) -> str:
    """The id of the plan that waits, shown and agreed to on a terminal; nothing is assumed without one."""
    from tieout.cli.view import plan_lines
    from tieout.staging import gates
    from tieout.staging.approve import choose

    journal = gates.chosen_plan(desk.state, None)
    if not on_a_terminal(console):
        raise UsageError(
            "no plan id was given, and there is no terminal to ask on",
            hint=f"name the plan that you reviewed: tieout confirm {journal.plan_id[:12]}",
        )
    file = gates.check_digest(gates.read_plan_file(desk.workspace.staged_actions), journal)
    chosen = choose(file, wish)
    for text, style in plan_lines(file.content, journal, now_ns=desk.now(), full=False):
        console.say(text, style=style)
    agree(console, file, chosen)
    return journal.plan_id
