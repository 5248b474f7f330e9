"""`tieout sim`: the simulated gateway, on the real wire protocol."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tieout.cli.console import Console


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("sim", epilog=epilog)(sim)


def sim(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Loopback port; 0 takes a free one.")] = 0,
    scenario: Annotated[Path | None, typer.Option(help="A YAML scenario; the shipped example by default.")] = None,
    book: Annotated[Path | None, typer.Option(help="Hold what this book says is live.")] = None,
    drift: Annotated[
        int | None, typer.Option(metavar="SEED", help="Plant seeded differences between book and broker.")
    ] = None,
    drift_kinds: Annotated[str | None, typer.Option(metavar="K,K", help="Which; by default all.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write what a correct plan holds to this file.")] = None,
    ticks: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            min=0.001,
            max=1_000_000,
            help="Stream so many ticks a second for each instrument with a price.",
        ),
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account where the book names none.")] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="Stop when standard input ends.")
    ] = False,
) -> int:
    """
    Run a simulated gateway until it is interrupted. Prints `listening on 127.0.0.1:PORT`.

    Drift kinds: missed_fill, missed_cancel, manual_order, changed_order, orphan, lookalike.
    """
    import json
    import sys
    from decimal import Decimal

    from tieout.sim import SimOptions, serve

    console: Console = ctx.obj

    def listening(bound: int) -> None:
        if console.as_json:
            print(json.dumps({"listening": f"127.0.0.1:{bound}", "port": bound}), flush=True)
        else:
            print(f"listening on 127.0.0.1:{bound}", file=sys.stdout, flush=True)

    if with_parent:
        threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    kinds = None if drift_kinds is None else tuple(kind.strip() for kind in drift_kinds.split(","))
    serve(
        SimOptions(
            port=port,
            scenario=scenario,
            book=book,
            drift=drift,
            drift_kinds=kinds,
            truth=truth,
            account=account,
            ticks=None if ticks is None else Decimal(str(ticks)),
            on_listening=listening,
        )
    )
    return 0


def _stop_at_end_of_input() -> None:
    """Whoever started us holds the other end: it is gone when this returns, killed or not."""
    while os.read(0, 4096):
        pass
    signal.raise_signal(signal.SIGTERM)
