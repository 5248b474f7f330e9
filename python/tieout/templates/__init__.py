"""What `tieout init` writes into a new workspace: `read_template("local_reconcile.yml")` and the like."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

TemplateName = Literal["local_reconcile.yml", "run_bot.py", "alerts_README.md"]


def read_template(name: TemplateName) -> str:
    """The text of a shipped file."""
    return files("tieout.templates").joinpath(name).read_text(encoding="utf-8")
