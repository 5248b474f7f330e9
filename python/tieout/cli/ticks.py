"""`tieout ticks`: the group. Each command is a file of its own beside it."""

from __future__ import annotations

import typer

from tieout.cli import ticks_check, ticks_compact, ticks_record, ticks_replay, ticks_tail


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the group; a new command is one more line here."""
    group = typer.Typer(
        help="Ticks: recorded, replayed, checked, watched.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("check", epilog=epilog)(ticks_check.check)
    group.command("compact", epilog=epilog)(ticks_compact.compact)
    group.command("record", epilog=epilog)(ticks_record.record)
    group.command("replay", epilog=epilog)(ticks_replay.replay)
    group.command("tail", epilog=epilog)(ticks_tail.tail)
    app.add_typer(group, name="ticks", epilog=epilog)
