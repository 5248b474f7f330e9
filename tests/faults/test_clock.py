"""A clock that is wrong, jumps, or changes its hour between staging and confirming: refused, or right."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from approval_support import ROWS, SCENARIO, TWIN_ROW, desk_of, workspace
from cli_support import copied
from tieout.clock import NS_PER_S, from_iso
from tieout.errors import PlanStale
from tieout.sim import SimOptions, run_in_thread
from tieout.staging import confirm as confirming
from tieout.staging import stage as staging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_support import Workplace

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
    the refusal says, None where the plan is executed.
    """

    name: str
    later_s: int
    says: str | None
    staged: str = NOON
    off_s: int = 0
    then_off_s: int = 0


CASES = [
    Case("nothing", 1, None),
    Case("the last second of its life", TTL_S - 1, None),
    Case("the first second after it", TTL_S, "expired at"),
    Case("a day later", DAY_S, "expired at"),
    Case("a second back", 10, "is yet to come", then_off_s=-11),
    Case("a day back", 10, "is yet to come", then_off_s=-DAY_S),
    Case("a day forward", 10, "expired at", then_off_s=DAY_S),
    Case("a day ahead while staging", 10, "expired at|is yet to come", off_s=DAY_S),
    Case("a day behind while staging", 10, "expired at", off_s=-DAY_S),
    Case("a day ahead all the time", 10, "expired at", off_s=DAY_S, then_off_s=DAY_S),
    Case("a day behind all the time", 10, None, off_s=-DAY_S, then_off_s=-DAY_S),
    Case("an hour ahead all the time", 10, None, off_s=TTL_S, then_off_s=TTL_S),
    Case("the hour that comes twice", 30 * 60, None, staged=AUTUMN),
    Case("the hour that comes twice, and a minute too late", 61 * 60, "expired at", staged=AUTUMN),
    Case("the hour that is left out", 30 * 60, None, staged=SPRING),
    Case("the hour that is left out, and a minute too late", 61 * 60, "expired at", staged=SPRING),
    Case("the broker's day ends", 9 * 60, None, staged=EVENING),
    Case("the broker's day ended", 11 * 60, "speaks for another time", staged=EVENING),
]


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
        plan_id = staging.stage(desk).plan_id
        before = place.content()
        clock |= {"now_ns": clock["now_ns"] + case.later_s * NS_PER_S, "off_s": case.then_off_s}
        if case.says is None:
            assert confirming.confirm(desk, plan_id).executed == EXECUTED
            assert staging.stage(desk).exit_code == 0
            return
        with pytest.raises(PlanStale, match=case.says):
            confirming.confirm(desk, plan_id)
    assert place.content() == before
