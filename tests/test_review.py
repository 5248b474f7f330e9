"""`tieout review` on a real terminal: a pseudo-terminal, a child process, and answers typed when it asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from approval_support import actions, staged, workspace
from cli_process import assert_error, assert_json_error
from cli_support import ACCOUNT, copied
from terminal_support import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace

ASKED = "[q]uit"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workspace(tmp_path_factory.mktemp("base"))


@pytest.fixture
def place(base: Workplace, tmp_path: Path) -> Workplace:
    return copied(base, tmp_path)


def audited(place: Workplace) -> list[str]:
    ids = {value: name for name, value in actions(place).items()}
    return sorted(ids[one] for (one,) in place.ask("SELECT action_id FROM order_audit WHERE action_id IS NOT NULL"))


def test_each_action_is_asked_for_and_only_the_agreed_ones_happen(place: Workplace) -> None:
    with staged(place), Terminal(place, "review") as terminal:
        before = place.content()
        for _ in range(3):  # the order, and two executions
            terminal.answer(ASKED, "n")
        terminal.wait_for("limit_price: 5000 -> 5001")
        terminal.answer(ASKED, "y")
        terminal.wait_for("orphaned_deleted")
        terminal.answer(ASKED, "n")
        terminal.wait_for("agreed: 1 of 5 action(s)")
        terminal.wait_for("Execute 1 of 5 action(s)? [y/N]")
        assert place.content() == before
        terminal.type("y")
        terminal.wait_for("4 action(s) were left out; to execute them, stage again")
        assert terminal.ended() == 0
    assert audited(place) == ["update order 1001"]


def test_all_of_a_kind_needs_one_word_and_deletes_need_the_account(place: Workplace) -> None:
    with staged(place), Terminal(place, "review") as terminal:
        terminal.answer(ASKED, "y")  # the order
        terminal.answer(ASKED, "a")  # the first execution, and so the second
        terminal.wait_for("yes, as all of this kind")
        terminal.answer(ASKED, "A")  # the update: upper case will do
        terminal.answer(ASKED, "yes")
        terminal.answer("It deletes 1 order(s). Type the account id to execute all of it", ACCOUNT)
        terminal.wait_for("executed plan")
        assert terminal.ended() == 0
    assert len(audited(place)) == 5
    assert place.ask("SELECT subset FROM applied_plans") == [(None,)]


@pytest.mark.parametrize("typed", ["", "y", "DU7654321"])
def test_a_delete_is_not_done_for_another_word(place: Workplace, typed: str) -> None:
    with staged(place):
        before = place.content()
        with Terminal(place, "review") as terminal:
            for _ in range(4):
                terminal.answer(ASKED, "n")
            terminal.answer(ASKED, "y")
            terminal.answer("Type the account id", typed)
            if not typed:  # asked again, until somebody means it or goes away
                terminal.answer("Type the account id", "\x04")
            code = terminal.ended()
        assert code == (2 if typed else 130)
        assert place.content() == before


def test_evidence_is_shown_and_the_question_comes_again(place: Workplace) -> None:
    with staged(place), Terminal(place, "review") as terminal:
        terminal.answer(ASKED, "s")
        terminal.wait_for('"evidence": [')
        terminal.wait_for('"open_orders"')
        terminal.answer(ASKED, "what?")
        terminal.wait_for("type y, n, a, s or q")
        terminal.answer(ASKED, "q")
        assert terminal.ended() == 3
    assert "nothing was executed; the plan still waits" in terminal.seen
    assert place.ask("SELECT count(*) FROM order_audit") == [(0,)]


def test_quitting_takes_back_what_was_agreed_to(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        before = place.content()
        with Terminal(place, "review") as terminal:
            terminal.answer(ASKED, "y")
            terminal.answer(ASKED, "y")
            terminal.answer(ASKED, "q")
            assert terminal.ended() == 3
        assert place.content() == before
        assert place.run("confirm", plan_id).code == 0


def test_saying_no_at_the_end_executes_nothing(place: Workplace) -> None:
    with staged(place):
        before = place.content()
        with Terminal(place, "review") as terminal:
            terminal.answer(ASKED, "y")
            for _ in range(4):
                terminal.answer(ASKED, "n")
            terminal.answer("Execute 1 of 5 action(s)? [y/N]", "")
            assert terminal.ended() == 130
        assert place.content() == before


def test_what_an_agreed_action_needs_is_added_and_shown(place: Workplace) -> None:
    with staged(place), Terminal(place, "review") as terminal:
        terminal.wait_for("1 of 5")
        names = ["order", "execution", "execution", "update", "delete"]
        wanted = False
        for number, _ in enumerate(names):
            terminal.wait_for(ASKED)
            page = terminal.seen.rsplit(f"\n{number + 1} of 5\n", 1)[1]
            wanted = "execution 0000aaaa" in page
            terminal.type("y" if wanted else "n")
        terminal.wait_for("added: insert order ES (perm_id 1003, order_id 3)")
        terminal.answer("Execute 2 of 5 action(s)?", "y")
        assert terminal.ended() == 0
    assert audited(place) == ["insert execution 1003", "insert order 1003"]


def test_a_plan_that_cannot_run_is_not_walked_through(place: Workplace) -> None:
    with staged(place):
        place.flags(confirm=False)
        with Terminal(place, "review") as terminal:
            assert terminal.ended() == 13
    assert "DRY_RUN_CONFIRM is false" in terminal.seen
    assert ASKED not in terminal.seen


def test_without_a_terminal_the_plan_has_to_be_named(place: Workplace) -> None:
    with staged(place) as (plan_id, _):
        before = place.content()
        done = place.run("review")
        assert_error(done, 2, says="a review needs a terminal to ask on")
        assert f"tieout confirm {plan_id[:12]}" in done.err
        assert_json_error(place.run("--json", "review"), 2, name="usage_error", says="needs a terminal")
        assert_error(place.run("confirm"), 2, says="there is no terminal to ask on")
        one = actions(place)["update order 1001"]
        assert_error(place.run("confirm", "--only", one), 2, says="there is no terminal to ask on")
        assert place.content() == before


def test_confirm_on_a_terminal_asks_for_what_was_named_only(place: Workplace) -> None:
    with staged(place):
        one = actions(place)["update order 1001"]
        with Terminal(place, "confirm", "--only", one) as terminal:
            terminal.answer("Execute 1 of 5 action(s)? [y/N]", "y")
            assert terminal.ended() == 0
    assert re.search(r"executed plan [0-9a-f]{12}: 1 update", terminal.seen)
    assert audited(place) == ["update order 1001"]
