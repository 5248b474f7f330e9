"""Approved recommendations: judged again, sent once through the gate, by the real client over a real socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tieout
from broker_support import CLIENT
from cli_process import assert_error
from cli_support import ACCOUNT
from position_support import ES, FALLEN, NEAR, RISEN, advice, at_broker, entries, scenario, staged, workspace
from terminal_support import Terminal
from tieout import locks
from tieout.broker import BrokerSettings, ContractSpec, OrderSpec, open_broker
from tieout.clock import now_ns
from tieout.gate.fingerprint import print_of
from tieout.sim.quotes import SimQuote
from tieout.sim.world import Position
from tieout.store.intent import Owner, Wish
from tieout.store.intents import IntentStore

if TYPE_CHECKING:
    from cli_support import Workplace
    from tieout.sim import RunningSim
    from tieout.sim.gateway import Gateway


WAIT_S = 120.0
POINTS = ("intent: reserved", "intent: sending is durable", "intent: sent", "intent: acked")
AFTER = {
    "intent: reserved": ("NOT_SENT", 1, 0),
    "intent: sending is durable": ("UNKNOWN", 17, 0),
    "intent: sent": ("UNKNOWN", 17, 1),
    "intent: acked": ("ACKED", 0, 1),
}
"""What a second approval says after a kill there, with which exit code, and how many orders the broker has."""


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return workspace(tmp_path)


def quote(sim: RunningSim, bid: str, ask: str) -> None:
    def change(gateway: Gateway) -> None:
        gateway.world.quotes[ES] = SimQuote("live", Decimal(bid), Decimal(ask), Decimal(bid))

    sim.call(change)


def approve(place: Workplace, plan_id: str, code: int) -> dict[str, Any]:
    done = place.run("--json", "confirm", plan_id, "--approve", advice(place)["action_id"])
    assert done.code == code, done
    (order,) = done.told["orders"]
    return {**order, "executed": done.told["executed"]}


def test_an_approved_recommendation_is_sent_once_at_the_new_quote(place: Workplace) -> None:
    with staged(place) as (plan_id, sim):
        entry = advice(place)
        assert (entry["kind"], entry["order"]["limit_price"]) == ("close_recommendation", "6170")
        quote(sim, "6160", "6160.25")
        sent = approve(place, plan_id, 0)
        assert (sent["state"], sent["status"], sent["duplicate"], sent["executed"]) == ("ACKED", "Submitted", False, 0)
        assert sent["intent_id"] == f"plan/{plan_id}/{entry['action_id']}"
        (order,) = at_broker(sim)
        told = (order.client_id, order.side, order.quantity, order.order_type, order.limit_price, order.tif)
        assert told == (12, "SELL", Decimal(4), "LMT", Decimal(6160), "DAY")
        again = approve(place, plan_id, 0)
        assert (again["state"], again["duplicate"], again["perm_id"]) == ("ACKED", True, order.perm_id)
        assert len(at_broker(sim)) == 1
    assert place.ask("SELECT order_ref, status, origin FROM orders") == [(order.order_ref, "Submitted", "gate")]


def test_a_filled_close_is_told_and_the_position_is_gone(place: Workplace) -> None:
    with staged(place, scenario(extra="prices: {ES: 6170}\n")) as (plan_id, sim):
        sent = approve(place, plan_id, 0)
        assert (sent["state"], sent["status"]) == ("DONE", "Filled")
        assert sim.gateway.world.positions == []
        assert place.run("stage").code == 0
        assert entries(place) == []
        gone = place.run("--json", "confirm", plan_id, "--approve", sent["action_id"])
        assert (gone.code, gone.told["orders"][0]["duplicate"]) == (0, True)
        assert len(at_broker(sim)) == 1


def test_without_the_flag_nothing_is_sent(place: Workplace) -> None:
    with staged(place) as (plan_id, sim):
        place.set(AUTO_MANAGE_EXTERNAL_ORDERS=False)
        one = advice(place)["action_id"]
        assert_error(place.run("confirm", plan_id, "--approve", one), 13, says="AUTO_MANAGE_EXTERNAL_ORDERS is false")
        assert place.run("stage").code == 0
        place.set(AUTO_MANAGE_EXTERNAL_ORDERS=True)
        again, one = place.plan()["plan_id"], advice(place)["action_id"]
        assert_error(place.run("confirm", again, "--approve", one), 13, says="was false when the plan was staged")
        assert at_broker(sim) == []


@pytest.mark.parametrize("flag", ["SAFE_MODE", "DRY_RUN_CONFIRM"])
def test_the_flags_of_a_confirm_hold_for_an_approval(place: Workplace, flag: str) -> None:
    with staged(place) as (plan_id, sim):
        place.set(**{flag: flag == "SAFE_MODE"})
        assert_error(place.run("confirm", plan_id, "--approve", advice(place)["action_id"]), 13, says=flag)
        assert at_broker(sim) == []


def test_a_dry_run_simulates_and_uses_no_id_up(place: Workplace) -> None:
    with staged(place) as (plan_id, sim):
        place.set(DRY_RUN=True)
        assert approve(place, plan_id, 0)["state"] == "SIMULATED"
        assert (approve(place, plan_id, 0)["duplicate"], at_broker(sim)) == (True, [])
        place.set(DRY_RUN=False)
        assert (approve(place, plan_id, 0)["state"], len(at_broker(sim))) == ("ACKED", 1)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("6300", "ESZ9: nothing is recommended any more: it is within its limits, or it is gone"),
        ("5000", None),
    ],
)
def test_it_is_judged_again_by_a_new_quote(place: Workplace, now: str, says: str | None) -> None:
    with staged(place) as (plan_id, sim):
        quote(sim, now, now)
        sent = approve(place, plan_id, 0 if says is None else 10)
        assert (sent["state"], sent["reason"]) == (("ACKED", None) if says is None else ("STALE", says))
        assert len(at_broker(sim)) == (says is None)


def test_without_a_fresh_quote_at_approval_nothing_is_sent(place: Workplace) -> None:
    with staged(place) as (plan_id, sim):
        sim.call(lambda gateway: gateway.world.quotes.clear())
        sent = approve(place, plan_id, 10)
        assert sent["state"] == "STALE"
        assert "IB error 354" in sent["reason"]
        assert at_broker(sim) == []


def test_a_position_that_changed_is_not_closed_by_the_old_order(place: Workplace) -> None:
    with staged(place) as (plan_id, sim):

        def shrink(gateway: Gateway) -> None:
            gateway.world.positions[0].quantity = Decimal(2)

        sim.call(shrink)
        sent = approve(place, plan_id, 10)
        assert sent["reason"] == "ESZ9: the position is 2 now, it was 4 when this was staged"
        assert at_broker(sim) == []


def test_while_an_order_against_the_position_is_live_none_is_sent(place: Workplace) -> None:
    live = (
        "live_orders:\n  - {contract: ES, perm_id: 7001, client_id: 7, order_id: 1, side: SELL, quantity: 4, "
        "order_type: STP, stop_price: 6000}\n"
    )
    with staged(place, scenario(extra=live)) as (plan_id, sim):
        says = "1 SELL order(s) on it are live (perm_id 7001): cancel them first"
        assert advice(place)["blocked"] == says
        sent = approve(place, plan_id, 13)
        assert (sent["state"], sent["reason"], sent["executed"]) == ("BLOCKED", says, 1)
        assert len(at_broker(sim)) == 1


def test_a_second_plan_does_not_send_a_second_close_while_the_position_may_follow(place: Workplace) -> None:
    with staged(place, scenario(extra="prices: {ES: 6170}\n")) as (plan_id, sim):
        approve(place, plan_id, 0)

        def late(gateway: Gateway) -> None:
            fill = gateway.world.executions[0]
            gateway.world.positions.append(Position(fill.account, fill.contract, Decimal(4), Decimal("315114.75")))

        sim.call(late)
        assert place.run("stage").code == 0
        sent = approve(place, place.plan()["plan_id"], 13)
        assert sent["state"] == "BLOCKED"
        assert "the position may not have followed: stage again in 60 s" in sent["reason"]
        assert len(at_broker(sim)) == 1


def test_the_book_is_tied_out_before_the_order_goes(place: Workplace) -> None:
    """One confirm executes the plan and sends; with part of the plan left out the gate is closed."""
    live = (
        "live_orders:\n  - {contract: ES, perm_id: 7001, client_id: 7, order_id: 1, side: BUY, quantity: 1, "
        "order_type: LMT, limit_price: 5000}\n"
    )
    with staged(place, scenario(extra=live)) as (plan_id, sim):
        action = place.plan()["plan"]["to_insert"][0]["action_id"]
        left = place.run("--json", "confirm", plan_id, "--exclude", action, "--approve", advice(place)["action_id"])
        assert (left.code, left.told["orders"][0]["state"]) == (13, "BLOCKED")
        assert "waits" in left.told["orders"][0]["reason"]
        sent = approve(place, plan_id, 0)
        assert (sent["executed"], sent["state"]) == (1, "ACKED")
        assert [order.side for order in at_broker(sim)] == ["BUY", "SELL"]
        told = approve(place, plan_id, 0)
        assert (told["executed"], told["duplicate"]) == (0, True)


def test_nothing_within_limits_can_be_approved(place: Workplace) -> None:
    with staged(place, scenario(NEAR)) as (plan_id, _):
        (entry,) = entries(place)
        assert (entry["kind"], entry["not_recommended"]) == ("initial_state", None)
        done = place.run("confirm", plan_id, "--approve", entry["action_id"])
        assert_error(done, 2, says="it recommends nothing to approve")


def test_a_gain_is_taken_and_a_short_is_bought_back(tmp_path: Path) -> None:
    with staged(workspace(tmp_path / "long"), scenario(RISEN)) as (_, sim):
        assert sim is not None
    place = workspace(tmp_path / "short")
    with staged(place, scenario(FALLEN, quantity="-4")) as (plan_id, sim):
        entry = advice(place)
        order = {"side": "BUY", "quantity": "4", "order_type": "LMT", "limit_price": "6170.25", "tif": "DAY"}
        assert (entry["kind"], entry["order"]) == ("take_profit", order)
        assert approve(place, plan_id, 0)["state"] == "ACKED"
        assert [one.side for one in at_broker(sim)] == ["BUY"]


def child(place: Workplace, plan_id: str, **armed: str) -> int:
    """`tieout confirm PLAN --approve ...` as a process of its own; answers how it ended."""
    environment = {**os.environ, "PYTHONPATH": str(Path(tieout.__file__).parents[1]), **armed}
    words = ["--json", "confirm", plan_id, "--approve", advice(place)["action_id"]]
    done = subprocess.run(
        [sys.executable, "-m", "tieout", *words], cwd=place.root, env=environment, capture_output=True, text=True,
        timeout=WAIT_S, check=False,
    )  # fmt: skip
    return done.returncode


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Which number each of the gate's points has in an approval that nothing stops."""
    root = tmp_path_factory.mktemp("points")
    told = root / "points.txt"
    place = workspace(root / "w")
    with staged(place) as (plan_id, _):
        assert child(place, plan_id, TIEOUT_POINTS=str(told)) == 0
    lines = told.read_text().splitlines()
    return {name: int(number) for number, _, name in (line.partition(" ") for line in lines) if name in POINTS}


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_an_approval_never_sends_twice(place: Workplace, numbers: dict[str, int], point: str) -> None:
    state, code, sent = AFTER[point]
    with staged(place) as (plan_id, sim):
        assert child(place, plan_id, TIEOUT_KILL_AT=str(numbers[point])) == -signal.SIGKILL
        for _ in range(2):
            again = approve(place, plan_id, code)
            assert (again["state"], again["duplicate"]) == (state, True)
            assert len(at_broker(sim)) == sent
        if state == "UNKNOWN" and sent:
            assert place.run("intents", "settle").code == 0
            assert approve(place, plan_id, 0)["state"] == "ACKED"
            assert len(at_broker(sim)) == 1


