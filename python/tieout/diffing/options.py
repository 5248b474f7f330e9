"""What a diff is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tieout.diffing.mapping import SideMapping

NullKeys = Literal["error", "list"]

Progress = Callable[[str, int, int | None], None]
"""Told what is done (`reading left`, ...), how many rows of it so far, and about how many there are."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Options:
    """
    The key and the compared fields (None: all that both sides have), by their names after renaming.

    `tolerances`: field -> how far apart floats may be. `sample`: about so many keys instead of all. `time`: which
    column says when a row happened; else one is looked for. `null_keys`: whether a null in a key is an error, or the
    row is listed. `threads`: 0 means one for each processor.
    """

    keys: tuple[str, ...]
    fields: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)
    left: SideMapping = field(default_factory=SideMapping)
    right: SideMapping = field(default_factory=SideMapping)
    sample: int | None = None
    time: str | None = None
    null_keys: NullKeys = "error"
    threads: int = 0
