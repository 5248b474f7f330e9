"""Matching through the production wrapper. The numbers are the invariants of rust/core/src/matching/mod.rs."""

from __future__ import annotations

import polars as pl
import pytest

from match_model import NS, Row, edges_of, fate, matched, orders, pairs_of
from tieout.reconcile.match import AMBIGUOUS, PAIRS, match_orders
from tieout.schema import ORDER, empty


def test_empty_sides_give_empty_frames_of_the_declared_schemas() -> None:
    matching = match_orders(empty(ORDER), empty(ORDER), window_s=300)
    assert matching.pairs.schema == pl.Schema(PAIRS)
    assert matching.ambiguous.schema == pl.Schema(AMBIGUOUS)
    assert (matching.broker_only.dtype, matching.book_only.dtype) == (pl.UInt32, pl.UInt32)
    assert fate(matching) == ([], [], [], [])


def test_one_empty_side_leaves_the_other() -> None:
    assert fate(match_orders(orders({}, {}), empty(ORDER), window_s=300)) == ([], [0, 1], [], [])
    assert fate(match_orders(empty(ORDER), orders({}, {}), window_s=300)) == ([], [], [0, 1], [])


def test_a_chunked_and_sliced_frame_matches_like_a_whole_one() -> None:
    whole = orders(*({"perm_id": 1 + n, "symbol": f"a symbol of some length {n}"} for n in range(9)))
    pieces = pl.concat([whole[:2], whole[2:5], whole[5:]], rechunk=False)
    matching = match_orders(pieces[3:], whole, window_s=300)
    assert pairs_of(matching) == [(n, n + 3, 1) for n in range(6)]
    assert matching.book_only.to_list() == [0, 1, 2]


@pytest.mark.parametrize(
    ("broker", "book"),
    [
        ({"account": None}, {"account": None}),
        ({"account": "DU1"}, {"account": "DU2"}),
    ],
)
def test_invariant_3_within_one_account(broker: Row, book: Row) -> None:
    key = {"perm_id": 5, "order_ref": "a", "client_id": 1, "order_id": 1}
    assert fate(matched([broker | key], [book | key])) == ([], [0], [0], [])


@pytest.mark.parametrize(
    "key",
    [{"perm_id": 0}, {"order_ref": ""}, {"client_id": 1, "order_id": 0}, {"order_id": 1}, {"client_id": 1}],
)
def test_invariant_4_what_is_no_key(key: Row) -> None:
    other = {"limit_price_e8": 1}
    assert fate(matched([key], [key | other])) == ([], [0], [0], [])


def test_invariant_5_what_one_side_does_not_know_contradicts_nothing() -> None:
    full = {"con_id": 1, "expiry": "202512", "multiplier_e8": 5, "currency": "USD", "exchange": "CME"}
    bare = {"perm_id": 5, "symbol": None, "sec_type": None, "side": None, "exchange": "GLOBEX"}
    assert fate(matched([full | {"perm_id": 5}], [bare])) == ([(0, 0, 1)], [], [], [])


def test_invariant_6_a_settled_book_row_matches_by_perm_id_only() -> None:
    key = {"order_ref": "a", "client_id": 1, "order_id": 7}
    book = [key | {"perm_id": 9, "status": "Filled"}]
    assert fate(matched([key | {"status": "Filled"}], book)) == ([], [0], [0], [])
    assert fate(matched([{"perm_id": 9}], book)) == ([(0, 0, 1)], [], [], [])


def test_invariant_6_inactive_and_unknown_statuses_are_not_settled() -> None:
    for status in ("Inactive", None):
        book = [{"order_ref": "a", "perm_id": 9, "status": status}]
        assert fate(matched([{"order_ref": "a"}], book)) == ([(0, 0, 2)], [], [], [])


def test_invariant_7_tier_1() -> None:
    book = [{"perm_id": 6, "order_ref": "x"}, {"perm_id": 5, "status": "Filled"}]
    assert fate(matched([{"perm_id": 5}], book)) == ([(0, 1, 1)], [], [0], [])


def test_invariant_7_a_perm_id_twice_on_a_side_is_ambiguous() -> None:
    edges = [(0, 0, 1, "perm_id_not_unique"), (1, 0, 1, "perm_id_not_unique")]
    assert fate(matched([{"perm_id": 5}, {"perm_id": 5}], [{"perm_id": 5}])) == ([], [], [], edges)


def test_invariant_7_a_contradiction_is_ambiguous() -> None:
    for field, reason in ({"symbol": "MES"}, "contract_contradicts"), ({"side": "SELL"}, "side_contradicts"):
        matching = matched([{"perm_id": 5}], [{"perm_id": 5} | field])
        assert fate(matching) == ([], [], [], [(0, 0, 1, reason)])


