"""Ids in batches: below every SQLite's limit on variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BATCH: Final = 500

Key = TypeVar("Key", int, str)


def batched(ids: Iterable[Key]) -> Iterator[list[Key]]:
    """The ids, each once, ascending, at most `BATCH` at a time."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), BATCH):
        yield wanted[start : start + BATCH]
