"""What a diff is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tieout.diffing.mapping import SideMapping

NullKeys = Literal["error", "list"]

Progress = Callable[[str, int, int | None], None]
"""Told what is done (`reading left`, ...), how many rows of it so far, and about how many there are."""


Notice = Callable[[str], None]
"""Told in a sentence what a person should know before it begins."""


def unsaid(_text: str) -> None:
    """A notice that nobody reads."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Options:
    """
    The key and the compared fields (None: all that both sides have), by their names after renaming.

    `tolerances`: field -> how far apart floats may be. `sample`: about so many keys instead of all. `time`: which
    column says when a row happened; else one is looked for. `null_keys`: whether a null in a key is an error, or the
    row is listed. `threads`: 0 means one for each processor. `memory_limit`: bytes that the process may take; None:
    half of what is free. `spill_dir`: where what does not fit is kept; None: the system's temporary folder.
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
    memory_limit: int | None = None
    spill_dir: Path | None = None
