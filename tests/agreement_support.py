"""The scenario that every client is led to, what each must be told there, and how a client is run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tieout.sim import SimOptions, run_in_thread
from tieout.sim.scenario import EXAMPLE

if TYPE_CHECKING:
    from tieout.sim import RunningSim

CLIENTS = Path(__file__).parent / "clients"
CLIENT_TIMEOUT_S = 60
ES = 637533641
QUOTES = "\nquotes:\n  ES: {bid: 6600, ask: 6600.5, last: 6600.25}\n"

TOLD: dict[str, Any] = {
    "accounts": "DU1234567",
    "open_orders": [
        {"perm_id": 1500000001, "order_id": 11, "client_id": 7, "order_ref": "trend-11", "symbol": "ES", "side": "BUY",
         "quantity": 2.0, "order_type": "LMT", "limit_price": 6550.5, "stop_price": 0.0, "tif": "GTC",
         "status": "Submitted", "filled": 1.0},
        {"perm_id": 1500000002, "order_id": 12, "client_id": 7, "order_ref": "trend-12", "symbol": "ES",
         "side": "SELL", "quantity": 2.0, "order_type": "STP", "limit_price": 0.0, "stop_price": 6500.0, "tif": "GTC",
         "status": "PreSubmitted", "filled": 0.0},
        {"perm_id": 1500000003, "order_id": 0, "client_id": 0, "order_ref": "", "symbol": "AAPL", "side": "BUY",
         "quantity": 10.0, "order_type": "LMT", "limit_price": 190.0, "stop_price": 0.0, "tif": "DAY",
         "status": "Submitted", "filled": 0.0},
    ],
    "completed_orders": [
        {"perm_id": 1500000004, "order_id": 0, "client_id": 0, "order_ref": "trend-9", "symbol": "ES", "side": "BUY",
         "quantity": 0.0, "order_type": "MKT", "limit_price": 0.0, "stop_price": 0.0, "tif": "DAY",
         "status": "Filled", "filled": 3.0},
        {"perm_id": 1500000005, "order_id": 0, "client_id": 0, "order_ref": "", "symbol": "AAPL", "side": "SELL",
         "quantity": 5.0, "order_type": "LMT", "limit_price": 250.0, "stop_price": 0.0, "tif": "DAY",
         "status": "Cancelled", "filled": 0.0},
    ],
    "executions": [
        {"exec_id": "0000e0d5.66a1b2c3.01.01", "perm_id": 1500000004, "symbol": "ES", "side": "BOT", "quantity": 1.0,
         "price": 6598.25, "commission": 2.05},
        {"exec_id": "0000e0d5.66a1b2c3.02.01", "perm_id": 1500000004, "symbol": "ES", "side": "BOT", "quantity": 2.0,
         "price": 6599.0, "commission": 4.1},
        {"exec_id": "0000e0d5.66a1b2c3.03.01", "perm_id": 1500000001, "symbol": "ES", "side": "BOT", "quantity": 1.0,
         "price": 6550.5, "commission": 2.05},
    ],
    "positions": [
        {"account": "DU1234567", "symbol": "AAPL", "quantity": -110.0, "average_cost": 201.8829709},
        {"account": "DU1234567", "symbol": "ES", "quantity": 4.0, "average_cost": 329334.375},
    ],
    "values": {"GrossPositionValue": "23172.60", "NetLiquidation": "246447.83", "TotalCashValue": "269339.33"},
    "details": [[ES, 0.25, "202612"]],
    "ticks": {"1": 6600.0, "2": 6600.5, "4": 6600.25},
    "filled": [6600.25, 2.0, 4.1],
    "changed": [6001.5],
    "cancelled": "Cancelled",
}  # fmt: skip
"""The example scenario with `QUOTES`, and what three orders do there; bid, ask and last are ticks 1, 2 and 4."""


def told_to(command: list[str], folder: Path, version: int) -> tuple[dict[str, Any], RunningSim]:
    """What a client prints that was led to such a gateway, and the gateway afterwards."""
    scenario = folder / "scenario.yml"
    scenario.write_text(EXAMPLE.read_text(encoding="utf-8") + QUOTES, encoding="utf-8")
    with run_in_thread(SimOptions(scenario=scenario, server_version_max=version)) as sim:
        done = subprocess.run(
            [word.format(port=sim.port) for word in command],
            capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), sim


def assert_book_at_the_broker(sim: RunningSim) -> None:
    """Two bought at the market, one order cancelled."""
    placed = [order for order in sim.gateway.world.orders if order.order_id >= 100]
    assert [(order.status, order.order_type, order.filled) for order in placed] == [
        ("Filled", "MKT", 2),
        ("Cancelled", "LMT", 0),
    ]
    assert [held.quantity for held in sim.gateway.world.positions if held.contract.con_id == ES] == [6]