@pytest.mark.parametrize(
    "field",
    [
        {"con_id": 1}, {"symbol": "a"}, {"sec_type": "a"}, {"expiry": "a"}, {"strike_e8": 1}, {"right": "C"},
        {"multiplier_e8": 1}, {"currency": "a"}, {"local_symbol": "a"}, {"trading_class": "a"},
    ],
)  # fmt: skip
def test_invariant_5_every_contract_field_but_the_exchange_contradicts(field: Row) -> None:
    (name, value), key = next(iter(field.items())), {"perm_id": 5}
    other = {name: "b" if isinstance(value, str) else 2}
    assert edges_of(matched([key | field], [key | other])) == [(0, 0, 1, "contract_contradicts")]


def test_invariant_8_tier_2() -> None:
    broker, book = [{"perm_id": 5, "order_ref": "a"}], [{"order_ref": "a"}]
    assert fate(matched(broker, book)) == ([(0, 0, 2)], [], [], [])
    book = [{"perm_id": 6, "order_ref": "a"}]
    assert fate(matched(broker, book)) == ([], [], [], [(0, 0, 2, "perm_id_contradicts")])
    book = [{"order_ref": "a"}, {"order_ref": "a"}]
    edges = [(0, 0, 2, "order_ref_not_unique"), (0, 1, 2, "order_ref_not_unique")]
    assert fate(matched(broker, book)) == ([], [], [], edges)


def test_invariant_8_a_key_that_tier_1_used_is_free() -> None:
    broker = [{"perm_id": 5, "order_ref": "a"}, {"status": "Filled", "order_ref": "a"}]
    book = [{"perm_id": 5, "order_ref": "a"}, {"order_ref": "a"}]
    assert fate(matched(broker, book)) == ([(0, 0, 1), (1, 1, 2)], [], [], [])


def test_invariant_9_tier_3_takes_live_book_rows() -> None:
    key = {"client_id": 1, "order_id": 7}
    assert fate(matched([key], [key])) == ([(0, 0, 3)], [], [], [])
    assert fate(matched([key], [key | {"status": "Cancelled"}])) == ([], [0], [0], [])


def test_invariant_9_known_sessions_must_agree() -> None:
    key = {"client_id": 1, "order_id": 7}
    one, two = key | {"session": "s1"}, key | {"session": "s2"}
    far = {"limit_price_e8": 1}
    assert fate(matched([one], [two | far])) == ([], [0], [0], [])
    assert fate(matched([two], [one, two])) == ([(0, 1, 3)], [], [0], [])
    edges = [(0, 0, 3, "order_id_not_unique"), (0, 1, 3, "order_id_not_unique")]
    assert fate(matched([key], [one, two])) == ([], [], [], edges)
    assert fate(matched([key | {"perm_id": 5}], [one | {"perm_id": 6}])) == (
        [], [], [], [(0, 0, 3, "perm_id_contradicts")],
    )  # fmt: skip


def test_invariant_10_two_live_perm_ids_on_one_order_ref() -> None:
    broker = [{"perm_id": 5, "order_ref": "a"}, {"perm_id": 6, "order_ref": "a"}]
    matching = matched(broker, [{"perm_id": 5, "order_ref": "a"}])
    assert fate(matching) == ([(0, 0, 1)], [], [], [(1, 0, 2, "forked_order_ref")])


def test_invariant_10_two_live_perm_ids_on_one_order_id() -> None:
    key = {"client_id": 1, "order_id": 7}
    matching = matched([key | {"perm_id": 5}, key | {"perm_id": 6}], [])
    edges = [(0, None, 3, "forked_order_id"), (1, None, 3, "forked_order_id")]
    assert fate(matching) == ([], [], [], edges)
    assert matching.ambiguous["candidates"].to_list() == [0, 0]
    assert matching.ambiguous["group"].to_list() == [0, 0]


def test_invariant_10_a_fork_may_know_other_fields() -> None:
    one, two = {"perm_id": 5, "order_ref": "a", "con_id": 1}, {"perm_id": 6, "order_ref": "a", "expiry": "202512"}
    edges = [(0, None, 2, "forked_order_ref"), (1, None, 2, "forked_order_ref")]
    assert fate(matched([one, two], [])) == ([], [], [], edges)


@pytest.mark.parametrize(
    "other", [{"status": "Cancelled"}, {"symbol": "MES"}, {"side": "SELL"}, {"perm_id": None}, {"account": "DU2"}]
)
def test_invariant_10_what_is_no_fork(other: Row) -> None:
    broker = [{"perm_id": 5, "order_ref": "a"}, {"perm_id": 6, "order_ref": "a"} | other]
    assert fate(matched(broker, [])) == ([], [0, 1], [], [])


