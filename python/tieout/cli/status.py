"""`tieout status`: state, bot, flags, latch, the plan that waits, the last backup, the last alerts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import typer

from tieout.cli.bot_view import bot_lines
from tieout.cli.intents import intents_of
from tieout.cli.surroundings import workspace_of
from tieout.cli.ticks_view import status_lines
from tieout.clock import now_ns

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.cli.console import Console
    from tieout.config import Workspace

_ALERTS_SHOWN: Final = 5


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("status", epilog=epilog)(status)


def status(ctx: typer.Context) -> int:
    """Say how things stand: the last run, the bot, flags, latch, the plan that waits, backups, alerts."""
    from dataclasses import asdict

    from tieout.backup import list_backups
    from tieout.clock import to_iso
    from tieout.flags import allowed
    from tieout.locks import is_held
    from tieout.staging.latch import read_latch
    from tieout.staging.status import read_status
    from tieout.store.state import State
    from tieout.ticks.live.shown import read_ticks

    console: Console = ctx.obj
    workspace = workspace_of(console)
    told, latch, now = read_status(workspace.status_file), read_latch(workspace.latch_file), now_ns()
    flags = workspace.settings.flags
    can = allowed(flags, latch is not None)
    waiting = State(workspace.state_db).waiting(now)
    backups = list_backups(workspace.backups_dir)
    alerts = last_alerts(workspace.alerts_dir / "alerts.jsonl")
    result: dict[str, Any] = {
        **told,
        "interrupted": told["status"] == "IN_PROGRESS" and not is_held(workspace.reconcile_lock),
        "bot": bot_of(workspace),
        "live_data": read_ticks(workspace.status_dir),
        "flags": flags.as_config(),
        "latch": None if latch is None else asdict(latch),
        "may": {"confirm": can.may_confirm, "send": can.send, "delete": can.delete_mode},
        "why_not": dict(can.reasons),
        "waiting": None
        if waiting is None
        else {
            "plan_id": waiting.plan_id,
            "summary": waiting.summary,
            "expires_at": to_iso(waiting.expires_ns),
        },
        "unknown_intents": sum(one.state == "UNKNOWN" for one in intents_of(workspace, everything=False)),
        "last_backup": next((backup.id for backup in backups if not backup.damage), None),
        "alerts": alerts,
    }
    _say(console, result, now)
    console.result(result)
    return 0


def bot_of(workspace: Workspace) -> dict[str, Any]:
    """What the bot says of itself while it runs; what it said last, and since when it is gone, once it does not."""
    from tieout.gate.restart import near_restart
    from tieout.locks import is_held
    from tieout.staging.status import read_bot

    running = is_held(workspace.bot_lock)
    told = read_bot(workspace.status_dir) or {}
    if running and told.get("ended"):
        told = {}  # another bot than the one that wrote it, which has not said anything yet
    bot: dict[str, Any] = {"running": running, **told}
    if not running and told:
        bot["killed"] = told.get("ended") is None
        bot["gate"] = {"open": False, "reasons": ["the bot does not run"]}
        bot["link"] = {**told.get("link", {}), "up": False, "why": "the bot does not run"}
    bot.setdefault("restart", {"near": near_restart(workspace.settings.gateway_restart, now_ns()) is not None})
    return bot


def last_alerts(path: Path) -> list[dict[str, Any]]:
    """The newest alerts, oldest first."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[-_ALERTS_SHOWN:]
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def _say(console: Console, told: dict[str, Any], now: int) -> None:
    from tieout.cli.view import age
    from tieout.clock import from_iso

    when = "never" if told["last_run"] is None else age(from_iso(told["last_run"]), now)
    simulated = "SIMULATED " if told.get("simulated") else ""
    console.say(f"{simulated}{told['status']}, last run {when}", style="head")
    if told["interrupted"]:
        console.say("  that run is gone, it was cut off: `tieout stage` says how far it came", style="!")
    if told.get("reason"):
        console.say(f"  reason: {told['reason']}", style="!")
    console.say(
        "  executed: "
        + ", ".join(f"{told[word]} {word}" for word in ("inserted", "updated", "deleted"))
        + f"; ambiguous: {told['ambiguous_count']}"
    )
    for line in (*bot_lines(told["bot"], now), *status_lines(told["live_data"], now)):
        console.say(f"  {line}")
    console.say(
        "  flags: " + ", ".join(f"{name.upper()} {str(value).lower()}" for name, value in told["flags"].items())
    )
    if told["latch"]:
        console.say(f"  SAFE MODE LATCHED since {told['latch']['since']}: {told['latch']['reason']}", style="!")
    for what, why in told["why_not"].items():
        if what != "bot_confirm":
            console.say(f"  cannot {what}: {why}")
    _say_plan(console, told)
    if told["unknown_intents"]:
        console.say(f"  {told['unknown_intents']} order(s) of unknown fate: tieout intents settle", style="!")
    console.say(f"  last backup: {told['last_backup'] or 'none'}")
    for alert in told["alerts"]:
        console.say(f"  alert {alert['at']} {alert['severity']} {alert['alert']}", style="dim")


def _say_plan(console: Console, told: dict[str, Any]) -> None:
    waiting = told["waiting"]
    if waiting is None:
        console.say("  no plan waits")
    else:
        counts = ", ".join(f"{count} {name}" for name, count in waiting["summary"].items() if count)
        console.say(f"  plan {waiting['plan_id'][:12]} waits ({counts}) until {waiting['expires_at']}: tieout show")
    if told.get("waiting_plan"):
        console.say(f"  {told['waiting_plan']}", style="!")
    if told.get("findings_count"):
        console.say(f"  {told['findings_count']} finding(s) that nothing repairs: tieout show", style="!")
        for text in told["findings"]:
            console.say(f"    {text}", style="dim")
