"""
Raising an alert: a row in alerts/alerts.jsonl, a line in logs/reconcile.log, a count, and who is to be told.

1. The row is on the disk before anybody is told, and every alert has one.
2. Telling happens in the background (`courier`): a target that fails or hangs delays nothing, and is recorded as
   `alert_not_sent` in the log and in the metrics.
3. The same alert is told at most once in ALERTS.rate_limit_seconds, also across programs; the row of one that was
   held back says so, and the next message says how many were.
4. Addresses hold secrets: they appear in no line, row or message.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tieout.alerts.catalogue import CATALOGUE, Alert
from tieout.alerts.courier import EXIT_WAIT_S, SEND_TIMEOUT_S, Courier, Outcome
from tieout.alerts.history import Told, last_told
from tieout.alerts.log import Clock, Level, Log, append_line, to_json
from tieout.alerts.metrics import Metrics
from tieout.alerts.targets import Message, targets_of, tell
from tieout.clock import NS_PER_S, to_iso
from tieout.config.blocks import Alerts, Severity
from tieout.errors import TieoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = "alerts.jsonl"
_LEVELS: Final[dict[Severity, Level]] = {
    "INFO": "info",
    "MEDIUM": "warning",
    "HIGH": "error",
    "CRITICAL": "critical",
}


class AlertRouter:
    """
    Where alerts go. Any thread may raise one.

    Args:
        log: the reconcile log.
        alerts_dir: the folder of `alerts.jsonl`.
        settings: `ALERTS`; may be replaced while running.
        now: the clock, UTC nanoseconds.
        environ: where the addresses' `${NAME}` are looked up.
        send_timeout_s: how long one target may take.
    """

    def __init__(
        self,
        log: Log,
        alerts_dir: Path,
        *,
        settings: Alerts,
        now: Clock,
        environ: Mapping[str, str] | None = None,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.file = alerts_dir / FILE
        self._log = log
        self._now = now
        self._environ = os.environ if environ is None else environ
        self._courier = Courier(tell, self._settled, send_timeout_s=send_timeout_s)
        self._turn = threading.Lock()
        self._told: Told | None = None

    def raise_alert(self, name: str, /, **details: object) -> list[str]:
        """
        Raise an alert of the catalogue. Never waits for a target.

        Args:
            name: its name there.
            details: what happened; JSON values, or what has a plain text.

        Returns:
            Why it could not be written down, if it could not; best empty.

        Raises:
            KeyError: the catalogue has no such alert, a mistake in the program.
        """
        alert = CATALOGUE[name]
        targets = targets_of(alert, self.settings.targets, self._environ)
        self.metrics.alert_raised(name)
        with self._turn:
            now_ns = self._now()
            held_back = bool(targets) and self._is_too_soon(name, now_ns)
            row: dict[str, Any] = {
                "at": to_iso(now_ns),
                "alert": name,
                "severity": alert.severity,
                "action": alert.action,
                "details": details,
            }
            line = to_json({**row, "held_back": True} if held_back else row)
            failures = _attempt(lambda: append_line(self.file, line, durable=True))
            before = self._note_turn(name, now_ns, held_back=held_back) if targets else 0
        failures += _attempt(lambda: self._write(alert, details))
        if held_back:
            self.metrics.alert_held_back(name)
        else:
            self._courier.post(self._message(alert, details, before), targets)
        return failures

    def test(self, alert: Alert) -> list[Outcome]:
        """Tell that alert's targets that this is a test, the way a real one goes; answers what became of each."""
        targets = targets_of(alert, self.settings.targets, self._environ)
        outcomes: list[Outcome] = []

        def settled(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if outcome.why:
                self._settled(outcome)

        message = Message(
            alert.name, f"tieout TEST: {alert.name} ({alert.severity})", "This is a test. Nothing happened."
        )
        courier = Courier(tell, settled, send_timeout_s=self._courier.send_timeout_s)
        courier.post(message, targets)
        courier.close(courier.send_timeout_s * 2)
        return sorted(outcomes, key=lambda outcome: outcome.target.name)

    def close(self, wait_s: float = EXIT_WAIT_S) -> None:
        """Wait for messages on their way, at most so long; what is not sent then is recorded. Nothing is told after."""
        self._courier.close(wait_s)

    def _is_too_soon(self, name: str, now_ns: int) -> bool:
        if self._told is None:
            try:
                self._told = last_told(self.file)
            except OSError:
                self._told = Told()  # writing the row says what is wrong with the file
        last_ns = self._told.at_ns.get(name)
        # A clock that was set back holds nothing back.
        return last_ns is not None and 0 <= now_ns - last_ns < self.settings.rate_limit_seconds * NS_PER_S

    def _note_turn(self, name: str, now_ns: int, *, held_back: bool) -> int:
        """Keep the rate limit's books; answers how many were held back before this one."""
        told = self._told or Told()
        if held_back:
            told.held_back[name] += 1
            return 0
        before, told.held_back[name] = told.held_back[name], 0
        told.at_ns[name] = now_ns
        return before

    def _message(self, alert: Alert, details: dict[str, object], held_back: int) -> Message:
        body = f"{alert.action}\n\n{to_json(details)}"
        if held_back:
            body += f"\n\n{held_back} more like it since the last message; all are in alerts/{FILE}."
        return Message(alert.name, f"tieout: {alert.name} ({alert.severity})", body)

    def _write(self, alert: Alert, details: dict[str, object]) -> None:
        fields = {"severity": alert.severity, "action": alert.action, "details": details}
        self._log.write(_LEVELS[alert.severity], alert.name, **fields)

    def _settled(self, outcome: Outcome) -> None:
        if not outcome.why:
            return
        name = outcome.message.alert
        self.metrics.alert_unsent(name)
        line = {"alert": name, "target": outcome.target.name, "why": outcome.why}
        # Where the log itself cannot be written nobody is left to be told; the count stands.
        _attempt(lambda: self._log.warning("alert_not_sent", **line))


def _attempt(action: Callable[[], None]) -> list[str]:
    try:
        action()
    except TieoutError as error:
        return [error.message]
    return []
