"""A bot that was offline for a week: the book ties out against gateway and statement together, command by command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flex_support import days_ago, executions_of, statement, trade
from story_support import mine, workspace
from tieout.clock import NS_PER_S, now_ns, to_iso

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace
    from tieout.sim.world import Execution

DAY_NS = 86_400 * NS_PER_S
ACCOUNT = "DU1234567"
CONTRACT = """
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20991218", multiplier: "50", local_symbol: ESZ9}
"""


def ago(days: int, seconds: int = 0) -> str:
    """A moment so many days before the test began."""
    return to_iso(NOW - days * DAY_NS - seconds * NS_PER_S)


NOW = now_ns() // NS_PER_S * NS_PER_S
WEEK = f"""
accounts: [{ACCOUNT}]
{CONTRACT}
live_orders:
  - {{contract: ES, perm_id: 5003, client_id: 11, order_id: 3, order_ref: bot-3, side: BUY, quantity: 4,
     order_type: LMT, limit_price: 6003, tif: GTC, filled: 2, average_price: 6003}}
completed_orders:
  - {{contract: ES, perm_id: 5005, client_id: 11, order_id: 5, order_ref: bot-5, side: BUY, quantity: 4,
     order_type: LMT, limit_price: 6005, status: Filled, filled: 4, average_price: 6005, ended_at: "{to_iso(NOW)}"}}
positions:
  - {{contract: ES, quantity: 12, average_cost: 300000}}
executions:
  # bot-1 was filled in two, bot-2 had one fill in the book already, bot-3 is half done, 5007 was made by hand.
  - {{contract: ES, exec_id: 0000e0d5.00000001.01.01, perm_id: 5001, client_id: 11, order_id: 1, order_ref: bot-1,
     side: BUY, quantity: 1, price: 6001, executed_at: "{ago(5, 60)}", commission: 2.05}}
  - {{contract: ES, exec_id: 0000e0d5.00000001.02.01, perm_id: 5001, client_id: 11, order_id: 1, order_ref: bot-1,
     side: BUY, quantity: 3, price: 6000.75, executed_at: "{ago(5)}", commission: 6.15, cumulative: 4}}
  - {{contract: ES, exec_id: 0000e0d5.00000002.01.01, perm_id: 5002, client_id: 11, order_id: 2,
     side: BUY, quantity: 1, price: 6002, executed_at: "{ago(6)}", commission: 2.05}}
  - {{contract: ES, exec_id: 0000e0d5.00000002.02.01, perm_id: 5002, client_id: 11, order_id: 2,
     side: BUY, quantity: 3, price: 6002, executed_at: "{ago(4)}", commission: 6.15, cumulative: 4}}
  - {{contract: ES, exec_id: 0000e0d5.00000003.01.01, perm_id: 5003, client_id: 11, order_id: 3, order_ref: bot-3,
     side: BUY, quantity: 2, price: 6003, executed_at: "{ago(3)}", commission: 4.1}}
  - {{contract: ES, exec_id: 0000e0d5.00000007.01.01, perm_id: 5007, side: SELL, quantity: 2, price: 6100,
     executed_at: "{ago(3, 60)}", commission: 4.1}}
  - {{contract: ES, exec_id: 0000e0d5.00000005.01.01, perm_id: 5005, client_id: 11, order_id: 5, order_ref: bot-5,
     side: BUY, quantity: 4, price: 6005, executed_at: "{to_iso(NOW)}", commission: 8.2}}
"""
BOOK_FILL = {
    "order_row": 2, "account": ACCOUNT, "exec_id": "0000e0d5.00000002.01.01", "perm_id": 5002, "client_id": 11,
    "order_id": 2, "con_id": 5, "symbol": "ES", "side": "BUY", "quantity": "1", "price": "6002",
    "cumulative_quantity": "1", "executed_at": ago(6), "active": 1,
}  # fmt: skip


def order(number: int, **columns: Any) -> dict[str, Any]:
    """An order of the bot, placed eight days ago and last seen live then."""
    known = {"order_ref": f"bot-{number}", "con_id": 5, "sec_type": "FUT", "placed_at": ago(8), "last_live_at": ago(8)}
    return mine(number) | known | columns


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A book from before the week: five live orders, one of them with a fill."""
    found = workspace(
        tmp_path,
        order(1),
        order(2, order_ref=None, filled_quantity="1"),
        order(3, tif="GTC"),
        order(4),
        order(5),
        executions=(BOOK_FILL,),
    )
    (found.root / "week.yml").write_text(WEEK, encoding="utf-8")
    return found


def week_of(place: Workplace) -> list[Execution]:
    """What was executed before today, from the gateway's own world."""
    return [one for one in executions_of(WEEK, place.root, now=NOW) if one.executed_ns < NOW - 2 * DAY_NS]


