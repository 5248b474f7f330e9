"""`tieout alerts list / test`: what can be raised, what was, and whether anybody would be told."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tieout.cli.audit import Since, since_of
from tieout.cli.surroundings import desk_of, workspace_of

if TYPE_CHECKING:
    from tieout.alerts import Alert
    from tieout.alerts.courier import Outcome
    from tieout.cli.console import Console
    from tieout.config.blocks import AlertTargets

SHOWN: Final = 20
"""Alerts that `list` shows without --since."""


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Alerts: what can be raised, what was, and who is told.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("list", epilog=epilog)(list_alerts)
    group.command("test", epilog=epilog)(send_test)
    app.add_typer(group, name="alerts")


def list_alerts(ctx: typer.Context, since: Since = None) -> int:
    """List every alert there is, with its severity and what to do, and the ones that were raised."""
    from tieout.alerts import CATALOGUE
    from tieout.alerts.history import read_alerts
    from tieout.alerts.router import FILE
    from tieout.errors import TieoutError

    console: Console = ctx.obj
    workspace = workspace_of(console)
    path = workspace.alerts_dir / FILE
    try:
        rows = read_alerts(path, since=None if since is None else since_of(since))
    except OSError as error:
        raise TieoutError(f"{path} cannot be read: {error.strerror}", hint="check the file's owner and mode") from error
    raised = Counter(str(row["alert"]) for row in rows)
    for alert in CATALOGUE.values():
        console.say(
            f"{alert.severity:8} {alert.name} (tieout {alert.since}), raised: {raised[alert.name]}", style="head"
        )
        console.detail(f"         {' '.join(alert.action.split())}")
    shown = rows if since is not None else rows[-SHOWN:]
    console.say(_heading(len(shown), len(rows)))
    for row in shown:
        held = " (held back)" if row.get("held_back") else ""
        console.say(f"{row['at']} {row.get('severity', '?')} {row['alert']}{held}: {_details(row)}")
    console.result({"catalogue": [_as_json(alert, rows) for alert in CATALOGUE.values()], "alerts": shown})
    return 0


def send_test(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="An alert; without it every target is told once.")] = None,
) -> int:
    """
    Tell the targets of an alert, or all targets, that this is a test, and say of each whether it took it.

    Exit: 0 all were told, 1 one was not, or there is none.
    """
    from tieout.errors import EXIT_ERROR, EXIT_OK

    console: Console = ctx.obj
    alerts = [_named(name)] if name is not None else _one_per_severity()
    with desk_of(console, sim=None) as desk:
        targets = desk.settings.alerts.targets
        outcomes = [outcome for alert in alerts for outcome in desk.alerts.test(alert)]
        desk.log.info("alerts_tested", by=desk.who, told=[one.target.name for one in outcomes if not one.why])
    for outcome in outcomes:
        console.say(_told(outcome), style="!" if outcome.why else "ok")
    if not outcomes:
        console.say(_nobody(name, alerts, targets), style="!")
    good = bool(outcomes) and not any(outcome.why for outcome in outcomes)
    told = [
        {"target": one.target.name, "alert": one.message.alert, "ok": not one.why, "why": one.why} for one in outcomes
    ]
    console.result({"ok": good, "targets": told})
    return EXIT_OK if good else EXIT_ERROR


def _named(name: str) -> Alert:
    from tieout.alerts import CATALOGUE
    from tieout.errors import UsageError

    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, list(CATALOGUE), n=1)
        hint = f"did you mean {near[0]}?" if near else "`tieout alerts list` shows them"
        raise UsageError(f"there is no alert {name!r}", hint=hint)
    return CATALOGUE[name]


def _one_per_severity() -> list[Alert]:
    from tieout.alerts import CATALOGUE

    return list({alert.severity: alert for alert in reversed(list(CATALOGUE.values()))}.values())


def _nobody(name: str | None, alerts: list[Alert], targets: AlertTargets) -> str:
    if name is None:
        return "nobody is told of anything: ALERTS.targets in config/local_reconcile.yml is empty"
    severity = alerts[0].severity
    others = [word for word in ("INFO", "MEDIUM", "HIGH", "CRITICAL") if targets.of(word)]
    has = f"only {', '.join(others)} has targets" if others else "no severity has targets"
    return f"nobody is told of {name}: ALERTS.targets.{severity} is empty ({has})"


def _told(outcome: Outcome) -> str:
    name = outcome.target.name
    return f"{name}: NOT told: {outcome.why}" if outcome.why else f"{name}: told"


def _heading(shown: int, raised: int) -> str:
    if not raised:
        return "none was raised"
    return f"the last {shown} of {raised} that were raised:" if shown < raised else f"{raised} raised:"


def _details(row: dict[str, Any]) -> str:
    details = row.get("details")
    if not isinstance(details, dict) or not details:
        return "no details"
    from tieout.alerts.log import to_json

    return ", ".join(f"{key} {value if isinstance(value, str) else to_json(value)}" for key, value in details.items())


def _as_json(alert: Alert, rows: list[dict[str, Any]]) -> dict[str, object]:
    times = [str(row["at"]) for row in rows if row["alert"] == alert.name]
    return {
        "name": alert.name,
        "severity": alert.severity,
        "action": alert.action,
        "since": alert.since,
        "raised": len(times),
        "last": times[-1] if times else None,
    }
