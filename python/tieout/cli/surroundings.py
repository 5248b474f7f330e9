"""From a console to a desk: the workspace, the clock, and the simulated gateway where one is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tieout.cli.arguments import SIM_DEFAULT
from tieout.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tieout.cli.console import Console
    from tieout.config import Workspace
    from tieout.staging.desk import Desk

SIMULATED: Final = "SIMULATED"
_START_TIMEOUT_S: Final = 30.0

SimOption = Annotated[
    str | None,
    typer.Option(
        "--sim",
        metavar="[SCENARIO]",
        help="Use a simulated gateway: of SCENARIO (.yml), else of what the book says is live, else of the example.",
    ),
]
LockTimeout = Annotated[float, typer.Option("--lock-timeout", min=0, help="Seconds to wait for another tieout.")]


def workspace_of(console: Console) -> Workspace:
    """The workspace that the console's options, the environment or the current folder name."""
    from tieout.config import open_workspace

    return open_workspace(console.workspace, console.config, os.environ)


@contextmanager
def desk_of(console: Console, *, sim: str | None, bot: bool = False) -> Iterator[Desk]:
    """A desk, with a simulated gateway beside it for as long as the block runs where `sim` asks for one."""
    from tieout.clock import now_ns
    from tieout.locks import who_signs
    from tieout.staging.desk import open_desk

    workspace = workspace_of(console)
    broker = workspace.settings.broker
    client_id = broker.client_id if bot else broker.cli_client_id
    if sim is None:
        with _closing(open_desk(workspace, now=now_ns, client_id=client_id, who=who_signs())) as desk:
            yield desk
        return
    with simulated_gateway(sim_arguments(workspace, sim)) as port:
        console.say(f"{SIMULATED}: the gateway on port {port} is not Interactive Brokers", style="?")
        address = ("127.0.0.1", port)
        desk = open_desk(workspace, now=now_ns, client_id=client_id, who=who_signs(), simulated=address)
        with _closing(desk):
            yield desk


@contextmanager
def _closing(desk: Desk) -> Iterator[Desk]:
    """Alerts on their way when a command ends have a few seconds to arrive."""
    try:
        yield desk
    finally:
        desk.alerts.close()


def sim_arguments(workspace: Workspace, sim: str) -> list[str]:
    """What `tieout sim` is asked to hold: the scenario, else what the book says is live, else the example."""
    if sim != SIM_DEFAULT:
        return ["--scenario", str(Path(sim).absolute())]
    if not _holds_orders(workspace.book):
        return []
    account = workspace.settings.broker.account
    return ["--book", str(workspace.book), *(["--account", account] if account else [])]


@contextmanager
def simulated_gateway(arguments: list[str]) -> Iterator[int]:
    """
    `tieout sim` in a child process; gives its port, ends it afterwards. It ends with this process too, however that
    goes: its standard input is ours to hold open.

    Raises:
        ScenarioError: it did not start; its own words are passed on.
    """
    command = [sys.executable, "-m", "tieout", "sim", "--port", "0", "--with-parent", *arguments]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(_START_TIMEOUT_S, child.kill)
    watchdog.start()
    try:
        if child.stdout is None or child.stderr is None:
            raise ScenarioError("the simulated gateway has no output to read")
        line = child.stdout.readline()
        watchdog.cancel()
        if not line.startswith("listening on "):
            child.terminate()
            told = child.stderr.read().strip().removeprefix("error: ")
            raise ScenarioError(f"the simulated gateway did not start: {told or 'no answer in time'}")
        yield int(line.rpartition(":")[2])
    finally:
        watchdog.cancel()
        child.terminate()
        try:
            child.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _holds_orders(book: Path) -> bool:
    from tieout.store import engine, migrate, reader

    if not book.is_file():
        return False
    with engine.connect(book) as connection, engine.read(connection):
        migrate.require_current(connection, book)
        return reader.counts(connection)["orders"] > 0
