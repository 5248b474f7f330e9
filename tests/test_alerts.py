"""Alerts: the catalogue is the guide's; raising one reaches every place, or says which it did not reach."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tieout.alerts import CATALOGUE, AlertRouter, open_log
from tieout.alerts.catalogue import ADDED, GUIDE, as_markdown, as_table
from tieout.alerts.log import append_line
from tieout.config.blocks import Alerts
from tieout.errors import TieoutError
from tieout.templates import read_template

ROOT = Path(__file__).parent.parent
NOON_NS = 1_765_108_800_000_000_000
NOON = "2025-12-07T12:00:00.000Z"


def router(root: Path) -> AlertRouter:
    log = open_log(root / "logs" / "reconcile.log", lambda: NOON_NS)
    return AlertRouter(log, root / "alerts", settings=Alerts(), now=lambda: NOON_NS)


def json_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_guides_six_alerts_are_there_word_for_word() -> None:
    assert [(a.name, a.severity) for a in GUIDE] == [
        ("ambiguous_matches_found", "HIGH"),
        ("backup_failed", "CRITICAL"),
        ("reconcile_failed", "HIGH"),
        ("live_data_backpressure_drop", "MEDIUM"),
        ("order_blocked_safe_mode", "INFO"),
        ("duplicate_submission_blocked", "INFO"),
    ]
    assert CATALOGUE["backup_failed"].action == "Do not proceed with reconciliation. Fix backup script."
    assert list(CATALOGUE) == [alert.name for alert in (*GUIDE, *ADDED)]


def test_the_guide_holds_every_alert_of_the_catalogue() -> None:
    guide = re.sub(r" +$", "", (ROOT / "alerts" / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    assert f"## Alert Types\n\n{as_markdown(GUIDE)}\n## Alerts that tieout adds\n\n{as_markdown(ADDED)}" in guide


def test_the_docs_page_holds_the_catalogue() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    assert as_table((*GUIDE, *ADDED)) in page


def test_the_guide_and_its_template_are_the_same() -> None:
    assert (ROOT / "alerts" / "README.md").read_text("utf-8") == read_template("alerts_README.md")


def test_the_entry_point_and_its_template_are_the_same() -> None:
    assert (ROOT / "run_bot.py").read_text("utf-8") == read_template("run_bot.py")


def test_an_alert_is_a_row_a_line_and_a_count(tmp_path: Path) -> None:
    alerts = router(tmp_path)
    assert alerts.raise_alert("backup_failed", why="no space", size=Decimal("1.50"), file=Path("a/b")) == []
    details = {"why": "no space", "size": "1.50", "file": "a/b"}
    action = "Do not proceed with reconciliation. Fix backup script."
    assert json_lines(tmp_path / "alerts" / "alerts.jsonl") == [
        {"at": NOON, "alert": "backup_failed", "severity": "CRITICAL", "action": action, "details": details}
    ]
    assert json_lines(tmp_path / "logs" / "reconcile.log") == [
        {
            "timestamp": NOON,
            "level": "critical",
            "event": "backup_failed",
            "severity": "CRITICAL",
            "action": action,
            "details": details,
        }
    ]
    alerts.raise_alert("backup_failed")
    assert alerts.metrics.registry.get_sample_value("tieout_alerts_total", {"event": "backup_failed"}) == 2.0


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_alert_can_be_raised_with_any_detail_name(tmp_path: Path, name: str) -> None:
    details = {"name": "n", "level": "l", "event": "e", "timestamp": "t", "self": "s"}
    assert router(tmp_path).raise_alert(name, **{k: v for k, v in details.items() if k != "self"}) == []
    assert json_lines(tmp_path / "alerts" / "alerts.jsonl")[0]["alert"] == name


def test_an_alert_that_the_catalogue_does_not_have_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        router(tmp_path).raise_alert("something_else")


def test_a_file_that_cannot_be_written_does_not_stop_the_other(tmp_path: Path) -> None:
    (tmp_path / "alerts" / "alerts.jsonl").mkdir(parents=True)
    failures = router(tmp_path).raise_alert("backup_failed")
    assert failures == [f"{tmp_path / 'alerts' / 'alerts.jsonl'}: cannot be written: Is a directory"]
    assert [line["event"] for line in json_lines(tmp_path / "logs" / "reconcile.log")] == ["backup_failed"]


def test_a_log_line_has_the_time_the_level_the_event_and_the_fields(tmp_path: Path) -> None:
    log = open_log(tmp_path / "logs" / "reconcile.log", lambda: NOON_NS)
    assert not (tmp_path / "logs").exists()
    log.bind(run="r1").info("staged", plan_id="abc", level="mine", kinds={"b", "a"})
    log.warning("second\nline", price=Decimal("6600.50"))
    assert json_lines(tmp_path / "logs" / "reconcile.log") == [
        {
            "timestamp": NOON,
            "level": "info",
            "event": "staged",
            "run": "r1",
            "plan_id": "abc",
            "field_level": "mine",
            "kinds": ["a", "b"],
        },
        {"timestamp": NOON, "level": "warning", "event": "second\nline", "price": "6600.50"},
    ]


def test_a_line_that_a_crash_left_half_written_is_closed_off(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"whole": 1}\n{"ha')
    append_line(path, '{"next": 2}', durable=True)
    assert path.read_text() == '{"whole": 1}\n{"ha\n{"next": 2}\n'


def test_a_log_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(TieoutError) as caught:
        open_log(tmp_path / "logs" / "reconcile.log", lambda: NOON_NS).info("x")
    assert caught.value.message == f"{tmp_path / 'logs' / 'reconcile.log'}: cannot be written: File exists"


def test_two_processes_share_a_log_without_mixing_lines(tmp_path: Path) -> None:
    path = tmp_path / "reconcile.log"
    script = (
        "import sys; from pathlib import Path; from tieout.alerts import open_log\n"
        "log = open_log(Path(sys.argv[1]), lambda: 0)\n"
        "for i in range(200): log.info('e', who=sys.argv[2], i=i, pad='x' * 3000)\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(path), who]) for who in ("a", "b")]
    assert [process.wait() for process in started] == [0, 0]
    seen = [(line["who"], line["i"]) for line in json_lines(path)]
    assert sorted(seen) == [(who, i) for who in ("a", "b") for i in range(200)]


def test_importing_the_alerts_costs_no_heavy_module() -> None:
    script = (
        "import sys, tieout.alerts\n"
        "heavy = {'structlog', 'apprise', 'prometheus_client', 'polars', 'sqlalchemy'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
