"""`tieout ticks compact`: a day's many part files of an instrument as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import workspace_of
from tieout.cli.ticks_words import table
from tieout.errors import EXIT_ERROR, EXIT_OK, Interrupted

if TYPE_CHECKING:
    from tieout.cli.console import Console


def compact(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="A recording; LIVE_DATA.record_dir by default.")] = None,
    older_than: Annotated[int, typer.Option(metavar="DAYS", min=0, help="Only days so old; 0: today as well.")] = 1,
) -> int:
    """
    Write the parts of each day and instrument into one file, prove that it holds their rows, then remove them.

    A recorder may run beside it; the day that it writes to is left alone. Exit code 1: a folder could not be compacted.
    """
    from tieout.cli.diff_progress import progress_bar
    from tieout.clock import now_ns
    from tieout.ticks.files import compacting

    console: Console = ctx.obj
    root = workspace_of(console).ticks_dir if folder is None else folder.absolute()
    try:
        with progress_bar(quiet=console.quiet) as progress:
            done = compacting.compact(root, now_ns=now_ns(), older_than_days=older_than, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; every row is still there once", hint="run it again to go on") from None
    rows = [
        (
            f"{one.day} {one.instrument}",
            f"{one.parts:,}",
            f"{one.rows:,}",
            _size(one.bytes_before),
            _size(one.bytes_after),
        )
        for one in done.merged
    ]
    if rows:
        for at, line in enumerate(table(("day, instrument", "files", "ticks", "before", "after"), rows)):
            console.say(line, style="head" if at == 0 else None)
    if done.left_over:
        console.say(f"{done.left_over} files that an earlier run had replaced are removed")
    for where, why in done.skipped.items():
        console.say(f"left as it is: {where}: {why}", style="~")
    console.say(f"one file each now: {len(done.merged)}" if rows else "nothing to compact", style="ok")
    console.result(done.to_json())
    broken = any(why not in compacting.HARMLESS for why in done.skipped.values())
    return EXIT_ERROR if broken else EXIT_OK


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
