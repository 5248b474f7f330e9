"""Scenarios: what they make, what they refuse, and the faults they may ask for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sim_support import NOON_NS, RawClient, noon, sim_of
from tieout.clock import from_iso, to_iso
from tieout.errors import ScenarioError
from tieout.sim import SimOptions, run_in_thread
from tieout.sim.scenario import EXAMPLE, load_scenario

HEAD = """accounts: [DU1]
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT}
"""
LIVE = (
    HEAD
    + "live_orders:\n  - {contract: ES, perm_id: 9, side: BUY, quantity: 2, order_type: LMT, limit_price: 6550.5}\n"
)
ENDED = """completed_orders:
  - {contract: ES, perm_id: 8, side: BUY, quantity: 1, order_type: MKT, status: Filled, filled: 1, ended_at: -5m}
executions:
  - {contract: ES, exec_id: e.1.1.01, perm_id: 8, side: BUY, quantity: 1, price: 6600, executed_at: -5m}
positions:
  - {contract: ES, quantity: 1, average_cost: 330000}
"""


def test_the_example_is_a_whole_scenario() -> None:
    world = load_scenario(EXAMPLE, now_ns=NOON_NS).world
    counts = [
        len(world.live_orders()),
        len(world.completed_orders(NOON_NS)),
        len(world.executions),
        len(world.positions),
    ]
    assert counts == [3, 2, 3, 2]


def test_numbers_keep_their_digits_and_times_count_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(LIVE.replace("6550.5", "0.10000001") + ENDED, encoding="utf-8")
    world = load_scenario(path, now_ns=NOON_NS).world
    assert world.orders[0].limit_price == Decimal("0.10000001")
    assert world.orders[1].ended_ns == NOON_NS - 300 * 10**9


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "found no keys"),
        ("- 1", 1, "found no keys"),
        ("accounts: [DU1\n", 2, "not YAML"),
        ("next_order_id: 1", 1, "accounts: Field required"),
        ("accounts: []", 1, "accounts: List should have at least 1 item"),
        (HEAD + "live_order: []", 4, "live_order: Extra inputs are not permitted"),
        (HEAD + "accounts: [DU2]", 4, "accounts: given twice, first in line 1"),
        (HEAD + "server_version: 156", 4, "server_version: Input should be greater than or equal to 157"),
        (HEAD + 'next_order_id: "5"', 4, "next_order_id: Input should be a valid integer"),
        (HEAD + "fault:\n  silent: yes", 5, "fault.silent: Input should be a valid boolean"),
        (HEAD + "fault: noisy", 4, "fault.noisy: Extra inputs are not permitted"),
        (HEAD + "prices:\n  NQ: 1", 5, "prices.NQ: found 'NQ', expected a name under `contracts` (ES)"),
        (LIVE.replace("6550.5", "cheap"), 5, "live_orders[0].limit_price: found 'cheap', expected a decimal"),
        (LIVE.replace("6550.5", "0.123456789"), 5, "live_orders[0].limit_price: found '0.123456789'"),
        (LIVE.replace("quantity: 2", "quantity: 0"), 5, "live_orders[0].quantity: found 0, expected more than 0"),
        (LIVE.replace("BUY", "BOT"), 5, "live_orders[0].side: Input should be 'BUY' or 'SELL'"),
        (LIVE.replace("LMT", "MKT"), 5, "live_orders[0].limit_price: a MKT order has no limit_price"),
        (LIVE.replace("quantity: 2", "quantity: 2, filled: 3"), 5, "live_orders[0].filled: found 3"),
        (LIVE.replace("quantity: 2", "quantity: 2, account: DU9"), 5, "account: found 'DU9', expected one of DU1"),
        (LIVE.replace("contract: ES", "contract: NQ"), 5, "live_orders[0].contract: found 'NQ'"),
        (LIVE + ENDED.replace("8, side: BUY, quantity: 1, order_type", "9, side: BUY, quantity: 1, order_type"),
         7, "completed_orders[0].perm_id: found 9 again, first in line 5"),
        (LIVE + ENDED.replace("ended_at: -5m", "ended_at: noon"), 7, "completed_orders[0].ended_at: found 'noon'"),
        (LIVE + ENDED.replace("ed_at: -5m", "ed_at: 2026-03-04T12:00:00"), 7, "completed_orders[0].ended_at: found"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_names_its_line_and_key(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, now_ns=NOON_NS)
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("ago", "at"),
    [("-5m", "2026-03-04T00:00:00.000Z"), ("-30s", "2026-03-04T00:00:30.000Z"), ("-2h", "2026-03-03T22:01:00.000Z")],
)
def test_a_moment_ago_is_today_at_any_hour(ago: str, at: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(LIVE + ENDED.replace("-5m", ago), encoding="utf-8")
    world = load_scenario(path, now_ns=from_iso("2026-03-04T00:01:00Z")).world
    assert [to_iso(fill.executed_ns) for fill in world.executions] == [at]


def test_a_missing_scenario_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no such scenario"):
        load_scenario(tmp_path / "none.yml", now_ns=NOON_NS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SimOptions(book=Path("b"), scenario=Path("s")), "both a scenario and a book"),
        (SimOptions(drift=7), "need a book"),
        (SimOptions(truth=Path("t")), "need a book"),
        (SimOptions(book=Path("b"), drift_kinds=("orphan",)), "needs a seed"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: SimOptions, words: str) -> None:
    with pytest.raises(ScenarioError, match=words), run_in_thread(options):
        raise AssertionError("it started")


def test_a_taken_port_is_named() -> None:
    with (
        run_in_thread() as first,
        pytest.raises(ScenarioError, match=f"cannot listen on 127.0.0.1:{first.port}"),
        run_in_thread(SimOptions(port=first.port)),
    ):
        raise AssertionError("it started")


def test_a_scenario_limits_the_server_version(tmp_path: Path) -> None:
    with sim_of(LIVE + "server_version: 163\n", tmp_path) as sim, RawClient(sim.port) as client:
        assert client.shake_hands()[0] == "163"


def test_a_silent_gateway_accepts_and_says_nothing(tmp_path: Path) -> None:
    with sim_of(LIVE + "fault: silent\n", tmp_path) as sim, RawClient(sim.port) as client:
        client.send_bytes(b"API\0\0\0\0\tv157..178")
        sim.call(lambda gateway: gateway.note("still there"))
        assert list(sim.gateway.notes) == ["still there"]
        assert sim.gateway.sessions == {}


def test_a_gateway_can_close_inside_the_open_orders(tmp_path: Path) -> None:
    with sim_of(LIVE + "fault: close_mid_answer\n", tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        assert client.ask(61, 1, until="62") == [["62", "1"]]
        client.send(16, 1)
        whole = client.read_bytes(100_000)
    assert whole[4:6] == b"5\0"
    assert b"53\x001\0" not in whole


@pytest.mark.parametrize(
    ("part", "request_fields", "end"),
    [
        ("open_orders", (16, 1), "53"),
        ("completed_orders", (99, 0), "102"),
        ("executions", (7, 3, 1, 0, "", "", "", "", "", ""), "55"),
        ("positions", (61, 1), "62"),
    ],
)
def test_an_end_can_be_left_out(part: str, request_fields: tuple[object, ...], end: str, tmp_path: Path) -> None:
    scenario = f"{LIVE}{ENDED}fault:\n  omit_end: [{part}]\n"
    with sim_of(scenario, tmp_path, now_ns=noon) as sim, RawClient(sim.port) as client:
        client.start(7)
        client.send(*request_fields)
        said = [message[0] for message in client.ask(49, 1, until="49")]
    assert len(said) >= 2
    assert end not in said