def test_it_works_beside_a_running_bot(place: Workplace) -> None:
    """The bot holds its own lock, its own client id and its own connection to the intents."""
    bot = Owner(realm="broker", account=ACCOUNT, client_id=11)
    print_ = print_of(ACCOUNT, ContractSpec(symbol="SPY"), OrderSpec(side="BUY", quantity=Decimal(1), order_type="MKT"))
    wish = Wish(
        kind="place", intent_id="bot", strategy="mine", fingerprint=print_.fingerprint, encoding=print_.encoding,
        contract={"symbol": "SPY"}, order={"side": "BUY", "quantity": "1", "order_type": "MKT"},
    )  # fmt: skip
    with (
        staged(place) as (plan_id, sim),
        locks.hold(place.root / "status" / "bot.lock", what="run", now_ns=now_ns()),
        IntentStore(place.root / "data" / "intents.db") as store,
        open_broker(BrokerSettings(client=CLIENT, host="127.0.0.1", port=sim.port, client_id=11)) as broker,  # type: ignore[arg-type]
    ):
        broker.connect()
        store.reserve(bot, wish, id_floor=1, window_ns=1, now_ns=now_ns())
        assert approve(place, plan_id, 0)["state"] == "ACKED"
        assert [order.client_id for order in at_broker(sim)] == [12]
        mine = [one for one in store.listed(everything=True) if one.owner.client_id == 11]
        assert [(one.intent_id, one.state) for one in mine] == [("bot", "RESERVED")], "another's intent is let alone"


