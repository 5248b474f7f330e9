"""A producer at ten times its consumer's rate: the account is exact and memory flat, whatever gives way."""

from __future__ import annotations

from typing import get_args

import pytest

from ring_support import INSTRUMENTS, overload
from tieout.ticks.ring import Policy

ROUNDS = 300
GROWN_BYTES_MAX = 8 << 20
"""What is pushed in these rounds takes twelve times as much; a ring or a drain that kept any tenth of it shows."""


@pytest.mark.parametrize("policy", get_args(Policy))
def test_account_exact_and_memory_flat_at_ten_times_the_rate(policy: Policy) -> None:
    left = iter(range(ROUNDS))
    seen = overload(policy, go_on=lambda: next(left, None) is not None)
    stats = seen.stats
    assert (seen.produced, seen.consumed, 0) == (stats.produced, stats.consumed, stats.waiting)
    assert stats.balances
    assert list(range(INSTRUMENTS)) == sorted(stats.lost)
    assert sum(stats.lost.values()) == stats.dropped + stats.conflated
    assert (stats.conflated > 0) == (policy == "conflate")
    assert stats.full_ns > 0
    assert seen.grown_bytes < GROWN_BYTES_MAX


def test_conflate_loses_no_trade_while_a_quote_waits() -> None:
    left = iter(range(ROUNDS))
    seen = overload("conflate", go_on=lambda: next(left, None) is not None)
    assert (seen.trades_lost, seen.stats.dropped) == (0, 0)
