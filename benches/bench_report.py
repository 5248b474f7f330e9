"""Pairs of timings in one run, told as a ratio: absolute times on a shared machine are noise."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


def ratio_in_pairs(ours: Callable[[], object], peer: Callable[[], object], *, pairs: int) -> tuple[float, float, float]:
    """Median seconds of ours and of the peer, and the median of their ratios, run in turn after a warm-up."""
    ours()
    peer()
    return medians([(_seconds(ours), _seconds(peer)) for _ in range(pairs)])


def medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Of pairs of seconds, ours and the peer's: the median of each, and of their ratios."""
    mine, theirs = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(theirs), statistics.median(a / b for a, b in pairs)


def tell(what: str, peer: str, figures: tuple[float, float, float]) -> None:
    """One line of the report."""
    mine, theirs, ratio = figures
    print(f"\n{what}: {mine * 1000:.1f} ms, {peer}: {theirs * 1000:.1f} ms, ratio {ratio:.2f}")


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
