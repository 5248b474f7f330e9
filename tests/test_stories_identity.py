"""What went wrong for others with ids: each story is a scenario beside the gateway, run over the real socket."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from cli_process import assert_error
from sim_support import RawClient
from story_support import BOT, ES, book_fills, book_orders, client, mine, staged, story, tied_out, workspace
from tieout.broker import ContractSpec, OrderSpec

if TYPE_CHECKING:
    from pathlib import Path

FUTURE = ContractSpec(con_id=ES, exchange="CME")


def limit(price: str, *, side: str = "BUY", ref: str | None = None) -> OrderSpec:
    """A limit order for one."""
    return OrderSpec(
        side=side,  # type: ignore[arg-type]
        quantity=Decimal(1), order_type="LMT", limit_price=Decimal(price), order_ref=ref,
    )  # fmt: skip


def test_story_2_an_id_handed_out_again_credits_each_fill_to_its_own_order(tmp_path: Path) -> None:
    """The gate's own test covers the high-water mark that keeps such an id from being used."""
    place = workspace(tmp_path, mine(1, order_id=38103))
    with story("02", place) as sim:
        with RawClient(sim.port) as raw:
            assert raw.start(BOT)[1] == ["9", "1", "38099"]
        assert staged(place, 3) == {"to_update": 1, "to_insert": 2}
        tied_out(place)
        with client(sim) as broker:
            refused = broker.place(FUTURE, limit("6000"), order_id=38099)
            live = broker.snapshot().open_orders["perm_id"].to_list()
    assert book_orders(place) == [(5001, "Filled", "4"), (5002, "Submitted", "0")]
    assert book_fills(place) == [(5001, "0000e0d5.66a1b2c3.01.01", "4", 1)]
    assert refused.code == 103
    assert live == [5002]


