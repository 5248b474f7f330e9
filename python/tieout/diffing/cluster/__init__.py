"""A diff on more than one machine (docs/diff.md): the engine shuffles and carries, each part is the kernel's."""

from __future__ import annotations

from tieout.diffing.cluster.run import compare_on_cluster

__all__ = ["compare_on_cluster"]
