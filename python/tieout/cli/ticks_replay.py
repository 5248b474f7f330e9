"""`tieout ticks replay`: recorded ticks once more, into bars and a strategy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.ticks_words import ColumnNames, PriceScale, Sources, TimeUnit, Timezone, columns_of, count, table
from tieout.errors import EXIT_OK, Interrupted, TieoutError, UsageError

if TYPE_CHECKING:
    from tieout.bot.replaying import StrategyPlayer
    from tieout.cli.console import Console
    from tieout.cli.ticks_bars import BarsFile
    from tieout.ticks.consumer import Consumer
    from tieout.ticks.instruments import Instruments
    from tieout.ticks.sources.playing import Replayed
    from tieout.ticks.sources.tape import Tape

Speed = Annotated[float | None, typer.Option(help="1: as fast as it was, N: N times that; else as fast as it goes.")]
StrategyName = Annotated[str | None, typer.Option(metavar="MODULE:CLASS", help="Call this strategy; no order leaves.")]
BarsOut = Annotated[Path | None, typer.Option(help="Write the bars there: .parquet or .csv.")]
BarSeconds = Annotated[int, typer.Option(min=1, max=86_400, help="The length of a bar.")]
Named = Annotated[list[str] | None, typer.Option("--instrument", metavar="NAME", help="Only this one; several times.")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="From then on: 2026-03-02T14:30:00Z.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until before then.")]


def replay(
    ctx: typer.Context,
    sources: Sources,
    speed: Speed = None,
    strategy: StrategyName = None,
    bars_out: BarsOut = None,
    bar_seconds: BarSeconds = 60,
    instrument: Named = None,
    since: Since = None,
    until: Until = None,
    column: ColumnNames = None,
    time_unit: TimeUnit = "ns",
    timezone: Timezone = None,
    price_scale: PriceScale = 1.0,
) -> int:
    """
    Replay ticks: recordings, files of other programs (--column says how they are read), Databento's DBN.

    The same input makes the same calls and bars at any speed. A strategy's orders are answered BLOCKED.
    """
    from tieout.cli.diff_progress import progress_bar
    from tieout.cli.ticks_bars import BarsFile
    from tieout.cli.ticks_stop import stopping
    from tieout.ticks.sources.playing import play
    from tieout.ticks.sources.tape import Tape

    console: Console = ctx.obj
    if speed is not None and not 0 < speed < float("inf"):
        raise UsageError(f"--speed {speed:g}: expected a number above 0", hint="leave it out for full speed")
    bars = None if bars_out is None else BarsFile(bars_out, bar_seconds)
    tape = Tape.open(
        sources, columns_of(column, time_unit, timezone, price_scale),
        names=instrument, start_ns=_time("--from", since), end_ns=_time("--to", until),
    )  # fmt: skip
    player = None if strategy is None else _player(console, strategy, tape.instruments, bar_seconds)
    consumers: dict[str, Consumer] = {}
    if player is not None:
        consumers["strategy"] = player
    if bars is not None:
        consumers["bars"] = bars.consumer
    try:
        with stopping() as wished, progress_bar(quiet=console.quiet) as progress:
            done = play(
                tape, consumers, speed=speed, stop=wished.is_set,
                progress=lambda ticks: progress("replaying", ticks, tape.rows),
            )  # fmt: skip
    except TieoutError:
        if player is not None and player.trace is not None:
            console.detail(player.trace)
        raise
    if not done.ended:
        unwritten = "" if bars is None else f"; {bars.path} was not written"
        raise Interrupted(f"interrupted after {done.ticks:,} ticks{unwritten}", hint="replay it again")
    if bars is not None:
        bars.write(tape.instruments)
    _say(console, tape, done, player, bars)
    console.result(_result(tape, done, player, bars))
    return EXIT_OK


def _player(console: Console, name: str, instruments: Instruments, bar_seconds: int) -> StrategyPlayer:
    import os

    from tieout.bot.loading import load_strategy
    from tieout.bot.replaying import StrategyPlayer
    from tieout.config.workspace import workspace_root

    loaded = load_strategy(name, workspace_root(console.workspace, os.environ))
    return StrategyPlayer(loaded, instruments, bar_seconds=bar_seconds)


def _time(option: str, text: str | None) -> int | None:
    from tieout.clock import from_iso

    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}", hint="expected a time such as 2026-03-02T14:30:00Z") from error


def _say(console: Console, tape: Tape, done: Replayed, player: StrategyPlayer | None, bars: BarsFile | None) -> None:
    from tieout.clock import to_iso

    rows = [(one.name, count(done.by_instrument[one.number])) for one in tape.instruments]
    for at, line in enumerate(table(("instrument", "ticks"), rows)):
        console.say(line, style="head" if at == 0 else None)
    if done.first_ns is not None and done.last_ns is not None:
        console.say(f"from {to_iso(done.first_ns)} to {to_iso(done.last_ns)}")
    if player is not None:
        calls = ", ".join(f"{name} {number:,}" for name, number in sorted(player.calls.items()))
        console.say(f"calls: {calls}")
        if player.gate.refused:
            console.say(f"{player.gate.refused:,} orders were refused: this is a replay", style="~")
    if bars is not None:
        console.say(f"{bars.count:,} bars of {bars.seconds} s: {bars.path}")
    console.say(f"{done.ticks:,} ticks in {done.elapsed_s:,.2f} s, {done.ticks_per_s:,.0f} a second", style="ok")


def _result(tape: Tape, done: Replayed, player: StrategyPlayer | None, bars: BarsFile | None) -> dict[str, Any]:
    from tieout.clock import to_iso

    return {
        "ticks": done.ticks,
        "instruments": {one.name: done.by_instrument[one.number] for one in tape.instruments},
        "first": None if done.first_ns is None else to_iso(done.first_ns),
        "last": None if done.last_ns is None else to_iso(done.last_ns),
        "seconds": round(done.elapsed_s, 6),
        "ticks_per_second": round(done.ticks_per_s),
        "calls": None if player is None else dict(sorted(player.calls.items())),
        "orders_refused": None if player is None else player.gate.refused,
        "bars": None if bars is None else bars.count,
        "bars_out": None if bars is None else str(bars.path),
    }
