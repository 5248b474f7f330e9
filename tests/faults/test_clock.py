"""A clock that is wrong, jumps, or changes its hour between staging and confirming: refused, or right."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approval_support import ROWS, SCENARIO, TWIN_ROW, desk_of, workspace
from cli_support import copied
from tieout.clock import NS_PER_S, from_iso
from tieout.errors import ClockWrong, PlanStale
from tieout.sim import SimOptions, run_in_thread
from tieout.staging import confirm as confirming
from tieout.staging import stage as staging
from tieout.staging.timekeeping import Offset, measure, offset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_support import Content, Workplace

EXECUTED = 5
DAY_S = 86_400
TTL_S = 3_600
NOON = "2026-03-04T12:00:00Z"
AUTUMN = "2026-11-01T05:45:00Z"
"""01:45 in New York, a quarter of an hour before it is 01:00 once more."""
SPRING = "2026-03-08T06:45:00Z"
"""01:45 in New York, a quarter of an hour before it is 03:00."""
EVENING = "2026-03-04T23:50:00Z"
"""Ten minutes before the simulated broker's day ends."""


@dataclass(frozen=True)
class Case:
    """
    What happens between staging at `staged` and confirming `later_s` seconds later.

    `off_s` is by how many seconds our own clock was wrong while staging, `then_off_s` while confirming; `says` is what
    the refusal says, None where the plan is executed. `at_stage`: nothing was staged in the first place. `told`: the
    operator is told about the clock all the same.
    """

    name: str
    later_s: int
    says: str | None
    staged: str = NOON
    off_s: int = 0
    then_off_s: int = 0
    at_stage: bool = False
    told: str | None = None


