"""
Raising an alert: a row in alerts/alerts.jsonl, a line in logs/reconcile.log, a count, and who is to be told.

1. The row is on the disk before anybody is told.
2. A place that cannot be reached never stops the others, nor the caller: it is recorded and returned.
3. Addresses hold secrets: they appear in no line, row or message; `HIGH[0]` names the first one of HIGH.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tieout.alerts.catalogue import CATALOGUE, Alert
from tieout.alerts.log import Clock, Level, Log, append_line, to_json
from tieout.clock import to_iso
from tieout.config.blocks import AlertTargets, Severity
from tieout.errors import TieoutError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter

FILE: Final = "alerts.jsonl"
_LEVELS: Final[dict[Severity, Level]] = {
    "INFO": "info",
    "MEDIUM": "warning",
    "HIGH": "error",
    "CRITICAL": "critical",
}


class AlertRouter:
    """
    Where alerts go.

    Args:
        log: the reconcile log.
        alerts_dir: the folder of `alerts.jsonl`.
        targets: Apprise addresses by severity.
        now: the clock, UTC nanoseconds.
    """

    def __init__(self, log: Log, alerts_dir: Path, *, targets: AlertTargets, now: Clock) -> None:
        self._log = log
        self._file = alerts_dir / FILE
        self._targets = targets
        self._now = now
        self._metrics: tuple[CollectorRegistry, Counter] | None = None

    @property
    def registry(self) -> CollectorRegistry:
        """The metrics: `tieout_alerts_total{event}`."""
        return self._counted()[0]

    def raise_alert(self, name: str, /, **details: object) -> list[str]:
        """
        Raise an alert of the catalogue.

        Args:
            name: its name there.
            details: what happened; JSON values, or what has a plain text.

        Returns:
            Where it could not be told, and why; best empty.

        Raises:
            KeyError: the catalogue has no such alert, a mistake in the program.
        """
        alert = CATALOGUE[name]
        self._counted()[1].labels(event=name).inc()
        row = {
            "at": to_iso(self._now()),
            "alert": name,
            "severity": alert.severity,
            "action": alert.action,
            "details": details,
        }
        failures = _attempt(lambda: append_line(self._file, to_json(row), durable=True))
        failures += _attempt(lambda: self._write(alert, details))
        for index, address in enumerate(self._targets.of(alert.severity)):
            why = _send(address, alert, details)
            if why:
                failures += self._record_unsent(name, f"{alert.severity}[{index}]", why)
        return failures

    def _write(self, alert: Alert, details: dict[str, object]) -> None:
        fields = {"severity": alert.severity, "action": alert.action, "details": details}
        self._log.write(_LEVELS[alert.severity], alert.name, **fields)

    def _record_unsent(self, name: str, target: str, why: str) -> list[str]:
        line = {"alert": name, "target": target, "why": why}
        return [f"{target}: {why}", *_attempt(lambda: self._log.warning("alert_not_sent", **line))]

    def _counted(self) -> tuple[CollectorRegistry, Counter]:
        if self._metrics is None:
            from prometheus_client import CollectorRegistry, Counter

            registry = CollectorRegistry()
            counter = Counter("tieout_alerts", "Alerts raised, by name.", ["event"], registry=registry)
            self._metrics = registry, counter
        return self._metrics


def _attempt(action: Callable[[], None]) -> list[str]:
    try:
        action()
    except TieoutError as error:
        return [error.message]
    return []


def _send(address: str, alert: Alert, details: dict[str, object]) -> str:
    """Tell one address; the answer is why it was not told, or nothing."""
    title = f"tieout: {alert.name} ({alert.severity})"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its plugins' business, not our operator's
            return _notify(address, title, f"{alert.action}\n\n{to_json(details)}")
    except Exception as error:  # noqa: BLE001 - a hundred plugins may raise anything, and no run stops for one
        return f"the service failed: {type(error).__name__}"


def _notify(address: str, title: str, body: str) -> str:
    import apprise  # heavy, and most workspaces have no targets

    messenger = apprise.Apprise()
    if not messenger.add(address):
        return "not an address that Apprise knows"
    return "" if messenger.notify(body, title) else "the service did not take it"
