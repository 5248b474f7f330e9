"""`tieout run`: what run_bot.py does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli import stage as staging_view
from tieout.cli.surroundings import LockTimeout, SimOption, desk_of

if TYPE_CHECKING:
    from tieout.cli.console import Console


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("run", epilog=epilog)(run)


def run(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Stop after the first reconcile.")] = False,
    sim: SimOption = None,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Run the bot: confirm a waiting plan if the flags say so, reconcile, stage, and again every interval.

    Exit with --once: 0 nothing to do, 3 changes wait, 14 ambiguous, 16 the broker's answer has holes.
    """
    from tieout.app import Bot

    console: Console = ctx.obj
    with desk_of(console, sim=sim, bot=True) as desk:
        bot = Bot(
            desk,
            say=console.say,
            report=lambda staged: staging_view.report(console, desk, staged),
            lock_wait_s=lock_timeout,
        )
        return bot.run(once=once)
