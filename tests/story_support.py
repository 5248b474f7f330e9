"""What the stories share: a workspace with a small book, and the gateway of one story beside it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tieout.sim
from broker_support import CLIENT
from cli_support import ACCOUNT, Workplace
from sim_support import make_book, order_row
from tieout.broker import BrokerSettings, open_broker
from tieout.clock import from_iso
from tieout.sim import SimOptions, run_in_thread
from workspace_support import make_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tieout.broker.port import Broker, BrokerEvent
    from tieout.sim import RunningSim

SCENARIOS = Path(tieout.sim.__file__).with_name("scenarios")
WAIT_S = 20.0
BOT, DESK = 11, 21
"""The bot's client id, and another client's."""
ES = 5
"""The con_id of the stories' future."""
NOON_NS = from_iso("2099-03-04T12:00:00Z")
"""The clock of the gateway and of the command line: no midnight comes by during a test, and no plan expires."""


def mine(number: int, **columns: Any) -> dict[str, Any]:
    """An order as the bot wrote it: BUY 4 at 6000 + number, order_id number, perm_id 5000 + number."""
    return order_row(number, account=ACCOUNT, client_id=BOT) | columns


def workspace(root: Path, *orders: dict[str, Any], executions: Sequence[dict[str, Any]] = ()) -> Workplace:
    """A workspace whose book holds these rows, with flags that let things happen."""
    make_workspace(root)
    place = Workplace(root)
    make_book(place.book, orders, executions)
    place.flags()
    return place


@contextmanager
def story(name: str, place: Workplace) -> Iterator[RunningSim]:
    """That story's gateway, at a noon that stands still, and so does ours; the workspace's settings name it."""
    (path,) = SCENARIOS.glob(f"story_{name}_*.yml")
    with (
        run_in_thread(SimOptions(scenario=path, now_ns=lambda: NOON_NS)) as sim,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("tieout.clock.now_ns", lambda: NOON_NS)  # the command line looks it up when it starts
        place.set(BROKER__port=sim.port)
        yield sim


def client(sim: RunningSim, client_id: int = BOT, *, timeout_s: float = 20.0) -> Broker:
    """The real adapter, as that client."""
    settings = BrokerSettings(
        client=CLIENT,  # type: ignore[arg-type]
        host="127.0.0.1",
        port=sim.port,
        client_id=client_id,
        account=ACCOUNT,
        timeout_s=timeout_s,
    )
    return open_broker(settings)


def heard(broker: Broker, wanted: Callable[[BrokerEvent], bool]) -> list[BrokerEvent]:
    """What the broker says up to the event that is waited for."""
    told: list[BrokerEvent] = []
    while not any(wanted(event) for event in told):
        more = broker.events(wait_s=WAIT_S)
        assert more, told
        told += more
    return told


def staged(place: Workplace, code: int) -> dict[str, int]:
    """Stage, and answer how much is in each list that is not empty, positions left out."""
    done = place.run("--json", "stage")
    assert done.code == code, done
    return {name: n for name, n in done.told["summary"].items() if n and name != "spy_futures_actions"}


def tied_out(place: Workplace) -> None:
    """Confirm what waits; a second stage finds nothing more."""
    place.confirm(place.plan()["plan_id"])
    place.flags()
    assert staged(place, 0) == {}


def book_orders(place: Workplace) -> list[tuple[Any, ...]]:
    """The book's orders: perm_id, status, filled."""
    return place.ask("SELECT perm_id, status, filled_quantity FROM orders ORDER BY perm_id")


def book_fills(place: Workplace) -> list[tuple[Any, ...]]:
    """The book's executions: the order's perm_id, exec_id, quantity, active."""
    return place.ask(
        "SELECT o.perm_id, e.exec_id, e.quantity, e.active FROM executions e JOIN orders o ON o.id = e.order_row "
        "ORDER BY e.exec_id"
    )
