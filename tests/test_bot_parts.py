"""The bot's parts by themselves: the restart window, delays, a strategy that hangs, rows that wait for their intent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_support import BUY, at_sim
from tieout.bot.schedule import Schedule
from tieout.bot.strategist import CALL_MAX_S, Failure, Strategist
from tieout.bot.strategy_gate import StrategyGate
from tieout.broker import ContractSpec
from tieout.clock import NS_PER_S, from_iso
from tieout.config import GatewayRestart, LiveData
from tieout.gate.restart import near_restart, next_restart_ns
from tieout.strategy import Gate, Strategy

if TYPE_CHECKING:
    from pathlib import Path

NEW_YORK = GatewayRestart(time="23:45", timezone="America/New_York", minutes_before=5, minutes_after=10)
WAIT_S = 20.0


@pytest.mark.parametrize(
    ("moment", "near"),
    [
        ("2026-11-23T04:39:59Z", False),
        ("2026-11-23T04:40:00Z", True),
        ("2026-11-23T04:54:59Z", True),
        ("2026-11-23T04:55:00Z", False),
        ("2026-07-01T03:45:00Z", True),  # summer time
        ("2026-07-01T04:45:00Z", False),
    ],
)
def test_the_gate_is_closed_around_the_restart(moment: str, near: bool) -> None:
    assert (near_restart(NEW_YORK, from_iso(moment)) is not None) is near


def test_at_midnight_the_window_goes_on() -> None:
    late = GatewayRestart(time="00:02", timezone="UTC", minutes_before=5, minutes_after=0)
    assert near_restart(late, from_iso("2026-11-23T23:58:00Z")) is not None
    assert near_restart(late, from_iso("2026-11-24T00:02:00Z")) is None


@pytest.mark.parametrize("moment", ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-03-08T06:30:00Z"])
def test_on_the_day_of_a_clock_change_both_readings_close_it(moment: str) -> None:
    night = GatewayRestart(time="01:30", timezone="America/New_York", minutes_before=1, minutes_after=1)
    assert near_restart(night, from_iso(moment)) is not None


def test_no_time_is_no_restart() -> None:
    never = GatewayRestart(time=None)
    assert (near_restart(never, 0), next_restart_ns(never, 0)) == (None, None)


@given(st.integers(0, 2 * 366 * 86_400))
def test_the_next_restart_is_within_a_day_and_in_the_window(second: int) -> None:
    now_ns = from_iso("2026-01-01T00:00:00Z") + second * NS_PER_S
    at_ns = next_restart_ns(NEW_YORK, now_ns)
    assert at_ns is not None
    assert 0 < at_ns - now_ns <= 86_400 * NS_PER_S
    assert near_restart(NEW_YORK, at_ns) is not None


@given(st.integers(0, 5_000), st.floats(0, 1))
def test_delays_double_up_to_the_longest_and_half_of_them_is_chance(attempt: int, chance: float) -> None:
    longest = min(1.0 * 2.0 ** min(attempt, 100), 60.0)
    assert longest / 2 <= LiveData().delay_s(attempt, chance=chance) <= longest


def test_the_schedule_keeps_the_earliest_reason() -> None:
    schedule = Schedule(0, "the start")
    assert schedule.due(0) == "the start"
    schedule.after(0, interval_s=300)
    schedule.hurry(5 * NS_PER_S, "trouble")
    schedule.hurry(9 * NS_PER_S, "later trouble")
    assert (schedule.due(5 * NS_PER_S - 1), schedule.due(5 * NS_PER_S)) == (None, "trouble")


class Hanging(Strategy):
    """Hangs in its first call until it is let go."""

    def __init__(self) -> None:
        self.began, self.go, self.calls = threading.Event(), threading.Event(), list[str]()

    def on_start(self, gate: Gate) -> None:
        self.began.set()
        self.go.wait(WAIT_S)

    def on_timer(self, now_ns: int) -> None:
        self.calls.append("on_timer")

    def on_stop(self) -> None:
        self.calls.append("on_stop")


def test_a_call_that_does_not_come_back_is_the_last_one(tmp_path: Path) -> None:
    clock, failures, strategy = [0.0], list[Failure](), Hanging()
    strategist = Strategist(strategy, failed=failures.append, clock=lambda: clock[0])
    with at_sim(tmp_path / "w") as (place, _sim):
        strategist.start(StrategyGate(place.gate, "hanging"))
        assert strategy.began.wait(WAIT_S)
        strategist.look(0)
        assert failures == []
        clock[0] = CALL_MAX_S + 1
        strategist.look(0)
        strategist.gate_changed([])
        assert failures == [Failure("on_start", "it has not come back within 60 s", "")]
        assert strategist.stop(wait_s=0.01) is False
        strategy.go.set()
        assert strategist.stop(wait_s=WAIT_S) is True
        assert strategy.calls == ["on_stop"]


def test_a_row_whose_intent_is_not_settled_is_never_an_orphan(tmp_path: Path) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.gate.submit(ContractSpec(con_id=1), BUY, intent_id="refused")
        place.work.set(BROKER__port=sim.port)
        done = place.work.run("stage")
        assert done.code == 17, done
        assert "1 order(s) of unknown fate: their rows wait, their instruments are closed" in done.out
        assert place.work.plan()["plan"]["to_delete"] == []
        place.store.move(place.store.listed(everything=True)[0], "ABSENT", now_ns=0)
        assert place.work.run("stage").code == 3
        assert [one["action"]["kind"] if "action" in one else one["kind"] for one in
                place.work.plan()["plan"]["to_delete"]] == ["soft_delete"]  # fmt: skip
