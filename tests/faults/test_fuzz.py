"""
A bot that trades through the gate while its gateway misbehaves, is killed and starts again; then the broker's truth is
held against book, ledger and intents.

No order is sent twice, no order that is at the broker is held for gone, no fill is lost, no row is deleted wrongly,
every intent says what became of it, and the gate opens again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from fuzz_plan import story_of
from fuzz_run import Result, crew, run_seed
from fuzz_truth import compare
from fuzz_world import SCENARIO
from kill_support import SEED, SOAK

from cli_support import ACCOUNT
from gate_support import workplace
from tieout.sim import SimOptions, matching, run_in_thread
from tieout.sim.world import Contract, Order

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.sim.gateway import Gateway

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


def test_a_seed_says_the_same_again_and_another_seed_something_else() -> None:
    assert story_of(FIRST) == story_of(FIRST)
    assert story_of(FIRST) != story_of(FIRST + 1)


def test_the_comparison_sees_what_it_is_for(tmp_path: Path) -> None:
    """The control: an order sent twice without an intent and filled, in an account whose book is empty."""
    place = workplace(tmp_path / "w")
    scenario = tmp_path / "scenario.yml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    sent = Order(ACCOUNT, 1, 11, 100, Contract(5, "NQ", "FUT", "CME"), "BUY", Decimal(1), "MKT", order_ref="to-x")

    def twice(gateway: Gateway) -> None:
        for order_id in (100, 101):
            order = replace(sent, perm_id=gateway.world.take_perm_id(), order_id=order_id)
            gateway.publish(matching.accept(gateway.world, gateway.world.add_order(order), gateway.now_ns()))

    counts: dict[str, int] = {}
    with run_in_thread(SimOptions(scenario=scenario)) as sim:
        sim.call(twice)
        found = compare(place, sim, counts)
    assert counts == {"orders": 2, "fills": 2, "intents": 0}
    assert found[:2] == ["duplicate order: to-x under 2 order ids", "order without an intent: to-x"]
    assert [line.partition(" of perm_id")[0].partition(" (")[0] for line in found[2:]] == [
        "perm_id 1000000001",
        "perm_id 1000000002",
        "lost fill: 0000e0d5.3b9aca01.00000001.01",
        "lost fill: 0000e0d5.3b9aca02.00000002.01",
    ]


def table(results: list[Result]) -> str:
    """What was tried, what survived, and the seed that took most to be right again."""
    counts = sum((Counter(result.counts) for result in results), Counter[str]())
    worst = max(results, key=lambda result: (len(result.wrong), result.counts["rounds"]))
    told = ", ".join(f"{counts[name]} {name}" for name in COUNTED)
    survived = sum(not result.wrong for result in results)
    return (
        f"\nfuzz: seeds {results[0].seed} to {results[-1].seed}: {len(results)} tried, {survived} survived; {told}; "
        f"worst case: seed {worst.seed}, {worst.wrong or 'right'} after {worst.counts['rounds']} stages"
    )
