"""The program: its commands, the options they share, and how an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from tieout.cli import (
    adopt,
    alerts,
    audit,
    backup,
    check,
    confirm,
    dedup,
    demo,
    diff,
    flex,
    init,
    intents,
    resolve,
    restore,
    review,
    run_bot,
    safe_mode,
    show,
    sim,
    stage,
    status,
    ticks,
)
from tieout.cli.arguments import hoist
from tieout.cli.console import Console
from tieout.errors import (
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    DiskError,
    Interrupted,
    TieoutError,
    UsageError,
)

ANYWHERE: Final = (
    "Before or after the command: --workspace DIR (the folder that holds config/; or TIEOUT_WORKSPACE), "
    "--config FILE, --json (one JSON object on stdout), --quiet, --verbose."
)

app = typer.Typer(
    name="tieout",
    help="Ties an Interactive Brokers account out against a trading bot's own order book.",
    epilog=ANYWHERE,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def common(
    ctx: typer.Context,
    workspace: Annotated[Path | None, typer.Option(help="The folder that holds config/.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings, instead of config/local_reconcile.yml.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say more.")] = False,
) -> None:
    """Ties an Interactive Brokers account out against a trading bot's own order book."""
    ctx.obj = Console(as_json=as_json, quiet=quiet, verbose=verbose, workspace=workspace, config=config)


for module in (
    init,
    check,
    demo,
    adopt,
    run_bot,
    stage,
    show,
    review,
    confirm,
    resolve,
    status,
    safe_mode,
    sim,
    backup,
    restore,
    flex,
    diff,
    dedup,
    ticks,
    audit,
    alerts,
    intents,
):
    module.register(app, epilog=ANYWHERE)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code. A user's mistake is a message, never a traceback."""
    words = hoist(sys.argv[1:] if argv is None else argv)
    console = Console(as_json="--json" in words)
    try:
        code = app(words, prog_name="tieout", standalone_mode=False)
    except TieoutError as error:
        console.error(error)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong, and nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        unusable = DiskError(f"{named}{error.strerror or error}", hint="check disk space, owner and mode")
        console.error(unusable)
        return unusable.exit_code
    except Exception as error:
        usage = _usage(error)
        if usage is None:
            raise
        if usage.message.startswith("Usage: ") and not console.as_json:  # no command: Typer's word is the whole help
            print(usage.message, file=sys.stderr)
        else:
            console.error(usage)
        return EXIT_USAGE
    if code == EXIT_INTERRUPTED:  # Typer turns Ctrl-C into this code, and says nothing
        console.error(Interrupted("interrupted", hint="`tieout status` says how far it came"))
    return code if isinstance(code, int) else EXIT_OK


def _usage(error: Exception) -> UsageError | None:
    """Typer's own word on a wrong command line; where its classes live depends on its version."""
    message = getattr(error, "format_message", None)
    if message is None:
        return None
    ctx = getattr(error, "ctx", None)
    path = "tieout" if ctx is None else ctx.command_path
    return UsageError(str(message()), hint=f"see `{path} --help`")
