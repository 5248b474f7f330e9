"""A small book and a small gateway that differ in every way that a plan repairs, and a desk to work at."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import plan_support
from cli_support import ACCOUNT, Workplace, gateway
from tieout.clock import NS_PER_S, now_ns, to_iso
from tieout.config import open_workspace
from tieout.staging import stage as staging
from tieout.staging.desk import Desk, open_desk
from workspace_support import make_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tieout.sim import RunningSim

CHANGED = 1
ORPHAN = 2
ENDED = 3
"""Book rows: differs from the broker's, is not at the broker, is over and lacks its execution."""

SCENARIO = f"""
accounts: [{ACCOUNT}]
contracts:
  ES: {{con_id: 637533641, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20261218", multiplier: "50",
       local_symbol: ESZ6, trading_class: ES, min_tick: 0.25}}
live_orders:
  - {{contract: ES, perm_id: 1001, client_id: 11, order_id: 1, side: BUY, quantity: 2, order_type: LMT,
     limit_price: 5001, tif: DAY}}
  - {{contract: ES, perm_id: 1003, client_id: 11, order_id: 3, side: SELL, quantity: 4, order_type: LMT,
     limit_price: 6000, tif: DAY, filled: 1, average_price: 6000}}
completed_orders:
  - {{contract: ES, perm_id: 1004, client_id: 11, order_id: 4, side: BUY, quantity: 1, order_type: LMT,
     limit_price: 4000, tif: DAY, status: Filled, filled: 1, average_price: 4000, ended_at: -1s}}
executions:
  - {{contract: ES, exec_id: 0000aaaa.66a1b2c3.01.01, perm_id: 1003, client_id: 11, order_id: 3, side: SELL,
     quantity: 1, price: 6000, executed_at: -1s, commission: 2}}
  - {{contract: ES, exec_id: 0000bbbb.66a1b2c3.01.01, perm_id: 1004, client_id: 11, order_id: 4, side: BUY,
     quantity: 1, price: 4000, executed_at: -1s, commission: 2}}
"""
MOVED = SCENARIO.replace("limit_price: 5001", "limit_price: 5002")
"""The same after the changed order was changed once more."""
TWIN = """  - {contract: ES, perm_id: 1005, client_id: 11, order_id: 5, side: BUY, quantity: 3, order_type: LMT,
     limit_price: 4500, tif: DAY}
  - {contract: ES, perm_id: 1006, client_id: 11, order_id: 6, side: BUY, quantity: 3, order_type: LMT,
     limit_price: 4500, tif: DAY}
completed_orders:"""
TWINS = SCENARIO.replace("completed_orders:", TWIN)
"""The same with two orders that look alike; the book row of `twin_row` may be either."""


def order_row(**columns: Any) -> dict[str, Any]:
    """A live order of the book."""
    return {"account": ACCOUNT, "client_id": 11} | columns


ROWS = (
    order_row(perm_id=1001, order_id=1, limit_price="5000"),
    order_row(perm_id=1002, order_id=2),
    order_row(perm_id=1004, order_id=4, quantity="1", limit_price="4000", status="Filled", filled_quantity="1"),
)
TWIN_ROW = order_row(client_id=9, order_id=77, quantity="3", limit_price="4500")
"""Looks like both of the twins, and shares no id with either."""


def workspace(root: Path, *rows: dict[str, Any]) -> Workplace:
    """A workspace with that book (else `ROWS`), its flags such that a confirm executes."""
    make_workspace(root)
    place = Workplace(root)
    plan_support.make_book(place.book, *(rows or ROWS))
    place.flags(confirm=True)
    return place


def desk_of(place: Workplace, *, now: Callable[[], int] = now_ns) -> Desk:
    """A desk in that workspace, the command line's."""
    return open_desk(open_workspace(place.root, None, os.environ), now=now, client_id=12, who="ann")


@contextmanager
def serving(place: Workplace, scenario: str) -> Iterator[RunningSim]:
    """A gateway with that scenario; what happened a second ago stays at that moment when it is started again."""
    moment = place.root / "moment"
    if not moment.exists():
        moment.write_text(to_iso(now_ns() - NS_PER_S), encoding="utf-8")
    fixed = scenario.replace("-1s", f'"{moment.read_text(encoding="utf-8")}"')
    with gateway(place, scenario=fixed) as sim:
        yield sim


@contextmanager
def staged(place: Workplace, scenario: str = SCENARIO) -> Iterator[tuple[str, RunningSim]]:
    """A gateway with that scenario, and the plan that was staged against it; gives the plan's id."""
    with serving(place, scenario) as sim:
        desk = desk_of(place)
        yield staging.stage(desk).plan_id, sim


def actions(place: Workplace) -> dict[str, str]:
    """The staged actions' ids, by kind and entity: `insert order`, `update order`, ..."""
    plan = place.plan()["plan"]
    entries = [entry for name in ("to_insert", "to_update", "to_delete") for entry in plan[name]]
    return {name_of(entry): entry["action_id"] for entry in entries}


def name_of(entry: dict[str, Any]) -> str:
    """`insert execution 1003`, `update order 1001`: kind, entity and perm_id."""
    return f"{entry['kind']} {entry['entity']} {entry['perm_id']}"
