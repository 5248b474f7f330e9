"""`tieout ticks record`: live or simulated ticks to Parquet in the foreground, without the bot."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tieout.cli.arguments import SIM_DEFAULT
from tieout.cli.surroundings import SIMULATED, SimOption, simulated_gateway, workspace_of
from tieout.cli.ticks_words import count, long, table
from tieout.errors import EXIT_ERROR, EXIT_OK, GatewayUnreachable, SettingsError

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.config import Workspace
    from tieout.config.live_data import Subscription
    from tieout.ticks.live.recorder import Recorded

_SIM_TICKS: Final = "ticks_four_instruments.yml"
"""What `--sim` without a scenario records; it is shipped."""

Seconds = Annotated[float | None, typer.Option(min=0.1, help="Stop so long after the gateway was reached.")]
Out = Annotated[Path | None, typer.Option(help="The recording; LIVE_DATA.record_dir by default.")]
ClientId = Annotated[
    int | None, typer.Option(min=1, help="At the gateway; LIVE_DATA.client_id by default, which a running bot has.")
]


def record(
    ctx: typer.Context, sim: SimOption = None, seconds: Seconds = None, out: Out = None, client_id: ClientId = None
) -> int:
    """
    Record the ticks of LIVE_DATA.subscriptions until Ctrl-C, SIGTERM or --seconds; by then all that came is written.

    --sim records a simulated gateway; where the settings name no subscription, every instrument that it has ticks of.
    Exit code 0: all that came is in files; 1: ticks were lost, or no gateway was reached.
    """
    from tieout.cli.ticks_stop import stopping
    from tieout.clock import now_ns
    from tieout.locks import who_signs
    from tieout.staging.desk import open_desk
    from tieout.ticks.files.folder import RecordingFolder
    from tieout.ticks.live.recorder import Recorder

    console: Console = ctx.obj
    scenario = _scenario(sim)
    workspace = _with_subscriptions(workspace_of(console), scenario)
    root = workspace.ticks_dir if out is None else out.absolute()
    with closing(RecordingFolder(root, session=now_ns())):
        pass  # that it is another's, or cannot be written, is told before a gateway is asked for anything
    gateway = nullcontext() if scenario is None else simulated_gateway(["--scenario", str(scenario)])
    with stopping() as wished, gateway as port:
        address = None if port is None else ("127.0.0.1", port)
        if port is not None:
            console.say(f"{SIMULATED}: the gateway on port {port} is not Interactive Brokers", style="?")
        own_id = workspace.settings.broker.cli_client_id
        desk = open_desk(workspace, now=now_ns, client_id=own_id, who=who_signs(), simulated=address)
        try:
            done = Recorder(desk, root, client_id=client_id, say=console.say).run(wished, seconds)
        finally:
            desk.alerts.close()
    if not done.reached:
        raise GatewayUnreachable(
            f"no tick was recorded: {done.why or 'it ended before the gateway answered'}",
            hint="start TWS or IB Gateway, or record a simulated one: --sim",
        )
    _say(console, root, done)
    console.result({"simulated": port is not None, "folder": str(root), **_json(done)})
    return EXIT_OK if done.whole else EXIT_ERROR


def _scenario(sim: str | None) -> Path | None:
    if sim is None:
        return None
    if sim != SIM_DEFAULT:
        return Path(sim).absolute()
    from tieout.sim.scenario import EXAMPLE

    return EXAMPLE.with_name("scenarios") / _SIM_TICKS


def _with_subscriptions(workspace: Workspace, scenario: Path | None) -> Workspace:
    """
    The workspace with something to record.

    Raises:
        SettingsError: the settings name no subscription, and no simulated gateway stands in.
    """
    live = workspace.settings.live_data
    if live.subscriptions:
        return workspace
    wanted = () if scenario is None else _all_of(scenario)
    if not wanted:
        raise SettingsError(
            "there is nothing to record: LIVE_DATA.subscriptions is empty",
            hint="name the instruments there, for example - {con_id: 756733}; or record a simulated gateway: --sim",
        )
    settings = workspace.settings.model_copy(update={"live_data": live.model_copy(update={"subscriptions": wanted})})
    return replace(workspace, settings=settings)


def _all_of(scenario: Path) -> tuple[Subscription, ...]:
    from tieout.clock import now_ns
    from tieout.config.live_data import Subscription
    from tieout.sim.scenario import load_scenario

    return tuple(Subscription(con_id=con_id) for con_id in load_scenario(scenario, now_ns=now_ns()).ticks.markets)


def _say(console: Console, root: Path, done: Recorded) -> None:
    rows = [(name, count(number)) for name, number in done.by_instrument.items()]
    for at, line in enumerate(table(("instrument", "ticks"), rows)):
        console.say(line, style="head" if at == 0 else None)
    for name, why in done.refused.items():
        console.say(f"no ticks of {name}: {why}", style="~")
    if done.ring.dropped or done.ring.conflated:
        console.say(
            f"{done.ring.dropped:,} ticks were dropped and {done.ring.conflated:,} conflated on a full queue",
            style="-" if done.ring.dropped else "~",
        )
    if done.sink.written != done.sink.taken:
        why = done.sink.failing or "they came faster than they could be written"
        console.say(f"{done.sink.taken - done.sink.written:,} ticks are in no file: {why}", style="-")
    console.say(f"{done.sink.written:,} ticks in {long(done.seconds)}, in {root}", style="ok" if done.whole else "!")


def _json(done: Recorded) -> dict[str, Any]:
    return {
        "seconds": round(done.seconds, 3),
        "received": done.ring.produced,
        "dropped": done.ring.dropped,
        "conflated": done.ring.conflated,
        "written": done.sink.written,
        "lost": done.sink.taken - done.sink.written,
        "instruments": done.by_instrument,
        "refused": done.refused,
    }
