"""`tieout ticks tail`: the running feed as a live table, or once for a script."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tieout.cli.ticks_view import HEAD, connection_line, consumer_lines, is_live, rows_of, totals_line
from tieout.clock import from_iso, now_ns
from tieout.errors import EXIT_OK, TieoutError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from tieout.cli.console import Console

_EVERY_S: Final = 0.5
_STYLES: Final = {"ticks": "green", "stale": "yellow", "refused": "red", "down": "red", "no_ib": "red"}


def tail(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
) -> int:
    """
    Watch the running feed: rate, lag and losses of each instrument. Ctrl-C ends it; --json is one look.

    Exit code 1: no feed runs.
    """
    from tieout.cli.surroundings import workspace_of
    from tieout.cli.ticks_words import table

    console: Console = ctx.obj
    folder = workspace_of(console).status_dir
    told = _running(folder)
    if once or console.as_json or not _can_redraw():
        console.say(connection_line(told), style="head")
        console.say(totals_line(told))
        for line in table(HEAD, rows_of(told)):
            console.say(line)
        for line in consumer_lines(told):
            console.say(line)
        console.result(told)
    else:
        console.say(_watch(folder, told))
    return EXIT_OK


def _running(folder: Path) -> dict[str, Any]:
    """
    What the running feed said last.

    Raises:
        TieoutError: none runs.
    """
    from tieout.cli.view import age
    from tieout.ticks.live.shown import read_ticks, ticks_file

    told, now = read_ticks(folder), now_ns()
    if told is None:
        raise TieoutError(
            f"no feed runs, and none ever wrote {ticks_file(folder)}",
            hint="set LIVE_DATA.enable_tick_subscriptions and its subscriptions, then start the bot: tieout run",
        )
    if not is_live(told, now):
        at = age(from_iso(told["at"]), now)
        how = f"the last one ended {at}" if told["ended"] else f"the last one was cut off or hangs, it wrote {at}"
        raise TieoutError(f"no feed runs: {how}", hint=f"start the bot: tieout run; its last figures are in {folder}")
    return told


def _can_redraw() -> bool:
    from rich.console import Console as Terminal

    return sys.stdout.isatty() and not Terminal().is_dumb_terminal


def _watch(folder: Path, told: dict[str, Any]) -> str:
    """Show it until it ends; its last line."""
    from rich.live import Live

    with Live(_picture(told), screen=False, auto_refresh=False) as live:
        while True:
            time.sleep(_EVERY_S)
            try:
                told = _running(folder)
            except TieoutError as error:
                return error.message
            live.update(_picture(told), refresh=True)


def _picture(told: dict[str, Any]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for at, name in enumerate(HEAD):
        table.add_column(name, justify="right" if 3 <= at <= 7 else "left", no_wrap=at != len(HEAD) - 1)
    for row in rows_of(told):
        table.add_row(*[Text(cell, style=_STYLES.get(cell, "") if at == 2 else "") for at, cell in enumerate(row)])
    lines = [connection_line(told), totals_line(told), *consumer_lines(told)]
    return Group(*[Text(line, no_wrap=True, overflow="ellipsis") for line in lines[:2]], table, *map(Text, lines[2:]))
