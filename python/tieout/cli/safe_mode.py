"""`tieout safe-mode on / off`: the latch that keeps everything read-only across restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import desk_of

if TYPE_CHECKING:
    from tieout.cli.console import Console

Reason = Annotated[str, typer.Option("--reason", help="Why; it is logged with who and when.")]


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="The safe-mode latch: read-only until it is lifted.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("on", epilog=epilog)(turn_on)
    group.command("off", epilog=epilog)(turn_off)
    app.add_typer(group, name="safe-mode")


def turn_on(ctx: typer.Context, reason: Reason) -> int:
    """Latch safe mode: no order leaves, no plan executes, until it is lifted."""
    from tieout.staging.latch import set_latch

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk:
        said = _reason(reason)
        set_latch(desk.workspace.latch_file, by=desk.who, reason=said, now_ns=desk.now())
        desk.alerts.raise_alert("safe_mode_latched", by=desk.who, reason=said)
        console.say("safe mode is latched: no order leaves, no plan executes", style="ok")
        console.result({"latched": True, "reason": said})
    return 0


def turn_off(ctx: typer.Context, reason: Reason) -> int:
    """Lift the latch. The flags in the settings stay as they are."""
    from tieout.staging.latch import lift_latch

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk:
        said = _reason(reason)
        was = lift_latch(desk.workspace.latch_file)
        desk.log.warning("safe_mode_lifted", by=desk.who, reason=said, was=None if was is None else was.reason)
        console.say(
            "the latch was not set" if was is None else f"lifted; it was set because: {was.reason}",
            style="ok",
        )
        console.result({"latched": False, "was": None if was is None else was.reason})
    return 0


def _reason(text: str) -> str:
    from tieout.errors import UsageError

    if not text.strip():
        raise UsageError("the reason is empty; expected why", hint='--reason "what was found and done"')
    return text.strip()
