"""`tieout flex`: keep the broker's statements of past days, so that a book that was offline ties out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import workspace_of

if TYPE_CHECKING:
    from tieout.broker.flex import Kept
    from tieout.cli.console import Console
    from tieout.config import Workspace


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the commands."""
    group = typer.Typer(help="Statements of past days (IB Flex queries).", rich_markup_mode=None, no_args_is_help=True)
    group.command("import", epilog=epilog)(import_file)
    group.command("fetch", epilog=epilog)(fetch)
    group.command("list", epilog=epilog)(show_all)
    group.command("forget", epilog=epilog)(forget)
    app.add_typer(group, name="flex")


def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The XML of an Activity or Trade Confirmation query.")],
) -> int:
    """Check a statement that was downloaded, and keep it. The next stage compares it with the book."""
    from tieout.errors import StatementUnusable

    console: Console = ctx.obj
    try:
        data = file.read_bytes()
    except OSError as error:
        raise StatementUnusable(
            f"{file} cannot be read: {error.strerror}", hint="name the file that was downloaded"
        ) from error
    _take(console, workspace_of(console), data, origin=file.name)
    return 0


def fetch(
    ctx: typer.Context,
    query: Annotated[str | None, typer.Option("--query", help="A query's id, instead of FLEX.query_id.")] = None,
) -> int:
    """Ask IB for the statement of the saved query, wait until it is made, check it, and keep it."""
    from tieout.broker.flex import FlexService
    from tieout.config.flex import ENV_TOKEN
    from tieout.errors import SettingsError

    console: Console = ctx.obj
    workspace = workspace_of(console)
    settings = workspace.settings.flex
    query_id = query or settings.query_id
    if not query_id:
        raise SettingsError(
            "no Flex query is named: FLEX.query_id is null",
            hint="set it in the settings, or name one with --query; docs/flex.md says how to make the query",
        )
    token = os.environ.get(ENV_TOKEN, "").strip()
    if not token:
        raise SettingsError(
            f"there is no Flex token: the environment variable {ENV_TOKEN} is not set",
            hint="make a token in Client Portal (Settings, Flex Web Service) and export it; it is never a setting",
        )
    service = FlexService(
        base_url=settings.base_url,
        token=token,
        pause_s=settings.pause_seconds,
        timeout_s=settings.timeout_seconds,
        told=console.say,
    )
    _take(console, workspace, service.fetch(query_id), origin=f"query {query_id}")
    return 0


def show_all(ctx: typer.Context) -> int:
    """List the kept statements, in the order of their days."""
    from tieout.broker.flex import kept_files

    console: Console = ctx.obj
    found = kept_files(workspace_of(console).flex_dir)
    for one in found:
        console.say(
            f"{one.statement_id[:12]}  {one.account}  {one.first_day} to {one.last_day}  {one.kind}  "
            f"{one.executions} executions, generated {one.generated_at}"
        )
    if not found:
        console.say("no statement is kept: tieout flex fetch, or tieout flex import FILE")
    console.result({"statements": [as_json(one) for one in found]})
    return 0


def forget(
    ctx: typer.Context, statement: Annotated[str, typer.Argument(help="The first 6 digits of its id, or more.")]
) -> int:
    """Remove a kept statement. The book stays as it is; later stages do not see the statement."""
    from tieout.broker import flex

    console: Console = ctx.obj
    gone = flex.forget(workspace_of(console).flex_dir, statement)
    console.say(f"{gone[:12]} is not kept any more", style="ok")
    console.result({"forgotten": gone})
    return 0


def as_json(one: Kept) -> dict[str, object]:
    """A kept statement for a program."""
    return {
        "statement": one.statement_id,
        "account": one.account,
        "kind": one.kind,
        "query_name": one.query_name,
        "from": one.first_day,
        "to": one.last_day,
        "generated_at": one.generated_at,
        "executions": one.executions,
        "left_out": one.left_out,
        "kept_at": one.kept_at,
        "by": one.by,
        "origin": one.origin,
    }


def _take(console: Console, workspace: Workspace, data: bytes, *, origin: str) -> None:
    """Check the statement against the workspace, keep it, and say what it is."""
    from tieout.clock import now_ns
    from tieout.locks import who_signs
    from tieout.staging.statements import take

    done = take(workspace, data, by=who_signs(), origin=origin, at_ns=now_ns())
    one = done.kept
    word = "is kept" if done.new else "was kept before"
    console.say(
        f"statement {one.statement_id[:12]} of {one.account}, {one.first_day} to {one.last_day}, {word}: "
        f"{one.executions} executions",
        style="ok",
    )
    for note in done.notes:
        console.say(f"note: {note}")
    console.say("nothing was changed in the book; next: tieout stage")
    console.result({**as_json(one), "new": done.new, "notes": list(done.notes)})