def take(place: Workplace, data: bytes) -> dict[str, Any]:
    """`tieout flex import`."""
    path = place.root / "statement.xml"
    path.write_bytes(data)
    done = place.run("--json", "flex", "import", str(path))
    assert done.code == 0, done
    return done.told


def stage(place: Workplace, code: int) -> dict[str, Any]:
    """`tieout stage --sim` against the week's gateway."""
    done = place.run("--json", "stage", "--sim", str(place.root / "week.yml"))
    assert done.code == code, done
    return done.told


def confirm(place: Workplace, plan_id: str) -> None:
    """`tieout confirm --sim` of that plan."""
    place.flags(confirm=True)
    done = place.run("--json", "confirm", "--sim", str(place.root / "week.yml"), plan_id)
    assert done.code == 0, done
    place.flags()


def orders_of(place: Workplace) -> list[tuple[Any, ...]]:
    return place.ask("SELECT perm_id, status, quantity, filled_quantity FROM orders ORDER BY id")


def test_a_book_that_was_offline_for_a_week_ties_out(place: Workplace) -> None:
    before = place.content()
    told = take(place, statement(week_of(place), first=days_ago(7), last=days_ago(1)))
    assert (told["executions"], told["new"], told["notes"]) == (6, True, [])
    assert place.content() == before

    done = stage(place, 3)
    assert done["evidence"]["complete"]
    (one,) = done["evidence"]["flex"]["statements"]
    assert (one["from"], one["to"], one["executions"]) == (str(days_ago(7)), str(days_ago(1)), 6)
    plan = place.plan()["plan"]
    from_statement = f"statement {told['statement'][:12]} ({days_ago(7)} to {days_ago(1)})"
    inserted = {a["exec_id"]: a for a in plan["to_insert"] if a["entity"] == "execution"}
    assert {exec_id: a["evidence"] for exec_id, a in inserted.items()} == {
        "0000e0d5.00000001.01.01": ["flex", from_statement],
        "0000e0d5.00000001.02.01": ["flex", from_statement],
        "0000e0d5.00000002.02.01": ["flex", from_statement],
        "0000e0d5.00000003.01.01": ["flex", from_statement],
        "0000e0d5.00000005.01.01": ["executions"],
        "0000e0d5.00000007.01.01": ["flex", from_statement],
    }
    updated = {a["perm_id"]: a["changes"] for a in plan["to_update"] if a["entity"] == "order"}
    assert updated == {
        5001: {"status": ["Submitted", "Filled"], "filled_quantity": ["0", "4"]},
        5002: {"status": ["Submitted", "Filled"], "filled_quantity": ["1", "4"]},
        5003: {"filled_quantity": ["0", "2"]},
        5005: {"status": ["Submitted", "Filled"], "filled_quantity": ["0", "4"]},
    }
    (commission,) = [a for a in plan["to_update"] if a["entity"] == "execution"]
    assert (commission["exec_id"], commission["changes"], commission["evidence"]) == (
        "0000e0d5.00000002.01.01",
        {"commission": [None, "2.05"], "commission_currency": [None, "USD"]},
        ["flex", from_statement],
    )
    assert [(a["perm_id"], a["kind"]) for a in plan["to_delete"]] == [(5004, "soft_delete")]

    confirm(place, done["plan_id"])
    assert orders_of(place) == [
        (5001, "Filled", "4", "4"),
        (5002, "Filled", "4", "4"),
        (5003, "Submitted", "4", "2"),
        (5004, "orphaned_deleted", "4", "0"),
        (5005, "Filled", "4", "4"),
        (None, "Filled", "2", "2"),
    ]
    assert place.ask("SELECT perm_id, avg_fill_price, commission FROM orders WHERE id = 1") == [
        (5001, "6000.8125", "8.2")
    ]
    assert place.ask("SELECT SUM(active), COUNT(DISTINCT exec_id), COUNT(*) FROM executions") == [(7, 7, 7)]

    again = stage(place, 0)  # no findings: the ledger's fills come to the position that the broker holds
    assert {name: n for name, n in again["summary"].items() if n} == {}
    assert (again["findings"], [note for note in again["notes"] if "Flex" in note]) == ([], [])


def test_without_the_statement_the_weeks_fills_are_not_known(place: Workplace) -> None:
    done = stage(place, 3)
    assert done["evidence"]["flex"] == {"statements": [], "covers": []}
    assert sorted(a["perm_id"] for a in place.plan()["plan"]["to_delete"]) == [5001, 5002, 5004]


