"""What confirm takes for the staged plan: that file, byte for byte, of that id, once, and in time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error, assert_json_error
from cli_support import SOLVABLE, copied, gateway, tied_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_support import Content, Workplace


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


@pytest.fixture(scope="module")
def staged(tied: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A plan waits, the flags let it happen, and its gateway is gone: what refuses it does so before asking."""
    place = copied(tied, tmp_path_factory.mktemp("staged"))
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.stage()
    place.flags(confirm=True)
    return place


@pytest.fixture
def place(staged: Workplace, tmp_path: Path) -> Workplace:
    return copied(staged, tmp_path)


def id_of(place: Workplace) -> str:
    """The newest journalled plan's id."""
    query = "SELECT plan_id FROM staged_plans WHERE state = 'waiting'"
    return str(place.ask(query, db=place.state_db)[-1][0])


def refuse(place: Workplace, code: int, says: str) -> None:
    """Confirm is refused with that code and message, to a person and to a program; the book is as it was."""
    before: Content = place.content()
    plan_id = id_of(place)
    assert_error(place.run("confirm", plan_id), code, says=says)
    again = place.run("--json", "confirm", plan_id)
    assert (again.code, list(again.told)) == (code, ["error"])
    assert place.content() == before


def edited(content: dict[str, object]) -> None:
    content["plan"]["to_update"][0]["after"]["quantity"] = "999"  # type: ignore[index]


def emptied(content: dict[str, object]) -> None:
    content["plan"]["to_delete"] = []  # type: ignore[index]


def of_another_version(content: dict[str, object]) -> None:
    content["format_version"] = "9.0"


def of_no_version(content: dict[str, object]) -> None:
    del content["format_version"]


def without_a_list(content: dict[str, object]) -> None:
    del content["plan"]["to_insert"]  # type: ignore[attr-defined]


def of_another_id(content: dict[str, object]) -> None:
    content["plan_id"] = "0" * 64


CHANGES: list[tuple[Callable[[dict[str, object]], None], str]] = [
    (edited, "the staged file is edited"),
    (emptied, "the staged file is edited"),
    (of_another_version, "the staged plan's format_version is '9.0', this tieout reads 1.x"),
    (of_no_version, "the staged plan's format_version is None"),
    (without_a_list, "the staged plan is not what its schema says"),
    (of_another_id, "the staged file is of another plan"),
]


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_a_changed_file_is_refused_and_latches(
    place: Workplace, change: Callable[[dict[str, object]], None], says: str
) -> None:
    content = place.plan()
    change(content)
    place.plan_file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    refuse(place, 12, says)
    assert place.alerts()[-1] == ("reconcile_failed", "HIGH")
    status = place.status()
    assert (status["status"], says in status["reason"]) == ("FAILED", True)
    assert says in place.run("--json", "status").told["latch"]["reason"]


def test_one_blank_more_is_an_edit(place: Workplace) -> None:
    with place.plan_file.open("a", encoding="utf-8") as file:
        file.write("\n")
    refuse(place, 12, "the staged file is edited")


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"plan_id": 1', '{"a": 1, "a": 2}'])
def test_a_file_that_is_no_plan(place: Workplace, text: str) -> None:
    place.plan_file.write_text(text, encoding="utf-8")
    refuse(place, 12, "the staged plan")
    assert_error(place.run("show"), 12, says="the staged plan")


def test_a_file_that_is_not_text(place: Workplace) -> None:
    place.plan_file.write_bytes(b"\xff\xfe\x00plan")
    refuse(place, 12, "the staged plan is not JSON")


def test_no_file(place: Workplace) -> None:
    place.plan_file.unlink()
    refuse(place, 1, f"there is no staged plan at {place.plan_file}")
    assert_json_error(place.run("--json", "show"), 1, name="plan_missing", says="there is no staged plan")


