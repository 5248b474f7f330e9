"""
The safe-mode latch: a file in `status/`, there while safe mode is latched.

It survives restarts and is lifted only with a reason. Anything at that path that cannot be read as a latch is one:
safety wins the doubt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout.clock import to_iso
from tieout.files import pretty_json, sync_folder, write_atomically

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Latched:
    """Since when, by what, and why."""

    since: str
    by: str
    reason: str


def read_latch(path: Path) -> Latched | None:
    """The latch, or None where there is none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Latched(str(told["since"]), str(told["by"]), str(told["reason"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Latched("unknown", "unknown", f"{path.name} is there and cannot be read")


def set_latch(path: Path, *, by: str, reason: str, now_ns: int) -> None:
    """Latch safe mode; one that is set already keeps its first reason."""
    if read_latch(path) is None:
        write_atomically(path, pretty_json({"since": to_iso(now_ns), "by": by, "reason": reason}), mode=0o644)


def lift_latch(path: Path) -> Latched | None:
    """Lift it; answers what it was, or None where there was none."""
    was = read_latch(path)
    if was is not None:
        path.unlink()
        sync_folder(path.parent)
    return was
