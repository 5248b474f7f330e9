"""A diff of more than memory: both sides dealt out by key to a folder, then compared part by part (docs/diff.md)."""

from __future__ import annotations

from tieout.diffing.spill.place import Sides, Spill
from tieout.diffing.spill.run import compare_spilled

__all__ = ["Sides", "Spill", "compare_spilled"]
