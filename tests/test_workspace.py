"""The workspace: where it is, and where everything in it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from config_support import FLAGS, config_file
from tieout.config import open_workspace
from tieout.errors import SettingsError


def test_relative_paths_start_at_the_root_and_absolute_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_file(tmp_path)
    other = tmp_path / "elsewhere"
    config.write_text(FLAGS + f"BACKUP_DIR: {other}\nBACKUP_COPY_TO: ./copies\nDATABASE: {{orders_db_path: b/o.db}}\n")
    space = open_workspace(None, None, {})
    assert (space.root, space.config_path) == (tmp_path, config)
    assert (space.book, space.backups_dir, space.backup_copy_to) == (
        tmp_path / "b" / "o.db",
        other,
        str(tmp_path / "copies"),
    )
    assert (space.staged_actions, space.state_db) == (
        tmp_path / "staged_actions.json",
        tmp_path / "data" / "state.db",
    )
    assert (space.ambiguous_file, space.reconcile_log) == (
        tmp_path / "logs" / "ambiguous_matches.json",
        tmp_path / "logs" / "reconcile.log",
    )
    assert (space.status_file, space.latch_file) == (
        tmp_path / "status" / "reconcile_status.json",
        tmp_path / "status" / "safe_mode.json",
    )
    assert space.folders() == (
        tmp_path / "b",
        tmp_path / "data",
        other,
        tmp_path / "logs",
        tmp_path / "status",
        tmp_path / "alerts",
    )


def test_two_workspaces_that_share_a_book_share_its_locks(tmp_path: Path) -> None:
    spaces = []
    for name, book in (("a", "./data/orders.db"), ("b", "../a/data/orders.db"), ("c", "./link.db")):
        (tmp_path / name / "data").mkdir(parents=True)
        config_file(tmp_path / name).write_text(FLAGS + f"DATABASE: {{orders_db_path: {book}}}")
        spaces.append(open_workspace(tmp_path / name, None, {}))
    (tmp_path / "c" / "link.db").symlink_to(tmp_path / "a" / "data" / "orders.db")
    data = tmp_path / "a" / "data"
    assert {space.reconcile_lock for space in spaces} == {data / "orders.db.reconcile.lock"}
    assert {space.bot_lock for space in spaces} == {data / "orders.db.bot.lock"}


def test_the_option_goes_before_the_environment_and_that_before_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for root in (tmp_path, tmp_path / "named", tmp_path / "env"):
        config_file(root).write_text(FLAGS)
    env = {"TIEOUT_WORKSPACE": str(tmp_path / "env")}
    assert open_workspace(Path("named"), None, env).root == tmp_path / "named"
    assert open_workspace(None, None, env).root == tmp_path / "env"
    assert open_workspace(None, None, {"TIEOUT_WORKSPACE": ""}).root == tmp_path
    assert open_workspace(None, Path("named/config/local_reconcile.yml"), {}).root == tmp_path


def test_a_workspace_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        open_workspace(None, None, {"TIEOUT_WORKSPACE": str(tmp_path / "none")})
    assert caught.value.message == (
        f"{tmp_path / 'none'}: there is no such folder; TIEOUT_WORKSPACE names it as the workspace"
    )
