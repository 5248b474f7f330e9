"""The running bot: one at a time, again every interval, flags read anew, and an end that leaves all as it was told."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from cli_process import WAIT_S, assert_error, assert_json_error, finished, listener, start
from cli_support import SOLVABLE, copied, gateway, read_json, tied_workspace

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from cli_support import Workplace


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


@pytest.fixture
def place(tied: Workplace, tmp_path: Path) -> Workplace:
    return copied(tied, tmp_path)


@pytest.fixture
def bots() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ended with the test, whatever became of it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def run_bot(place: Workplace, bots: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """`python run_bot.py` in that workspace."""
    bots.append(start([sys.executable, "run_bot.py"], place.root))
    return bots[-1]


def heard(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line that begins so."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(beginning):
            return line.rstrip("\n")
    raise AssertionError(f"the bot never said {beginning!r}: {said}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_bot_cleanly(
    place: Workplace, bots: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    before = place.content()
    with gateway(place):
        bot = run_bot(place, bots)
        heard(bot, "book and broker agree")
        bot.send_signal(number)
        done = finished(bot)
    assert (done.code, done.err) == (0, "")
    assert place.status()["status"] == "COMPLETED"
    assert place.content() == before
    assert place.run("--json", "status").told["status"] == "COMPLETED"


def test_one_bot_on_one_book_and_the_command_line_beside_it(
    place: Workplace, bots: list[subprocess.Popen[str]]
) -> None:
    with gateway(place, drift=7, kinds=SOLVABLE):
        bot = run_bot(place, bots)
        heard(bot, "nothing was changed")
        second = place.run("run", "--once")
        assert_error(second, 11, says="another tieout is at work: run by ")
        assert f"process {bot.pid}" in second.err
        assert_json_error(place.run("--json", "run"), 11, name="locked", says="another tieout is at work")
        plan_id = place.stage()
        assert place.run("show").code == 0
        assert place.confirm(plan_id)["executed"] > 0
        assert place.run("stage", "--lock-timeout", "60").code == 0
        bot.send_signal(signal.SIGTERM)
        assert finished(bot).code == 0
        assert place.run("run", "--once").code == 0


def test_two_stages_at_once(place: Workplace, bots: list[subprocess.Popen[str]]) -> None:
    place.set(BROKER__timeout_seconds=60)
    with listener(None) as (port, accepted):
        place.set(BROKER__port=port)
        bots.append(place.start("stage"))
        assert accepted.wait(WAIT_S)
        status = place.run("--json", "status").told
        assert (status["status"], status["running"], status["interrupted"]) == ("IN_PROGRESS", "stage", False)
        for words in (("stage",), ("confirm", "0" * 12), ("backup",), ("run", "--once")):
            done = place.run(*words)
            assert_error(done, 11, says="another tieout is at work: stage by ")
            assert f"process {bots[0].pid}" in done.err
        bots[0].kill()
        finished(bots[0])
    told = place.run("status").out.splitlines()
    assert told[0].startswith("IN_PROGRESS, last run ")
    assert told[1] == "  that run is gone, it was cut off: `tieout stage` says how far it came"
    with gateway(place):
        assert place.run("stage").code == 0
    assert place.run("--json", "status").told["interrupted"] is False


def test_it_reconciles_again_and_never_replaces_a_waiting_plan(
    place: Workplace, bots: list[subprocess.Popen[str]]
) -> None:
    place.set(RECONCILE__interval_seconds=1)
    with gateway(place, drift=7, kinds=SOLVABLE):
        bot = run_bot(place, bots)
        heard(bot, "nothing was changed")
        first, written = place.plan()["plan_id"], place.plan_file.read_bytes()
        heard(bot, "nothing was changed")
        assert place.plan_file.read_bytes() == written
        place.change("UPDATE orders SET tif = 'GTD' WHERE status = 'Submitted'")
        outdated = f"the plan that waits ({first[:12]}) is outdated: run `tieout stage` to replace it"
        assert heard(bot, "the plan that waits") == outdated
        assert place.plan_file.read_bytes() == written
        told = place.status()["waiting_plan"]
        assert told.startswith(f"the waiting plan {first[:12]} is outdated: a reconcile just found ")
        assert place.stage() != first
        bot.send_signal(signal.SIGTERM)
        assert finished(bot).code == 0


def test_a_flag_that_becomes_garbage_means_safe_mode_until_it_is_put_right(
    place: Workplace, bots: list[subprocess.Popen[str]]
) -> None:
    place.set(RECONCILE__interval_seconds=1)
    with gateway(place):
        bot = run_bot(place, bots)
        heard(bot, "book and broker agree")
        good = place.config.read_text("utf-8")
        place.config.write_text(good.replace("DRY_RUN: false", "DRY_RUN: flase"), encoding="utf-8")
        assert "DRY_RUN is the text" in heard(bot, "safe mode: ")
        assert read_json(place.root / "status" / "reconcile_status.json")["status"] == "SAFE_MODE_ACTIVE"
        assert ("settings_invalid", "HIGH") in place.alerts()
        place.config.write_text(good, encoding="utf-8")
        heard(bot, "book and broker agree")
        bot.send_signal(signal.SIGTERM)
        assert finished(bot).code == 0
    assert place.status()["status"] == "COMPLETED"


def test_it_waits_for_a_gateway_that_is_not_there_yet(place: Workplace, bots: list[subprocess.Popen[str]]) -> None:
    place.set(LIVE_DATA__base_delay=30)
    with gateway(place):
        pass
    bot = run_bot(place, bots)
    told = re.fullmatch(r".*; trying again in (\d+) s", heard(bot, "No gateway at 127.0.0.1:"))
    assert told is not None
    assert 15 <= int(told[1]) <= 30  # half of the delay is chance
    assert place.status()["status"] == "FAILED"
    bot.send_signal(signal.SIGTERM)
    done = finished(bot)
    assert (done.code, done.err) == (0, ""), done
    assert place.status()["status"] == "FAILED"
    assert not place.latch_file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_it_waits_for_a_gateway_that_does_not_answer(
    place: Workplace, bots: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    place.set(BROKER__timeout_seconds=600)
    with listener(None) as (port, accepted):
        place.set(BROKER__port=port)
        bot = run_bot(place, bots)
        assert accepted.wait(WAIT_S)
        bot.send_signal(number)
        done = finished(bot)
    assert (done.code, done.err) == (0, ""), done
    status = place.status()
    assert (status["status"], status["reason"]) == ("FAILED", "the gateway was not waited for: the program ends")
    assert not place.latch_file.exists()


def test_it_gives_up_after_its_retries(place: Workplace) -> None:
    place.set(LIVE_DATA__base_delay=0.1, LIVE_DATA__reconnect_max_retries=1)
    with gateway(place):
        pass
    done = finished(start([sys.executable, "run_bot.py"], place.root))
    assert (done.code, done.out.count("trying again in ")) == (1, 1)
    assert done.err.startswith("error: No gateway at 127.0.0.1:")


def test_a_gateway_that_goes_away_does_not_end_it(place: Workplace, bots: list[subprocess.Popen[str]]) -> None:
    place.set(RECONCILE__interval_seconds=1)
    with gateway(place):
        bot = run_bot(place, bots)
        heard(bot, "book and broker agree")
    heard(bot, "No gateway at ")
    assert place.status()["status"] == "FAILED"
    assert not place.latch_file.exists()
    with gateway(place):
        heard(bot, "book and broker agree")
        bot.send_signal(signal.SIGTERM)
        assert finished(bot).code == 0


def test_json_of_a_live_bot_is_its_first_reconcile(place: Workplace, bots: list[subprocess.Popen[str]]) -> None:
    place.set(RECONCILE__interval_seconds=1)
    with gateway(place):
        bots.append(place.start("run", "--json"))
        assert bots[0].stdout is not None
        assert bots[0].stderr is not None
        first = bots[0].stdout.readline()
        assert '"plan_id"' in first
        agreed = 0
        while agreed < 2:
            agreed += bots[0].stderr.readline() == "book and broker agree: nothing to do\n"
        bots[0].send_signal(signal.SIGTERM)
        done = finished(bots[0])
    assert (done.code, done.out) == (0, "")


def test_run_bot_takes_the_options_of_run(place: Workplace) -> None:
    done = finished(start([sys.executable, "run_bot.py", "--once", "--sim", "--json"], place.root))
    assert (done.code, done.told["simulated"]) == (0, True)
    assert place.status()["simulated"] is True
