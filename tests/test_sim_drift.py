"""Seeded drifts: what is planted, what its truth says, and that both follow from book, seed and kinds alone."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from dataclasses import astuple
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_support import NOON_NS, make_book, order_row
from tieout.errors import ScenarioError
from tieout.sim.book import Book, read_book
from tieout.sim.book_world import BookWorld, world_of
from tieout.sim.drift import KINDS, LOOKALIKE, MANUAL_ORDER, MISSED_CANCEL, MISSED_FILL, ORPHAN
from tieout.sim.invent import TIFS
from tieout.sim.plant import plant
from tieout.sim.truth import Truth, decimal

SEEDS = st.integers(min_value=0, max_value=2**63)
SOME_KINDS = st.sets(st.sampled_from(KINDS), min_size=1).map(lambda kinds: tuple(sorted(kinds)))


def rows() -> list[dict[str, Any]]:
    """40 live orders of every type, two of them alike, and some that ended or are Inactive."""
    live = [order_row(n, order_ref=f"r{n}") for n in range(1, 21)]
    stop: dict[str, Any] = {"side": "SELL", "order_type": "STP", "limit_price": None, "status": "PreSubmitted"}
    live += [order_row(n, stop_price=str(5000 + n), **stop) for n in range(21, 36)]
    live += [order_row(n, order_type="MKT", limit_price=None, quantity=str(n), symbol="SPY") for n in range(36, 39)]
    live += [order_row(n, limit_price="6100") for n in (39, 40)]
    ended = [
        order_row(n, status="Filled", filled_quantity="4", updated_at="2026-03-01T10:00:00Z") for n in range(41, 45)
    ]
    return [*live, *ended, order_row(45, status="Inactive", limit_price="6001")]


@cache
def the_book() -> Book:
    with tempfile.TemporaryDirectory() as folder:
        return read_book(make_book(Path(folder) / "orders.db", rows()))


def drifted(seed: int, kinds: tuple[str, ...] | None = None, *, now_ns: int = NOON_NS) -> tuple[BookWorld, Truth]:
    made = world_of(the_book(), now_ns=now_ns)
    return made, plant(made, seed=seed, kinds=kinds)


def small_book(path: Path, rows: list[dict[str, Any]], executions: list[dict[str, Any]] | None = None) -> BookWorld:
    return world_of(read_book(make_book(path / "orders.db", rows, executions or [])), now_ns=NOON_NS)


@settings(deadline=None)
@given(seed=SEEDS, kinds=SOME_KINDS)
def test_the_same_seed_gives_the_same_world_and_truth(seed: int, kinds: tuple[str, ...]) -> None:
    first, second = drifted(seed, kinds), drifted(seed, kinds)
    assert first[1].to_json() == second[1].to_json()
    assert astuple(first[0].world) == astuple(second[0].world)


@settings(deadline=None)
@given(seed=SEEDS, kinds=SOME_KINDS)
def test_the_truth_does_not_hang_on_the_time_of_day(seed: int, kinds: tuple[str, ...]) -> None:
    assert drifted(seed, kinds)[1].to_json() == drifted(seed, kinds, now_ns=NOON_NS + 86_400 * 10**9)[1].to_json()


def test_other_seeds_give_other_drifts() -> None:
    assert len({str(drifted(seed)[1].to_json()) for seed in range(20)}) == 20


@settings(deadline=None)
@given(seed=SEEDS, kinds=SOME_KINDS)
def test_every_kind_asked_for_is_planted_and_no_other(seed: int, kinds: tuple[str, ...]) -> None:
    _, truth = drifted(seed, kinds)
    assert set(truth.planted) == set(kinds)
    assert min(truth.planted.values()) >= 1
    assert truth.kinds == tuple(kind for kind in KINDS if kind in kinds)


@settings(deadline=None)
@given(seed=SEEDS)
def test_each_order_takes_at_most_one_drift(seed: int) -> None:
    made, truth = drifted(seed)
    named = [(r["perm_id"]) for r in [*truth.to_update, *truth.to_delete]]
    named += [match["book"]["perm_id"] for match in truth.ambiguous_matches]  # type: ignore[index]
    planted = sum(count for kind, count in truth.planted.items() if kind != MANUAL_ORDER)
    assert max(Counter(named).values()) == 1
    assert len(named) == planted
    perm_ids = [order.perm_id for order in made.world.orders]
    assert len(perm_ids) == len(set(perm_ids))


@settings(deadline=None)
@given(seed=SEEDS)
def test_the_truth_says_what_the_world_holds(seed: int) -> None:
    made, truth = drifted(seed)
    held = {order.perm_id: order for order in made.world.orders}
    for record in truth.to_update:
        order, changes = held[record["perm_id"]], dict(record["changes"])  # type: ignore[index, call-overload]
        changed = {
            "status": order.status,
            "filled_quantity": decimal(order.filled),
            "quantity": decimal(order.quantity),
            "limit_price": decimal(order.limit_price),
            "stop_price": decimal(order.stop_price),
            "tif": order.tif,
        }
        assert changes == {name: changed[name] for name in changes}
        assert changes
    for record in truth.to_delete:
        assert record["perm_id"] not in held
    inserted = {record["exec_id"] for record in truth.to_insert if record["entity"] == "execution"}
    assert inserted == {fill.exec_id for fill in made.world.executions}


@settings(deadline=None)
@given(seed=SEEDS)
def test_missed_fills_add_up(seed: int) -> None:
    made, truth = drifted(seed, (MISSED_FILL,))
    assert len(truth.to_update) == truth.planted[MISSED_FILL]
    for record in truth.to_update:
        order = next(o for o in made.world.orders if o.perm_id == record["perm_id"])
        fills = [fill for fill in made.world.executions if fill.perm_id == order.perm_id]
        assert 1 <= len(fills) <= 3
        assert sum(fill.quantity for fill in fills) == order.filled == fills[-1].cumulative
        assert order.live is (order.filled < order.quantity)
        for fill in fills:
            assert (fill.client_id, fill.order_id, fill.order_ref) == (order.client_id, order.order_id, order.order_ref)
            if order.limit_price is not None:
                assert fill.price <= order.limit_price if order.side == "BUY" else fill.price >= order.limit_price


def test_some_missed_fills_are_partial() -> None:
    found = [record["changes"] for seed in range(30) for record in drifted(seed, (MISSED_FILL,))[1].to_update]
    kinds = Counter("status" in dict(changes) for changes in found)  # type: ignore[call-overload]
    assert kinds[True] >= 30
    assert kinds[False] >= 1


@settings(deadline=None)
@given(seed=SEEDS)
def test_lookalikes_share_their_signature_with_one_book_order_alone(seed: int) -> None:
    made, truth = drifted(seed)
    candidates = [row for row in the_book().orders if row.live or row.status == "Inactive"]
    signatures = Counter(row.signature for row in candidates)
    for match in truth.ambiguous_matches:
        (row,) = [row for row in candidates if row.perm_id == match["book"]["perm_id"]]  # type: ignore[index]
        twins = [o for o in made.world.orders if o.perm_id in {b["perm_id"] for b in match["broker"]}]  # type: ignore[attr-defined]
        assert signatures[row.signature] == 1
        assert len(twins) == 2
        for twin in twins:
            assert (twin.client_id, twin.order_id, twin.order_ref, twin.live) == (0, 0, "", True)
            alike = (twin.account, twin.contract.symbol, twin.side, twin.quantity, twin.limit_price, twin.stop_price)
            assert alike == row.signature


@settings(deadline=None)
@given(seed=SEEDS)
def test_manual_orders_look_like_nothing_in_the_book(seed: int) -> None:
    made, truth = drifted(seed, (MANUAL_ORDER, LOOKALIKE, ORPHAN))
    inserted = {record["perm_id"] for record in truth.to_insert}
    prices = {row.limit_price.rounded for row in the_book().orders}
    assert len(inserted) == truth.planted[MANUAL_ORDER]
    for order in made.world.orders:
        if order.perm_id in inserted:
            assert (order.client_id, order.order_id, order.order_ref) == (0, 0, "")
            assert order.limit_price not in prices
            assert order.tif in TIFS


@pytest.mark.parametrize("kind", [MISSED_FILL, MISSED_CANCEL])
def test_what_was_missed_was_missed_today(kind: str) -> None:
    midnight = NOON_NS - 43_200 * 10**9
    made, _ = drifted(3, (kind,), now_ns=midnight + 5 * 10**9)
    assert {o.ended_ns for o in made.world.orders if o.ended_ns is not None} == {midnight}


@pytest.mark.parametrize(("kinds", "live"), [(KINDS, 4), ((ORPHAN,), 0), ((ORPHAN, MISSED_FILL), 1)])
def test_too_few_live_orders_are_counted(kinds: tuple[str, ...], live: int, tmp_path: Path) -> None:
    made = small_book(tmp_path, [order_row(n) for n in range(1, live + 1)])
    with pytest.raises(ScenarioError, match=f"the book has {live} live"):
        plant(made, seed=1, kinds=kinds)


@pytest.mark.parametrize("seed", range(8))
def test_five_live_orders_are_enough_for_all_kinds(seed: int, tmp_path: Path) -> None:
    made = small_book(tmp_path, [order_row(n, perm_id=5000 + n if n == 3 else None) for n in range(1, 6)])
    truth = plant(made, seed=seed)
    assert truth.planted == dict.fromkeys(KINDS, 1)
    cancelled = [r for r in truth.to_update if dict(r["changes"]).get("status") == "Cancelled"]  # type: ignore[call-overload]
    assert [record["perm_id"] for record in cancelled] == [5003]


def test_a_missed_cancel_needs_a_book_that_was_tied_out(tmp_path: Path) -> None:
    made = small_book(tmp_path, [order_row(n, perm_id=None) for n in range(1, 9)])
    with pytest.raises(ScenarioError) as caught:
        plant(made, seed=1, kinds=(MISSED_CANCEL,))
    assert "a live order whose perm_id or order_ref the book knows" in caught.value.message
    assert "tie the book out once" in caught.value.hint


@pytest.mark.parametrize(
    "columns",
    [
        {"perm_id": 5001},
        {"perm_id": None, "order_id": None},
        {"perm_id": None, "client_id": None},
        {"perm_id": None, "order_ref": "same"},
    ],
)
def test_a_live_order_without_a_key_of_its_own_is_refused(columns: dict[str, Any], tmp_path: Path) -> None:
    other = order_row(1, order_ref="same", perm_id=columns["perm_id"])
    with pytest.raises(ScenarioError, match="shares its key with another one, or has none"):
        plant(small_book(tmp_path, [other, order_row(2) | columns]), seed=1, kinds=(MANUAL_ORDER,))


@pytest.mark.parametrize("kinds", [("missed",), (), (ORPHAN, "typo")])
def test_unknown_kinds_are_refused(kinds: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="expected some of missed_fill, missed_cancel"):
        plant(small_book(tmp_path, [order_row(1)]), seed=1, kinds=kinds)


def test_orphans_have_no_fills_today(tmp_path: Path) -> None:
    fill = {"order_row": 1, "account": "DU1", "exec_id": "e.1.1.01", "symbol": "ES", "side": "BUY", "quantity": "1",
            "price": "6001", "executed_at": "2026-03-04T10:00:00Z"}  # fmt: skip
    made = small_book(tmp_path, [order_row(1, filled_quantity="1"), order_row(2)], [fill])
    truth = plant(made, seed=1, kinds=(ORPHAN,))
    assert [record["perm_id"] for record in truth.to_delete] == [5002]


def test_prices_stay_on_the_grid() -> None:
    for seed, kind in itertools.product(range(10), KINDS):
        made, _ = drifted(seed, (kind,))
        for order in made.world.orders:
            for price in (order.limit_price, order.stop_price):
                assert price is None or price.scaleb(8) == (price.scaleb(8)).to_integral_value(), Decimal(price)
