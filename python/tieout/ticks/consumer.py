"""Whoever takes drained ticks: bars, files, a strategy's callbacks, a publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


class Consumer(Protocol):
    """
    Takes every drained batch, in order, from one thread.

    The drain calls it, so it must not wait: what is slow has a queue of its own, with a limit and a count of what it
    lost. What it raises is logged and alerted by the drain, and ends neither the drain nor the other consumers.
    """

    def take(self, ticks: pl.DataFrame) -> None:
        """Take a batch of schema `tieout.ticks.layout.TICK`, never empty, in the order of arrival."""
        ...

    def idle(self, now_ns: int) -> None:
        """Called between batches, a few times a second also while nothing comes; UTC nanoseconds."""
        ...

    def close(self) -> None:
        """The feed ends: write what waits. Called once."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A consumer with an account of its own; `status/ticks.json` shows it."""

    def counts(self) -> Mapping[str, int]:
        """Its counts since the start, by name; any thread may ask."""
        ...
