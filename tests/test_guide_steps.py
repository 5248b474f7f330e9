"""The operator guide's three steps, flags edited in the file, every file checked after each: bot and single run."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from cli_process import finished, start
from cli_support import SOLVABLE, adopted_workspace, copied, gateway, tied_workspace, truth_of
from truth import assert_plan_is_truth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_support import Workplace


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


def live_bot(place: Workplace) -> list[str]:
    """`python run_bot.py` until its first reconcile is told, then SIGTERM; what it said."""
    process = start([sys.executable, "run_bot.py"], place.root)
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if said[-1].startswith(("it cannot be executed now: ", "execute it: ", "book and broker agree")):
            break
    process.send_signal(signal.SIGTERM)
    done = finished(process)
    assert (done.code, done.err) == (0, ""), done
    rest = done.out.splitlines()
    assert rest[-1] == "stopped; the book and the staged plan are as the last lines said"
    assert place.log()[-1]["event"] == "bot_stopped"
    return [*said, *rest[:-1]]


def single_run(place: Workplace) -> list[str]:
    """`tieout run --once`; what it said."""
    done = place.run("run", "--once")
    assert done.err == ""
    assert done.code == (0 if place.status()["status"] == "COMPLETED" else 3)
    return done.out.splitlines()


@pytest.mark.parametrize("bot", [live_bot, single_run])
def test_the_three_steps(tied: Workplace, tmp_path: Path, bot: Callable[[Workplace], list[str]]) -> None:
    place = copied(tied, tmp_path)
    before, counts, lines = place.content(), place.counts(), len(place.log())
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.flags(dry_run=True, safe_mode=True)
        assert "it cannot be executed now: DRY_RUN is true: a plan is only looked at" in bot(place)
        status, plan = place.status(), place.plan()
        assert (status["status"], status["plan_id"]) == ("RECONCILE_DRY_RUN_COMPLETED", plan["plan_id"])
        assert status["summary"] == plan["summary"]
        flags = {"dry_run": True, "safe_mode": True, "dry_run_confirm": False}
        assert {name: plan["config"][name] for name in flags} == flags
        assert list(plan)[:3] == ["generated_at", "config", "plan"]
        assert_plan_is_truth(plan["plan"], truth_of(place))
        assert place.content() == before

        place.flags()
        why = "it cannot be executed now: DRY_RUN_CONFIRM is false: plans are staged, not executed"
        assert why in bot(place)
        status, plan = place.status(), place.plan()
        assert (status["status"], status["plan_id"]) == ("AWAITING_DRY_RUN_CONFIRM", plan["plan_id"])
        assert (status["inserted"], status["updated"], status["deleted"], status["ambiguous_count"]) == (0, 0, 0, 0)
        assert_plan_is_truth(plan["plan"], truth_of(place))
        assert place.content() == before

        place.flags(confirm=True)
        said = bot(place)
        summary = plan["summary"]
        wanted = [summary[name] for name in ("to_insert", "to_update", "to_delete")]
        assert said[0].startswith(f"executed plan {plan['plan_id'][:12]}: {sum(wanted)} action(s), backup ")
        assert "book and broker agree: nothing to do" in said
        status = place.status()
        assert status["status"] == "COMPLETED"
        assert [status["inserted"], status["updated"], status["deleted"]] == wanted
        assert sum(place.plan()["summary"].values()) == 0
    orders = sum(entry["entity"] == "order" for entry in plan["plan"]["to_insert"])
    assert place.counts() == counts | {
        "orders": counts["orders"] + orders,
        "executions": counts["executions"] + wanted[0] - orders,
        "order_audit": counts["order_audit"] + sum(wanted),
    }
    assert place.ask(f"SELECT count(*) FROM order_audit WHERE plan_id = '{plan['plan_id']}'") == [(sum(wanted),)]
    assert place.ambiguous()["ambiguous_matches"] == []
    told = [one for one in place.log()[lines:] if one["event"] in {"plan_staged", "plan_executed"}]
    events = [one["event"] for one in told if "plan_id" in one]
    assert events == ["plan_staged", "plan_staged", "plan_executed", "plan_staged"]
    assert [name for name, _ in place.alerts() if name != "plan_executed"] == []


def test_step_2_in_safe_mode_stages_as_the_guide_allows(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.flags(safe_mode=True)
        assert place.run("run", "--once").code == 3
        assert place.status()["status"] == "SAFE_MODE_ACTIVE"
        plan_id = place.plan()["plan_id"]
        place.flags(confirm=True)
        assert place.run("run", "--once").out.startswith(f"executed plan {plan_id[:12]}: ")


def test_step_3_does_not_execute_what_was_staged_with_the_flag_set_already(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.flags(confirm=True)
        for _ in range(2):
            done = place.run("run", "--once")
            assert (done.code, place.content() == before) == (3, True)
        plan_id = place.plan()["plan_id"]
        assert f"plan {plan_id[:12]} was staged with these flags: it waits for `tieout confirm`" in done.out
        assert f"execute it: tieout confirm {plan_id[:12]}" in done.out
        assert place.run("confirm", plan_id[:12]).code == 0


def test_step_3_executes_nothing_while_a_match_is_ambiguous(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    with gateway(place, drift=7):
        place.flags()
        assert place.run("run", "--once").code == 14
        place.flags(confirm=True)
        done = place.run("run", "--once")
    assert done.code == 14
    assert "the waiting plan was not executed: not executed: " in done.out
    assert ("ambiguous_matches_found", "HIGH") in place.alerts()
    assert place.ambiguous()["ambiguous_matches"] == place.plan()["plan"]["ambiguous_matches"]
    assert place.content() == before


def test_step_3_with_an_edited_file_fails_latches_and_changes_nothing(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.flags()
        assert place.run("run", "--once").code == 3
        place.plan_file.write_text(place.plan_file.read_text("utf-8") + " ", encoding="utf-8")
        place.flags(confirm=True)
        done = finished(start([sys.executable, "run_bot.py"], place.root))
    assert done.code == 12
    assert done.err.startswith("error: the staged file is edited")
    assert place.status()["status"] == "FAILED"
    assert place.latch_file.exists()
    assert place.content() == before


def test_the_first_run_of_all_ties_an_adopted_book_out(tmp_path: Path) -> None:
    place = adopted_workspace(tmp_path)
    with gateway(place):
        place.flags()
        assert place.run("run", "--once").code == 3
        place.flags(confirm=True)
        done = place.run("run", "--once")
    assert (done.code, done.out.splitlines()[-1]) == (0, "book and broker agree: nothing to do")
    assert place.status()["updated"] == 20
