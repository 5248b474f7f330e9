"""
The workspace: the folder that holds `config/`, and where everything in it lies.

Relative paths in the settings start at its root. What has no key of its own lies in
`data/`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tieout.config.load import load_settings
from tieout.config.settings import Settings
from tieout.errors import SettingsError

CONFIG_FILE: Final = Path("config") / "local_reconcile.yml"
ENV_WORKSPACE: Final = "TIEOUT_WORKSPACE"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A root folder, its settings, and every path that follows from the two. Paths are absolute."""

    root: Path
    config_path: Path
    settings: Settings

    def resolve(self, text: str) -> Path:
        """A path from the settings, made absolute from the root; symbolic links are left as they are."""
        return self.root / text

    @property
    def book(self) -> Path:
        """The bot's own order book (SQLite)."""
        return self.resolve(self.settings.database.orders_db_path)

    @property
    def data_dir(self) -> Path:
        """What the bot keeps and no restore touches."""
        return self.root / "data"

    @property
    def state_db(self) -> Path:
        """The staging journal, sessions, resolutions and applied plans."""
        return self.data_dir / "state.db"

    @property
    def flex_dir(self) -> Path:
        """Flex statements that were kept."""
        return self.data_dir / "flex"

    @property
    def ticks_dir(self) -> Path:
        """Recorded ticks."""
        return self.resolve(self.settings.live_data.record_dir)

    @property
    def backups_dir(self) -> Path:
        """Verified backups and their manifests."""
        return self.resolve(self.settings.backup_dir)

    @property
    def backup_copy_to(self) -> str | None:
        """A second home for finished backups, if one is set: an address (scheme://...), or an absolute path."""
        target = self.settings.backup_copy_to
        return target if target is None or "://" in target else str(self.resolve(target))

    @property
    def log_dir(self) -> Path:
        """Logs."""
        return self.resolve(self.settings.log_dir)

    @property
    def status_dir(self) -> Path:
        """What the last run came to, and the latch."""
        return self.resolve(self.settings.status_dir)

    @property
    def alerts_dir(self) -> Path:
        """Alerts, and the operator guide."""
        return self.resolve(self.settings.alerts_dir)

    @property
    def staged_actions(self) -> Path:
        """The plan that waits."""
        return self.resolve(self.settings.staged_actions)

    @property
    def ambiguous_file(self) -> Path:
        """What a reconcile could not decide."""
        return self.log_dir / "ambiguous_matches.json"

    @property
    def reconcile_log(self) -> Path:
        """JSON lines of everything that happened."""
        return self.log_dir / "reconcile.log"

    @property
    def status_file(self) -> Path:
        """The last reconcile in the guide's words."""
        return self.status_dir / "reconcile_status.json"

    @property
    def latch_file(self) -> Path:
        """There while safe mode is latched."""
        return self.status_dir / "safe_mode.json"

    @property
    def reconcile_lock(self) -> Path:
        """Held while reconciling or confirming. Beside the real book: two workspaces may share one."""
        return self._lock("reconcile")

    @property
    def bot_lock(self) -> Path:
        """Held as long as the bot runs: one bot for one book."""
        return self._lock("bot")

    def folders(self) -> tuple[Path, ...]:
        """Every folder that must be there before anything runs."""
        named = (
            self.book.parent,
            self.data_dir,
            self.backups_dir,
            self.log_dir,
            self.status_dir,
            self.alerts_dir,
        )
        return tuple(dict.fromkeys(named))

    def _lock(self, name: str) -> Path:
        book = Path(os.path.realpath(self.book))
        return book.with_name(f"{book.name}.{name}.lock")


def workspace_root(root: Path | None, env: Mapping[str, str]) -> Path:
    """
    The root that is meant: the one named, else `TIEOUT_WORKSPACE`, else the current folder.

    Raises:
        SettingsError: it is not a folder.
    """
    named = root if root is not None else Path(env[ENV_WORKSPACE]) if env.get(ENV_WORKSPACE) else None
    found = Path.cwd() if named is None else named.absolute()
    if not found.is_dir():
        whence = "--workspace" if root is not None else ENV_WORKSPACE
        raise SettingsError(
            f"{found}: there is no such folder; {whence} names it as the workspace",
            hint="run `tieout init` in a new folder, or name another workspace",
        )
    return found


def open_workspace(root: Path | None, config: Path | None, env: Mapping[str, str]) -> Workspace:
    """
    The workspace with its settings read.

    Args:
        root: `--workspace`, if given.
        config: `--config`, if given, from the current folder; else config/local_reconcile.yml of the root.
        env: the environment.

    Raises:
        SettingsError: the folder is not there, or its settings cannot be used.
    """
    folder = workspace_root(root, env)
    path = folder / CONFIG_FILE if config is None else config.absolute()
    return Workspace(root=folder, config_path=path, settings=load_settings(path))