def test_a_link_in_its_place(place: Workplace) -> None:
    real = place.root / "elsewhere.json"
    place.plan_file.rename(real)
    place.plan_file.symlink_to(real)
    refuse(place, 12, f"{place.plan_file} cannot be read as a plain file")


def test_a_second_name_for_it(place: Workplace) -> None:
    (place.root / "elsewhere.json").hardlink_to(place.plan_file)
    refuse(place, 12, f"{place.plan_file} has more than one name (hard links)")


def test_a_file_that_others_may_write(place: Workplace) -> None:
    place.plan_file.chmod(0o666)
    refuse(place, 12, f"{place.plan_file} can be written by others")


def test_a_folder_in_its_place(place: Workplace) -> None:
    place.plan_file.unlink()
    place.plan_file.mkdir()
    refuse(place, 12, f"{place.plan_file} is not a plain file")


def test_an_unknown_plan_id(place: Workplace) -> None:
    before = place.content()
    assert_error(place.run("confirm", "0123456789abcdef"), 1, says="no plan with id 0123456789abcdef was staged here")
    unknown = place.run("--json", "confirm", "0" * 64)
    assert_json_error(unknown, 1, name="plan_missing", says="was staged here")
    assert place.content() == before


@pytest.mark.parametrize("plan_id", ["0123456789a", "NOT-A-PLAN-ID", "", "0123456789ABCDEF"])
def test_what_is_no_plan_id(place: Workplace, plan_id: str) -> None:
    says = "is not a plan id; expected its first 12 hex digits or more" if plan_id else "no plan id was given"
    assert_error(place.run("confirm", plan_id), 2, says=says)


def test_no_plan_id_and_no_terminal(place: Workplace) -> None:
    before = place.content()
    done = place.run("confirm")
    assert_error(done, 2, says="no plan id was given, and there is no terminal to ask on")
    assert f"tieout confirm {id_of(place)[:12]}" in done.err
    assert place.content() == before


def test_nothing_was_ever_staged(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.state_db.unlink()
    place.plan_file.unlink()
    place.flags(confirm=True)
    assert_error(place.run("confirm"), 1, says="no plan was ever staged here")
    assert_error(place.run("confirm", "0123456789ab"), 1, says="no plan with id 0123456789ab")
    assert_error(place.run("show"), 1, says="there is no staged plan")


def test_an_expired_plan(place: Workplace) -> None:
    place.change("UPDATE staged_plans SET expires_ns = staged_ns + 1", db=place.state_db)
    refuse(place, 10, f"plan {id_of(place)[:12]} expired at ")
    assert place.run("--json", "status").told["waiting"] is None
    assert not place.latch_file.exists()


def test_a_plan_from_the_future(place: Workplace) -> None:
    hour = 3_600_000_000_000
    shift = f"UPDATE staged_plans SET staged_ns = staged_ns + {hour}, expires_ns = expires_ns + {hour}"
    place.change(shift, db=place.state_db)
    refuse(place, 10, "which the clock says is yet to come")


def test_a_superseded_plan(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        old = place.stage()
    with gateway(place, drift=8, kinds=SOLVABLE):
        new = place.stage()
        before = place.content()
        place.flags(confirm=True)
        assert_error(place.run("confirm", old), 10, says=f"plan {old[:12]} was superseded by a newer one")
        assert place.content() == before
        assert place.run("confirm", new[:12]).code == 0


def test_a_plan_runs_once(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        place.confirm(plan_id)
        after = place.content()
        assert_error(place.run("confirm", plan_id), 10, says=f"plan {plan_id[:12]} was executed already")
        assert place.content() == after
        assert "this plan was applied already" in place.run("show").out


def test_an_empty_plan_is_confirmed_as_nothing(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place):
        plan_id = place.run("--json", "stage").told["plan_id"]
        before = place.content()
        place.flags(confirm=True)
        done = place.run("confirm", plan_id)
    assert (done.code, done.out) == (0, f"plan {plan_id[:12]} holds nothing to execute\n")
    assert place.content() == before
