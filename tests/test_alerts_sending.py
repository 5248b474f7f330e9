"""Telling people: nothing delays a run, nothing that was not told is forgotten, nobody is flooded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_support import Service, serving
from tieout.alerts import CATALOGUE, AlertRouter, open_log
from tieout.alerts.courier import Courier, Outcome
from tieout.alerts.history import last_told
from tieout.alerts.targets import Message, Target, targets_of
from tieout.clock import NS_PER_S
from tieout.config.blocks import Alerts, AlertTargets

NOON_NS = 1_765_108_800_000_000_000
WAIT_S = 30.0
"""How long a test waits for what must come; it comes at once."""


@dataclass
class Desk:
    """A router with a clock that the test sets, and the files it writes."""

    root: Path
    settings: Alerts
    now_ns: int = NOON_NS
    environ: dict[str, str] = field(default_factory=dict)
    send_timeout_s: float = WAIT_S

    def router(self) -> AlertRouter:
        log = open_log(self.root / "reconcile.log", lambda: self.now_ns)
        return AlertRouter(
            log,
            self.root,
            settings=self.settings,
            now=lambda: self.now_ns,
            environ=self.environ,
            send_timeout_s=self.send_timeout_s,
        )

    def unsent(self) -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in (self.root / "reconcile.log").read_text("utf-8").splitlines()]
        return [(line["target"], line["why"]) for line in lines if line["event"] == "alert_not_sent"]

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.root / "alerts.jsonl").read_text("utf-8").splitlines()]


@contextmanager
def closing(router: AlertRouter) -> Iterator[AlertRouter]:
    """The router; messages on their way have arrived when the block has ended."""
    try:
        yield router
    finally:
        router.close(WAIT_S)


def high(*addresses: str, rate_limit_seconds: int = 0) -> Alerts:
    return Alerts(targets=AlertTargets(high=addresses), rate_limit_seconds=rate_limit_seconds)


def test_only_the_targets_of_the_severity_are_told(tmp_path: Path) -> None:
    with serving(Service()) as service, serving(Service()) as other:
        settings = Alerts(targets=AlertTargets(high=(service.address,), info=(other.address,)))
        with closing(Desk(tmp_path, settings).router()) as alerts:
            assert alerts.raise_alert("reconcile_failed", why="gateway gone") == []
        message = service.told.get_nowait()
        assert message["title"] == "tieout: reconcile_failed (HIGH)"
        assert message["message"] == (
            'System enters SAFE_MODE. Review logs and restore from backup if needed.\n\n{"why": "gateway gone"}'
        )
        assert service.told.empty()
        assert other.told.empty()


def test_a_target_that_cannot_be_told_is_recorded_without_its_address(tmp_path: Path) -> None:
    with serving(Service(status=500)) as failing, serving(Service()) as sound:
        desk = Desk(tmp_path, high("json://127.0.0.1:1/secret", "nonsense://secret", failing.address, sound.address))
        alerts = desk.router()
        with closing(alerts):
            assert alerts.raise_alert("reconcile_failed") == []
        assert sound.told.get_nowait()["title"] == "tieout: reconcile_failed (HIGH)"
        assert failing.told.qsize() == 1
    assert sorted(desk.unsent()) == [
        ("HIGH[0]", "the service did not take it"),
        ("HIGH[1]", "not an address that Apprise knows"),
        ("HIGH[2]", "the service did not take it"),
    ]
    event = {"event": "reconcile_failed"}
    assert alerts.metrics.registry.get_sample_value("tieout_alerts_unsent_total", event) == 3.0
    assert "secret" not in "".join(path.read_text("utf-8") for path in tmp_path.iterdir())


def test_a_target_that_hangs_delays_neither_the_run_nor_the_others(tmp_path: Path) -> None:
    with serving(Service(hangs=True)) as hanging, serving(Service()) as sound:
        desk = Desk(tmp_path, high(hanging.address + "?rto=60", sound.address), send_timeout_s=2.0)
        alerts = desk.router()
        with closing(alerts):
            alerts.raise_alert("reconcile_failed", number=1)
            alerts.raise_alert("reconcile_failed", number=2)
            # Both are told while the other target still hangs on the first.
            assert '"number": 1' in sound.told.get(timeout=WAIT_S)["message"]
            assert '"number": 2' in sound.told.get(timeout=WAIT_S)["message"]
        assert hanging.told.qsize() == 1
    assert desk.unsent() == [
        ("HIGH[0]", "no answer within 2 s"),
        ("HIGH[0]", "it still hangs on an earlier message"),
    ]
    assert [row["details"] for row in desk.rows()] == [{"number": 1}, {"number": 2}]


def test_a_program_ends_although_a_target_hangs(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tieout.alerts import AlertRouter, open_log\n"
        "from tieout.config.blocks import Alerts, AlertTargets\n"
        "root = Path(sys.argv[1])\n"
        "settings = Alerts(targets=AlertTargets(high=(sys.argv[2],)))\n"
        "alerts = AlertRouter(open_log(root / 'reconcile.log', lambda: 0), root, settings=settings, now=lambda: 0)\n"
        "alerts.raise_alert('reconcile_failed')\n"
        "sys.stdin.readline()\n"
        "alerts.close(0)\n"
    )
    with serving(Service(hangs=True)) as service:
        command = [sys.executable, "-c", script, str(tmp_path), service.address + "?rto=60"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
            service.told.get(timeout=WAIT_S)  # it hangs from here on
            process.communicate("go on\n", timeout=WAIT_S)
    assert process.returncode == 0
    assert Desk(tmp_path, Alerts()).unsent() == [("HIGH[0]", "the program ended before it was sent")]


def test_the_same_alert_is_held_back_and_counted(tmp_path: Path) -> None:
    with serving(Service()) as service:
        desk = Desk(tmp_path, high(service.address, rate_limit_seconds=60))
        alerts = desk.router()
        with closing(alerts):
            for second in (0, 1, 59, 60):
                desk.now_ns = NOON_NS + second * NS_PER_S
                alerts.raise_alert("reconcile_failed", second=second)
            alerts.raise_alert("evidence_incomplete")  # another alert has a limit of its own
        told = sorted(service.told.get_nowait()["message"] for _ in range(3))
    assert service.told.empty()
    assert [text.partition("\n\n")[2] for text in told] == [
        '{"second": 0}',
        '{"second": 60}\n\n2 more like it since the last message; all are in alerts/alerts.jsonl.',
        "{}",
    ]
    assert [(row["details"], row.get("held_back", False)) for row in desk.rows()] == [
        ({"second": 0}, False),
        ({"second": 1}, True),
        ({"second": 59}, True),
        ({"second": 60}, False),
        ({}, False),
    ]
    held_back = alerts.metrics.registry.get_sample_value
    assert held_back("tieout_alerts_held_back_total", {"event": "reconcile_failed"}) == 2.0
    assert held_back("tieout_alerts_total", {"event": "reconcile_failed"}) == 4.0


def test_the_limit_holds_across_programs(tmp_path: Path) -> None:
    with serving(Service()) as service:
        desk = Desk(tmp_path, high(service.address, rate_limit_seconds=60))
        for second in (0, 10, 20, 70):
            desk.now_ns = NOON_NS + second * NS_PER_S
            with closing(desk.router()) as alerts:
                alerts.raise_alert("reconcile_failed", second=second)
        told = [service.told.get_nowait()["message"].partition("\n\n")[2] for _ in range(2)]
    assert service.told.empty()
    assert told == [
        '{"second": 0}',
        '{"second": 70}\n\n2 more like it since the last message; all are in alerts/alerts.jsonl.',
    ]


def test_a_clock_that_was_set_back_holds_nothing_back(tmp_path: Path) -> None:
    with serving(Service()) as service:
        desk = Desk(tmp_path, high(service.address, rate_limit_seconds=60))
        with closing(desk.router()) as alerts:
            alerts.raise_alert("reconcile_failed")
            desk.now_ns = NOON_NS - 3600 * NS_PER_S
            alerts.raise_alert("reconcile_failed")
        assert service.told.qsize() == 2


def test_without_targets_no_row_is_held_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Alerts(rate_limit_seconds=60))
    alerts = desk.router()
    alerts.raise_alert("reconcile_failed")
    alerts.raise_alert("reconcile_failed")
    assert ["held_back" in row for row in desk.rows()] == [False, False]


def test_a_torn_or_foreign_line_of_the_file_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"ha\n[1]\n{"at": "yesterday", "alert": "x"}\n{"at": "1970-01-01T00:00:01Z", "alert": "x"}\n')
    assert last_told(path).at_ns == {"x": NS_PER_S}


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    with serving(Service()) as service:
        whole = {"WHOLE": f"json://127.0.0.1:{service.port}/whole", "TOKEN": "a/b c", "EMPTY": ""}
        addresses = (
            "${WHOLE}",
            f"json://127.0.0.1:{service.port}/in/${{TOKEN}}",
            "json://x/${MISSING}/${GONE}",
            "json://x/${EMPTY}",
            "json://x/${not a name}",
        )
        desk = Desk(tmp_path, high(*addresses), environ=whole)
        with closing(desk.router()) as alerts:
            alerts.raise_alert("reconcile_failed")
        assert sorted(service.paths.get_nowait() for _ in range(2)) == ["/in/a%2Fb%20c", "/whole"]
    assert sorted(desk.unsent()) == [
        ("HIGH[2]", "the environment has no GONE, MISSING"),
        ("HIGH[3]", "the environment has no EMPTY"),
        ("HIGH[4]", "its ${...} is not the name of a variable"),
    ]


def test_a_target_shows_its_name_and_never_its_address() -> None:
    found = targets_of(CATALOGUE["backup_failed"], AlertTargets(critical=("json://h/${KEY}",)), {"KEY": "geheim"})
    assert found[0].address == "json://h/geheim"
    assert repr(found) == "[Target(name='CRITICAL[0]', problem='')]"


def test_a_plugin_that_raises_is_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def explode(*_: object) -> str:
        raise RuntimeError("secret")

    monkeypatch.setattr("tieout.alerts.targets._notify", explode)
    desk = Desk(tmp_path, high("json://h/x"))
    with closing(desk.router()) as alerts:
        alerts.raise_alert("reconcile_failed")
    assert desk.unsent() == [("HIGH[0]", "the service failed: RuntimeError")]


def test_settings_that_change_count_from_then_on(tmp_path: Path) -> None:
    with serving(Service()) as service:
        desk = Desk(tmp_path, Alerts())
        with closing(desk.router()) as alerts:
            alerts.raise_alert("reconcile_failed", number=1)
            alerts.settings = high(service.address)
            alerts.raise_alert("reconcile_failed", number=2)
        assert '"number": 2' in service.told.get_nowait()["message"]
        assert service.told.empty()


MESSAGE = Message("backup_failed", "title", "body")


def test_a_full_queue_takes_no_more_and_says_so() -> None:
    go_on, begun = Event(), Event()
    outcomes: list[Outcome] = []

    def tell(_target: Target, _message: Message) -> str:
        begun.set()
        go_on.wait()
        return ""

    courier = Courier(tell, outcomes.append, queue_max=2)
    target = Target("HIGH[0]", "x")
    courier.post(MESSAGE, [target])
    assert begun.wait(WAIT_S)
    for _ in range(3):
        courier.post(MESSAGE, [target])
    assert [outcome.why for outcome in outcomes] == ["2 messages wait already"]
    go_on.set()
    courier.close(WAIT_S)
    assert [outcome.why for outcome in outcomes[1:]] == ["", "", ""]
    courier.post(MESSAGE, [target])
    assert outcomes[-1].why == "the program is ending"


@given(
    messages=st.lists(st.integers(0, 3), max_size=12),
    answers=st.lists(st.sampled_from(["", "no"]), min_size=1, max_size=8),
    queue_max=st.integers(1, 4),
    waits=st.booleans(),
)
def test_every_target_of_every_message_has_one_outcome(
    messages: list[int], answers: list[str], queue_max: int, waits: bool
) -> None:
    outcomes: list[Outcome] = []
    courier = Courier(
        lambda target, message: answers[hash((target.name, message.title)) % len(answers)],
        outcomes.append,
        queue_max=queue_max,
    )
    for number, targets in enumerate(messages):
        message = Message("backup_failed", str(number), "")
        courier.post(message, [Target(f"HIGH[{index}]", "x") for index in range(targets)])
    courier.close(WAIT_S if waits else 0.0)
    expected = [(str(number), f"HIGH[{index}]") for number, targets in enumerate(messages) for index in range(targets)]
    assert sorted((outcome.message.title, outcome.target.name) for outcome in outcomes) == sorted(expected)
