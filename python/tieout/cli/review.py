"""`tieout review`: the staged plan, action by action, on a terminal; nothing executes before the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

import typer

from tieout.cli.confirm import agree, exit_code, on_a_terminal, report
from tieout.cli.surroundings import LockTimeout, SimOption, desk_of
from tieout.errors import EXIT_CHANGES_WAIT, EXIT_OK, UsageError

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.staging.approve import Wish
    from tieout.staging.planfile import StagedFile

Answer = Literal["y", "n", "a", "s", "q"]

_APPROVED: Final = "send this order? [y]es, [n]o, [s]how evidence, [q]uit"
_ASKED: Final = "execute it? [y]es, [n]o, [a]ll of this kind, [s]how evidence, [q]uit"


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("review", epilog=epilog)(review)


def review(ctx: typer.Context, sim: SimOption = None, lock_timeout: LockTimeout = 0.0) -> int:
    """
    Walk through the staged plan action by action, on a terminal, and execute what was agreed to.

    Nothing executes until the end, which shows the sum and asks once more; deletes want the account id typed. What
    was not agreed to has to be staged again. Recommendations about positions come last; each is an order to be sent.

    Exit: as `tieout confirm`; 3 where nothing was executed and the plan still waits.
    """
    from tieout import locks
    from tieout.staging import confirm as confirming
    from tieout.staging import gates
    from tieout.staging.approve import choose

    console: Console = ctx.obj
    with desk_of(console, sim=sim) as desk:
        waiting = gates.chosen_plan(desk.state, None)
        if not on_a_terminal(console):
            raise UsageError(
                "a review needs a terminal to ask on",
                hint=f"show it with `tieout show --full`, then name it: tieout confirm {waiting.plan_id[:12]}",
            )
        lock = desk.workspace.reconcile_lock
        with locks.hold(lock, what="review", now_ns=desk.now(), wait_s=lock_timeout):
            file, _ = confirming.admit(desk, waiting.plan_id)
        agreed = _walk(console, file)
        approved = [] if agreed is None else _approve(console, file)
        if not agreed and not approved:
            console.say("nothing was executed; the plan still waits" if file.actions else "the plan holds no action")
            return EXIT_CHANGES_WAIT if file.actions else EXIT_OK
        wish = _wish(file, agreed or [], approved)
        chosen = choose(file, wish)
        console.say("")
        orders = f", {len(approved)} order(s) to send" if approved else ""
        console.say(f"agreed: {len(agreed or [])} of {len(file.actions)} action(s){orders}", style="head")
        agree(console, file, chosen)
        with locks.hold(lock, what="review", now_ns=desk.now(), wait_s=lock_timeout):
            done = confirming.confirm(desk, file.plan_id, wish)
        report(console, desk, done)
    return exit_code(done)


def _wish(file: StagedFile, agreed: list[str], approved: list[str]) -> Wish:
    """What was agreed to, as a confirm takes it: naming nothing would be all of the plan."""
    from tieout.staging.approve import Wish

    if len(agreed) == len(file.actions):
        return Wish(approve=tuple(approved))
    if agreed:
        return Wish(only=tuple(agreed), approve=tuple(approved))
    return Wish(exclude=tuple(action.action_id for action in file.actions), approve=tuple(approved))


def _approve(console: Console, file: StagedFile) -> list[str]:
    """The recommendations that were approved, one by one; none after a quit."""
    from tieout.cli.view import position_lines

    entries = [one for one in file.content["plan"]["spy_futures_actions"] if one["kind"] != "initial_state"]
    approved: list[str] = []
    for number, entry in enumerate(entries, 1):
        console.say("")
        console.say(f"recommendation {number} of {len(entries)}", style="head")
        for text, style in position_lines(entry, full=False):
            console.say(text, style=style)
        answer = _answer(console, entry, asked=_APPROVED, allowed="ynsq")
        if answer == "q":
            return []
        if answer == "y":
            approved.append(entry["action_id"])
    return approved


def _walk(console: Console, file: StagedFile) -> list[str] | None:
    """The ids that were agreed to, in file order; None after a quit."""
    from tieout.cli.view import action_lines

    entries = _entries(file)
    console.say(f"plan {file.plan_id[:12]} for {file.content['mode']} account {file.content['account']}", style="head")
    console.say(f"{len(entries)} action(s); nothing is executed before the end")
    agreed: list[str] = []
    whole_kinds: set[tuple[str, str]] = set()
    for number, entry in enumerate(entries, 1):
        console.say("")
        console.say(f"{number} of {len(entries)}", style="head")
        for text, style in action_lines(entry, full=False):
            console.say(text, style=style)
        kind = (entry["entity"], entry["kind"])
        if kind in whole_kinds:
            console.say("  yes, as all of this kind")
            agreed.append(entry["action_id"])
            continue
        answer = _answer(console, entry)
        if answer == "q":
            return None
        if answer == "a":
            whole_kinds.add(kind)
        if answer in {"y", "a"}:
            agreed.append(entry["action_id"])
    return agreed


def _answer(console: Console, entry: dict[str, Any], *, asked: str = _ASKED, allowed: str = "ynasq") -> Answer:
    """What is answered; the evidence is shown as often as it is asked for."""
    while True:
        typed = str(typer.prompt(f"  {asked}")).strip().lower()[:1]
        if typed == "s":
            for line in json.dumps(entry, indent=2, ensure_ascii=False).splitlines():
                console.say(f"    {line}", style="dim")
        elif typed and typed in allowed:
            return typed  # type: ignore[return-value]  # one of the letters of `Answer`, as the line before says
        else:
            console.say(f"  type {', '.join(allowed[:-1])} or {allowed[-1]}")


def _entries(file: StagedFile) -> list[dict[str, Any]]:
    lists = file.content["plan"]
    return [entry for name in ("to_insert", "to_update", "to_delete") for entry in lists[name]]
