"""Flags, latch and account, read again each time: an edit counts for the very next order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tieout.config import load_settings
from tieout.errors import SettingsError
from tieout.flags import allowed
from tieout.staging.latch import read_latch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.alerts import AlertRouter, Log
    from tieout.config import Settings, Workspace
    from tieout.flags import Sending
    from tieout.model import Gateway


class GateDesk(Protocol):
    """What the gate needs of a desk (`tieout.staging.desk.Desk` is one)."""

    @property
    def workspace(self) -> Workspace:
        """Its folder and paths."""
        ...

    @property
    def log(self) -> Log:
        """The reconcile log."""
        ...

    @property
    def alerts(self) -> AlertRouter:
        """Where alerts go."""
        ...

    @property
    def now(self) -> Callable[[], int]:
        """The clock, UTC nanoseconds."""
        ...

    @property
    def simulated(self) -> tuple[str, int] | None:
        """The simulated gateway's address, if it is one."""
        ...


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the flags let happen now, and why not more."""

    sending: Sending
    why: str | None
    allow_live: bool
    window_s: int


class Watch:
    """The settings file and the latch of one workspace."""

    def __init__(self, desk: GateDesk) -> None:
        self._desk = desk
        self._bytes: bytes | None = None
        self._settings: Settings | None = None

    def allowed(self) -> Allowed:
        """What settings and latch allow at this moment; settings that cannot be used allow nothing."""
        latch = read_latch(self._desk.workspace.latch_file)
        try:
            settings = self._read()
        except SettingsError as error:
            self._desk.alerts.raise_alert("settings_invalid", reason=error.message)
            return Allowed("no", f"the settings cannot be used: {error.message}", allow_live=False, window_s=1)
        permissions = allowed(settings.flags, latch is not None)
        why = permissions.reasons.get("send")
        if latch is not None and why is not None and not settings.safe_mode:
            why = f"{why} ({latch.reason})"
        return Allowed(permissions.send, why, settings.allow_live, settings.idempotency.window_seconds)

    def live_account(self, gateway: Gateway, *, allow_live: bool) -> str | None:
        """Why orders may not go to that account, or None."""
        if gateway.paper or allow_live or self._desk.simulated is not None:
            return None
        return f"{gateway.account} is not a paper account and ALLOW_LIVE is false"

    def _read(self) -> Settings:
        path = self._desk.workspace.config_path
        try:
            found = path.read_bytes()
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="check the file") from error
        if self._settings is None or found != self._bytes:
            self._settings = None
            self._settings, self._bytes = load_settings(path), found
        return self._settings
