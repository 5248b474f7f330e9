"""Rows that are in a history more than once: `dedup` (docs/dedup.md), on the Rust kernel (docs/matching.md)."""

from __future__ import annotations

from tieout.diffing.dedup.front import dedup
from tieout.diffing.dedup.result import Counts, DedupResult

__all__ = ["Counts", "DedupResult", "dedup"]
