"""Ways to run a gateway: in this process until a signal, or in a thread beside a test."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tieout.clock import now_ns as clock_now_ns
from tieout.errors import ScenarioError, TieoutError
from tieout.sim.book import read_book
from tieout.sim.book_world import world_of
from tieout.sim.faults import Faults
from tieout.sim.gateway import HOST, Gateway
from tieout.sim.layout import VERSION_MAX
from tieout.sim.plant import plant, true_world
from tieout.sim.scenario import EXAMPLE, Scenario, load_scenario
from tieout.sim.ticks.market import MarketPlan
from tieout.sim.ticks.plan import walks_of

START_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SimOptions:
    """
    What to serve, and where.

    With `book` the world comes from that order book, with `scenario` from that file, else from the example.
    `drift` seeds differences between book and broker (`drift_kinds` None: all of them); `truth` is where to
    write what a correct plan for them holds. `account` and `client_id` stand in where the book's are null.
    `ticks` streams so many events a second for every instrument that has a price. `on_listening` is called once
    with the port.
    """

    port: int = 0
    scenario: Path | None = None
    book: Path | None = None
    drift: int | None = None
    drift_kinds: tuple[str, ...] | None = None
    truth: Path | None = None
    account: str | None = None
    client_id: int | None = None
    ticks: Decimal | None = None
    server_version_max: int = VERSION_MAX
    now_ns: Callable[[], int] = clock_now_ns
    on_listening: Callable[[int], None] = field(default=lambda port: None)


def serve(options: SimOptions) -> None:
    """
    Serve until SIGTERM or SIGINT.

    Raises:
        ScenarioError: the scenario, the book or the drift cannot be used, or the port is taken.
    """
    gateway = build_gateway(options)
    asyncio.run(_serve(gateway, options))


@dataclass(slots=True)
class RunningSim:
    """A gateway in a thread. Change its state only through `call`, which runs in its event loop."""

    port: int
    gateway: Gateway
    _loop: asyncio.AbstractEventLoop

    def call(self, change: Callable[[Gateway], None]) -> None:
        """Run `change` inside the gateway's thread, and wait until it is done."""
        done = threading.Event()

        def run() -> None:
            try:
                change(self.gateway)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        if not done.wait(START_TIMEOUT_S):
            raise TimeoutError("the simulated gateway's thread does not answer")

    def set_price(self, con_id: int, price: Decimal) -> None:
        """The instrument trades at that price now; orders that it reaches fill."""
        self.call(lambda gateway: gateway.set_price(con_id, price))


@contextmanager
def run_in_thread(options: SimOptions | None = None) -> Iterator[RunningSim]:
    """
    A gateway on a free port, for as long as the block runs.

    Raises:
        ScenarioError: as `serve`.
    """
    chosen = options or SimOptions()
    gateway = build_gateway(chosen)
    started: list[RunningSim | BaseException] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def main() -> None:
        try:
            port = await _listen(gateway, chosen)
        except TieoutError as error:
            started.append(error)
            ready.set()
            return
        started.append(RunningSim(port, gateway, asyncio.get_running_loop()))
        ready.set()
        await stop.wait()
        await gateway.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="tieout-sim", daemon=True)
    thread.start()
    if not ready.wait(START_TIMEOUT_S):
        raise TimeoutError("the simulated gateway did not start")
    running = started[0]
    if isinstance(running, BaseException):
        thread.join()
        raise running
    try:
        yield running
    finally:
        running._loop.call_soon_threadsafe(stop.set)
        thread.join()


def build_gateway(options: SimOptions) -> Gateway:
    """
    The gateway that the options ask for, not yet listening. Writes the truth file, if one is asked for.

    Raises:
        ScenarioError: they contradict each other, or what they name cannot be used.
    """
    scenario = _scenario(options)
    return Gateway(
        scenario.world,
        now_ns=options.now_ns,
        faults=scenario.faults,
        version_max=min(options.server_version_max, scenario.server_version),
        ticks=_ticks(options, scenario),
    )


def _scenario(options: SimOptions) -> Scenario:
    _check(options)
    if options.book is None:
        return load_scenario(options.scenario or EXAMPLE, now_ns=options.now_ns())
    book = read_book(options.book)
    made = world_of(book, now_ns=options.now_ns(), account=options.account, client_id=options.client_id)
    seed = options.drift
    truth = true_world(made) if seed is None else plant(made, seed=seed, kinds=options.drift_kinds)
    if options.truth is not None:
        try:
            truth.write(options.truth)
        except OSError as error:
            message = f"{options.truth}: the truth cannot be written: {error.strerror or error}"
            raise ScenarioError(message, hint="name a file in an existing, writable folder") from error
    return Scenario(made.world, Faults(), server_version=options.server_version_max, ticks=MarketPlan())


def _ticks(options: SimOptions, scenario: Scenario) -> MarketPlan:
    if options.ticks is None:
        return scenario.ticks
    if scenario.ticks.markets:
        raise ScenarioError("--ticks, and the scenario has `ticks` of its own", hint="leave one of them out")
    return walks_of(scenario.world, rate=options.ticks)


def _check(options: SimOptions) -> None:
    if options.book is not None and options.scenario is not None:
        raise ScenarioError("both a scenario and a book were given", hint="give --scenario or --book")
    if options.book is None and (options.drift is not None or options.truth is not None):
        raise ScenarioError("--drift and --truth need a book", hint="add --book DB")
    if options.drift is None and options.drift_kinds is not None:
        raise ScenarioError("--drift-kinds needs a seed", hint="add --drift SEED")


async def _serve(gateway: Gateway, options: SimOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    options.on_listening(await _listen(gateway, options))
    await stop.wait()
    await gateway.close()


async def _listen(gateway: Gateway, options: SimOptions) -> int:
    try:
        return await gateway.start(options.port)
    except OSError as error:
        message = f"cannot listen on {HOST}:{options.port}: {error.strerror or error}"
        raise ScenarioError(message, hint="name a free port, or 0 for any") from error
