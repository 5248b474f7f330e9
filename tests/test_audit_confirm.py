"""The audit through the whole job: a confirm's rows and heads, a confirm on a broken chain, and the bot's metrics."""

from __future__ import annotations

import re
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server

import pytest

from audit_support import DAY_NS, NOON_NS, desk_at, tamper
from cli_support import Workplace, adopted_workspace, copied, gateway
from tieout.app import Bot
from tieout.clock import now_ns
from tieout.staging.stage import Staged


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workplace, str]]:
    """The adopted sample book with a plan that waits, and its gateway."""
    place = adopted_workspace(tmp_path_factory.mktemp("staged"))
    place.flags()
    with gateway(place):
        yield place, place.stage()


def test_a_confirm_leaves_its_head_everywhere_and_the_chain_holds(
    staged: tuple[Workplace, str], tmp_path: Path
) -> None:
    place, plan_id = copied(staged[0], tmp_path), staged[1]
    before = place.counts()["order_audit"]
    done = place.confirm(plan_id)
    verified = place.run("--json", "audit", "verify").told
    assert (verified["ok"], verified["head"]) == (True, done["audit_head"])
    assert verified["rows"] == before + done["executed"]
    assert place.ask("SELECT rows FROM audit_heads ORDER BY id", db=place.state_db) == [(before,), (verified["rows"],)]
    logged = [line for line in place.log() if line["event"] == "plan_executed"]
    assert [line.get("audit_head") or line["details"]["audit_head"] for line in logged] == [done["audit_head"]] * 2
    assert place.alerts() == [("plan_executed", "INFO")]
    shown = place.run("--json", "audit", "show", "--plan", plan_id[:12]).told["rows"]
    assert [row["position"] for row in shown] == list(range(before + 1, verified["rows"] + 1))
    assert {row["plan_id"] for row in shown} == {plan_id}


def test_a_confirm_on_a_broken_chain_is_refused_and_changes_nothing(
    staged: tuple[Workplace, str], tmp_path: Path
) -> None:
    place, plan_id = copied(staged[0], tmp_path), staged[1]
    tamper(place.book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 1")
    place.flags(confirm=True)
    before = place.content()
    done = place.run("--json", "confirm", plan_id)
    assert (done.code, done.told["error"]["code"]) == (12, "audit_broken")
    assert place.content() == before
    assert place.alerts() == [("audit_chain_broken", "CRITICAL")]
    assert place.latch_file.exists()
    assert place.run("--json", "confirm", plan_id).told["error"]["code"] == "audit_broken"


def test_the_bot_serves_its_metrics_while_it_runs_and_archives_when_it_starts(
    staged: tuple[Workplace, str], tmp_path: Path
) -> None:
    place = copied(staged[0], tmp_path)
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    place.set(METRICS_PORT=port)
    said: list[str] = []
    pages: list[str] = []
    # The sample was adopted now: its rows are old for clocks that are many years ahead.
    later_ns = NOON_NS + 10_000 * DAY_NS

    def report(_staged: Staged) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            pages.append(answer.read().decode())
        signal.raise_signal(signal.SIGTERM)

    with gateway(place, now=lambda: later_ns):
        bot = Bot(desk_at(place.root, now_ns=later_ns), say=said.append, report=report)
        assert bot.run(once=False) == 0
    assert re.sub(r"\d{8}_\d{6}", "STAMP", said[0]) == "archived audit rows 1 to 1 into audit_STAMP.jsonl.gz"
    assert len(pages) == 1
    assert re.search(r"^tieout_last_verified_backup_timestamp_seconds 2\.\d+e\+09$", pages[0], re.MULTILINE)
    assert place.run("--json", "audit", "verify").told["archives"] == 1


def test_a_metrics_port_that_is_taken_keeps_no_bot_from_running(staged: tuple[Workplace, str], tmp_path: Path) -> None:
    place = copied(staged[0], tmp_path)
    said: list[str] = []
    with closing(create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        place.set(METRICS_PORT=port)
        desk = desk_at(place.root, now_ns=now_ns())
        bot = Bot(desk, say=said.append, report=lambda _: signal.raise_signal(signal.SIGTERM))
        assert bot.run(once=False) == 0
    told = f"the metrics cannot be served on 127.0.0.1:{port}: Address already in use"
    assert said[0] == f"{told}; set METRICS_PORT to a free port, or to null"
    assert [line["reason"] for line in place.log() if line["event"] == "metrics_not_served"] == [told]
