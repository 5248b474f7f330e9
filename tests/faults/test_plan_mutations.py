"""Changed plan files: none is executed, none ends in a traceback, and the book stays as it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from kill_support import SEED, SOAK
from plan_mutations import mutations

from approval_support import ROWS, SCENARIO, TWIN_ROW, workspace
from cli_support import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli_process import Outcome
    from cli_support import Workplace

TRIED = 10_000 if SOAK else 200
EDITED = 12
MISSING = 1


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A plan waits, its gateway answers and every flag lets it happen: its file's bytes are all that can stop it."""
    place = workspace(tmp_path_factory.mktemp("waiting"), *ROWS, TWIN_ROW | {"quantity": "9", "status": "Cancelled"})
    with gateway(place, scenario=SCENARIO):
        place.stage()
        yield place


def test_no_changed_file_is_executed(waiting: Workplace) -> None:
    place = waiting
    original = place.plan_file.read_bytes()
    plan_id = place.plan()["plan_id"]
    before = place.content()
    book = place.book.read_bytes()
    seen: Counter[int] = Counter()

    @seed(SEED)
    @settings(max_examples=TRIED, database=None, suppress_health_check=list(HealthCheck))
    @given(data=mutations(original), named=st.sampled_from(["staged", "claimed"]))
    def mutate(data: bytes, named: str) -> None:
        if data == original:
            return
        place.plan_file.write_bytes(data)
        words = ["confirm", plan_id if named == "staged" else claimed_id(data, plan_id)]
        outcome = place.run(*words)
        seen[outcome.code] += 1
        assert_refused(outcome, EDITED if words[1] == plan_id else MISSING)
        assert place.book.read_bytes() == book
        place.latch_file.unlink(missing_ok=True)
        (place.root / "alerts" / "alerts.jsonl").unlink(missing_ok=True)

    mutate()
    place.plan_file.unlink()
    assert_refused(place.run("confirm", plan_id), MISSING)
    assert place.content() == before

    place.plan_file.write_bytes(original)
    executed = place.confirm(plan_id)["executed"]
    print(f"\nchanged plans: seed {SEED}, {seen.total()} tried, 0 executed, 0 tracebacks, "
          f"exit codes {dict(seen)}; the unchanged one executed {executed} actions")  # fmt: skip
    assert seen.total() > TRIED * 0.9
    assert executed == 5


def claimed_id(data: bytes, staged: str) -> str:
    """The plan id in the file if it is one, as somebody would name who recomputed it."""
    _, found, rest = data.partition(b'"plan_id": "')
    claimed = rest[:64].decode("ascii", "replace")
    return claimed if found and len(claimed) == 64 and set(claimed) <= set("0123456789abcdef") else staged


def assert_refused(outcome: Outcome, code: int) -> None:
    """One message with a hint, no traceback."""
    assert outcome.code == code, outcome
    assert outcome.err.startswith("error: "), outcome
    assert "\nhint: " in outcome.err, outcome
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