def test_a_review_offers_each_order_by_itself(place: Workplace) -> None:
    with staged(place) as (_, sim):
        with Terminal(place, "review") as terminal:
            terminal.wait_for("would send: SELL 4 LMT 6170")
            terminal.answer("send this order? [y]es, [n]o, [s]how evidence, [q]uit", "a")
            terminal.wait_for("type y, n, s or q")
            terminal.answer("[q]uit", "n")
            terminal.wait_for("the plan holds no action")
            assert (terminal.ended(), at_broker(sim)) == (0, [])
        with Terminal(place, "review") as terminal:
            terminal.answer("send this order?", "y")
            terminal.answer("Execute none of the actions, and send 1 order(s) (SELL 4 ES)? [y/N]", "y")
            terminal.wait_for("ACKED, Submitted: SELL 4 ES LMT 6170")
            assert (terminal.ended(), len(at_broker(sim))) == (0, 1)


def test_what_is_recommended_and_found_is_shown(place: Workplace) -> None:
    finding = "ESZ9: the broker holds 4, the executions in the book come to 0"
    with staged(place) as (_, _sim):
        shown = place.run("show", "--full").out
        one = advice(place)["action_id"]
        for line in (
            "  = ESZ9 4 at average price 6302.295 (close_recommendation)",
            "      would send: SELL 4 LMT 6170",
            f"      action {one}: tieout confirm PLAN --approve {one[:6]}",
            f"  ! {finding}",
        ):
            assert line in shown.splitlines()
        again = place.run("stage")
        assert (again.code, f"  ! {finding}" in again.out.splitlines()) == (0, True)
        assert "1 position(s) with a recommendation: tieout show --full" in again.out.splitlines()
        told = place.run("--json", "status").told
        assert (told["findings"], told["findings_count"]) == ([finding], 1)
        assert place.plan()["format_version"] == "1.2"
        assert [one["text"] for one in place.plan()["findings"]] == [finding]


def test_recommendations_and_findings_change_neither_plan_id_nor_exit_code(place: Workplace) -> None:
    with staged(place) as (plan_id, sim):
        quote(sim, "6100", "6100.25")
        done = place.run("--json", "stage")
        assert (done.code, done.told["plan_id"], len(done.told["findings"])) == (0, plan_id, 1)
        assert done.told["summary"]["spy_futures_actions"] == 2
