"""What the tests of the settings share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tieout.config import Settings, load_settings
from tieout.errors import SettingsError

FLAG_KEYS = ("DRY_RUN", "SAFE_MODE", "DRY_RUN_CONFIRM", "FORCE_SYNC_DELETE")
FLAGS = "DRY_RUN: true\nSAFE_MODE: true\nDRY_RUN_CONFIRM: false\nFORCE_SYNC_DELETE: false\n"


def config_file(root: Path) -> Path:
    """The settings file's place in a workspace; its folder is made."""
    (root / "config").mkdir(parents=True, exist_ok=True)
    return root / "config" / "local_reconcile.yml"


def load(root: Path, text: str) -> Settings:
    """The settings that a workspace with this file has."""
    config_file(root).write_text(text, encoding="utf-8")
    return load_settings(config_file(root))


def refusal(root: Path, text: str) -> str:
    """The error's message, without the file's name in front of each line."""
    with pytest.raises(SettingsError) as caught:
        load(root, text)
    assert caught.value.exit_code == 2
    assert caught.value.hint == "correct the file; nothing was done"
    prefix = f"{config_file(root)}:"
    lines = caught.value.message.split("\n")
    assert all(line.startswith(prefix) for line in lines)
    return "\n".join(line.removeprefix(prefix) for line in lines)
