"""The world made from an order book: the same as the book says, the rest invented repeatably."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_support import NOON_NS, RawClient, make_book, noon, order_row
from tieout.errors import ScenarioError
from tieout.sim import SimOptions, run_in_thread
from tieout.sim.book import read_book
from tieout.sim.book_world import BookWorld, world_of
from tieout.sim.invent import contract, perm_id, tif
from tieout.sim.plant import true_world

TODAY, YESTERDAY = "2026-03-04T10:00:00Z", "2026-03-03T23:59:59Z"


def world(path: Path, orders: list[dict[str, Any]], executions: list[dict[str, Any]] | None = None) -> BookWorld:
    return world_of(read_book(make_book(path / "orders.db", orders, executions or [])), now_ns=NOON_NS)


def fill_row(number: int, order: int, **columns: Any) -> dict[str, Any]:
    row = {"order_row": order, "account": "DU1", "exec_id": f"e.1.{number}.01", "symbol": "ES", "side": "BUY",
           "quantity": "1", "price": "6000.25", "executed_at": TODAY, "commission": "2.05"}  # fmt: skip
    return row | columns


def test_a_live_order_is_held_as_the_book_says(tmp_path: Path) -> None:
    row = order_row(1, order_ref="r1", parent_id=3, oca_group="o", tif="GTC", status="PreSubmitted", quantity="2.50",
                    order_type="STP LMT", limit_price="6000.10", stop_price="5999.5", filled_quantity="1")  # fmt: skip
    (order,) = world(tmp_path, [row]).world.orders
    held = [
        order.account,
        order.perm_id,
        order.client_id,
        order.order_id,
        order.order_ref,
        order.parent_id,
        order.oca_group,
    ]
    assert held == ["DU1", 5001, 7, 1, "r1", 3, "o"]
    assert [order.status, order.tif, order.side, order.order_type] == ["PreSubmitted", "GTC", "BUY", "STP LMT"]
    numbers = [order.quantity, order.filled, order.limit_price, order.stop_price]
    assert numbers == [Decimal("2.5"), Decimal(1), Decimal("6000.1"), Decimal("5999.5")]


def test_only_live_orders_are_open(tmp_path: Path) -> None:
    live = ["ApiPending", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel"]
    ended = ["Filled", "Cancelled", "ApiCancelled", "Inactive", "orphaned_deleted", "superseded_unknown"]
    rows = [order_row(n, status=status) for n, status in enumerate(live + ended, 1)]
    assert [order.status for order in world(tmp_path, rows).world.live_orders()] == live


def test_what_ended_today_under_a_perm_id_is_completed(tmp_path: Path) -> None:
    rows = [
        order_row(1, status="Filled", filled_quantity="4", updated_at=TODAY),
        order_row(2, status="Cancelled", updated_at=TODAY),
        order_row(3, status="Cancelled", updated_at=YESTERDAY),
        order_row(4, status="Cancelled", updated_at=TODAY, perm_id=None),
        order_row(5, status="orphaned_deleted", updated_at=TODAY),
    ]
    assert [order.perm_id for order in world(tmp_path, rows).world.completed_orders(NOON_NS)] == [5001, 5002]


def test_todays_fills_with_exec_id_are_served(tmp_path: Path) -> None:
    rows = [order_row(1, filled_quantity="2", order_ref="r1", perm_id=None)]
    fills = [
        fill_row(1, 1, executed_at=YESTERDAY),
        fill_row(2, 1),
        fill_row(3, 1, exec_id=None),
        fill_row(4, 1, active=0),
    ]
    made = world(tmp_path, rows, fills)
    (fill,) = made.world.executions
    told = (fill.exec_id, fill.perm_id, fill.client_id, fill.order_id, fill.order_ref, fill.cumulative, fill.commission)
    assert told == ("e.1.2.01", made.world.orders[0].perm_id, 7, 1, "r1", Decimal(2), Decimal("2.05"))


def test_a_price_that_does_not_fit_is_rounded_to_1e_8(tmp_path: Path) -> None:
    made = world(tmp_path, [order_row(1, limit_price="6834.090856597915")])
    assert made.world.orders[0].limit_price == Decimal("6834.09085660")
    assert true_world(made).to_update[0]["changes"] == {"limit_price": "6834.0908566"}


def test_the_truth_without_drift_is_what_the_book_lacks(tmp_path: Path) -> None:
    rows = [order_row(1), order_row(2, perm_id=None, tif=None), order_row(3, filled_quantity=None)]
    made = world(tmp_path, rows)
    changes = {record["order_id"]: record["changes"] for record in true_world(made).to_update}
    learnt = made.world.orders[1]
    assert changes == {2: {"perm_id": learnt.perm_id, "tif": learnt.tif}, 3: {"filled_quantity": "0"}}


def test_a_manual_order_of_the_book_stays_one(tmp_path: Path) -> None:
    (order,) = world(tmp_path, [order_row(1, order_id=None, client_id=None)]).world.orders
    assert (order.client_id, order.order_id) == (0, 0)


def test_an_unknown_client_is_the_one_named(tmp_path: Path) -> None:
    book = read_book(make_book(tmp_path / "orders.db", [order_row(1, client_id=None)]))
    assert world_of(book, now_ns=NOON_NS, client_id=42).world.orders[0].client_id == 42


def test_an_empty_book_still_has_an_account(tmp_path: Path) -> None:
    book = read_book(make_book(tmp_path / "orders.db", []))
    assert world_of(book, now_ns=NOON_NS, account="DU5").world.accounts == ["DU5"]


def test_new_ids_start_above_every_id_of_the_book(tmp_path: Path) -> None:
    made = world(tmp_path, [order_row(1), order_row(900, status="Cancelled")])
    assert made.world.next_id(7) == 901


def test_what_is_invented_does_not_hang_on_other_rows(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    lonely = world(tmp_path / "a", [order_row(1, perm_id=None, tif=None)]).world.orders[0]
    rows = [order_row(1, perm_id=None, tif=None), *[order_row(n, perm_id=None) for n in range(2, 30)]]
    among = world(tmp_path, rows).world.orders
    assert astuple(among[0]) == astuple(lonely)
    assert len({order.perm_id for order in among}) == 29


@given(taken=st.sets(st.integers(0, 3)))
def test_an_invented_perm_id_is_never_taken(taken: set[int]) -> None:
    first = perm_id(set(), "DU1", 7, 1)
    assert perm_id({first} | taken, "DU1", 7, 1) not in {first} | taken


def test_what_was_invented_once_is_invented_again() -> None:
    assert (perm_id(set(), "DU1", 7, 1, 1), tif("DU1", 7, 1, 1)) == (579_663_419_107, "DAY")


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"symbol": "ES"}, ("FUT", "CME", "50", "20261218", "ESZ6")),
        ({"symbol": "MNQ"}, ("FUT", "CME", "2", "20261218", "MNQZ6")),
        ({"symbol": "SPY"}, ("STK", "SMART", "", "", "SPY")),
        ({"symbol": "ES", "expiry": "20260320", "local_symbol": "ESH6"}, ("FUT", "CME", "50", "20260320", "ESH6")),
    ],
)
def test_a_contract_is_filled_in_from_its_symbol(known: dict[str, str | int | None], told: tuple[str, ...]) -> None:
    made = contract(known)
    assert (made.sec_type, made.exchange, made.multiplier, made.expiry, made.local_symbol) == told


def test_a_book_is_served_and_never_written(tmp_path: Path) -> None:
    path, truth = make_book(tmp_path / "orders.db", [order_row(1)]), tmp_path / "truth.json"
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as bot:
        bot.execute("BEGIN IMMEDIATE")  # the bot is in the middle of a write
        with run_in_thread(SimOptions(book=path, truth=truth, now_ns=noon)) as sim, RawClient(sim.port) as client:
            client.start(9)
            opened = client.ask(16, 1, until="53")
    assert [message[0] for message in opened] == ["5", "3", "53"]
    assert path.read_bytes() == before
    told = json.loads(truth.read_text(encoding="utf-8"))
    assert (told["seed"], told["simulated"], told["to_update"]) == (None, True, [])


def test_a_missing_book_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"orders\.db: there is no such book"):
        read_book(tmp_path / "orders.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(ScenarioError, match="cannot be read as a book"):
        read_book(path)


def test_an_old_book_has_to_be_adopted_first(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (order_id INTEGER PRIMARY KEY, symbol TEXT)")
    with pytest.raises(ScenarioError) as caught:
        read_book(path)
    assert "the table orders lacks id, account, perm_id" in caught.value.message
    assert "tieout adopt" in caught.value.hint
