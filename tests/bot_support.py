"""A bot as a process with a strategy of the workspace's own, and a gateway without a history beside it."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli_process import WAIT_S, start
from gate_support import at_broker, workplace
from tieout.sim import SimOptions, run_in_thread

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from cli_support import Workplace
    from tieout.sim import RunningSim

SCENARIO = """
accounts: [DU1234567]
next_order_id: 100
contracts:
  ES: {con_id: 637533641, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20261218", multiplier: "50"}
"""
LOUD = """
import os

from tieout.examples.ladder import Ladder


def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole lines, whatever the main thread says


class Loud(Ladder):
    def on_gate(self, reasons):
        super().on_gate(reasons)
        tell("told of the gate:", "; ".join(reasons) or "open")

    def on_order(self, update):
        super().on_order(update)
        tell("told of", update.intent_id, update.kind, update.status)

    def on_stop(self):
        tell("told to stop")
"""


def trading_workplace(root: Path, strategy: str = LOUD, name: str = "Loud") -> Workplace:
    """A workspace with an empty book whose flags let orders leave, and this strategy in it."""
    place = workplace(root)
    place.set(GATEWAY_RESTART__time=None, STRATEGY=f"my_strategy:{name}", LIVE_DATA__base_delay=0.1)
    (root / "my_strategy.py").write_text(strategy, encoding="utf-8")
    return place


@contextmanager
def empty_gateway(place: Workplace) -> Iterator[RunningSim]:
    """A gateway that the workspace's settings name, with one instrument and no orders."""
    scenario = place.root / "scenario.yml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    with run_in_thread(SimOptions(scenario=scenario)) as sim:
        place.set(BROKER__port=sim.port)
        yield sim


def run_bot(place: Workplace, bots: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """`python run_bot.py` in that workspace."""
    bots.append(start([sys.executable, "run_bot.py"], place.root))
    return bots[-1]


def heard(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line that begins so."""
    assert process.stdout is not None
    said = []
    watchdog = threading.Timer(WAIT_S, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            said.append(line)
            if line.startswith(beginning):
                return line.rstrip("\n")
    finally:
        watchdog.cancel()
    raise AssertionError(f"the bot never said {beginning!r}: {said}, {process.stderr.read() if process.stderr else ''}")


def broker_truth(sim: RunningSim) -> list[tuple[int, int, str, str, str]]:
    """Our orders as the gateway has them: order id, perm id, order_ref, status, filled quantity."""
    return sorted((o.order_id, o.perm_id, o.order_ref, o.status, f"{o.filled}") for o in at_broker(sim))


def book_truth(place: Workplace) -> list[tuple[int, int, str, str, str]]:
    """The same, as the book has them."""
    names = "order_id, perm_id, order_ref, status, coalesce(filled_quantity, '0')"
    return sorted(place.ask(f"SELECT {names} FROM orders"))
