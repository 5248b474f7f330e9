"""A new workspace for a test: as `tieout init` makes it, but at any hour of the day the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.cli import init

if TYPE_CHECKING:
    from pathlib import Path


def make_workspace(root: Path) -> None:
    """`tieout init`, for a gateway without a daily restart: around it a stage reads twice and the gate is closed."""
    init.make_workspace(root)
    config = root / "config" / "local_reconcile.yml"
    text = config.read_text(encoding="utf-8")
    assert text.count('  time: "23:45"') == 1
    config.write_text(text.replace('  time: "23:45"', "  time: null "), encoding="utf-8")
