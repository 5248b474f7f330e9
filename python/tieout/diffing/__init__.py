"""Two histories of any size compared by key: `diff` (docs/diff.md), on the Rust kernel (docs/matching.md)."""

from __future__ import annotations

from tieout.diffing.front import diff
from tieout.diffing.result import Counts, DiffResult

__all__ = ["Counts", "DiffResult", "diff"]
