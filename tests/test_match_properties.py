"""Properties of matching through the production wrapper. The numbers are rust/core/src/matching/mod.rs's."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from match_model import NS, Row, fate, matched, pairs_of


def sometimes(*values: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


ROW = st.fixed_dictionaries(
    {
        "account": st.sampled_from([None, "DU1", "DU1", "DU2"]),
        "perm_id": sometimes(1, 2, 3),
        "order_ref": sometimes("", "a", "a reference that is long"),
        "client_id": sometimes(0, 1),
        "order_id": sometimes(0, 7, 8),
        "session": sometimes("s1", "s2"),
        "symbol": st.sampled_from([None, "ES", "ES", "MES"]),
        "expiry": sometimes("202512", "202603"),
        "side": st.sampled_from([None, "BUY", "BUY", "SELL"]),
        "quantity_e8": sometimes(1, 2),
        "limit_price_e8": sometimes(10, 12),
        "status": sometimes("Submitted", "Filled", "Inactive"),
        "placed_ns": sometimes(0, 200 * NS, 400 * NS),
        "inexact": st.booleans(),
    }
)
SIDES = st.tuples(st.lists(ROW, max_size=10), st.lists(ROW, max_size=10))
SETTINGS = st.fixed_dictionaries(
    {
        "window_s": st.sampled_from([0, 300]),
        "price_tolerance_e8": st.sampled_from([0, 2]),
        "accept_unique": st.booleans(),
    }
)


@settings(deadline=None)
@given(SIDES, SETTINGS)
def test_invariant_1_partition(sides: tuple[list[Row], list[Row]], changed: Row) -> None:
    broker, book = sides
    matching = matched(broker, book, **changed)
    decided = matching.ambiguous.filter(~pl.col("reason").str.starts_with("forked"))
    left = Counter(matching.pairs["broker"].to_list() + matching.broker_only.to_list())
    left.update(matching.ambiguous["broker"].unique().to_list())
    right = Counter(matching.pairs["book"].to_list() + matching.book_only.to_list())
    right.update(decided["book"].unique().to_list())
    assert left == Counter(range(len(broker)))
    assert right == Counter(range(len(book)))


@settings(deadline=None)
@given(SIDES, SETTINGS, st.randoms(use_true_random=False))
def test_invariant_2_row_order(sides: tuple[list[Row], list[Row]], changed: Row, random: Any) -> None:
    def census(broker: list[Row], book: list[Row]) -> Counter[str]:
        pairs, broker_only, book_only, edges = fate(matched(broker, book, **changed))
        lines = [f"{tier} {broker[left]} {book[right]}" for left, right, tier in pairs]
        lines += [f"broker {broker[row]}" for row in broker_only] + [f"book {book[row]}" for row in book_only]
        named = [(broker[left], None if right is None else book[right], *why) for left, right, *why in edges]
        return Counter(lines + [str(edge) for edge in named])

    broker, book = sides
    before = census(broker, book)
    assert before == census(random.sample(broker, len(broker)), random.sample(book, len(book)))


@settings(deadline=None)
@given(st.lists(ROW | st.fixed_dictionaries({"perm_id": st.integers(1, 99), "account": st.just("DU1")}), max_size=12))
def test_tiers_1_and_2_are_symmetric(rows: list[Row]) -> None:
    live = [row | {"status": "Submitted", "client_id": None, "symbol": "ES"} for row in rows]
    half = len(live) // 2

    def keyed(broker: list[Row], book: list[Row]) -> set[tuple[int, int, int]]:
        return {pair for pair in pairs_of(matched(broker, book)) if pair[2] <= 2}

    forth, back = keyed(live[:half], live[half:]), keyed(live[half:], live[:half])
    assert forth == {(left, right, tier) for right, left, tier in back}
