"""`tieout diff`: two histories of any size, and what differs between them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from tieout.errors import EXIT_CHANGES_WAIT, EXIT_OK, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tieout.cli.console import Console

HTML_EXAMPLES: Final = 1000


Side = Annotated[str, typer.Argument(help="A file, glob, folder, FILE.db::TABLE or address.")]
Keys = Annotated[list[str] | None, typer.Option("--key", metavar="K", help="Key columns; several may follow.")]
Fields = Annotated[
    list[str] | None, typer.Option("--fields", metavar="F", help="Compared columns; else all that both have.")
]
Ignored = Annotated[list[str] | None, typer.Option("--ignore", metavar="F", help="Columns not compared.")]
Out = Annotated[
    Path | None, typer.Option(help="Write all differences there: .parquet, .csv, .ndjson, or a report: .html.")
]
Tolerances = Annotated[
    list[str] | None, typer.Option("--tolerance", metavar="FIELD=X", help="Numbers at most X apart are equal.")
]
MappingFile = Annotated[Path | None, typer.Option(help="Names, types and nulls of both sides (YAML).")]
SampleSize = Annotated[int | None, typer.Option(min=1, help="Compare about so many keys instead of all.")]
Examples = Annotated[
    int | None,
    typer.Option("--limit-examples", min=0, help="Examples of each kind: 3 in the summary, 1000 in a report."),
]
Time = Annotated[str | None, typer.Option(metavar="COLUMN", help="When a row happened; else it is guessed.")]
NullKeys = Annotated[Literal["error", "list"], typer.Option("--null-keys", help="What a null in a key is.")]
Threads = Annotated[int, typer.Option(min=0, help="0: one for each processor.")]

MemoryLimit = Annotated[
    str | None, typer.Option(metavar="SIZE", help="What it may take, as 4GiB; else half of what is free.")
]
SpillDir = Annotated[Path | None, typer.Option(help="For what does not fit into memory; else the temporary folder.")]
Engine = Annotated[Literal["local", "dask"], typer.Option(help="dask: workers of a Dask scheduler do it.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of --engine dask, as tcp://HOST:8786.")]
OutFolder = Annotated[str | None, typer.Option(metavar="FOLDER", help="Where an engine's workers write differences.")]


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("diff", epilog=epilog)(diff)


def diff(
    ctx: typer.Context,
    left: Side,
    right: Side,
    key: Keys = None,
    fields: Fields = None,
    ignore: Ignored = None,
    out: Out = None,
    tolerance: Tolerances = None,
    mapping: MappingFile = None,
    sample: SampleSize = None,
    limit_examples: Examples = None,
    time: Time = None,
    null_keys: NullKeys = "error",
    threads: Threads = 0,
    memory_limit: MemoryLimit = None,
    spill_dir: SpillDir = None,
    engine: Engine = "local",
    scheduler: Scheduler = None,
    out_folder: OutFolder = None,
) -> int:
    """
    Compare two histories by key: which rows are equal, changed, on one side only, or not to be told apart.

    Exit code 0: equal; 3: different.
    """
    from tieout import diffing
    from tieout.cli.diff_progress import progress_bar
    from tieout.diffing import output
    from tieout.diffing.summary import EXAMPLES_DEFAULT, summarize
    from tieout.diffing.text import lines

    console: Console = ctx.obj
    if out is not None:
        output.check_target(out, (left, right))
    try:
        with ExitStack() as kept, progress_bar(quiet=console.quiet) as progress:
            result = diffing.diff(
                left,
                right,
                on=split(key),
                compare=split(fields),
                ignore=split(ignore) or (),
                tolerance=_tolerances(tolerance or []),
                mapping=mapping,
                sample=sample,
                time=time,
                null_keys=null_keys,
                threads=threads,
                memory_limit=memory_limit,
                spill_dir=spill_dir,
                engine=engine,
                scheduler=scheduler,
                out_folder=out_folder,
                progress=progress,
                notice=lambda text: console.say(text, style="dim"),
            )
            kept.callback(result.close)
            if out is not None:
                progress("writing", 0, None)
                output.write(result, out, examples=HTML_EXAMPLES if limit_examples is None else limit_examples)
            told = lines(result, summarize(result, EXAMPLES_DEFAULT if limit_examples is None else limit_examples))
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written", hint="run it again; --sample N is a quick look") from None
    for style, line in told:
        console.say(line, style=style)
    for written in (out, out_folder):
        if written is not None:
            console.say(f"written: {written}")
    console.result({**result.to_json(), "out": None if out is None else str(out)})
    return EXIT_OK if result.same else EXIT_CHANGES_WAIT


def split(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """`--key a --key b` and `--key a,b` are the same."""
    if given is None:
        return None
    return tuple(name.strip() for words in given for name in words.split(",") if name.strip())


def _tolerances(given: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for words in given:
        for word in words.split(","):
            name, equals, most = word.rpartition("=")
            try:
                found[name.strip()] = float(most)
            except ValueError:
                equals = ""
            if not equals:
                raise UsageError(f"--tolerance {word}: expected FIELD=X", hint="for example --tolerance price=0.01")
    return found
