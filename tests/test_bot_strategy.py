"""A strategy in the running bot: orders once, through kills and lost connections; and one that breaks."""

from __future__ import annotations

import os
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from bot_support import book_truth, broker_truth, empty_gateway, heard, run_bot, trading_workplace
from cli_process import assert_error, finished
from cli_support import Workplace, json_lines
from gate_support import ES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tieout.sim import RunningSim

OPEN = "told of the gate: open"


@pytest.fixture
def bots() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ended with the test, whatever became of it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def ended(bot: subprocess.Popen[str]) -> str:
    """The rest of what a bot says that is told to end, and ends well."""
    bot.send_signal(signal.SIGTERM)
    done = finished(bot)
    assert (done.code, done.err) == (0, ""), done
    return done.out


def bot_status(place: Workplace) -> dict[str, Any]:
    told: dict[str, Any] = place.run("--json", "status").told["bot"]
    return told


def test_the_ladder_goes_out_once_and_its_fills_reach_book_and_strategy(
    tmp_path: Path, bots: list[subprocess.Popen[str]]
) -> None:
    place = trading_workplace(tmp_path / "w")
    with empty_gateway(place) as sim:
        bot = run_bot(place, bots)
        heard(bot, OPEN)
        told = bot_status(place)
        assert (told["running"], told["pid"], told["link"]["up"]) == (True, bot.pid, True)
        assert (told["gate"], told["strategy"]["state"]) == ({"open": True, "reasons": []}, "running")
        assert (told["reconcile"]["last"]["complete"], told["unknown_intents"]) == (True, 0)
        lines = place.run("status").out.splitlines()
        assert f"  bot: process {bot.pid}, since {told['since']}" in lines
        assert {"  gate: open", "  strategy: my_strategy:Loud, running"} <= set(lines)
        sim.set_price(ES.con_id or 0, Decimal("99.5"))
        heard(bot, "told of ladder/ES/1/1 fill None")
        heard(bot, "told of ladder/ES/1/1 commission None")
        assert "told to stop" in ended(bot).splitlines()
        assert [(one[3], one[4]) for one in broker_truth(sim)] == [
            ("Filled", "1"),
            ("Submitted", "0"),
            ("Submitted", "0"),
        ]
        assert book_truth(place) == broker_truth(sim)
        again = run_bot(place, bots)
        heard(again, OPEN)
        ended(again)
        assert len(broker_truth(sim)) == 3
        assert book_truth(place) == broker_truth(sim)
        assert place.run("stage").code == 0
    told = bot_status(place)
    assert (told["running"], told["killed"], told["strategy"]["state"]) == (False, False, "ended")


def kill_as_it_arrives(sim: RunningSim, bot: subprocess.Popen[str], nth: int) -> None:
    """SIGKILL the bot when its n-th order has reached the broker, before it hears of it."""

    def arm(gateway: Any) -> None:
        publish = gateway.publish

        def publishing(events: Any) -> None:
            if sum(one.client_id == 11 for one in gateway.world.orders) == nth:
                os.kill(bot.pid, signal.SIGKILL)
                return
            publish(events)

        gateway.publish = publishing

    sim.call(arm)


def disarm(sim: RunningSim) -> None:
    sim.call(lambda gateway: gateway.__dict__.pop("publish"))


def test_killed_as_an_order_arrives_it_is_never_sent_again(tmp_path: Path, bots: list[subprocess.Popen[str]]) -> None:
    place = trading_workplace(tmp_path / "w")
    with empty_gateway(place) as sim:
        place.flags(safe_mode=True)
        bot = run_bot(place, bots)
        heard(bot, "the gate is closed: SAFE_MODE is true")
        kill_as_it_arrives(sim, bot, 2)
        place.flags()
        assert finished(bot).code == -signal.SIGKILL
        disarm(sim)
        assert bot_status(place)["killed"] is True
        assert (len(broker_truth(sim)), len(book_truth(place))) == (2, 1)

        again = run_bot(place, bots)
        heard(again, "the gate is closed: plan ")
        assert len(broker_truth(sim)) == 2
        place.confirm(place.plan()["plan_id"])
        heard(again, OPEN)
        ended(again)
        truth = broker_truth(sim)
        assert len({ref for _, _, ref, _, _ in truth}) == len(truth) == 3
        assert book_truth(place) == truth
        assert place.run("stage").code == 0


def missed_fill(place: Workplace, sim: RunningSim, bot: subprocess.Popen[str]) -> None:
    """What the bot missed waits as a plan, with the gate closed; confirmed, it is in the book, and the gate opens."""
    heard(bot, "the gate is closed: plan ")
    summary = place.plan()["plan"]
    assert [len(summary[name]) for name in ("to_update", "to_insert", "to_delete")] == [1, 1, 0]
    assert book_truth(place)[0][3:] == ("Submitted", "0")
    place.confirm(place.plan()["plan_id"])
    heard(bot, OPEN)
    ended(bot)
    assert [one[3] for one in broker_truth(sim)] == ["Filled", "Submitted", "Submitted"]
    assert book_truth(place) == broker_truth(sim)


