"""What went wrong for others with evidence: each story is a scenario beside the gateway, over the real socket."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error
from cli_support import gateway
from sim_support import RawClient
from story_support import DESK, SCENARIOS, book_orders, client, mine, staged, story, tied_out, workspace
from tieout.sim.conduct import Conduct
from tieout.sim.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

BROKER_KNOWS_TWO = """accounts: [DU1234567]
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, exchange: CME}
live_orders:
  - {contract: ES, perm_id: 5001, client_id: 11, order_id: 1, side: BUY, quantity: 4, order_type: LMT,
     limit_price: 6001}
  - {contract: ES, perm_id: 5002, client_id: 11, order_id: 2, side: BUY, quantity: 4, order_type: LMT,
     limit_price: 6002}
"""


def test_story_10_a_broken_answer_forgets_no_order(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1), mine(2), mine(3))
    with story("10", place):
        before = place.content()
        assert staged(place, 16) == {}
        parts = place.plan()["broker"]["parts"]
        assert [one["ended"] for one in parts.values()] == [False, True, True, True]
        # The gateway may have restarted: what it tells after that may be late.
        assert not any(one["complete"] for one in parts.values())
        assert place.content() == before
        assert staged(place, 3) == {"to_delete": 1}
        tied_out(place)
    assert book_orders(place) == [(5001, "Submitted", "0"), (5002, "Submitted", "0"), (5003, "orphaned_deleted", "0")]


RULES = [
    ("cut_before, on: open_order, nth: 2", {"open_orders", "completed_orders", "executions", "positions"}),
    ("cut_before, on: ask_executions, session: 1", {"executions", "positions"}),
    ("drop, on: open_orders_end", {"open_orders"}),
    ("delay, on: open_orders_end, messages: 1", {"open_orders"}),
    ("silence, on: completed_orders_end", {"completed_orders"}),
    ("drop, on: ask_executions", {"executions"}),
    ("delay, on: executions_end, ms: 60000", {"executions"}),
    ("say, on: open_order, nth: 1, code: 1100", {"open_orders", "completed_orders", "executions", "positions"}),
    ("say, on: ask_completed_orders, code: 1102", {"completed_orders"}),
    ("say, on: ask_executions, code: 1101", {"executions"}),
    ("say, on: ask_executions, code: 162, about: message", {"executions"}),
    ("say, on: ask_open_orders, code: 2110", {"open_orders", "completed_orders", "executions", "positions"}),
]
SAID_BEHIND = {"say, on: ask_completed_orders, code: 1102", "say, on: ask_executions, code: 1101"}


@pytest.mark.parametrize(("rule", "holes"), RULES)
def test_story_10_no_hole_in_the_evidence_is_absence(rule: str, holes: set[str], tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1), mine(2), mine(3))
    place.set(BROKER__timeout_seconds=1.0)
    before = place.content()
    with gateway(place, scenario=f"{BROKER_KNOWS_TWO}faults:\n  - {{do: {rule}}}\n"):
        assert staged(place, 16) == {}
        parts = place.plan()["broker"]["parts"]
    found = {name for name, one in parts.items() if not one["complete"]}
    # What is said behind an answer counts for the next part where it came a moment later.
    assert found == holes or (rule in SAID_BEHIND and len(found) == 1)
    assert place.content() == before
    assert ("evidence_incomplete", "HIGH") in place.alerts()


@pytest.mark.parametrize(
    "rule",
    [
        "duplicate, on: open_order",
        "duplicate, on: anything_said",
        "reorder, on: order_status, nth: 1",
        "say, on: open_order, code: 2104",
        "say, on: open_order, code: 10349, about: message",
        "say, on: open_order, code: 202, about: message",
    ],
)
def test_what_says_nothing_of_absence_changes_nothing(rule: str, tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1), mine(2))
    with gateway(place, scenario=f"{BROKER_KNOWS_TWO}faults:\n  - {{do: {rule}}}\n"):
        assert staged(place, 0) == {}
    assert [status for _, status, _ in book_orders(place)] == ["Submitted", "Submitted"]


def test_late_reports_after_a_restart_delete_nothing(tmp_path: Path) -> None:
    """The order has ended, and for one reading the restarted gateway does not know: the second reading does."""
    place = workspace(tmp_path, mine(1, placed_at="2099-03-04T11:00:00.000Z"))
    place.set(FORCE_SYNC_DELETE=True)
    with story("12", place) as sim:
        sim.call(lambda gateway: setattr(gateway, "conduct", Conduct(Faults(late_reports=2))))
        sim.call(lambda gateway: gateway.restart())
        place.run("--json", "stage")
        before, plan_id = place.content(), place.plan()["plan_id"]
        assert place.plan()["summary"]["to_delete"] == 1
        place.flags(confirm=True)
        assert_error(place.run("confirm", plan_id), 10, says="no longer true at the broker")
        assert place.content() == before


def test_a_restart_that_shows_in_the_ids_is_read_until_two_readings_agree(tmp_path: Path) -> None:
    """As above, but this client saw a higher nextValidId before: no delete is planned in the first place."""
    place = workspace(tmp_path, mine(1, placed_at="2099-03-04T11:00:00.000Z"))
    place.set(FORCE_SYNC_DELETE=True, GATEWAY_RESTART__read_again_seconds=0.01)
    with story("12", place) as sim:
        staged(place, 3)
        sim.call(lambda gateway: setattr(gateway, "conduct", Conduct(Faults(late_reports=2, next_id=1))))
        sim.call(lambda gateway: gateway.restart())
        done = place.run("stage")
        assert "the gateway may have restarted (nextValidId went back from " in done.out
        broker = place.plan()["broker"]
        assert {part["reads"] for part in broker["parts"].values()} == {3}
        assert (broker["complete"], broker["read_twice"][:24]) == (True, "nextValidId went back fr")
        assert place.plan()["summary"]["to_delete"] == 0
        tied_out(place)
        assert place.plan()["broker"]["read_twice"] is None
    assert dict(row[:2] for row in book_orders(place))[5001] == "Filled"


@pytest.mark.parametrize(("minutes", "reads"), [(-1, 1), (0, 2), (9, 2), (10, 1)])
def test_just_after_the_daily_restart_the_account_is_read_twice(minutes: int, reads: int, tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    place.set(GATEWAY_RESTART__read_again_seconds=0.01, GATEWAY_RESTART__timezone="UTC")
    place.set(GATEWAY_RESTART__time=f'"{(12 * 60 - minutes) // 60:02d}:{-minutes % 60:02d}"')  # it is noon there
    with story("12", place):
        place.run("stage")
        assert {part["reads"] for part in place.plan()["broker"]["parts"].values()} == {reads}


def test_story_11_rows_of_the_book_alone_are_looked_at(tmp_path: Path) -> None:
    ended = mine(4, status="Cancelled")
    place = workspace(tmp_path, mine(1), mine(2), mine(3, perm_id=None), ended)
    with story("11", place):
        assert staged(place, 3) == {"to_delete": 2}
        assert {one["kind"] for one in place.plan()["plan"]["to_delete"]} == {"soft_delete"}
        tied_out(place)
    told = place.ask("SELECT order_id, status FROM orders ORDER BY order_id")
    assert told == [(1, "Submitted"), (2, "orphaned_deleted"), (3, "orphaned_deleted"), (4, "Cancelled")]


def test_story_16_a_combo_does_not_hold_the_reading_up(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("16", place) as sim:
        with RawClient(sim.port) as raw:
            raw.start(DESK)
            raw.send(9, 8, 1, 28812380, "", "", "", 0, "", "", "", "", "", "", "", 0, "", "", "")
            assert raw.ask(49, 1, until="49")[0][0] == "49"  # nothing about the combo came before it
        assert staged(place, 3) == {"to_insert": 1}
        tied_out(place)
    assert place.ask("SELECT perm_id, sec_type FROM orders WHERE perm_id = 5002") == [(5002, "BAG")]


def test_story_18_a_moved_stop_is_read_anew_on_the_same_connection(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1, order_type="STP", side="SELL", limit_price=None, stop_price="5900",
                                     status="PreSubmitted"), mine(2))  # fmt: skip
    with story("18", place) as sim, client(sim) as broker:
        first = broker.snapshot().open_orders
        sim.call(lambda gateway: setattr(gateway.world.orders[0], "stop_price", Decimal(5950)))
        second = broker.snapshot().open_orders
        assert [frame["stop_price_e8"].to_list() for frame in (first, second)] == [
            [590_000_000_000, None],
            [595_000_000_000, None],
        ]
        assert first["status"].to_list() == ["PreSubmitted", "Submitted"]
        assert staged(place, 3) == {"to_update": 1}
        tied_out(place)
    assert place.ask("SELECT stop_price FROM orders WHERE perm_id = 5001") == [("5950",)]


@pytest.mark.parametrize("number", range(1, 19))
def test_every_story_has_its_scenario(number: int) -> None:
    (path,) = SCENARIOS.glob(f"story_{number:02d}_*.yml")
    assert path.read_text(encoding="utf-8").startswith(f"# Story {number}: ")
