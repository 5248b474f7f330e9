"""Small books (real SQLite files) and small snapshots, for the tests of planning and writing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from match_model import orders
from tieout.clock import from_iso
from tieout.flags import Flags, MatchRules
from tieout.model import PARTS, Gateway, Part, PartName, Snapshot
from tieout.reconcile.plan import Plan, build_plan
from tieout.schema import EXECUTION, ORDER, POSITION, empty
from tieout.store import migrate, reader

NOON: Final = from_iso("2026-03-04T12:00:00.000Z")
MIDNIGHT: Final = from_iso("2026-03-04T05:00:00.000Z")
STAGING: Final = Flags(dry_run=False, safe_mode=False, dry_run_confirm=False, force_sync_delete=False)
HARD: Final = Flags(dry_run=False, safe_mode=False, dry_run_confirm=False, force_sync_delete=True)
STRICT: Final = MatchRules(window_seconds=300, exact_price=True, price_tolerance=Decimal(0), accept_unique=False)

ORDER_ROW: Final[dict[str, Any]] = {
    "account": "DU1",
    "symbol": "ES",
    "side": "BUY",
    "quantity": "2",
    "order_type": "LMT",
    "limit_price": "5000",
    "tif": "DAY",
    "status": "Submitted",
    "filled_quantity": "0",
}
FILL: Final[dict[str, Any]] = {
    "account": "DU1",
    "symbol": "ES",
    "side": "BUY",
    "quantity_e8": 100_000_000,
    "price_e8": 500_000_000_000,
    "cumulative_quantity_e8": 100_000_000,
    "executed_ns": NOON,
    "inexact": False,
}


def make_book(path: Path, *rows: dict[str, Any], fills: tuple[dict[str, Any], ...] = ()) -> Path:
    """A book with those orders (ids 1, 2, ...) and executions."""
    migrate.create_book(path, now_ns=NOON)
    with closing(sqlite3.connect(path)) as connection, connection:
        for row in rows:
            _insert(connection, "orders", ORDER_ROW | row)
        for fill in fills:
            _insert(connection, "executions", {"account": "DU1", "symbol": "ES", "side": "BUY"} | fill)
    return path


def _insert(connection: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What an SQL query says about the book."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def opened(**values: Any) -> dict[str, Any]:
    """A broker's open order as a frame's row: two ES bought at 5000, no time."""
    return {"quantity_e8": 200_000_000, "placed_ns": None} | values


def fills_frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Executions at the broker, schema `EXECUTION`."""
    full = [FILL | row for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in EXECUTION} for row in full], schema=EXECUTION)


def snapshot(
    *,
    live: tuple[dict[str, Any], ...] = (),
    completed: tuple[dict[str, Any], ...] = (),
    fills: tuple[dict[str, Any], ...] = (),
    positions: pl.DataFrame | None = None,
    failed: tuple[PartName, ...] = (),
    sole: bool = True,
) -> Snapshot:
    """What the broker said at noon, its executions and completed orders since midnight in New York."""
    covers = {"completed_orders": MIDNIGHT, "executions": MIDNIGHT}
    parts = {
        name: Part(name, NOON, NOON, covers.get(name), 0, "no End within 10 s" if name in failed else None)
        for name in PARTS
    }
    gateway = Gateway(
        host="127.0.0.1", port=4002, client_id=12, client="ib_async", server_version=178, account="DU1", paper=True,
        sole=sole,
    )  # fmt: skip
    return Snapshot(
        gateway=gateway,
        server_time_ns=NOON,
        taken_at_ns=NOON,
        open_orders=orders(*live) if live else empty(ORDER),
        completed_orders=orders(*completed) if completed else empty(ORDER),
        executions=fills_frame(*fills) if fills else empty(EXECUTION),
        positions=empty(POSITION) if positions is None else positions,
        parts=parts,
    )


def plan(path: Path, said: Snapshot, *, flags: Flags = STAGING, moving: frozenset[int] = frozenset()) -> Plan:
    """The plan that ties that book to that snapshot."""
    return build_plan(said, reader.load(path), flags=flags, rules=STRICT, symbols=("ES",), moving=moving)
