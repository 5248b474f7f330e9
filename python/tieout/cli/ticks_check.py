"""`tieout ticks check`: gaps, duplicates, disorder and unreadable files in recorded ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.ticks_words import (
    ColumnNames,
    PriceScale,
    Sources,
    TimeUnit,
    Timezone,
    columns_of,
    count,
    long,
    table,
)
from tieout.errors import EXIT_CHANGES_WAIT, EXIT_OK

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.ticks.sources.checking import Checked


def check(
    ctx: typer.Context,
    sources: Sources,
    gap_seconds: Annotated[
        float | None, typer.Option(min=0.001, help="An instrument that says nothing for longer is a finding.")
    ] = None,
    column: ColumnNames = None,
    time_unit: TimeUnit = "ns",
    timezone: Timezone = None,
    price_scale: PriceScale = 1.0,
) -> int:
    """
    Look through ticks: numbers that are missing, ticks that are there twice, time that runs backwards, trades without
    a price, files that cannot be read.

    Exit code 0: nothing found; 3: something is wrong.
    """
    from tieout.cli.diff_progress import progress_bar
    from tieout.ticks.sources import checking

    console: Console = ctx.obj
    columns = columns_of(column, time_unit, timezone, price_scale)
    with progress_bar(quiet=console.quiet) as progress:
        found = checking.check(sources, columns=columns, gap_seconds=gap_seconds, progress=progress)
    _say(console, found)
    console.result(found.to_json())
    return EXIT_CHANGES_WAIT if found.findings else EXIT_OK


def _say(console: Console, found: Checked) -> None:
    from tieout.clock import NS_PER_S, to_iso

    head = ("instrument", "ticks", "first", "last", "twice", "backwards", "no price", "silent", "longest")
    rows = [
        (
            name, count(one.rows), "-" if one.first_ns is None else to_iso(one.first_ns)[:19],
            "-" if one.last_ns is None else to_iso(one.last_ns)[:19], count(one.duplicates), count(one.backwards),
            count(one.no_price), count(one.silent), long(one.silent_ns / NS_PER_S),
        )
        for name, one in found.instruments.items()
    ]  # fmt: skip
    for at, line in enumerate(table(head, rows)):
        console.say(line, style="head" if at == 0 else None)
    for session in found.sessions:
        lost = f"{count(session.lost)} missing in {session.gaps:,} gaps" if session.gaps else "no number is missing"
        console.say(
            f"recording of {to_iso(session.began_ns)[:19]}: {session.rows:,} ticks, {lost}",
            style="-" if session.gaps else None,
        )
        for at_ns, missing in session.examples:
            console.say(f"  {missing:,} before {to_iso(at_ns)}", style="-")
    if found.numbers_unknown is not None:
        console.say(f"missing numbers were not looked for: {found.numbers_unknown}")
    for name, one in found.instruments.items():
        for at_ns, long_ns in one.silences:
            console.say(f"{name} is silent for {long(long_ns / NS_PER_S)} from {to_iso(at_ns)} on", style="~")
    for why in found.unreadable.values():
        console.say(f"unreadable: {why}", style="-")
    if found.left_over:
        console.say(
            f"{found.left_over} files are left over from `ticks compact`; they count once, the next one removes them"
        )
    console.say(
        f"{found.rows:,} ticks, findings: {found.findings:,}" if found.findings else f"{found.rows:,} ticks, all well",
        style="!" if found.findings else "ok",
    )
