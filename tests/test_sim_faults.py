"""Faults of single messages: each does what its rule says, on the wire, and repeats by its seed."""

from __future__ import annotations

from collections import Counter as Tally
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_support import NOON_NS, RawClient, noon, sim_of
from tieout.errors import ScenarioError
from tieout.sim.fault_rules import ASKED, IN, OUT, SAID, Counter, Rule, counters
from tieout.sim.lane import Ends, Lane
from tieout.sim.scenario import load_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.sim.fault_rules import Act

WORLD = """accounts: [DU1]
next_order_id: 100
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, exchange: CME}
live_orders:
  - {contract: ES, perm_id: 901, client_id: 7, order_id: 11, side: BUY, quantity: 2, order_type: MKT}
  - {contract: ES, perm_id: 902, client_id: 7, order_id: 12, side: BUY, quantity: 2, order_type: MKT}
faults:
"""
TIME, TIME_TOLD = (49, 1), ["49", "1", str(NOON_NS // 1_000_000_000)]


def ids(told: list[list[str]]) -> list[str]:
    """Message ids, an open order with its order id."""
    return [f"{one[0]}:{one[1]}" if one[0] == "5" else one[0] for one in told]


def listed(rules: str, folder: Path, *, client_id: int = 7) -> list[str]:
    """What a client hears that asks for the open orders and then for the time."""
    with sim_of(WORLD + rules, folder, now_ns=noon) as sim, RawClient(sim.port) as client:
        client.start(client_id)
        client.send(16, 1)
        return ids(client.ask(*TIME, until="49"))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("{do: drop, on: open_order}", ["3", "3", "53", "49"]),
        ("{do: drop, on: open_order, nth: 2}", ["5:11", "3", "3", "53", "49"]),
        ("{do: drop, on: open_orders_end}", ["5:11", "3", "5:12", "3", "49"]),
        ("{do: drop, on: ask_open_orders}", ["49"]),
        ("{do: duplicate, on: open_order, nth: 1}", ["5:11", "5:11", "3", "5:12", "3", "53", "49"]),
        ("{do: duplicate, on: ask_open_orders}", ["5:11", "3", "5:12", "3", "53"] * 2 + ["49"]),
        ("{do: reorder, on: open_order, nth: 1}", ["3", "5:11", "5:12", "3", "53", "49"]),
        ("{do: delay, on: open_order, nth: 1, messages: 3}", ["3", "5:12", "3", "5:11", "53", "49"]),
        ("{do: delay, on: open_orders_end, messages: 1}", ["5:11", "3", "5:12", "3", "49"]),
        ("{do: say, on: open_order, nth: 1, code: 10349, about: message}",
         ["5:11", "4", "3", "5:12", "3", "53", "49"]),
        ("{do: drop, on: open_order, client: 8}", ["5:11", "3", "5:12", "3", "53", "49"]),
        ("{do: drop, on: open_order, session: 2}", ["5:11", "3", "5:12", "3", "53", "49"]),
    ],
)  # fmt: skip
def test_a_rule_changes_what_is_heard(rule: str, told: list[str], tmp_path: Path) -> None:
    assert listed(f"  - {rule}\n", tmp_path) == told


def test_the_first_rule_that_fires_decides(tmp_path: Path) -> None:
    rules = "  - {do: drop, on: open_order, nth: 1}\n  - {do: duplicate, on: open_order}\n"
    assert listed(rules, tmp_path) == ["3", "5:12", "5:12", "3", "53", "49"]


