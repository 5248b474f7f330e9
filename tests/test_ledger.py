"""The ledger of executions: what counts, what corrects, what is found not to add up, what is kept for later."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from approval_support import desk_of, workspace
from plan_support import MIDNIGHT, NOON, make_book, opened, plan, rows_of, snapshot
from tieout.broker.port import COMMISSION_COLUMNS
from tieout.clock import NS_PER_S, to_iso
from tieout.model import Snapshot
from tieout.reconcile import corrections
from tieout.reconcile.evidence import broker_side
from tieout.reconcile.findings import FINDINGS_MAX
from tieout.reconcile.plan import Plan
from tieout.schema import EXECUTION, POSITION
from tieout.staging.kept import with_kept
from tieout.store import engine, reader
from tieout.store.kept_fills import KeptFills
from tieout.store.ledger import refresh_averages
from tieout.store.recorder import Placed, Recorder, Told

E8 = 100_000_000
ORDER = {"perm_id": 7, "quantity": "9", "filled_quantity": "3"}
FILL = {"order_row": 1, "exec_id": "a.b.c.01", "perm_id": 7, "quantity": "3", "price": "5000",
        "cumulative_quantity": "3", "executed_at": to_iso(NOON)}  # fmt: skip
AT_BROKER = opened(perm_id=7, quantity_e8=9 * E8, filled_quantity_e8=3 * E8)


def told(exec_id: str, quantity: int = 1, cumulative: int | None = None, **columns: Any) -> dict[str, Any]:
    row = {"account": "DU1", "exec_id": exec_id, "perm_id": 7, "symbol": "ES", "side": "BUY", "con_id": 5,
           "quantity_e8": quantity * E8, "price_e8": 5000 * E8, "executed_ns": NOON, "inexact": False,
           "cumulative_quantity_e8": None if cumulative is None else cumulative * E8} | columns  # fmt: skip
    return {name: row.get(name) for name in EXECUTION}


def position(quantity: int, **columns: Any) -> pl.DataFrame:
    row = {"account": "DU1", "con_id": 5, "symbol": "ES", "sec_type": "FUT", "local_symbol": "ESH6",
           "quantity_e8": quantity * E8} | columns  # fmt: skip
    return pl.DataFrame([{name: row.get(name) for name in POSITION}], schema=POSITION)


def findings(made: Plan) -> list[tuple[str, dict[str, Any]]]:
    return [(one.kind, one.told) for one in made.findings]


def fills_differ(
    executed: str, filled: str, cumulative: str | None, order: str = "row:1"
) -> tuple[str, dict[str, Any]]:
    return "fills_differ", {
        "order": order, "perm_id": 7, "executed": executed, "filled": filled, "cumulative": cumulative,
    }  # fmt: skip


def no_position(left: str) -> tuple[str, dict[str, Any]]:
    return "position_unexplained", {"con_id": 5, "local_symbol": None, "position": "0", "ledger": left}


def test_what_adds_up_is_no_finding(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", ORDER, fills=(FILL,))
    assert findings(plan(book, snapshot(live=(AT_BROKER,)))) == []


@pytest.mark.parametrize(
    ("fills", "wanted"),
    [
        ((), fills_differ("0", "3", None)),
        ((FILL | {"quantity": "2", "cumulative_quantity": "2"},), fills_differ("2", "3", "2")),
        ((FILL | {"cumulative_quantity": "4"},), fills_differ("3", "3", "4")),
        ((FILL, FILL | {"exec_id": "a.b.d.01"}), fills_differ("6", "3", "3")),
    ],
)
def test_fills_are_checked_against_the_order_and_the_cumulative_quantity(
    tmp_path: Path, fills: tuple[dict[str, Any], ...], wanted: tuple[str, dict[str, Any]]
) -> None:
    book = make_book(tmp_path / "b.db", ORDER, fills=fills)
    made = plan(book, snapshot(live=(AT_BROKER,)))
    assert (findings(made), made.actions) == ([wanted], ())


def test_what_the_plan_repairs_is_no_finding(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", ORDER | {"filled_quantity": "0"})
    fill = {"exec_id": "a.b.c.01", "perm_id": 7, "quantity_e8": 3 * E8, "cumulative_quantity_e8": 3 * E8}
    made = plan(book, snapshot(live=(AT_BROKER,), fills=(fill,)))
    assert ([action.kind for action in made.actions], findings(made)) == (["update", "insert"], [])


def test_an_order_that_the_plan_inserts_is_checked_too(tmp_path: Path) -> None:
    made = plan(make_book(tmp_path / "b.db"), snapshot(live=(AT_BROKER,)))
    (action,) = made.actions
    assert findings(made) == [fills_differ("0", "3", None, f"action:{action.action_id}")]


def test_orders_nobody_told_of_and_without_executions_are_left_alone(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", ORDER | {"status": "Filled"})
    assert findings(plan(book, snapshot())) == []


def test_findings_are_no_part_of_the_plan_id(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", ORDER, fills=(FILL,))
    plans = [plan(book, snapshot(live=(AT_BROKER,), positions=position(n))) for n in (3, 4)]
    bound: dict[str, Any] = {"config": {}, "lineage": "", "restore_epoch": 0, "last_applied": None}
    assert [len(made.findings) for made in plans] == [1, 1], "the book's fill has no con_id"
    assert (plans[0].plan_id(**bound), plans[0].waits) == (plans[1].plan_id(**bound), False)


def test_many_findings_of_a_kind_are_counted(tmp_path: Path) -> None:
    orders = [ORDER | {"perm_id": n} for n in range(1, FINDINGS_MAX + 4)]
    live = tuple(AT_BROKER | {"perm_id": n} for n in range(1, FINDINGS_MAX + 4))
    made = plan(make_book(tmp_path / "b.db", *orders), snapshot(live=live))
    assert len(made.findings) == FINDINGS_MAX + 1
    assert made.findings[-1].text == "and 3 more like these"


@pytest.mark.parametrize(
    ("held", "fill", "wanted"),
    [
        (3, {"con_id": 5}, []),
        (4, {"con_id": 5}, [("4", "3")]),
        (-3, {"con_id": 5, "side": "SELL"}, []),
        (3, {"con_id": 6}, [("3", "0"), ("0", "3")]),
        (3, {"con_id": 6, "expiry": "20260303"}, [("3", "0")]),  # it has expired
        (3, {"con_id": None}, [("3", None)]),
        (3, {"con_id": 5, "active": 0}, [("3", "0")]),
    ],
)
def test_a_position_that_the_ledger_does_not_explain_is_a_finding(
    tmp_path: Path, held: int, fill: dict[str, Any], wanted: list[tuple[str, str | None]]
) -> None:
    book = make_book(tmp_path / "b.db", ORDER | {"status": "Filled"}, fills=(FILL | fill,))
    made = plan(book, snapshot(positions=position(held)))
    found = [(one.told["position"], one.told["ledger"]) for one in made.findings if one.kind == "position_unexplained"]
    assert found == wanted
    assert made.actions == (), "a position invents no fill"


def test_nothing_is_concluded_from_positions_that_did_not_come(tmp_path: Path) -> None:
    book = make_book(tmp_path / "b.db", ORDER | {"status": "Filled"}, fills=(FILL | {"con_id": 5},))
    assert findings(plan(book, snapshot())) == [no_position("3")]
    assert findings(plan(book, snapshot(failed=("positions",)))) == []


def test_a_combinations_legs_are_not_of_its_quantity(tmp_path: Path) -> None:
    """Two of four combinations filled, told with the fills of both legs: six units, and the order lives."""
    combo = {"con_id": 28, "sec_type": "BAG", "symbol": "ES"}
    fills = (
        {"exec_id": "a.b.c.01.01", "perm_id": 7, "quantity_e8": 2 * E8, "cumulative_quantity_e8": 2 * E8, **combo},
        {"exec_id": "a.b.c.02.01", "perm_id": 7, "quantity_e8": 2 * E8, "cumulative_quantity_e8": 2 * E8, "con_id": 5,
         "sec_type": "FUT"},
        {"exec_id": "a.b.c.03.01", "perm_id": 7, "quantity_e8": 2 * E8, "cumulative_quantity_e8": 2 * E8, "con_id": 6,
         "sec_type": "FUT", "side": "SELL"},
    )  # fmt: skip
    live = opened(perm_id=7, quantity_e8=4 * E8, filled_quantity_e8=2 * E8, **combo)
    said = snapshot(live=(live,), fills=fills)
    (order,) = broker_side(said).orders.iter_rows(named=True)
    assert (order["status"], order["filled_quantity_e8"], order["live"]) == ("Submitted", 2 * E8, True)
    book = make_book(tmp_path / "b.db", {"perm_id": 7, "quantity": "4", "filled_quantity": "2", **combo})
    made = plan(book, said)
    assert [action.kind for action in made.actions] == ["insert"] * 3
    assert findings(made) == [
        ("position_unexplained", {"con_id": 5, "local_symbol": None, "position": "0", "ledger": "2"}),
        ("position_unexplained", {"con_id": 6, "local_symbol": None, "position": "0", "ledger": "-2"}),
    ]


def test_a_combinations_average_is_of_its_own_fills(tmp_path: Path) -> None:
    combo = {"con_id": 28, "sec_type": "BAG"}
    own = FILL | combo | {"quantity": "2", "price": "-3.5", "commission": "0"}
    leg = FILL | {"con_id": 5, "sec_type": "FUT", "quantity": "2", "price": "5000", "commission": "4.1"}
    book = make_book(tmp_path / "b.db", ORDER | combo | {"filled_quantity": "2"}, fills=(own, leg))
    with engine.connect(book) as connection, engine.write(connection):
        refresh_averages(connection, {1})
    assert rows_of(book, "SELECT avg_fill_price, commission FROM orders") == [("-3.5", "4.1")]


def test_corrections_that_are_told_together_and_disagree_are_asked_about(tmp_path: Path) -> None:
    """The first is inserted; the other waits, and is ambiguous once the first is in the book."""
    book = make_book(tmp_path / "b.db", ORDER | {"filled_quantity": "2"})
    live = opened(perm_id=7, quantity_e8=9 * E8, filled_quantity_e8=2 * E8)
    fills = (
        {"exec_id": "a.b.c.01", "perm_id": 7, "cumulative_quantity_e8": E8},
        {"exec_id": "a.b.c.02", "perm_id": 7, "cumulative_quantity_e8": 2 * E8},
    )
    made = plan(book, snapshot(live=(live,), fills=fills))
    (action,) = made.actions
    assert action.after is not None
    assert (action.exec_id, action.after["active"]) == ("a.b.c.01", True)
    assert made.notes[0].startswith("1 execution(s) may correct another one that is as new")
    booked = FILL | {"quantity": "1", "cumulative_quantity": "1"}
    again = plan(make_book(tmp_path / "c.db", ORDER | {"filled_quantity": "2"}, fills=(booked,)),
                 snapshot(live=(live,), fills=fills))  # fmt: skip
    assert [one.reason for one in again.undecided] == ["correction_unclear"]


LEGS = st.sampled_from(["a.b.c.01", "a.b.c.01.01", "a.b.d.01"])


@given(st.lists(st.tuples(LEGS, st.integers(1, 4), st.integers(1, 3), st.sampled_from([5, 6])), max_size=8))
def test_every_new_execution_stands_waits_or_is_superseded(drawn: list[tuple[str, int, int, int]]) -> None:
    """Of each base at least one stays active, and nothing of another contract is ever taken for a correction."""
    rows = {f"{leg}.{n}": told(f"{leg}.{n}", cumulative=cum, con_id=con) for leg, n, cum, con in drawn}
    frame = pl.DataFrame(list(rows.values()), schema=EXECUTION)
    fresh = broker_side(replace(snapshot(), executions=frame)).executions
    doubts = corrections.doubts(fresh)
    stands: dict[str, list[dict[str, Any]]] = {}
    for row in fresh.iter_rows(named=True):
        if row["exec_id"] in doubts.later:
            continue
        stands.setdefault(row["base"], []).append(row)
        assert not (row["exec_id"] in doubts.standing and row["exec_id"] in doubts.later)
    for some in stands.values():
        assert {row["con_id"] for row in some} == {some[0]["con_id"]}
        active = [row for row in some if row["active"] or row["exec_id"] in doubts.standing]
        assert len(active) == 1
    assert {row["base"] for row in fresh.iter_rows(named=True)} == set(stands)


def recorded(path: Path) -> tuple[Path, Recorder, list[str]]:
    """A book with an order that the gate placed, and what the recorder hands on."""
    book = make_book(path / "b.db")
    parked: list[str] = []
    recorder = Recorder(book, park=lambda fill: parked.append(str(fill["exec_id"])))
    columns = {"symbol": "ES", "side": "BUY", "quantity": "9", "order_type": "MKT", "con_id": 5}
    placed = Placed(account="DU1", client_id=1, order_id=4, order_ref="to-1", columns=columns)
    recorder.placed(placed, Told(status="Submitted", perm_id=7), now_ns=NOON)
    return book, recorder, parked


def test_a_live_correction_supersedes_and_one_that_disagrees_is_parked(tmp_path: Path) -> None:
    book, recorder, parked = recorded(tmp_path)
    fills = (
        told("a.b.c.01", 2, 2, order_ref="to-1"),
        told("a.b.c.02", 2, 2, order_ref="to-1", price_e8=4999 * E8),
        told("a.b.c.03", 2, 4, order_ref="to-1"),
        told("a.b.c.02.01", 1, 3, order_ref="to-1"),
    )
    assert [recorder.filled(fill, now_ns=NOON) for fill in fills] == [True, True, False, True]
    assert parked == ["a.b.c.03"]
    query = "SELECT exec_id, active, commission FROM executions ORDER BY exec_id"
    assert rows_of(book, query) == [("a.b.c.01", 0, None), ("a.b.c.02", 1, None), ("a.b.c.02.01", 1, None)]
    assert rows_of(book, "SELECT filled_quantity, commission FROM orders") == [("3", None)]


def test_a_commission_is_null_until_its_report_and_then_in_its_place(tmp_path: Path) -> None:
    book, recorder, parked = recorded(tmp_path)
    recorder.filled(told("a.b.c.01", 2, 2, order_ref="to-1"), now_ns=NOON)
    recorder.filled(told("a.b.d.01", 1, 3, order_ref="to-1"), now_ns=NOON)
    report = dict(zip(COMMISSION_COLUMNS, (0, "USD", None), strict=True))
    seen = []
    for exec_id in ("a.b.c.01", "a.b.d.01"):
        assert recorder.paid("DU1", exec_id, report)
        seen.append(rows_of(book, "SELECT commission FROM orders"))
    assert (seen, parked) == ([[(None,)], [("0",)]], []), "0 is a real amount"


def test_a_fill_of_an_order_unknown_to_the_book_is_parked(tmp_path: Path) -> None:
    _, recorder, parked = recorded(tmp_path)
    for other in ({"order_ref": "by hand"}, {"perm_id": 8}, {"perm_id": None}):
        assert not recorder.filled(told("x.y.z.01", **other), now_ns=NOON)
    assert parked == ["x.y.z.01"] * 3


def test_kept_executions_are_kept_once_and_learn_their_commission(tmp_path: Path) -> None:
    path = tmp_path / "fills.db"
    with KeptFills(path, realm="broker") as kept:
        assert kept.keep([told("a.01"), told("b.01", commission_e8=5)], now_ns=NOON) == 2
        assert kept.keep([told("a.01", commission_e8=0), told("b.01")], now_ns=NOON) == 0
        assert kept.paid("DU1", "c.01", {"commission_e8": 1}) is False
        assert kept.paid("DU1", "b.01", {"realized_pnl_e8": 9}) is True
    with KeptFills(path, realm="broker") as kept:
        assert kept.of("DU1").select("exec_id", "commission_e8", "realized_pnl_e8").rows() == [
            ("a.01", 0, None), ("b.01", 5, 9),
        ]  # fmt: skip
        kept.forget("DU1", ["a.01"])
        assert kept.of("DU1")["exec_id"].to_list() == ["b.01"]
        assert kept.of("DU2").height == 0
    with KeptFills(path, realm="sim") as kept:
        assert kept.of("DU1").height == 0


def at(day: int, *fills: dict[str, Any], failed: tuple[Any, ...] = ()) -> Snapshot:
    """What the gateway says that many days later: executions since that midnight."""
    later_ns = day * 86_400 * NS_PER_S
    said = snapshot(failed=failed)
    part = replace(said.parts["executions"], covers_from_ns=MIDNIGHT + later_ns)
    frame = pl.DataFrame(list(fills), schema=EXECUTION)
    return replace(said, executions=frame, parts={**said.parts, "executions": part})


def test_an_execution_that_waits_over_midnight_is_not_lost(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    desk = desk_of(place)

    def seen(said: Snapshot) -> list[str]:
        return with_kept(desk, said, reader.load(place.book)).executions["exec_id"].to_list()

    first = told("a.b.c.01")
    assert seen(at(0, first)) == ["a.b.c.01"]
    assert seen(at(0)) == [], "about its own day the gateway is right"
    assert seen(at(0, failed=("executions",))) == ["a.b.c.01"], "unless its answer is cut"
    assert seen(at(1)) == ["a.b.c.01"]
    with closing(sqlite3.connect(place.book)) as raw, raw:
        raw.execute(
            "INSERT INTO executions (account, exec_id, symbol, quantity, price) VALUES ('DU1', 'a.b.c.01', 'ES', 1, 1)"
        )
    assert seen(at(1)) == []
    with KeptFills(desk.workspace.data_dir / "fills.db", realm="broker") as kept:
        assert kept.of("DU1").height == 0
    desk.alerts.close()
