"""Reading alerts/alerts.jsonl: what was raised, and when each alert was last told to anybody."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tieout.clock import from_iso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAIL_BYTES: Final = 1 << 18
"""How much of the file's end a program reads to know what was told just before it started."""


@dataclass(slots=True)
class Told:
    """When each alert was last told (UTC nanoseconds), and how many like it were held back since."""

    at_ns: dict[str, int] = field(default_factory=dict)
    held_back: Counter[str] = field(default_factory=Counter)


def read_alerts(path: Path, *, since: str | None = None) -> list[dict[str, Any]]:
    """
    The alerts raised, oldest first; a line that a crash left half written is left out.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return [row for row in _rows(file.read()) if since is None or row["at"] >= since]
    except FileNotFoundError:
        return []


def last_told(path: Path) -> Told:
    """
    What the end of the file says about the last messages of each alert.

    Raises:
        OSError: the file is there and cannot be read.
    """
    told = Told()
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            rows = list(_rows(file.read()))
    except FileNotFoundError:
        return told
    for row in rows:
        name = row["alert"]
        if row.get("held_back"):
            told.held_back[name] += 1
        else:
            told.at_ns[name] = from_iso(row["at"])
            told.held_back[name] = 0
    return told


def _rows(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.split(b"\n"):
        try:
            row = json.loads(line)
            from_iso(row["at"])
            str(row["alert"])
        except (ValueError, TypeError, KeyError):
            continue
        yield row
