"""`tieout show`: the staged plan as a person reads a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import workspace_of

if TYPE_CHECKING:
    from tieout.cli.console import Console


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("show", epilog=epilog)(show)


def show(
    ctx: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Every action, with its id and evidence.")] = False,
) -> int:
    """Show the staged plan: what is added, changed, deleted, what cannot be decided, and what happens next."""
    from tieout.cli.view import plan_lines
    from tieout.clock import now_ns
    from tieout.flags import allowed
    from tieout.staging.gates import read_plan_file
    from tieout.staging.latch import read_latch
    from tieout.staging.planfile import parse
    from tieout.store.state import State

    console: Console = ctx.obj
    workspace = workspace_of(console)
    data = read_plan_file(workspace.staged_actions)
    file = parse(data)
    newest = State(workspace.state_db).newest()
    journal = newest if newest and newest.file_sha256 == file.sha256 else None
    for text, style in plan_lines(file.content, journal, now_ns=now_ns(), full=full):
        console.say(text, style=style)
    can = allowed(workspace.settings.flags, read_latch(workspace.latch_file) is not None)
    why = can.reasons.get("confirm")
    if file.content["plan"]["ambiguous_matches"]:
        console.say("next: decide each ambiguous match: tieout resolve MATCH; nothing executes while one is open")
    elif not file.actions:
        console.say("next: nothing; book and broker agree")
    elif why:
        console.say(f"next: nothing can be executed now: {why}")
    else:
        sim = " --sim" if file.content["simulated"] else ""
        console.say(f"next: tieout confirm {file.plan_id[:12]}{sim}")
    console.result({**json.loads(data), "state": None if journal is None else journal.state})
    return 0
