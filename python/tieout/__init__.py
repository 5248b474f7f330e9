"""tieout: ties an Interactive Brokers account out against a trading bot's own order book."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tieout.diffing import diff
    from tieout.diffing.dedup import dedup

__all__ = ["dedup", "diff"]

_HOMES = {"dedup": "tieout.diffing.dedup", "diff": "tieout.diffing"}
"""Public name -> where it lives; imported on first use, so that `tieout --help` stays fast."""


def __getattr__(name: str) -> Any:
    """A public name, from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