def test_invariant_11_a_unique_signature_is_for_review_unless_accepted() -> None:
    late = {"placed_ns": 1_300 * NS}
    assert fate(matched([{}], [late])) == ([], [], [], [(0, 0, 4, "signature_for_review")])
    assert fate(matched([{}], [late], accept_unique=True)) == ([(0, 0, 4)], [], [], [])
    assert fate(matched([{}], [{"placed_ns": 1_300 * NS + 1}], accept_unique=True)) == ([], [0], [0], [])


def test_invariant_11_an_unknown_time_is_for_the_operator() -> None:
    matching = matched([{"placed_ns": None}], [{}], accept_unique=True)
    assert fate(matching) == ([], [], [], [(0, 0, 4, "time_unknown")])


def test_invariant_11_look_alikes_are_ambiguous_together() -> None:
    times = [{"placed_ns": seconds * NS} for seconds in (0, 400, 200, 5_000)]
    matching = matched(times[:2], times[2:], accept_unique=True)
    edges = [(0, 0, 4, "signature_not_unique"), (1, 0, 4, "signature_not_unique")]
    assert fate(matching) == ([], [], [1], edges)


def test_invariant_11_contradicting_perm_ids_are_for_the_operator() -> None:
    matching = matched([{"perm_id": 5}], [{"perm_id": 6}], accept_unique=True)
    assert fate(matching) == ([], [], [], [(0, 0, 4, "perm_id_contradicts")])


@pytest.mark.parametrize(
    "book",
    [
        {"symbol": None}, {"side": None}, {"quantity_e8": None}, {"quantity_e8": 1}, {"side": "SELL"},
        {"inexact": True}, {"limit_price_e8": None}, {"stop_price_e8": 1}, {"limit_price_e8": 500_000_000_001},
        {"status": "Cancelled"}, {"status": "orphaned_deleted"}, {"status": "superseded_unknown"},
    ],
)  # fmt: skip
def test_invariant_11_what_is_no_candidate(book: Row) -> None:
    assert fate(matched([{}], [book], accept_unique=True)) == ([], [0], [0], [])


def test_invariant_11_an_ended_broker_order_may_be_an_ended_book_order() -> None:
    over = {"status": "Filled"}
    assert fate(matched([over], [over], accept_unique=True)) == ([(0, 0, 4)], [], [], [])


def test_invariant_11_a_price_tolerance_is_inclusive() -> None:
    near = [{"limit_price_e8": 500_000_000_010, "stop_price_e8": None}]
    assert fate(matched([{}], near, price_tolerance_e8=10, accept_unique=True)) == ([(0, 0, 4)], [], [], [])
    assert fate(matched([{}], near, price_tolerance_e8=9, accept_unique=True)) == ([], [0], [0], [])


def test_invariant_11_null_contract_fields_join_what_they_do_not_contradict() -> None:
    broker = [{"expiry": "202512"}, {"expiry": "202603"}]
    edges = [(0, 0, 4, "signature_not_unique"), (1, 0, 4, "signature_not_unique")]
    assert fate(matched(broker, [{"expiry": None}])) == ([], [], [], edges)
    assert pairs_of(matched(broker, broker[::-1], accept_unique=True)) == [(0, 1, 4), (1, 0, 4)]


def test_invariant_12_many_look_alikes_are_named_in_part_and_counted_in_full() -> None:
    one = orders({})
    many = pl.concat([one] * 3_000)
    matching = match_orders(many, many, window_s=300)
    edges = matching.ambiguous
    assert (matching.pairs.height, matching.broker_only.len(), matching.book_only.len()) == (0, 0, 0)
    assert edges["candidates"].unique().to_list() == [3_000]
    assert edges["group"].unique().to_list() == [0]
    assert edges["broker"].n_unique() == edges["book"].n_unique() == 3_000
    assert edges.height < 3_000 * 65


@pytest.mark.parametrize("name", ["account", "perm_id", "live", "placed_ns", "trading_class"])
def test_a_missing_or_mistyped_column_is_an_error_that_names_it(name: str) -> None:
    good = orders({})
    with pytest.raises(ValueError, match=rf"broker: missing \['{name}'\]"):
        match_orders(good.drop(name), good, window_s=300)
    with pytest.raises(ValueError, match=rf"book: .*{name} is Date"):
        match_orders(good, good.with_columns(pl.lit(None, pl.Date).alias(name)), window_s=300)


def test_negative_settings_are_errors() -> None:
    with pytest.raises(ValueError, match="window_s -1"):
        matched([], [], window_s=-1)
    with pytest.raises(ValueError, match="price_tolerance_e8 -1"):
        matched([], [], price_tolerance_e8=-1)
