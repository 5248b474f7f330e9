"""What went wrong for others with fills: each story is a scenario beside the gateway, run over the real socket."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from sim_support import NOON
from story_support import (
    BOT,
    DESK,
    ES,
    book_fills,
    book_orders,
    client,
    heard,
    mine,
    staged,
    story,
    tied_out,
    workspace,
)
from tieout.broker import ContractSpec, OrderSpec
from tieout.errors import OutcomeUnknown
from tieout.sim.conduct import corrected

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.sim.gateway import Gateway

FUTURE = ContractSpec(con_id=ES, exchange="CME")
FIRST = "0000e0d5.66a1b2c3.01.01"
NEW = 1_000_000_001
"""The first perm_id that the gateway gives."""


def test_story_1_fills_during_a_disconnect_are_asked_for(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("01", place) as sim:
        with client(sim) as broker:
            broker.connect()
            sim.set_price(ES, Decimal(6001))
            told = heard(broker, lambda event: event.kind == "closed")
        assert "execution" not in {event.kind for event in told}
        assert staged(place, 3) == {"to_update": 1, "to_insert": 1}
        tied_out(place)
    assert book_orders(place) == [(5001, "Filled", "4")]
    assert [(perm_id, quantity, active) for perm_id, _, quantity, active in book_fills(place)] == [(5001, "4", 1)]


def test_story_1_fills_while_the_gateway_has_lost_ib_are_asked_for(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("01", place) as sim:
        with client(sim, DESK) as broker:
            broker.connect()

            def lose(gateway: Gateway) -> None:
                gateway.say(gateway.sessions[DESK], 1100, "", request_id=-1)

            sim.call(lose)
            sim.set_price(ES, Decimal(6001))
            heard(broker, lambda event: event.code == 1100)
            held = broker.snapshot()
        assert [part.name for part in held.missing()] == ["open_orders", "completed_orders", "executions", "positions"]
        assert staged(place, 3) == {"to_update": 1, "to_insert": 1}
        tied_out(place)
    assert book_orders(place) == [(5001, "Filled", "4")]


def test_story_7_a_position_makes_no_fills(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("07", place):
        assert staged(place, 3) == {"to_update": 1, "to_insert": 1}
        (position,) = place.plan()["plan"]["spy_futures_actions"]
        assert (position["kind"], position["quantity"]) == ("initial_state", "14")
        tied_out(place)
    assert book_fills(place) == [(5001, FIRST, "4", 1)]


def test_story_9_fills_that_come_first_reach_their_order(tmp_path: Path) -> None:
    """An order that the gate sends is known before; here its fill and its order are both told by the plan."""
    place = workspace(tmp_path)
    with story("09", place) as sim:
        assert staged(place, 0) == {}
        assert "known from executions alone" in place.run("stage").out
        spec = OrderSpec(side="BUY", quantity=Decimal(1), order_type="MKT", order_ref="fast")
        with client(sim) as broker:
            broker.place(FUTURE, spec, order_id=broker.next_order_id())
            told = [event.kind for event in broker.events() if event.kind in {"execution", "status"}]
        assert told[0] == "execution"
        assert staged(place, 3) == {"to_insert": 2}
        tied_out(place)
    assert [(perm_id, quantity) for perm_id, _, quantity, _ in book_fills(place)] == [(NEW, "1")]
    assert book_orders(place) == [(NEW, "Filled", "1")]


def test_story_13_a_correction_replaces_its_fill_and_a_combos_legs_do_not(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1), mine(2, quantity="2"))
    with story("13", place) as sim:
        assert staged(place, 3) == {"to_update": 1, "to_insert": 2}
        tied_out(place)
        sim.set_price(ES, Decimal(6001))
        assert [fill.exec_id[-2:] for fill in sim.gateway.world.executions[-2:]] == ["01", "02"]
        assert staged(place, 3) == {"to_update": 1, "to_insert": 2}
        tied_out(place)
    assert book_orders(place) == [(5001, "Filled", "4"), (5002, "Filled", "2")]
    query = "SELECT o.perm_id, e.quantity, e.price, e.active FROM executions e JOIN orders o ON o.id = e.order_row"
    assert sorted(place.ask(query)) == [
        (5001, "4", "6001", 0),
        (5001, "4", "6001.25", 1),
        (5002, "1", "6002", 1),
        (5002, "1", "6002", 1),
    ]


def test_story_13_a_correction_of_a_fill_that_the_book_has_replaces_it(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("07", place) as sim:
        assert staged(place, 3) == {"to_update": 1, "to_insert": 1}
        tied_out(place)
        sim.call(lambda gateway: gateway.world.executions.append(corrected(gateway.world.executions[0])))
        assert staged(place, 3) == {"to_update": 1, "to_insert": 1}
        tied_out(place)
    assert book_fills(place) == [(5001, FIRST, "4", 0), (5001, "0000e0d5.66a1b2c3.01.02", "4", 1)]


def test_story_14_a_late_commission_is_null_until_it_comes(tmp_path: Path) -> None:
    fill = {
        "order_row": 1, "account": "DU1234567", "exec_id": FIRST, "perm_id": 5001, "client_id": BOT, "order_id": 1,
        "symbol": "ES", "side": "BUY", "quantity": "4", "price": "6001", "executed_at": NOON,
        "cumulative_quantity": "4",
    }  # fmt: skip
    place = workspace(tmp_path, mine(1, status="Filled", filled_quantity="4"), executions=[fill])
    query = "SELECT commission FROM executions"
    with story("14", place):
        assert staged(place, 0) == {}
        assert place.ask(query) == [(None,)]
        assert staged(place, 3) == {"to_update": 1}
        tied_out(place)
    assert place.ask(query) == [("8.2",)]


@pytest.mark.parametrize(("client_id", "arrived"), [(BOT, 1), (DESK, 0)])
def test_story_15_an_order_without_an_acknowledgement_is_looked_for_not_sent_again(
    client_id: int, arrived: int, tmp_path: Path
) -> None:
    """The gate's own test covers the intent that stays UNKNOWN; here the port says so, and the plan looks."""
    place = workspace(tmp_path)
    spec = OrderSpec(
        side="BUY", quantity=Decimal(1), order_type="LMT", limit_price=Decimal(6000), order_ref="intent-15"
    )
    with story("15", place) as sim:
        with client(sim, client_id, timeout_s=1.0) as broker:
            order_id = broker.next_order_id() if broker.connect() else 0
            with pytest.raises(OutcomeUnknown, match="did not acknowledge it"):
                broker.place(FUTURE, spec, order_id=order_id)
        assert [o.order_ref for o in sim.gateway.world.orders] == ["intent-15"] * arrived
        assert staged(place, 3 if arrived else 0) == ({"to_insert": 1} if arrived else {})
