"""One reconcile after another. Each says what it came to; in the background an error ends it, not the bot."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tieout import locks
from tieout.config import load_settings
from tieout.errors import (
    Ambiguous,
    AuditBroken,
    Forbidden,
    Interrupted,
    Locked,
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

    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged


class Reconciler:
    """
    The bot's reconciles.

    Args:
        desk: its surroundings.
        say: where a line for the operator goes.
        report: called with each reconcile's outcome.
        lock_wait_s: how long to wait for another tieout's lock.
    """

    def __init__(
        self, desk: Desk, *, say: Callable[[str], None], report: Callable[[Staged], None], lock_wait_s: float = 0.0
    ) -> None:
        self._desk = desk
        self._say = say
        self._report = report
        self._lock_wait_s = lock_wait_s
        self._confirmed: Mapping[str, int] | None = None

    def first(self) -> Staged:
        """
        Confirm the waiting plan if the flags say so, once, then reconcile; a waiting plan gives way.

        Raises:
            TieoutError: it failed; the status says why.
        """
        with self._lock("start"):
            if self._confirmed is None:
                self._confirmed = self._confirm_waiting()
            staged = stage.stage(self._desk, replace=True, counts=self._confirmed)
        self._tell(staged)
        return staged

    def again(self) -> Staged | str | None:
        """
        A background reconcile: it never replaces a plan that waits.

        Answers what it came to, or why it did not go through; None where another tieout was at work.

        Raises:
            Interrupted: the program ends.
        """
        desk = self._desk
        desk.reached = False
        try:
            self.reload()
            with self._lock("reconcile"):
                staged = stage.stage(desk, replace=False)
            self._tell(staged)
        except Interrupted:
            raise
        except SettingsError as error:
            return error.message
        except TieoutError as error:
            desk.log.warning("reconcile_skipped", error=error.code, reason=error.message)
            self._say(f"this reconcile did not go through: {error.message}")
            return None if isinstance(error, Locked) else error.message
        return staged

    def reload(self) -> None:
        """
        Read the settings again: a flag that was edited counts from now on.

        Raises:
            SettingsError: they cannot be used, which means safe mode; status, alert and operator were told.
        """
        desk = self._desk
        try:
            settings = load_settings(desk.workspace.config_path)
        except SettingsError as error:
            desk.alerts.raise_alert("settings_invalid", reason=error.message)
            desk.status("SAFE_MODE_ACTIVE", reason=f"the settings cannot be used: {error.message}")
            self._say(f"safe mode: {error.message}")
            raise
        desk.workspace = replace(desk.workspace, settings=settings)
        desk.alerts.settings = settings.alerts

    def archive(self) -> None:
        """Old audit rows leave the book. Only a broken audit keeps the bot from starting, not a full disk."""
        desk = self._desk
        try:
            with self._lock("archive"):
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

    def _tell(self, staged: Staged) -> None:
        self._report(staged)
        self._desk.told.clear()

    @contextmanager
    def _lock(self, what: str) -> Iterator[None]:
        desk = self._desk
        path = desk.workspace.reconcile_lock
        with locks.hold(path, what=f"run ({what})", now_ns=desk.now(), wait_s=self._lock_wait_s):
            yield