AHEAD = r"this computer's clock \(.*\) is {} s ahead of the gateway's"
BEHIND = r"this computer's clock \(.*\) is {} s behind the gateway's"
CASES = [
    Case("nothing", 1, None),
    Case("the last second of its life", TTL_S - 1, None),
    Case("the first second after it", TTL_S, "expired at"),
    Case("a day later", DAY_S, "expired at"),
    Case("a second back", 10, "is yet to come", then_off_s=-11),
    Case("a day back", 10, "is yet to come", then_off_s=-DAY_S),
    Case("a day forward", 10, "expired at", then_off_s=DAY_S),
    Case("a day ahead while staging", 10, AHEAD.format(DAY_S - 1), off_s=DAY_S, at_stage=True),
    Case("a day behind while staging", 10, BEHIND.format(DAY_S), off_s=-DAY_S, at_stage=True),
    Case("an hour ahead while staging", 10, AHEAD.format(TTL_S - 1), off_s=TTL_S, at_stage=True),
    Case("62 s ahead while staging", 10, AHEAD.format(61), off_s=62, at_stage=True),
    Case("61 s behind while staging", 10, BEHIND.format(61), off_s=-61, at_stage=True),
    Case("62 s ahead while confirming", 10, AHEAD.format(61), then_off_s=62),
    Case("61 s behind while confirming", 100, BEHIND.format(61), then_off_s=-61),
    Case("61 s ahead all the time", 10, None, off_s=61, then_off_s=61, told="60 s ahead of"),
    Case("60 s behind all the time", 10, None, off_s=-60, then_off_s=-60, told="60 s behind"),
    Case("4 s ahead while staging", 10, None, off_s=4, told="3 s ahead of"),
    Case("3 s behind while confirming", 10, None, then_off_s=-3, told="3 s behind"),
    Case("3 s ahead all the time", 10, None, off_s=3, then_off_s=3),
    Case("2 s behind all the time", 10, None, off_s=-2, then_off_s=-2),
    Case("the hour that comes twice", 30 * 60, None, staged=AUTUMN),
    Case("the hour that comes twice, and a minute too late", 61 * 60, "expired at", staged=AUTUMN),
    Case("the hour that is left out", 30 * 60, None, staged=SPRING),
    Case("the hour that is left out, and a minute too late", 61 * 60, "expired at", staged=SPRING),
    Case("the broker's day ends", 9 * 60, None, staged=EVENING),
    Case("the broker's day ended", 11 * 60, "speaks for another time", staged=EVENING),
]
"""The gateway tells whole seconds: of a clock that is ahead, up to a second cannot be proven."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workspace(tmp_path_factory.mktemp("base"), *ROWS, TWIN_ROW | {"quantity": "9", "status": "Cancelled"})


@contextmanager
def new_york(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process lives in New York."""
    with patch.context() as inner:
        inner.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_or_right(base: Workplace, tmp_path: Path, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    place = copied(base, tmp_path)
    scenario = place.root / "scenario.yml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    clock = {"now_ns": from_iso(case.staged), "off_s": case.off_s}
    gateway = SimOptions(scenario=scenario, now_ns=lambda: clock["now_ns"])
    with new_york(monkeypatch), run_in_thread(gateway) as sim:
        place.set(BROKER__port=sim.port)
        desk = desk_of(place, now=lambda: clock["now_ns"] + clock["off_s"] * NS_PER_S)
        before = place.content()
        if case.at_stage:
            with pytest.raises(ClockWrong, match=case.says):
                staging.stage(desk)
            assert refused(place, before)
            return
        plan_id = staging.stage(desk).plan_id
        clock |= {"now_ns": clock["now_ns"] + case.later_s * NS_PER_S, "off_s": case.then_off_s}
        if case.says is None:
            assert confirming.confirm(desk, plan_id).executed == EXECUTED
            told_off = [line for line in desk.told if "clock" in line]
            assert (case.told in told_off[0]) if case.told else told_off == []
            assert [name for name, _ in place.alerts() if name == "clock_off"] == ["clock_off"] * len(told_off)
            assert staging.stage(desk).exit_code == 0
            return
        with pytest.raises((PlanStale, ClockWrong), match=case.says):
            confirming.confirm(desk, plan_id)
    assert refused(place, before, staged=True)


def refused(place: Workplace, before: Content, *, staged: bool = False) -> bool:
    """Nothing was changed, and nothing is latched."""
    assert place.content() == before
    assert place.plan_file.exists() == staged
    return not place.latch_file.exists()


@pytest.mark.parametrize(
    ("asked", "told", "answered", "proven"),
    [
        (10.0, 10, 10.1, 0),
        (10.9, 10, 10.95, 0),  # it may stand at 10.9 as well
        (14.0, 10, 14.1, 3),
        (10.0, 14, 10.5, -3.5),
        (10.0, 40, 50.0, 0),  # a slow answer proves nothing
        (50.0, 10, 49.0, 38),  # our clock went back meanwhile: the least that it can have been off
    ],
)
def test_only_what_is_proven_counts(asked: float, told: int, answered: float, proven: float) -> None:
    one = offset(asked_ns=int(asked * NS_PER_S), answered_ns=int(answered * NS_PER_S), told_ns=told * NS_PER_S)
    assert one.proven_ns == int(proven * NS_PER_S)


def test_a_slow_answer_is_asked_for_again_and_the_best_counts() -> None:
    ours = iter([100.0, 105.0, 105.0, 105.25])
    found = measure(lambda: int(next(ours) * NS_PER_S), iter([100 * NS_PER_S, 102 * NS_PER_S]).__next__)
    assert found == Offset(2 * NS_PER_S, int(3.25 * NS_PER_S))


@given(
    true_ns=st.integers(0, 10**18), off_ns=st.integers(-(10**12), 10**12),
    there_ns=st.integers(0, 10**10), back_ns=st.integers(0, 10**10),
)  # fmt: skip
def test_what_is_proven_is_never_more_than_what_is_true(true_ns: int, off_ns: int, there_ns: int, back_ns: int) -> None:
    told_ns = (true_ns + there_ns) // NS_PER_S * NS_PER_S
    one = offset(asked_ns=true_ns + off_ns, answered_ns=true_ns + there_ns + back_ns + off_ns, told_ns=told_ns)
    assert one.low_ns <= off_ns <= one.high_ns
    assert 0 <= one.proven_ns <= max(off_ns, 0) or min(off_ns, 0) <= one.proven_ns <= 0
