"""
The running bot: confirm what the operator let happen, reconcile, then again every interval.

The gate is closed until a reconcile went through. SIGTERM and SIGINT end it between two steps, with its state
written.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tieout import locks
from tieout.alerts import serve_metrics
from tieout.errors import (
    EXIT_OK,
    Ambiguous,
    AuditBroken,
    Forbidden,
    GatewayUnreachable,
    PlanStale,
    SettingsError,
    TieoutError,
)
from tieout.flags import Flags, bot_may_confirm
from tieout.staging import confirm, stage
from tieout.staging.chain import archive_audit
from tieout.staging.gates import read_plan_file
from tieout.staging.planfile import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged


def main() -> int:
    """`python run_bot.py`: `tieout run` with the same options."""
    from tieout.cli import main as run_command

    return run_command(["run", *sys.argv[1:]])


class Bot:
    """
    One bot on one book.

    Args:
        desk: its surroundings.
        say: where a line for the operator goes.
        report: called with each reconcile's outcome.
        lock_wait_s: how long to wait for another tieout's lock.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        say: Callable[[str], None],
        report: Callable[[Staged], None],
        lock_wait_s: float = 0.0,
    ) -> None:
        self._desk = desk
        self._say = say
        self._report = report
        self._lock_wait_s = lock_wait_s
        self._stop = threading.Event()

    def run(self, *, once: bool) -> int:
        """
        Run until a signal, or until the first reconcile; answers the exit code.

        Raises:
            Locked: another bot runs on this book.
            TieoutError: the first reconcile failed (the status says why).
        """
        desk = self._desk
        with locks.hold(desk.workspace.bot_lock, what="run", now_ns=desk.now(), wait_s=self._lock_wait_s):
            self._archive()
            if once:
                staged = self._begin(retries=0)
                return EXIT_OK if staged is None else staged.exit_code
            with self._signals(), self._metrics():
                self._begin(retries=desk.settings.live_data.reconnect_max_retries)
                while not self._stop.wait(desk.settings.reconcile.interval_seconds):
                    self._again()
            desk.log.info("bot_stopped")
            self._say("stopped; the book and the staged plan are as the last lines said")
        return EXIT_OK

    def _begin(self, *, retries: int) -> Staged | None:
        """The first reconcile; None where the bot was told to stop while it waited for the gateway."""
        counts: Mapping[str, int] = {}
        for attempt in range(retries + 1):
            try:
                with self._reconcile_lock("start"):
                    counts = counts or self._confirm_waiting()
                    staged = stage.stage(self._desk, replace=True, counts=counts)
                break
            except GatewayUnreachable as error:
                if attempt == retries:
                    raise
                if self._wait(attempt, error):
                    return None
        self._tell(staged)
        return staged

    def _again(self) -> None:
        """A background reconcile: it never replaces a plan that waits, and an error does not end the bot."""
        desk = self._desk
        desk.reached = False
        try:
            self._reload()
            with self._reconcile_lock("reconcile"):
                staged = stage.stage(desk, replace=False)
            self._tell(staged)
        except SettingsError as error:
            desk.alerts.raise_alert("settings_invalid", reason=error.message)
            desk.status("SAFE_MODE_ACTIVE", reason=f"the settings cannot be used: {error.message}")
            self._say(f"safe mode: {error.message}")
        except TieoutError as error:
            desk.log.warning("reconcile_skipped", error=error.code, reason=error.message)
            self._say(f"this reconcile did not go through: {error.message}")

    def _confirm_waiting(self) -> Mapping[str, int]:
        """Execute the plan that waits, if the operator set the flag after it was staged; answers what was done."""
        desk = self._desk
        waiting = desk.state.waiting(desk.now())
        if waiting is None or waiting.executable == 0 or not desk.permissions().may_confirm:
            return {}
        try:
            staged = Flags(**{k: v for k, v in self._staged_config().items() if k != "matching"})
            if not bot_may_confirm(staged, desk.settings.flags, desk.latched() is not None):
                self._say(f"plan {waiting.plan_id[:12]} was staged with these flags: it waits for `tieout confirm`")
                return {}
            done = confirm.confirm(desk, waiting.plan_id)
        except (PlanStale, Ambiguous) as error:
            self._say(f"the waiting plan was not executed: {error.message}")
            return {}
        self._say(f"executed plan {done.plan_id[:12]}: {done.executed} action(s), backup {done.backup_id}")
        return done.counts()

    def _staged_config(self) -> dict[str, bool]:
        config: dict[str, bool] = parse(read_plan_file(self._desk.workspace.staged_actions)).content["config"]
        return config

    def _archive(self) -> None:
        """Old audit rows leave the book. Only a broken audit keeps the bot from starting, not a full disk."""
        desk = self._desk
        try:
            with self._reconcile_lock("archive"):
                done = archive_audit(desk) if desk.workspace.book.exists() else None
        except Forbidden:
            return
        except AuditBroken:
            raise
        except TieoutError as error:
            desk.log.warning("audit_not_archived", error=error.code, reason=error.message)
            return
        if done is not None:
            self._say(f"archived audit rows {done.first} to {done.last} into {done.file}")

    @contextmanager
    def _metrics(self) -> Iterator[None]:
        """The metrics on METRICS_PORT; that they cannot be served does not keep the bot from running."""
        desk = self._desk
        port = desk.settings.metrics_port
        with ExitStack() as stack:
            if port is not None:
                try:
                    stack.enter_context(serve_metrics(desk.alerts.metrics, port))
                except TieoutError as error:
                    desk.log.warning("metrics_not_served", reason=error.message)
                    self._say(f"{error.message}; {error.hint}")
            yield

    def _reload(self) -> None:
        """Read the settings again: a flag that was edited counts from now on."""
        from dataclasses import replace

        from tieout.config import load_settings

        workspace = self._desk.workspace
        self._desk.workspace = replace(workspace, settings=load_settings(workspace.config_path))
        self._desk.alerts.settings = self._desk.settings.alerts

    def _tell(self, staged: Staged) -> None:
        self._report(staged)
        self._desk.told.clear()

    @contextmanager
    def _reconcile_lock(self, what: str) -> Iterator[None]:
        desk = self._desk
        path = desk.workspace.reconcile_lock
        with locks.hold(path, what=f"run ({what})", now_ns=desk.now(), wait_s=self._lock_wait_s):
            yield

    def _wait(self, attempt: int, error: TieoutError) -> bool:
        """Back off before the next attempt; answers whether the bot was told to stop meanwhile."""
        live = self._desk.settings.live_data
        delay_s = min(live.base_delay * 2**attempt, live.max_delay)
        self._say(f"{error.message}; trying again in {delay_s:.0f} s")
        return self._stop.wait(delay_s)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stop.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