def test_story_3_the_same_order_id_in_two_sessions_is_two_orders(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    with story("03", place) as sim:
        for spec in (limit("6000", ref="first"), limit("6200", side="SELL", ref="second")):
            with client(sim) as broker:
                assert broker.next_order_id() == 100
                assert broker.place(FUTURE, spec, order_id=100).status == "Submitted"
        assert staged(place, 3) == {"to_insert": 2}
        tied_out(place)
        sim.set_price(ES, Decimal(6200))
        assert staged(place, 3) == {"to_update": 1, "to_insert": 1}
        tied_out(place)
    told = place.ask("SELECT order_id, order_ref, status FROM orders ORDER BY perm_id")
    assert told == [(100, "first", "Submitted"), (100, "second", "Filled")]
    assert place.ask("SELECT order_ref, side, quantity FROM executions") == [("second", "SELL", "1")]


def test_story_3_a_row_known_by_that_id_alone_is_for_the_operator(tmp_path: Path) -> None:
    row = mine(100, perm_id=None, order_ref=None, quantity="1", limit_price="6000")
    place = workspace(tmp_path, row)
    with story("03", place) as sim:
        for spec in (limit("6000"), limit("6200", side="SELL")):
            with client(sim) as broker:
                assert broker.place(FUTURE, spec, order_id=100).status == "Submitted"
        before = place.content()
        found = staged(place, 14)
    assert (found["ambiguous_matches"], "to_delete" in found) == (1, False)
    assert place.content() == before


def test_story_4_manual_orders_are_told_apart_by_perm_id_before_and_after_they_are_bound(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("04", place) as sim:
        assert staged(place, 3) == {"to_insert": 4}
        before, plan_id = place.content(), place.plan()["plan_id"]
        place.flags(confirm=True)
        stale = place.run("confirm", plan_id)  # the list at stage had order ids 0, the one at confirm negative ids
        assert_error(stale, 10, says="would now be client_id None -> 0, order_id None -> -1")
        assert place.content() == before
        place.flags()
        assert staged(place, 3) == {"to_insert": 4}
        tied_out(place)
        assert [o.order_id for o in sim.gateway.world.live_orders()] == [1, -1, -2, -3]
    assert [perm_id for perm_id, _, _ in book_orders(place)] == [5001, 5002, 5003, 5004]
    assert book_fills(place) == [(5003, "0000e0d5.66a1b2c3.01.01", "1", 1)]


def test_story_5_two_live_perm_ids_of_one_order_are_for_the_operator(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    with story("05", place) as sim:
        with client(sim) as broker:
            order_id = broker.next_order_id()
            first = broker.place(FUTURE, limit("6000", ref="intent-5"), order_id=order_id)
            assert staged(place, 3) == {"to_insert": 1}
            tied_out(place)
            second = broker.place(FUTURE, limit("6010", ref="intent-5"), order_id=order_id)
        assert (first.perm_id, second.perm_id) == (1_000_000_001, 1_000_000_002)
        before = place.content()
        found = staged(place, 14)
        (match,) = place.ambiguous()["ambiguous_matches"]
    assert found == {"ambiguous_matches": 1}
    assert match["reason"] == "forked_order_ref"
    assert [one["perm_id"] for one in match["broker"]] == [second.perm_id]
    assert [one["perm_id"] for one in match["book"]] == [first.perm_id]
    assert ("ambiguous_matches_found", "HIGH") in place.alerts()
    assert place.content() == before


def test_story_6_a_restart_over_a_stored_book_makes_nothing_anew(tmp_path: Path) -> None:
    """The gate's own test covers intents after a restart; here the reconcile sends nothing and inserts nothing."""
    place = workspace(tmp_path, mine(1, tif="GTC"), mine(2, tif="GTC"))
    with story("06", place) as sim:
        assert staged(place, 0) == {}
        assert "the gateway restarted" in sim.gateway.notes
        before = place.content()
        assert staged(place, 0) == {}
        assert [(o.perm_id, o.status) for o in sim.gateway.world.orders] == [(5001, "Submitted"), (5002, "Submitted")]
    assert place.content() == before


def test_story_8_yesterdays_working_orders_stay_their_clients_after_a_restart(tmp_path: Path) -> None:
    """The gate's own test covers `OrderGate.cancel`; here the port cancels, and the book learns it."""
    place = workspace(
        tmp_path, mine(1, tif="GTC", placed_at="2026-03-03T10:00:00.000Z"), mine(2, tif="GTC", client_id=31)
    )
    with story("08", place) as sim:
        assert [staged(place, 0), staged(place, 0)] == [{}, {}]  # before the restart and after it
        with client(sim) as broker:
            cancelled, not_ours = broker.cancel(1), broker.cancel(2)
        assert (cancelled.status, not_ours.code) == ("Cancelled", 10147)
        assert staged(place, 3) == {"to_update": 1}
        tied_out(place)
    assert book_orders(place) == [(5001, "Cancelled", "0"), (5002, "Submitted", "0")]


def test_story_12_completed_orders_without_ids_end_the_rows_they_belong_to(tmp_path: Path) -> None:
    place = workspace(
        tmp_path,
        mine(1),
        mine(2, perm_id=None, order_ref="ref-2"),
        mine(3, perm_id=None),
    )
    with story("12", place):
        found = staged(place, 14)
        (match,) = place.ambiguous()["ambiguous_matches"]
    assert found == {"to_update": 2, "ambiguous_matches": 1}
    assert (match["reason"], [one["perm_id"] for one in match["broker"]]) == ("time_unknown", [5003])


def test_story_17_no_working_order_is_filtered_out(tmp_path: Path) -> None:
    place = workspace(tmp_path, mine(1))
    with story("17", place):
        assert staged(place, 3) == {"to_insert": 8}
        tied_out(place)
    assert [(perm_id, status) for perm_id, status, _ in book_orders(place)] == [
        (5001, "Submitted"),
        (5002, "PreSubmitted"),
        (5003, "PendingSubmit"),
        (5004, "PendingCancel"),
        (5005, "Inactive"),
        (5006, "Submitted"),
        (5007, "Submitted"),
        (5008, "ApiPending"),
        (5009, "Cancelled"),
    ]