def test_a_statement_that_comes_after_the_orphans_were_marked_brings_them_back(place: Workplace) -> None:
    confirm(place, stage(place, 3)["plan_id"])
    assert ("orphaned_deleted" in {status for _, status, _, _ in orders_of(place)}) is True
    take(place, statement(week_of(place), first=days_ago(7), last=days_ago(1)))
    confirm(place, stage(place, 3)["plan_id"])
    assert [status for _, status, _, _ in orders_of(place)] == [
        "Filled", "Filled", "Submitted", "orphaned_deleted", "Filled", "Filled",
    ]  # fmt: skip
    stage(place, 0)


def test_a_look_alike_without_an_id_waits_for_the_operator(place: Workplace) -> None:
    rows = [trade(one, orderReference="") for one in week_of(place) if one.perm_id == 5001]
    take(place, statement(rows, first=days_ago(7), last=days_ago(1)))
    done = stage(place, 14)
    assert done["summary"]["ambiguous_matches"] == 1
    (match,) = place.ambiguous()["ambiguous_matches"]
    assert [record["flex_order"] for record in match["broker"]] == ["7005001"]
    assert {record["perm_id"] for record in match["book"]} == {5001, 5004}
    assert not {5001, 5004} & {a["perm_id"] for a in place.plan()["plan"]["to_delete"]}

    words = ("--pair", "#0", "1", "--by", "Ann", "--reason", "the times of my own log")
    assert place.run("resolve", match["match_id"], *words).code == 0
    confirm(place, stage(place, 3)["plan_id"])
    assert orders_of(place)[0] == (5001, "Filled", "4", "4")
    found = [one for one in stage(place, 0)["findings"] if one["kind"] == "not_in_statement"]
    assert [one["told"]["exec_id"] for one in found] == [BOOK_FILL["exec_id"]]


def test_a_look_alike_that_is_none_of_them_is_an_order_of_its_own(place: Workplace) -> None:
    rows = [trade(one, orderReference="") for one in week_of(place) if one.perm_id == 5001]
    take(place, statement(rows, first=days_ago(7), last=days_ago(1)))
    stage(place, 14)
    (match,) = place.ambiguous()["ambiguous_matches"]
    assert place.run("resolve", match["match_id"], "--none", "--by", "Ann", "--reason", "by hand").code == 0
    confirm(place, stage(place, 3)["plan_id"])
    assert (None, "Filled", "4", "4") in orders_of(place)
    stage(place, 0)


def test_a_statement_that_was_damaged_later_is_a_hole(place: Workplace) -> None:
    told = take(place, statement(week_of(place), first=days_ago(7), last=days_ago(1)))
    kept = place.root / "data" / "flex" / f"{told['statement']}.xml"
    kept.write_bytes(kept.read_bytes().replace(b"6001", b"6009"))
    done = stage(place, 16)
    assert done["evidence"]["parts"]["flex"]["complete"] is False
    assert "its file is not the one that was kept" in done["evidence"]["parts"]["flex"]["why"]
    assert place.plan()["plan"]["to_delete"] == []
    assert place.run("flex", "forget", told["statement"][:12]).code == 0
    stage(place, 3)


def test_a_statement_that_comes_between_stage_and_confirm_makes_the_plan_stale(place: Workplace) -> None:
    plan_id = stage(place, 3)["plan_id"]
    take(place, statement(week_of(place), first=days_ago(7), last=days_ago(1)))
    before = place.content()
    place.flags(confirm=True)
    done = place.run("--json", "confirm", "--sim", str(place.root / "week.yml"), plan_id)
    assert (done.code, done.told["error"]["code"]) == (10, "plan_stale")
    assert place.content() == before


def refusal(place: Workplace, data: bytes) -> str:
    """What `tieout flex import` says against it; nothing is kept."""
    path = place.root / "statement.xml"
    path.write_bytes(data)
    done = place.run("--json", "flex", "import", str(path))
    assert (done.code, done.told["error"]["code"]) == (1, "statement_unusable"), done
    assert place.run("--json", "flex", "list").told == {"statements": []}
    assert not (place.root / "data" / "flex").exists()
    return str(done.told["error"]["message"])


def test_a_file_that_cannot_be_used_is_refused_and_nothing_is_kept(place: Workplace) -> None:
    week = week_of(place)
    whole = statement(week, first=days_ago(7), last=days_ago(1))
    assert "is XML that breaks off" in refusal(place, whole[: len(whole) // 2])
    assert "is not XML" in refusal(place, b"Account,Symbol\n")
    other = statement(week, first=days_ago(7), last=days_ago(1), account="U7654321")
    assert refusal(place, other) == f"the file is about U7654321; expected {ACCOUNT}"
    before = statement([], first=days_ago(40), last=days_ago(30))
    assert "they have no day in common" in refusal(place, before)
    later = f"{days_ago(-3):%Y%m%d};120000"
    assert "was generated at" in refusal(place, statement([], first=days_ago(7), last=days_ago(1), generated=later))
    assert place.run("flex", "import", str(place.root / "nothing.xml")).code == 1
