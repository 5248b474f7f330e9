"""A workspace whose account holds futures: a gateway with quotes, and the plan staged against it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import plan_support
from cli_support import ACCOUNT, Workplace, gateway
from workspace_support import make_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tieout.sim import RunningSim
    from tieout.sim.world import Order

ES = 637533641
COST = "315114.75"
"""Of a recorded session: 6302.295 x 50."""
FALLEN = "{bid: 6170, ask: 6170.25, last: 6170}"
"""2.1 % below the cost."""
RISEN = "{bid: 6400, ask: 6400.25, last: 6400}"
"""1.55 % above the cost."""
NEAR = "{bid: 6300, ask: 6300.25, last: 6300}"

ALL = (FALLEN, RISEN, NEAR)


def scenario(quote: str | None = FALLEN, *, quantity: str = "4", extra: str = "") -> str:
    """An account with one position in ES, quoted so; `extra` is more YAML."""
    quotes = "" if quote is None else f"quotes:\n  ES: {quote}\n"
    return f"""
accounts: [{ACCOUNT}]
next_order_id: 100
contracts:
  ES: {{con_id: {ES}, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20991218", multiplier: "50",
       local_symbol: ESZ9, trading_class: ES, min_tick: 0.25}}
positions:
  - {{contract: ES, quantity: {quantity}, average_cost: {COST}}}
{quotes}{extra}"""


def workspace(root: Path, *rows: dict[str, Any], fills: tuple[dict[str, Any], ...] = ()) -> Workplace:
    """A workspace with that book, and flags that let recommendations be sent."""
    make_workspace(root)
    place = Workplace(root)
    plan_support.make_book(place.book, *rows, fills=tuple({"account": ACCOUNT} | fill for fill in fills))
    place.flags(confirm=True)
    place.set(AUTO_MANAGE_EXTERNAL_ORDERS=True)
    return place


@contextmanager
def staged(place: Workplace, text: str | None = None) -> Iterator[tuple[str, RunningSim]]:
    """That gateway, and the id of the plan that was staged against it."""
    with gateway(place, scenario=scenario() if text is None else text) as sim:
        done = place.run("--json", "stage")
        assert done.code in {0, 3}, done
        yield str(done.told["plan_id"]), sim


def entries(place: Workplace) -> list[dict[str, Any]]:
    """The staged `spy_futures_actions`."""
    found: list[dict[str, Any]] = place.plan()["plan"]["spy_futures_actions"]
    return found


def advice(place: Workplace) -> dict[str, Any]:
    """The one staged entry that recommends something."""
    (found,) = (entry for entry in entries(place) if entry["kind"] != "initial_state")
    return found


def at_broker(sim: RunningSim) -> list[Order]:
    """The orders that the gateway holds or held, in order."""
    found: list[Order] = []
    sim.call(lambda world: found.extend(world.world.orders))
    return found
