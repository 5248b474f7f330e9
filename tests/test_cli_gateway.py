"""A gateway that is not there, says nothing, breaks off or holds another account: one message, nothing changed."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error, assert_json_error, finished, listener
from cli_support import SOLVABLE, Workplace, adopted_workspace, copied, gateway, tied_workspace, truth_of
from tieout.samples import write_sample_book
from truth import assert_plan_is_truth
from workspace_support import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace

EMPTY = "accounts: [DU1234567]\n"
CLOSES = EMPTY + "fault: close_mid_answer\n"
STRANGER = "accounts: [DU7654321]\n"
SEVERAL = "accounts: [DU1234567, DU7654321]\n"


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return adopted_workspace(tmp_path_factory.mktemp("adopted"))


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


@pytest.fixture
def place(adopted: Workplace, tmp_path: Path) -> Workplace:
    """The adopted sample book, and flags that let things happen."""
    here = copied(adopted, tmp_path)
    here.flags()
    return here


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def assert_not_begun(place: Workplace, reason: str) -> None:
    """FAILED with the reason, no latch, no plan: the gateway was never reached."""
    status = place.status()
    assert (status["status"], reason in status["reason"]) == ("FAILED", True), status
    assert not place.latch_file.exists()
    assert not place.plan_file.exists()
    assert place.alerts() == []
    assert [one["event"] for one in place.log()] == ["reconcile_not_begun"]


def test_no_gateway(place: Workplace) -> None:
    before, port = place.content(), free_port()
    place.set(BROKER__port=port)
    says = f"No gateway at 127.0.0.1:{port}: it refused the connection"
    assert_error(place.run("stage"), 1, says=says)
    assert_not_begun(place, says)
    assert_json_error(place.run("--json", "stage"), 1, name="gateway_unreachable", says=says)
    assert place.content() == before


def test_a_port_that_accepts_and_says_nothing(place: Workplace) -> None:
    before = place.content()
    place.set(BROKER__timeout_seconds=0.5)
    with listener(None) as (port, _):
        place.set(BROKER__port=port)
        done = place.run("stage")
    says = f"127.0.0.1:{port} accepted the connection but did not answer the API handshake within 0.5 s"
    assert_error(done, 1, says=says)
    assert_not_begun(place, says)
    assert place.content() == before


def test_a_port_that_is_something_else(place: Workplace) -> None:
    before = place.content()
    place.set(BROKER__timeout_seconds=0.5)
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _):
        place.set(BROKER__port=port)
        done = place.run("stage")
    assert_error(done, 1, says=f"127.0.0.1:{port}")
    assert_not_begun(place, f"127.0.0.1:{port}")
    assert place.content() == before


def test_ctrl_c_while_a_gateway_says_nothing(place: Workplace) -> None:
    before = place.content()
    place.set(BROKER__timeout_seconds=60)
    with listener(None) as (port, accepted):
        place.set(BROKER__port=port)
        process = place.start("stage")
        assert accepted.wait(60)
        process.send_signal(signal.SIGINT)
        done = finished(process)
    assert (done.code, done.out) == (130, "")
    assert done.err.splitlines() == ["error: interrupted", "hint: `tieout status` says how far it came"]
    assert (place.status()["status"], place.status()["reason"]) == ("FAILED", "stage was interrupted")
    assert not place.latch_file.exists()
    assert place.content() == before
    with gateway(place):
        assert place.run("stage").code == 3


def test_a_gateway_that_closes_in_the_middle_of_an_answer(place: Workplace) -> None:
    before = place.content()
    with gateway(place, scenario=CLOSES):
        done = place.run("--json", "stage")
    assert (done.code, done.told["evidence"]["complete"]) == (16, False)
    parts = done.told["evidence"]["parts"]
    assert not parts["open_orders"]["complete"]
    assert parts["open_orders"]["why"]
    assert done.told["summary"]["to_delete"] == 0
    assert place.status()["status"] == "FAILED"
    assert place.status()["reason"].startswith("the broker's answer is incomplete: open_orders: ")
    assert place.alerts() == [("evidence_incomplete", "HIGH")]
    assert place.content() == before


@pytest.mark.parametrize("part", ["open_orders", "completed_orders", "executions", "positions"])
def test_an_answer_without_its_end(place: Workplace, part: str) -> None:
    before = place.content()
    place.set(BROKER__timeout_seconds=0.5)
    with gateway(place, scenario=EMPTY + f"fault: {{omit_end: [{part}]}}\n"):
        done = place.run("stage")
        assert done.code == 16
        assert f"incomplete: {part}: " in done.out
        assert "nothing is concluded from absence; stage again when the gateway answers in full" in done.out
        assert [name for name, one in place.plan()["broker"]["parts"].items() if not one["complete"]] == [part]
        wanted = 20 if part == "positions" else 0
        assert place.plan()["summary"]["to_delete"] == wanted
        assert place.run("show").out.count(f"the broker's answer is incomplete ({part}: ") == 1
    assert place.status()["status"] == "FAILED"
    assert place.content() == before


def test_a_confirm_refuses_what_rests_on_an_answer_with_holes(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=("orphan",)):
        plan_id = place.stage()
        assert_plan_is_truth(place.plan()["plan"], truth_of(place))
    before = place.content()
    place.flags(confirm=True)
    place.set(BROKER__timeout_seconds=0.5)
    with gateway(place, scenario=EMPTY + "fault: {omit_end: [open_orders]}\n"):
        done = place.run("confirm", plan_id)
    assert_error(done, 16, says="the broker's answer has holes now (open_orders")
    assert place.status()["status"] == "FAILED"
    assert not place.latch_file.exists()
    assert place.content() == before


def test_an_account_that_is_not_there(place: Workplace) -> None:
    before = place.content()
    place.set(BROKER__account="DU1234567")
    with gateway(place, scenario=STRANGER):
        done = place.run("stage")
        told = place.run("--json", "stage")
    assert_error(done, 1, says="DU7654321")
    assert "DU1234567" in done.err
    assert_json_error(told, 1, name="account_unknown", says="DU1234567")
    assert place.status()["status"] == "FAILED"
    assert place.content() == before


def test_several_accounts_and_none_named(place: Workplace) -> None:
    before = place.content()
    with gateway(place, scenario=SEVERAL):
        assert_error(place.run("stage"), 1, says="DU1234567, DU7654321")
        place.set(BROKER__account="DU1234567")
        assert place.run("stage").code == 3
    assert place.content() == before


def test_a_gateway_that_goes_away_between_stage_and_confirm(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
    before = place.content()
    place.flags(confirm=True)
    assert_error(place.run("confirm", plan_id), 1, says="it refused the connection")
    assert place.status()["status"] == "FAILED"
    assert not place.latch_file.exists()
    assert place.content() == before
    assert place.run("--json", "status").told["waiting"]["plan_id"] == plan_id


def test_a_scenario_that_cannot_be_used(place: Workplace) -> None:
    bad = place.root / "bad.yml"
    bad.write_text("accounts: [DU1234567]\nfault: nonsense\n", encoding="utf-8")
    done = finished(place.start("stage", "--sim", "bad.yml"))
    assert_error(done, 2, says="fault")
    assert_error(finished(place.start("stage", "--sim", "gone.yml")), 2, says="gone.yml")


def test_a_first_stage_without_a_gateway_leaves_room_for_an_old_book(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    place = Workplace(tmp_path)
    place.set(BROKER__port=free_port())
    assert place.run("stage").code == 1
    assert not place.book.exists()
    old = tmp_path / "old.db"
    write_sample_book(old)
    assert place.run("adopt", str(old), "--out", str(place.book), "--account", "DU1234567").code == 0