def test_what_is_said_of_an_order_names_it(tmp_path: Path) -> None:
    rule = '  - {do: say, on: order_status, nth: 2, code: 10349, text: "TIF set to DAY", about: message}\n'
    with sim_of(WORLD + rule, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        (error,) = [one for one in client.ask(16, 1, until="53") if one[0] == "4"]
        live = [order.status for order in sim.gateway.world.live_orders()]
    assert error[2:5] == ["12", "10349", "TIF set to DAY"]
    assert live == ["Submitted", "Submitted"]


def test_a_rule_about_everything_does_not_answer_itself(tmp_path: Path) -> None:
    rule = "  - {do: say, on: anything_said, code: 2104, text: more}\n"
    with sim_of(WORLD + rule, tmp_path, now_ns=noon) as sim, RawClient(sim.port) as client:
        logon = client.start(7)
        told = logon + client.ask(*TIME, until="49")
    assert [one[0] for one in told if "more" not in one] == ["15", "9", "4", "4", "4", "49"]
    assert sum("more" in one for one in told) == 5


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("{do: cut_before, on: open_order, nth: 2}", ["5:11", "3"]),
        ("{do: cut_after, on: open_order, nth: 2}", ["5:11", "3", "5:12"]),
        ("{do: cut_before, on: ask_open_orders}", []),
        ("{do: cut_after, on: ask_open_orders}", ["5:11", "3", "5:12", "3", "53"]),
        ("{do: cut_after, on: anything_said, nth: 7}", ["5:11", "3"]),
        ("{do: restart, on: ask_open_orders}", ["5:11", "3", "5:12", "3", "53"]),
    ],
)
def test_a_cut_ends_the_connection_at_that_message(rule: str, told: list[str], tmp_path: Path) -> None:
    with sim_of(f"{WORLD}  - {rule}\n", tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        client.send(16, 1)
        heard = []
        while message := client.read():
            heard.append(message)
        with RawClient(sim.port) as again:
            assert again.shake_hands()[0] == "178"
    assert ids(heard) == told


def test_a_silent_connection_stays_up_and_another_one_is_answered(tmp_path: Path) -> None:
    rule = "  - {do: silence, on: ask_current_time, session: 1}\n"
    with sim_of(WORLD + rule, tmp_path, now_ns=noon) as sim, RawClient(sim.port) as dead, RawClient(sim.port) as alive:
        dead.start(7)
        dead.send(*TIME)
        dead.send(16, 1)
        alive.start(8)
        assert alive.ask(*TIME, until="49") == [TIME_TOLD]
        assert set(sim.gateway.sessions) == {7, 8}
        dead.end()
        assert dead.read() == []


def test_a_delay_of_time_lets_others_pass(tmp_path: Path) -> None:
    rule = "  - {do: delay, on: open_order, nth: 1, ms: 20}\n"
    with sim_of(WORLD + rule, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        client.send(16, 1)
        assert ids(client.read_until("5")) == ["3", "5:12"]
        assert ids(client.read_until("5")) == ["3", "53", "5:11"]


def test_1100_hides_fills_until_1102(tmp_path: Path) -> None:
    rules = "  - {do: say, on: ask_ids, nth: 1, code: 1100}\n  - {do: say, on: ask_ids, nth: 2, code: 1102}\n"
    with sim_of(WORLD + rules, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        told = client.ask(8, 1, 1, until="4")
        sim.call(lambda gateway: gateway.set_price(5, gateway.world.commission_per_unit))
        told += client.ask(8, 1, 1, until="4")
        assert [one[3] for one in told if one[0] == "4"] == ["1100", "1102"]
        assert {one[0] for one in told} == {"9", "4"}
        assert len(sim.gateway.world.executions) == 2


def test_chances_repeat_by_their_seed(tmp_path: Path) -> None:
    def answered(seed: int) -> list[str]:
        rules = f"  - {{do: drop, on: open_order, percent: 50}}\nseed: {seed}\n"
        folder = tmp_path / str(seed)
        folder.mkdir(exist_ok=True)
        with sim_of(WORLD + rules, folder) as sim, RawClient(sim.port) as client:
            client.start(7)
            for _ in range(20):
                client.send(16, 1)
            return ids(client.ask(*TIME, until="49"))

    first = answered(1)
    assert answered(1) == first
    assert answered(2) != first
    assert 0 < sum(one.startswith("5:") for one in first) < 40


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{do: lose, on: open_order}", "faults[0].do: Input should be 'drop'"),
        ("{do: drop, on: openOrder}", "faults[0]: `on` is 'openOrder', expected one of anything_said"),
        ("{do: drop}", "faults[0].on: Field required"),
        ("{do: drop, on: open_order, nth: 0}", "faults[0].nth: Input should be greater than or equal to 1"),
        ("{do: drop, on: open_order, percent: 101}", "faults[0].percent: Input should be less than or equal to 100"),
        ("{do: drop, on: open_order, often: 1}", "faults[0].often: Extra inputs are not permitted"),
        ("{do: delay, on: open_order}", "faults[0]: a `delay`, and only a delay, has either `messages` or `ms`"),
        ("{do: delay, on: open_order, ms: 1, messages: 1}", "faults[0]: a `delay`, and only a delay"),
        ("{do: drop, on: open_order, ms: 1}", "faults[0]: a `delay`, and only a delay"),
        ("{do: say, on: open_order}", "faults[0]: a `say`, and only a say, has a `code`"),
        ("{do: drop, on: open_order, code: 1100}", "faults[0]: a `say`, and only a say, has a `code`"),
        ("{do: say, on: position, code: 1, about: message}", "faults[0]: `about: message` is for a `say` on one of"),
    ],
)
def test_a_wrong_rule_names_its_line_and_key(rule: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(f"{WORLD}  - {rule}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, now_ns=NOON_NS)
    assert caught.value.message.startswith(f"{path}:9: ")
    assert words in caught.value.message


def through(rules: list[Rule], sent: list[list[str]], seed: int) -> list[list[str]]:
    """What comes out of a lane that ends nothing."""
    out: list[list[str]] = []
    lane = Lane(Ends(out.append, _never, _never, _never, _never), Counter(rules, Random(seed)))
    for fields in sent:
        lane.pass_on(fields)
    return out


def _never(*_: object) -> None:
    raise AssertionError("no rule of the test says so")


@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["drop", "duplicate", "reorder", "delay"]),
            st.sampled_from(["open_order", "execution", SAID]),
            st.one_of(st.none(), st.integers(1, 5)),
            st.sampled_from([30, 100]),
        ),
        max_size=4,
    ),
    kinds=st.lists(st.sampled_from(["5", "11", "3"]), max_size=30),
    seed=st.integers(0, 1000),
)
def test_a_lane_makes_nothing_up_and_repeats(
    acts: list[tuple[Act, str, int | None, int]], kinds: list[str], seed: int
) -> None:
    rules = [
        Rule(do=do, on=on, nth=nth, percent=percent, messages=2 if do == "delay" else 0)
        for do, on, nth, percent in acts
    ]
    sent = [[kind, str(number)] for number, kind in enumerate(kinds)]
    out = through(rules, sent, seed)
    assert out == through(rules, sent, seed)
    assert all(one in sent for one in out)
    often = Tally(number for _, number in out)
    assert max(often.values(), default=0) <= (2 if any(rule.do == "duplicate" for rule in rules) else 1)
    if not any(rule.do in {"drop", "delay", "reorder"} for rule in rules):
        assert set(often) == {number for _, number in sent}


def test_rules_belong_to_their_direction_and_connection() -> None:
    rules = [Rule("drop", SAID, session=2), Rule("drop", ASKED, client=7), Rule("drop", "execution")]
    said, asked = counters(rules, seed=0, session=1, client=7)
    assert [said.fires(one) for one in ("5", "11")] == [None, rules[2]]
    assert asked.fires("3") == rules[1]
    said, asked = counters(rules, seed=0, session=2, client=8)
    assert (said.fires("11"), asked.fires("3")) == (rules[0], None)
    assert set(OUT).isdisjoint(IN)
