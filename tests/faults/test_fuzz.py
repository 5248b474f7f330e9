"""
A bot that trades through the gate while its gateway misbehaves, is killed and starts again; then the broker's truth is
held against book, ledger and intents.

No order is sent twice, no order that is at the broker is held for gone, no fill is lost, no row is deleted wrongly,
every intent says what became of it, and the gate opens again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from fuzz_run import Result, crew, run_seed
from kill_support import SEED, SOAK

if TYPE_CHECKING:
    from pathlib import Path

SEEDS, BLOCKS = (1_000, 20) if SOAK else (50, 5)
FIRST = SEED * 1_000
COUNTED = ("orders", "fills", "intents", "killed", "latched", "restart", "decided")


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_brokers_truth_is_the_books(tmp_path: Path, block: int) -> None:
    seeds = range(FIRST + block, FIRST + SEEDS, BLOCKS)
    with crew(tmp_path) as made:
        results = [run_seed(made, tmp_path, seed) for seed in seeds]
    print(table(results))
    wrong = {result.seed: result.wrong for result in results if result.wrong}
    assert wrong == {}


def table(results: list[Result]) -> str:
    """What was tried, what survived, and the seed in which most went wrong without harm."""
    counts = sum((Counter(result.counts) for result in results), Counter[str]())
    worst = max(results, key=lambda result: (len(result.wrong), result.counts.get("staged", 0)))
    told = ", ".join(f"{counts[name]} {name}" for name in COUNTED)
    survived = sum(not result.wrong for result in results)
    return (
        f"\nfuzz: seeds {results[0].seed} to {results[-1].seed}: {len(results)} tried, {survived} survived; {told}; "
        f"worst case: seed {worst.seed}, {worst.wrong or 'nothing wrong'}"
    )
