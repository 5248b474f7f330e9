"""Planning the repairs of orders; the numbers are those of tieout.reconcile.order_plan and evidence."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plan_support import HARD, NOON, fills_frame, make_book, opened, plan, snapshot
from tieout.clock import NS_PER_S, to_iso
from tieout.model import PartName
from tieout.reconcile.ambiguity import WHY
from tieout.reconcile.evidence import broker_side, with_revisions
from tieout.schema import POSITION

E8 = 100_000_000
RECENT = "2026-03-04T11:00:00.000Z"
YESTERDAY = "2026-03-03T11:00:00.000Z"


def test_equal_sides_give_an_empty_plan(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    made = plan(book, snapshot(live=(opened(perm_id=7),)))
    assert (made.actions, made.undecided, made.waits) == ((), (), False)


def test_1_a_differing_order_is_updated_with_the_brokers_values(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7, "limit_price": "4999.75"})
    (action,) = plan(book, snapshot(live=(opened(perm_id=7, tif="GTC"),))).actions
    assert (action.kind, action.row, action.tier) == ("update", 1, 1)
    assert action.changes == {"limit_price": ["4999.75", "5000"], "tif": ["DAY", "GTC"]}


def test_1_what_the_broker_does_not_report_is_never_a_change(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7, "status": "Cancelled"})
    ended = opened(perm_id=7, status="Cancelled", quantity_e8=None, limit_price_e8=None, tif=None)
    assert plan(book, snapshot(completed=(ended,))).actions == ()


def test_1_a_perm_id_is_learnt_by_client_and_order_id(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"client_id": 3, "order_id": 11})
    (action,) = plan(book, snapshot(live=(opened(client_id=3, order_id=11, perm_id=7),))).actions
    assert (action.tier, action.changes) == (3, {"perm_id": [None, 7]})


def test_a_completed_order_without_ids_is_found_through_its_executions(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"client_id": 3, "order_id": 11})
    done = opened(perm_id=7, status="Filled", filled_quantity_e8=2 * E8, placed_ns=NOON)
    fill = {"exec_id": "a.b.c.01", "perm_id": 7, "client_id": 3, "order_id": 11, "quantity_e8": 2 * E8}
    made = plan(book, snapshot(completed=(done,), fills=(fill | {"cumulative_quantity_e8": 2 * E8},)))
    insert, update = sorted(made.actions, key=lambda action: action.kind)
    assert update.changes == {"perm_id": [None, 7], "status": ["Submitted", "Filled"], "filled_quantity": ["0", "2"]}
    assert (insert.entity, insert.exec_id, insert.order_row) == ("execution", "a.b.c.01", 1)


def test_4_executions_that_reach_the_quantity_prove_filled(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7})
    fills = tuple(
        {"exec_id": f"a.b.{n}.01", "perm_id": 7, "cumulative_quantity_e8": n * E8, "executed_ns": NOON + n}
        for n in (1, 2)
    )
    made = plan(book, snapshot(fills=fills))
    (update,) = [action for action in made.actions if action.entity == "order"]
    assert update.changes == {"status": ["Submitted", "Filled"], "filled_quantity": ["0", "2"]}
    assert [a.exec_id for a in made.actions if a.entity == "execution"] == ["a.b.1.01", "a.b.2.01"]


def test_executions_that_do_not_fill_an_order_that_is_nowhere_leave_an_orphan_with_its_fills(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 7, "placed_at": RECENT})
    made = plan(book, snapshot(fills=({"exec_id": "a.b.c.01", "perm_id": 7},)), flags=HARD)
    (orphan,) = [action for action in made.actions if action.entity == "order"]
    assert orphan.kind == "soft_delete"
    assert orphan.changes == {"status": ["Submitted", "orphaned_deleted"], "filled_quantity": ["0", "1"]}
    assert "the broker reports executions of it" in orphan.reason


def test_2_an_order_only_at_the_broker_is_inserted_with_its_executions(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db")
    done = opened(perm_id=9, status="Filled", filled_quantity_e8=E8, quantity_e8=None, placed_ns=NOON)
    made = plan(book, snapshot(completed=(done,), fills=({"exec_id": "x.01", "perm_id": 9},)))
    execution, order = sorted(made.actions, key=lambda action: action.entity)
    assert (order.kind, order.after) == ("insert", order.after)
    assert order.after is not None
    assert (order.after["quantity"], order.after["status"], order.after["perm_id"]) == ("1", "Filled", 9)
    assert (execution.order_action, execution.order_row) == (order.action_id, None)


def test_2_an_order_known_from_executions_alone_is_told_not_inserted(tmp_path: Path) -> None:
    made = plan(make_book(tmp_path / "b.db"), snapshot(fills=({"exec_id": "x.01", "perm_id": 9},)))
    assert made.actions == ()
    assert "known from executions alone" in made.notes[0]


def test_an_order_without_any_id_waits(tmp_path: Path) -> None:
    made = plan(make_book(tmp_path / "b.db"), snapshot(live=(opened(perm_id=None, order_id=None),)))
    assert made.actions == ()
    assert made.notes == ("1 order(s) at the broker carry no id at all yet: they wait for the next reconcile",)


def test_3_a_live_order_that_is_nowhere_is_an_orphan_and_an_ended_one_is_not(tmp_path: Path) -> None:
    rows = ({"perm_id": 1}, {"perm_id": 2, "status": "Cancelled"}, {"perm_id": 3, "status": "Inactive"})
    (action,) = plan(make_book(tmp_path / "b.db", *rows), snapshot()).actions
    assert (action.kind, action.row, action.changes) == (
        "soft_delete",
        1,
        {"status": ["Submitted", "orphaned_deleted"]},
    )


@pytest.mark.parametrize("failed", ["open_orders", "completed_orders", "executions"])
def test_3_absence_from_an_incomplete_answer_proves_nothing(tmp_path: Path, failed: PartName) -> None:
    made = plan(make_book(tmp_path / "b.db", {"perm_id": 1}), snapshot(failed=(failed,)), flags=HARD)
    assert made.actions == ()
    assert f"{failed}: no End within 10 s" in made.notes[0]


def test_3_positions_are_no_part_of_absence(tmp_path: Path) -> None:
    (action,) = plan(make_book(tmp_path / "b.db", {"perm_id": 1}), snapshot(failed=("positions",))).actions
    assert action.kind == "soft_delete"


@pytest.mark.parametrize(
    ("row", "fills", "kind", "why"),
    [
        ({"placed_at": RECENT}, (), "hard_delete", ""),
        ({"last_live_at": RECENT, "placed_at": YESTERDAY}, (), "hard_delete", ""),
        ({"placed_at": YESTERDAY}, (), "soft_delete", "the broker's answer covers from 2026-03-04T05:00:00.000Z"),
        ({}, (), "soft_delete", "when it was last known live is not on record"),
        ({"placed_at": RECENT, "filled_quantity": "1"}, (), "soft_delete", "it has fills in the book"),
        ({"placed_at": RECENT, "filled_quantity": None}, (), "soft_delete", "does not say how much of it was filled"),
        ({"placed_at": RECENT}, ({"order_row": 1, "quantity": "1", "price": "5"},), "soft_delete", "it has fills"),
    ],
)
def test_4_an_orphan_is_deleted_for_good_only_when_no_fill_can_hide(
    tmp_path: Path, row: dict[str, str], fills: tuple[dict[str, object], ...], kind: str, why: str
) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 1} | row, fills=fills)
    (action,) = plan(book, snapshot(), flags=HARD).actions
    assert action.kind == kind
    assert why in action.reason
    (soft,) = plan(book, snapshot()).actions
    assert soft.kind == "soft_delete"


def test_5_a_row_that_changed_meanwhile_waits(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 1}, {"perm_id": 2, "tif": "GTC"})
    made = plan(book, snapshot(live=(opened(perm_id=2),)), moving=frozenset({1, 2}))
    assert made.actions == ()
    assert made.notes == ("2 order(s) changed in the book during the reconcile and wait for the next one",)


def test_orders_of_other_accounts_are_left_alone(tmp_path: Path) -> None:
    made = plan(make_book(tmp_path / "b.db", {"perm_id": 1, "account": "DU2"}), snapshot())
    assert (made.actions, made.notes) == ((), ("1 live order(s) of other accounts in the book were not looked at",))


def test_orders_without_an_account_are_the_only_accounts_and_learn_it(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"account": "", "client_id": 3, "order_id": 11})
    (action,) = plan(book, snapshot(live=(opened(client_id=3, order_id=11, perm_id=7),))).actions
    assert action.changes == {"account": ["", "DU1"], "perm_id": [None, 7]}
    several = plan(book, snapshot(sole=False))
    assert several.actions == ()
    assert "name no account, and the gateway holds several" in several.notes[0]


def test_an_ambiguous_order_lists_its_candidates_and_is_never_an_action(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"perm_id": 1, "placed_at": RECENT})
    made = plan(book, snapshot(live=(opened(perm_id=8), opened(perm_id=9))))
    assert made.actions == ()
    (one,) = made.undecided
    told = one.to_json()
    assert (told["reason"], told["match_tier"], one.book_rows) == ("signature_not_unique", 4, (0,))
    assert isinstance(told["candidates"], list)
    first = told["candidates"][0]
    assert isinstance(first, dict)
    assert first["differs"] == {"perm_id": {"broker": 8, "book": 1}}
    assert set(first["agrees"]) >= {"symbol", "side", "quantity", "limit_price"}  # type: ignore[arg-type]


def test_every_reason_that_the_kernel_gives_is_explained() -> None:
    source = Path(__file__).parent.parent / "rust" / "core" / "src" / "matching" / "outcome.rs"
    named = set(re.findall(r'=> "([a-z_]+)"', source.read_text(encoding="utf-8")))
    assert named <= set(WHY)
    assert len(named) == 11


@pytest.mark.parametrize(
    ("rows", "live", "reason"),
    [
        (({"perm_id": 1}, {"perm_id": 1}), (opened(perm_id=1),), "perm_id_not_unique"),
        (({"order_ref": "a"}, {"order_ref": "a"}), (opened(perm_id=1, order_ref="a"),), "order_ref_not_unique"),
        (({"perm_id": 1, "side": "SELL"},), (opened(perm_id=1),), "side_contradicts"),
        (({"perm_id": 1, "symbol": "NQ"},), (opened(perm_id=1),), "contract_contradicts"),
        (({"perm_id": 2, "order_ref": "a"},), (opened(perm_id=1, order_ref="a"),), "perm_id_contradicts"),
        (
            ({"perm_id": 1, "order_ref": "a"},),
            (opened(perm_id=1, order_ref="a"), opened(perm_id=2, order_ref="a")),
            "forked_order_ref",
        ),
    ],
)
def test_a_key_that_does_not_decide_is_ambiguous(
    tmp_path: Path, rows: tuple[dict[str, object], ...], live: tuple[dict[str, object], ...], reason: str
) -> None:
    made = plan(make_book(tmp_path / "b.db", *rows), snapshot(live=live))
    assert [one.reason for one in made.undecided] == [reason]
    assert made.undecided[0].to_json()["why"] == WHY[reason]
    assert made.actions == ()


def test_positions_are_told_and_change_neither_the_plan_id_nor_the_waiting(tmp_path: Path) -> None:
    held = {"account": "DU1", "symbol": "ES", "local_symbol": "ESU5", "con_id": 637533641, "multiplier_e8": 50 * E8,
            "quantity_e8": E8, "average_cost_e8": 31511475000000}  # fmt: skip
    positions = pl.DataFrame([{name: held.get(name) for name in POSITION}], schema=POSITION)
    book = make_book(tmp_path / "b.db")
    made = plan(book, snapshot(positions=positions))
    assert [note.average_price for note in made.positions] == ["6302.295"]
    assert not made.waits
    bare = plan(book, snapshot())
    names = {"config": {}, "lineage": "l", "restore_epoch": 0, "last_applied": None}
    assert made.plan_id(**names) == bare.plan_id(**names)  # type: ignore[arg-type]


def test_an_order_open_first_and_completed_a_moment_later_has_its_last_status() -> None:
    said = snapshot(
        live=(opened(perm_id=7, client_id=3, order_id=11, filled_quantity_e8=E8),),
        completed=(opened(perm_id=7, status="Cancelled", filled_quantity_e8=None, placed_ns=NOON),),
    )
    side = broker_side(said)
    (row,) = side.orders.iter_rows(named=True)
    assert (row["status"], row["live"], row["order_id"], row["filled_quantity_e8"]) == ("Cancelled", False, 11, E8)
    assert side.seen.row(0) == (True, True, False)


def test_a_fill_of_the_whole_quantity_ends_an_order_that_was_still_open_when_asked() -> None:
    fill = {"exec_id": "x.01", "perm_id": 7, "quantity_e8": 2 * E8, "cumulative_quantity_e8": 2 * E8}
    (row,) = broker_side(snapshot(live=(opened(perm_id=7),), fills=(fill,))).orders.iter_rows(named=True)
    assert (row["status"], row["live"], row["filled_quantity_e8"]) == ("Filled", False, 2 * E8)


def test_the_highest_correction_is_active_and_a_combos_leg_is_an_execution_of_its_own() -> None:
    ids = ("a.b.c.01", "a.b.c.02", "a.b.c.d.01", "odd")
    frame = with_revisions(fills_frame(*({"exec_id": one, "perm_id": 7} for one in ids)))
    active = dict(zip(frame["exec_id"], frame["active"], strict=True))
    assert active == {"a.b.c.01": False, "a.b.c.02": True, "a.b.c.d.01": True, "odd": True}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    perms=st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.booleans()), max_size=8, unique_by=lambda t: t[0]),
    seed=st.randoms(use_true_random=False),
)
def test_the_plan_does_not_depend_on_the_order_in_which_the_broker_tells(
    tmp_path_factory: pytest.TempPathFactory, perms: list[tuple[int, bool, bool]], seed: object
) -> None:
    book = make_book(tmp_path_factory.mktemp("p") / "b.db", *({"perm_id": n, "placed_at": RECENT} for n in (1, 2, 3)))
    live = [opened(perm_id=n, tif="GTC" if odd else "DAY") for n, is_live, odd in perms if is_live]
    ended = [opened(perm_id=n, status="Cancelled", placed_ns=NOON) for n, is_live, _ in perms if not is_live]
    straight = plan(book, snapshot(live=tuple(live), completed=tuple(ended)))
    seed.shuffle(live)  # type: ignore[attr-defined]
    seed.shuffle(ended)  # type: ignore[attr-defined]
    mixed = plan(book, snapshot(live=tuple(live), completed=tuple(ended)))
    assert [a.to_json() for a in straight.actions] == [a.to_json() for a in mixed.actions]
    touched = [action.row for action in straight.actions if action.row is not None]
    assert len(touched) == len(set(touched))


def test_times_outside_the_window_are_two_different_orders(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", {"placed_at": to_iso(NOON - 301 * NS_PER_S), "status": "Submitted"})
    done = opened(perm_id=9, status="Cancelled", placed_ns=NOON)
    kinds = sorted(action.kind for action in plan(book, snapshot(completed=(done,))).actions)
    assert kinds == ["insert", "soft_delete"]
    near = make_book(tmp_path / "n.db", {"placed_at": to_iso(NOON - 300 * NS_PER_S), "status": "Submitted"})
    assert [one.reason for one in plan(near, snapshot(completed=(done,))).undecided] == ["signature_for_review"]
