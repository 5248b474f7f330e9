"""`tieout alerts` as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit_support import desk_at, workspace_in
from http_support import Service, serving
from tieout.alerts import CATALOGUE
from tieout.cli import main


def run(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["--workspace", str(root), *words])
    return code, capsys.readouterr().out


def run_json(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out = run(root, capsys, *words, "--json")
    assert out.count("\n") == 1
    return code, json.loads(out)


def workspace(root: Path, **targets: str) -> Path:
    return workspace_in(root, *((f"    {name}: []", f'    {name}: ["{target}"]') for name, target in targets.items()))


def test_a_test_goes_to_every_target_and_says_who_took_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Service()) as sound, serving(Service(status=500)) as failing:
        root = workspace(tmp_path, HIGH=sound.address, CRITICAL=failing.address)
        code, told = run_json(root, capsys, "alerts", "test")
        assert code == 1
        assert not told["ok"]
        assert {(one["target"], one["ok"], one["why"]) for one in told["targets"]} == {
            ("HIGH[0]", True, ""),
            ("CRITICAL[0]", False, "the service did not take it"),
        }
        message = sound.told.get_nowait()
        assert message["title"] == "tieout TEST: ambiguous_matches_found (HIGH)"
        assert message["message"] == "This is a test. Nothing happened."
        assert run(root, capsys, "alerts", "test", "reconcile_failed") == (0, "HIGH[0]: told\n")
        assert run(root, capsys, "alerts", "test", "backup_failed") == (
            1,
            "CRITICAL[0]: NOT told: the service did not take it\n",
        )
    assert not (root / "alerts" / "alerts.jsonl").exists()
    log = [json.loads(line) for line in (root / "logs" / "reconcile.log").read_text("utf-8").splitlines()]
    assert [line["event"] for line in log] == [
        "alert_not_sent",
        "alerts_tested",
        "alerts_tested",
        "alert_not_sent",
        "alerts_tested",
    ]


def test_a_variable_that_is_not_set_is_said_in_advance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path, HIGH="tgram://${TIEOUT_TEST_NOT_SET}/1")
    assert run(root, capsys, "alerts", "test") == (1, "HIGH[0]: NOT told: the environment has no TIEOUT_TEST_NOT_SET\n")


def test_where_nobody_would_be_told_a_test_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path, INFO="json://127.0.0.1:1")
    assert run(root, capsys, "alerts", "test", "backup_failed") == (
        1,
        "nobody is told of backup_failed: ALERTS.targets.CRITICAL is empty (only INFO has targets)\n",
    )
    code, out = run(workspace(tmp_path / "other"), capsys, "alerts", "test")
    assert (code, out) == (
        1,
        "nobody is told of anything: ALERTS.targets in config/local_reconcile.yml is empty\n",
    )


def test_an_unknown_alert_is_named_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run_json(workspace(tmp_path), capsys, "alerts", "test", "backup_fail")
    assert (code, told["error"]) == (
        2,
        {"code": "usage_error", "message": "there is no alert 'backup_fail'", "hint": "did you mean backup_failed?"},
    )


def test_the_list_has_the_catalogue_and_what_was_raised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path)
    assert run(root, capsys, "alerts", "list")[1].splitlines()[-1] == "none was raised"
    desk_at(root).alerts.raise_alert("backup_failed", reason="no space")
    desk_at(root, now_ns=0).alerts.raise_alert("reconcile_failed")
    code, told = run_json(root, capsys, "alerts", "list")
    assert code == 0
    assert [one["name"] for one in told["catalogue"]] == list(CATALOGUE)
    assert [(one["name"], one["last"]) for one in told["catalogue"] if one["raised"]] == [
        ("backup_failed", "2025-12-07T12:00:00.000Z"),
        ("reconcile_failed", "1970-01-01T00:00:00.000Z"),
    ]
    assert [row["alert"] for row in told["alerts"]] == ["backup_failed", "reconcile_failed"]
    since = run_json(root, capsys, "alerts", "list", "--since", "2025-12-07")[1]
    assert [row["alert"] for row in since["alerts"]] == ["backup_failed"]
    lines = run(root, capsys, "alerts", "list")[1].splitlines()
    assert lines[1] == "CRITICAL backup_failed (tieout 0.1.0), raised: 1"
    assert lines[-3:] == [
        "2 raised:",
        "2025-12-07T12:00:00.000Z CRITICAL backup_failed: reason no space",
        "1970-01-01T00:00:00.000Z HIGH reconcile_failed: no details",
    ]


def test_a_command_that_ends_waits_for_its_alerts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Service()) as service:
        root = workspace(tmp_path, HIGH=service.address)
        assert run(root, capsys, "safe-mode", "on", "--reason", "a drill")[0] == 0
        assert service.told.get_nowait()["title"] == "tieout: safe_mode_latched (HIGH)"
