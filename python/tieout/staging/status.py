"""`status/reconcile_status.json`: what the last run came to, in the guide's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tieout.clock import to_iso
from tieout.files import pretty_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tieout.canonical import Json
    from tieout.flags import Status

EMPTY: dict[str, Any] = {
    "status": "NOT_STARTED",
    "last_run": None,
    "inserted": 0,
    "deleted": 0,
    "updated": 0,
    "ambiguous_count": 0,
}


BOT_FILE: Final = "bot.json"


def bot_file(status_dir: Path) -> Path:
    """Where the running bot says how it stands; what it left behind stays there when it is gone."""
    return status_dir / BOT_FILE


def read_bot(status_dir: Path) -> dict[str, Any] | None:
    """What the bot wrote last; None where none ever ran, or the file cannot be read."""
    try:
        found = json.loads(bot_file(status_dir).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_status(path: Path) -> dict[str, Any]:
    """The status as it was last written; NOT_STARTED where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return dict(EMPTY)
    except (OSError, ValueError) as error:
        return {**EMPTY, "status": "FAILED", "reason": f"{path.name} cannot be read: {error}"}
    return {**EMPTY, **found} if isinstance(found, dict) else dict(EMPTY)


def write_status(
    path: Path, status: Status, *, now_ns: int, counts: Mapping[str, int] | None = None, **more: Json
) -> None:
    """
    Write the status: the guide's six keys first, then what else is worth telling.

    Args:
        counts: `inserted`, `deleted`, `updated`, `ambiguous_count`; what is not named is 0.
        more: further keys; null ones are left out.
    """
    told = {**EMPTY, **(counts or {}), "status": status, "last_run": to_iso(now_ns)}
    told |= {key: value for key, value in more.items() if value is not None}
    write_atomically(path, pretty_json(told), mode=0o644)
