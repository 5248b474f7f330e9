"""`tieout check` and the gate on a gateway that is read-only, live, or of another time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error
from cli_support import Workplace, gateway
from gate_support import BUY, ES, at_broker, at_sim
from tieout.clock import NS_PER_S, now_ns
from workspace_support import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = "accounts: [DU1234567]\nfault: {read_only: true}\n"
LIVE = "accounts: [U1234567]\n"


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    make_workspace(tmp_path)
    return Workplace(tmp_path)


def not_ok(place: Workplace) -> list[str]:
    return [line for line in place.run("check").out.splitlines() if line.startswith("NOT")]


def test_check_names_a_read_only_gateway(place: Workplace) -> None:
    with gateway(place, scenario=READ_ONLY):
        (line,) = not_ok(place)
    assert line == (
        "NOT gateway's API: read-only: it lists no orders and takes none (\"Error validating request.-'bW' : cause - "
        'The API interface is currently in Read-Only mode."). Turn "Read-Only API" off in its API settings'
    )


def test_a_stage_there_concludes_nothing_from_absence(place: Workplace) -> None:
    with gateway(place, scenario=READ_ONLY):
        assert place.run("stage").code == 16
    parts = place.plan()["broker"]["parts"]
    assert [name for name, part in parts.items() if not part["complete"]] == ["open_orders", "completed_orders"]
    assert parts["open_orders"]["why"].startswith("IB error 321: Error validating request.")


def test_the_gate_is_closed_there_and_says_why(tmp_path: Path) -> None:
    scenario = tmp_path / "read_only.yml"
    scenario.write_text(READ_ONLY, encoding="utf-8")
    with at_sim(tmp_path / "w", scenario) as (place, sim):
        told = place.gate.submit(ES, BUY, intent_id="one")
        assert told.state == "BLOCKED"
        assert 'the gateway\'s "Read-Only API" is on' in str(told.reason)
        assert place.states() == {}
        assert at_broker(sim) == []


def test_a_live_account_is_refused_by_every_command_that_asks_the_gateway(place: Workplace) -> None:
    says = "is logged in to U1234567, which is not a paper account, and ALLOW_LIVE is false; nothing was asked there"
    with gateway(place, scenario=LIVE):
        assert_error(place.run("stage"), 13, says=says)
        (line,) = not_ok(place)
        assert line.startswith("NOT gateway: the gateway at 127.0.0.1:")
        assert says in line
        place.set(ALLOW_LIVE=True)
        assert place.run("stage").code == 0
    assert not place.latch_file.exists()


def test_a_live_port_is_refused_before_it_is_dialled(place: Workplace) -> None:
    place.set(BROKER__port=4001)
    says = "BROKER.port is 4001, IB Gateway's port for live trading, and ALLOW_LIVE is false; nothing was sent there"
    assert_error(place.run("stage"), 13, says=says)
    assert place.status()["reason"] == says


@pytest.mark.parametrize(("off_s", "said"), [(3, "3 s behind"), (-4, "3 s ahead of")])
def test_check_compares_the_clocks(off_s: int, said: str, place: Workplace) -> None:
    with gateway(place, scenario="accounts: [DU1234567]\n") as sim:
        assert not_ok(place) == []
        sim.call(lambda gate: setattr(gate, "now_ns", lambda: now_ns() + off_s * NS_PER_S))
        (line,) = not_ok(place)
    assert line.startswith("NOT clock: ")
    assert line.endswith(" the gateway's: set it right")
    assert said.split()[2] in line


def test_check_loads_the_strategy_and_says_what_is_wrong_with_it(place: Workplace) -> None:
    module = place.root / "ladder_of_mine.py"
    module.write_text("from tieout.strategy import Strategy\n\nclass Good(Strategy): pass\n", encoding="utf-8")
    with gateway(place, scenario="accounts: [DU1234567]\n"):
        place.set(STRATEGY="ladder_of_mine:Good")
        assert "ok  strategy: ladder_of_mine:Good" in place.run("check").out.splitlines()
        place.set(STRATEGY="ladder_of_mine:Bad")
        (line,) = not_ok(place)
    assert line == (
        "NOT strategy: STRATEGY is ladder_of_mine:Bad: the module ladder_of_mine has no Bad; expected a class that "
        "inherits from tieout.strategy.Strategy. it has Good"
    )
