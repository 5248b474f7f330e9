"""A gate on a real workspace: a real socket to the simulated gateway, a real intent store, a real book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from broker_support import CLIENT
from cli_support import Workplace, json_lines
from tieout.broker import Broker, BrokerSettings, ContractSpec, OrderSpec, open_broker
from tieout.clock import now_ns
from tieout.config import open_workspace
from tieout.gate import OrderGate, Readiness
from tieout.gate.update import Subscriber
from tieout.sim import RunningSim, SimOptions, run_in_thread
from tieout.sim.world import Order
from tieout.staging.desk import Desk, open_desk
from tieout.store.intents import IntentStore
from tieout.store.migrate import create_book
from tieout.store.recorder import Recorder
from tieout.store.seen import SeenExecutions
from workspace_support import make_workspace

CLIENT_ID = 11
WAIT_S = 20.0
ES = ContractSpec(con_id=637533641, symbol="ES", sec_type="FUT", exchange="CME", currency="USD")
AAPL = ContractSpec(con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
BUY = OrderSpec(side="BUY", quantity=Decimal(1), order_type="LMT", limit_price=Decimal(100), tif="GTC")


@dataclass
class Place:
    """A gate and everything around it; `readiness` may be replaced at any time."""

    work: Workplace
    desk: Desk
    broker: Broker
    store: IntentStore
    gate: OrderGate
    shared: dict[str, Readiness] = field(default_factory=dict)

    def set_ready(self, **changes: Any) -> None:
        self.shared["is"] = Readiness(**({"reconciled_ns": now_ns()} | changes))

    def alerts(self) -> list[str]:
        return [name for name, _ in self.work.alerts()]

    def reasons(self) -> list[str]:
        rows = json_lines(self.work.root / "alerts" / "alerts.jsonl")
        return [row["details"]["reason"] for row in rows if row["alert"] == "order_blocked_safe_mode"]

    def orders(self) -> list[tuple[Any, ...]]:
        return self.work.ask("SELECT order_id, order_ref, status, filled_quantity, commission, origin FROM orders")

    def states(self) -> dict[str, str]:
        return {one.intent_id: one.state for one in self.store.listed(everything=True)}


def workplace(root: Path) -> Workplace:
    """A new workspace with an empty book, and flags that let orders leave."""
    root.mkdir(exist_ok=True)
    make_workspace(root)
    place = Workplace(root)
    create_book(place.book, now_ns=now_ns())
    place.flags()
    return place


@contextmanager
def gate_at(
    work: Workplace, port: int, *, timeout_s: float = WAIT_S, client_id: int = CLIENT_ID,
    subscriber: Subscriber | None = None, seen: SeenExecutions | None = None,
) -> Iterator[Place]:  # fmt: skip
    """A gate to the gateway on that port, reconciled just now."""
    workspace = open_workspace(work.root, None, {})
    desk = open_desk(workspace, now=now_ns, client_id=client_id, who="a test")
    settings = BrokerSettings(
        client=CLIENT, host="127.0.0.1", port=port, client_id=client_id, timeout_s=timeout_s,  # type: ignore[arg-type]
        allow_live=True,  # the gate has a look of its own
    )  # fmt: skip
    shared: dict[str, Readiness] = {}
    with open_broker(settings) as broker, IntentStore(work.root / "data" / "intents.db") as store:
        gate = OrderGate(
            broker, desk, store=store, recorder=Recorder(work.book), readiness=lambda: shared["is"],
            subscriber=subscriber, seen=seen,
        )  # fmt: skip
        place = Place(work, desk, broker, store, gate, shared)
        place.set_ready()
        yield place
    desk.alerts.close()


@contextmanager
def at_sim(root: Path, scenario: Path | None = None) -> Iterator[tuple[Place, RunningSim]]:
    """A gate to a simulated gateway of the example's world."""
    with run_in_thread(SimOptions(scenario=scenario)) as sim, gate_at(workplace(root), sim.port) as place:
        yield place, sim


def at_broker(sim: RunningSim) -> list[Order]:
    """The orders that the gateway got from our client, in order."""
    found: list[Order] = []
    sim.call(lambda gateway: found.extend(o for o in gateway.world.orders if o.client_id == CLIENT_ID))
    return found


def listen_until(place: Place, query: str, wanted: list[tuple[Any, ...]]) -> None:
    """Listen until the book answers so."""
    while place.work.ask(query) != wanted:
        assert place.gate.listen(wait_s=WAIT_S) != [], place.work.ask(query)
