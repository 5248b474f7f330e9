"""What a deduplication found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import polars as pl

from tieout.diffing.dedup.rows import Told, Whole

Mode = Literal["key", "executions", "orders"]
EXAMPLES_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Counts:
    """
    `rows` = `kept` + `dropped`, `dropped` = `duplicates` + `superseded`.

    `conflict_rows` say something else than the first row of their key, of `conflicts` keys; `ambiguous` executions may
    correct another and do not agree with it; `null_keys` have no key. All of these are kept.
    """

    rows: int
    kept: int
    dropped: int
    duplicates: int
    superseded: int
    conflicts: int
    conflict_rows: int
    ambiguous: int
    null_keys: int


@dataclass(frozen=True, slots=True)
class DedupResult:
    """
    The result of `tieout.dedup`; printed, it is the summary.

    `rows` is a number; `kept`, `dropped`, `conflicts` and `ambiguous` are polars frames, read again where the inputs
    were more than memory; `counts` has all numbers. `differing`: column -> in how many conflicting rows it differs from
    the first row of the key.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    mode: Mode
    compared: tuple[str, ...]
    counts: Counts
    differing: dict[str, int]
    examples: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    whole: Whole
    told: Told

    @property
    def rows(self) -> int:
        """Rows of all inputs."""
        return self.counts.rows

    @property
    def kept(self) -> pl.DataFrame:
        """The rows that are kept, in their order."""
        return self._all(self.whole.kept(self.told))

    @property
    def dropped(self) -> pl.DataFrame:
        """The rows that are not: reason (duplicate, superseded), file, row, of_file, of_row, then their columns."""
        return self._all(self.whole.dropped(self.told))

    @property
    def conflicts(self) -> pl.DataFrame:
        """Rows that say something else under the key of the row that `of_file` and `of_row` name; they are kept."""
        return self._doubts("conflict")

    @property
    def ambiguous(self) -> pl.DataFrame:
        """Executions that may correct another one and do not agree with it; they are kept."""
        return self._doubts("ambiguous")

    @property
    def clear(self) -> bool:
        """Whether nothing is left to the operator."""
        return not self.counts.conflict_rows and not self.counts.ambiguous

    def _doubts(self, reason: str) -> pl.DataFrame:
        return self._all(self.whole.doubtful(self.told)).filter(pl.col(self.whole.labels[0]) == reason)

    def _all(self, pieces: Iterator[pl.DataFrame]) -> pl.DataFrame:
        return pl.concat(pieces)

    def to_json(self) -> dict[str, Any]:
        """The object that `tieout dedup --json` prints."""
        return {
            "inputs": list(self.names),
            "key": list(self.keys),
            "mode": self.mode,
            **asdict(self.counts),
            "differing": dict(self.differing),
            "examples": {name: list(words) for name, words in self.examples.items()},
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """The summary that a person reads."""
        from tieout.diffing.dedup.text import as_text

        return as_text(self)

    def __repr__(self) -> str:
        """The counts in a line."""
        c = self.counts
        return f"DedupResult(rows={c.rows}, kept={c.kept}, dropped={c.dropped}, conflicts={c.conflicts})"