def test_a_lost_connection_closes_the_gate_until_a_reconcile_found_what_happened(
    tmp_path: Path, bots: list[subprocess.Popen[str]]
) -> None:
    place = trading_workplace(tmp_path / "w")
    place.set(GATEWAY_RESTART__read_again_seconds=0.1)

    def cut_and_fill(gateway: Any) -> None:
        for one in gateway.sessions.values():
            one.writer.close()
        gateway.set_price(ES.con_id, Decimal(100))

    with empty_gateway(place) as sim:
        bot = run_bot(place, bots)
        heard(bot, OPEN)
        sim.call(cut_and_fill)
        assert "connection was lost" in heard(bot, "told of the gate: ")
        missed_fill(place, sim, bot)


@pytest.mark.parametrize("back", [1101, 1102])
def test_what_happened_while_ib_was_out_of_reach_is_asked_for(
    tmp_path: Path, bots: list[subprocess.Popen[str]], back: int
) -> None:
    place = trading_workplace(tmp_path / "w")
    place.set(GATEWAY_RESTART__read_again_seconds=0.1)
    with empty_gateway(place) as sim:
        bot = run_bot(place, bots)
        heard(bot, OPEN)
        say(sim, 1100)
        heard(bot, "told of the gate: not reconciled since IB's message 1100")
        sim.set_price(ES.con_id or 0, Decimal(100))
        say(sim, back)
        missed_fill(place, sim, bot)


def say(sim: RunningSim, code: int) -> None:
    sim.call(lambda gateway: gateway.say(gateway.sessions[11], code, "", request_id=-1))


def test_around_the_gateways_restart_the_gate_is_closed(tmp_path: Path, bots: list[subprocess.Popen[str]]) -> None:
    place = trading_workplace(tmp_path / "w")
    place.set(GATEWAY_RESTART__time='"12:00"', GATEWAY_RESTART__timezone="UTC")
    place.set(GATEWAY_RESTART__minutes_before=240, GATEWAY_RESTART__minutes_after=240)
    from tieout.clock import now_ns, to_iso

    near = to_iso(now_ns())[11:16]
    place.set(GATEWAY_RESTART__time=f'"{near}"')
    with empty_gateway(place) as sim:
        bot = run_bot(place, bots)
        why = heard(bot, "the gate is closed: ")
        assert why.endswith(f"the gateway restarts daily at {near} UTC: nothing is sent around it")
        assert bot_status(place)["restart"]["near"] is True
        ended(bot)
        assert broker_truth(sim) == []


RAISES = """
import os

from tieout.strategy import Strategy


class Loud(Strategy):
    timer_seconds = 0.1

    def on_timer(self, now_ns):
        raise ValueError("no idea")

    def on_stop(self):
        os.write(1, b"told to stop\\n")
"""


def test_a_strategy_that_raises_shuts_the_gate_and_the_bot_goes_on(
    tmp_path: Path, bots: list[subprocess.Popen[str]]
) -> None:
    place = trading_workplace(tmp_path / "w", RAISES)
    place.set(RECONCILE__interval_seconds=1)
    with empty_gateway(place):
        bot = run_bot(place, bots)
        told = heard(bot, "the strategy failed in ")
        assert told == (
            "the strategy failed in on_timer: ValueError: no idea; no order leaves until the bot is started again"
        )
        heard(bot, "book and broker agree")
        heard(bot, "book and broker agree")
        status = bot_status(place)
        assert status["gate"]["reasons"][0] == "the strategy failed in on_timer: ValueError: no idea"
        assert (status["strategy"]["state"], status["strategy"]["error"]) == ("failed", "on_timer: ValueError: no idea")
        assert "told to stop" in ended(bot)
    assert ("strategy_failed", "HIGH") in place.alerts()
    logged = [one for one in json_lines(place.root / "logs" / "reconcile.log") if one["event"] == "strategy_failed"]
    assert "raise ValueError" in logged[0]["trace"]


WRONG = {
    "there_is_none:Loud": "importing there_is_none failed (ModuleNotFoundError: No module named 'there_is_none')",
    "my_strategy:Quiet": "the module my_strategy has no Quiet; expected a class that inherits from "
    "tieout.strategy.Strategy",
    "my_strategy:number": "found a int; expected a class that inherits from tieout.strategy.Strategy",
    "my_strategy:Other": "found the class Other; expected a class that inherits from tieout.strategy.Strategy",
    "my_strategy:Needy": "making one failed (TypeError: Needy.__init__() missing 1 required positional argument: 'x')",
    "broken:Loud": "importing broken failed (ZeroDivisionError: division by zero)",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_strategy_that_cannot_be_had_is_a_settings_error(tmp_path: Path, name: str) -> None:
    text = RAISES + "number = 1\nclass Other: pass\nclass Needy(Strategy):\n    def __init__(self, x): pass\n"
    place = trading_workplace(tmp_path / "w", text)
    (place.root / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    place.set(STRATEGY=name)
    done = finished(place.start("run"))
    assert_error(done, 2, says=f"STRATEGY is {name}: {WRONG[name]}")
