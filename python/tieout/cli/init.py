"""`tieout init`: a workspace with the safest settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from tieout.cli.console import Console

FOLDERS: Final = ("config", "data", "logs", "backups", "status", "alerts")


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("init", epilog=epilog)(init)


def init(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(help="Where; the workspace or the current folder by default.")
    ] = None,
) -> int:
    """Write config/local_reconcile.yml with the safest values, run_bot.py, the folders and alerts/README.md."""
    console: Console = ctx.obj
    named = folder or console.workspace or Path(os.environ.get("TIEOUT_WORKSPACE") or ".")
    made = make_workspace(named)
    for path in made:
        console.say(f"wrote {path}")
    if not made:
        console.say("everything is there already; nothing was changed")
    console.say("next: set BROKER in config/local_reconcile.yml, then `tieout check`")
    console.result({"workspace": str(named.absolute()), "written": [str(path) for path in made]})
    return 0


def make_workspace(root: Path) -> list[Path]:
    """
    Make what is not there yet; answers the files that were written.

    Raises:
        UsageError: a folder or file cannot be made.
    """
    from tieout.errors import UsageError
    from tieout.files import write_atomically
    from tieout.templates import TemplateName, read_template

    wanted: dict[Path, TemplateName] = {
        Path("config") / "local_reconcile.yml": "local_reconcile.yml",
        Path("run_bot.py"): "run_bot.py",
        Path("alerts") / "README.md": "alerts_README.md",
    }
    made = []
    try:
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        for path, template in wanted.items():
            if not (root / path).exists():
                write_atomically(root / path, read_template(template).encode(), mode=0o644)
                made.append(root / path)
    except OSError as error:
        raise UsageError(
            f"{error.filename or root} cannot be made: {error.strerror}",
            hint="name a folder that you may write",
        ) from error
    return made
