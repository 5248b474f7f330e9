"""`tieout dedup`: one history, or several that overlap, and which of their rows are there once too often."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from tieout.errors import EXIT_AMBIGUOUS, EXIT_OK, Interrupted, UsageError

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.diffing.dedup import DedupResult

Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files, globs, folders, FILE.db::TABLE, addresses.")
]
Keys = Annotated[
    list[str],
    typer.Option("--key", metavar="K", help="Key columns, joined by commas or repeated. Of orders: fingerprint."),
]
Fields = Annotated[
    list[str] | None, typer.Option("--fields", metavar="F", help="What a copy must agree in; else every column.")
]
Ignored = Annotated[list[str] | None, typer.Option("--ignore", metavar="F", help="Columns not compared.")]
Out = Annotated[Path | None, typer.Option(help="Write the rows that are kept: .parquet, .csv, .ndjson.")]
Dropped = Annotated[Path | None, typer.Option(help="Write the rows that are dropped, each with the reason.")]
Doubts = Annotated[Path | None, typer.Option(help="Write the rows that are kept and left to you, with the reason.")]
Corrections = Annotated[Literal["auto", "off"], typer.Option(help="Whether executions may correct one another.")]
Revisions = Annotated[
    Literal["active", "all"], typer.Option(help="all: keep superseded executions, too; a column says which are active.")
]
NullKeys = Annotated[Literal["error", "keep"], typer.Option("--null-keys", help="What a null in a key is.")]
Threads = Annotated[int, typer.Option(min=0, help="0: one for each processor.")]
MemoryLimit = Annotated[
    str | None, typer.Option("--memory-limit", metavar="SIZE", help="As 4GiB; else half of what is free.")
]

TARGETS: Final = ("--out", "--dropped", "--doubts")
FILE_NAMES: Final = ("out", "dropped_file", "doubts_file")
"""What they are called in the JSON, where `dropped` is a number."""


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("dedup", epilog=epilog)(dedup)


def dedup(
    ctx: typer.Context,
    files: Files,
    key: Keys,
    fields: Fields = None,
    ignore: Ignored = None,
    out: Out = None,
    dropped: Dropped = None,
    doubts: Doubts = None,
    corrections: Corrections = "auto",
    revisions: Revisions = "active",
    null_keys: NullKeys = "error",
    threads: Threads = 0,
    memory_limit: MemoryLimit = None,
) -> int:
    """
    Find rows that are there more than once: copies, executions that a correction superseded, and contradictions.

    Exit code 0: all is clear; 14: some rows contradict one another, all of which are kept.
    """
    from tieout.cli.diff import split
    from tieout.cli.diff_progress import progress_bar
    from tieout.diffing.dedup import dedup as run
    from tieout.diffing.dedup.output import write_all

    console: Console = ctx.obj
    targets = dict(zip(TARGETS, (out, dropped, doubts), strict=True))
    _check(targets, files)
    try:
        with progress_bar(quiet=console.quiet) as progress:
            result = run(
                *files,
                on=split(key) or (),
                compare=split(fields),
                ignore=split(ignore) or (),
                corrections=corrections,
                revisions=revisions,
                null_keys=null_keys,
                threads=threads,
                memory_limit=memory_limit,
                progress=progress,
            )
            write_all(result, out=out, dropped=dropped, doubts=doubts, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="run it again; a file is written whole or not at all") from None
    _say(console, result)
    for path in targets.values():
        if path is not None:
            console.say(f"written: {path}")
    written = {
        name: None if path is None else str(path) for name, path in zip(FILE_NAMES, targets.values(), strict=True)
    }
    console.result({**result.to_json(), **written})
    return EXIT_OK if result.clear else EXIT_AMBIGUOUS


def _check(targets: dict[str, Path | None], inputs: list[str]) -> None:
    """Refuse targets that cannot be written, before any work."""
    from tieout.diffing import output

    named: list[Path] = []
    for option, path in targets.items():
        if path is None:
            continue
        output.check_target(path, tuple(inputs), option=option, endings=output.ROW_ENDINGS)
        if path.absolute() in named:
            raise UsageError(f"{option} {path}: another option names the same file", hint="name one file for each")
        named.append(path.absolute())


def _say(console: Console, result: DedupResult) -> None:
    from tieout.diffing.dedup.text import lines

    for style, line in lines(result):
        console.say(line, style=style)
