"""The flags: every combination, spelled out; and what may have changed between staging and confirming."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.flags import Flags, MatchRules, allowed, as_markdown, bot_may_confirm, loosened, strictest

F, T = False, True
DRY = "RECONCILE_DRY_RUN_COMPLETED"
SAFE = "SAFE_MODE_ACTIVE"
WAIT = "AWAITING_DRY_RUN_CONFIRM"
DONE = "COMPLETED"

TABLE = [
    # dry safe confirm force latch | confirm send delete, status with and without waiting actions
    (F, F, F, F, F, False, "yes", "soft", WAIT, DONE),
    (F, F, F, F, T, False, "no", "soft", SAFE, SAFE),
    (F, F, F, T, F, False, "yes", "hard", WAIT, DONE),
    (F, F, F, T, T, False, "no", "hard", SAFE, SAFE),
    (F, F, T, F, F, True, "yes", "soft", WAIT, DONE),
    (F, F, T, F, T, False, "no", "soft", SAFE, SAFE),
    (F, F, T, T, F, True, "yes", "hard", WAIT, DONE),
    (F, F, T, T, T, False, "no", "hard", SAFE, SAFE),
    (F, T, F, F, F, False, "no", "soft", SAFE, SAFE),
    (F, T, F, F, T, False, "no", "soft", SAFE, SAFE),
    (F, T, F, T, F, False, "no", "hard", SAFE, SAFE),
    (F, T, F, T, T, False, "no", "hard", SAFE, SAFE),
    (F, T, T, F, F, False, "no", "soft", SAFE, SAFE),
    (F, T, T, F, T, False, "no", "soft", SAFE, SAFE),
    (F, T, T, T, F, False, "no", "hard", SAFE, SAFE),
    (F, T, T, T, T, False, "no", "hard", SAFE, SAFE),
    (T, F, F, F, F, False, "simulated", "soft", DRY, DRY),
    (T, F, F, F, T, False, "no", "soft", DRY, DRY),
    (T, F, F, T, F, False, "simulated", "hard", DRY, DRY),
    (T, F, F, T, T, False, "no", "hard", DRY, DRY),
    (T, F, T, F, F, False, "simulated", "soft", DRY, DRY),
    (T, F, T, F, T, False, "no", "soft", DRY, DRY),
    (T, F, T, T, F, False, "simulated", "hard", DRY, DRY),
    (T, F, T, T, T, False, "no", "hard", DRY, DRY),
    (T, T, F, F, F, False, "no", "soft", DRY, DRY),
    (T, T, F, F, T, False, "no", "soft", DRY, DRY),
    (T, T, F, T, F, False, "no", "hard", DRY, DRY),
    (T, T, F, T, T, False, "no", "hard", DRY, DRY),
    (T, T, T, F, F, False, "no", "soft", DRY, DRY),
    (T, T, T, F, T, False, "no", "soft", DRY, DRY),
    (T, T, T, T, F, False, "no", "hard", DRY, DRY),
    (T, T, T, T, T, False, "no", "hard", DRY, DRY),
]

flags = st.builds(Flags, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
rules = st.builds(
    MatchRules,
    window_seconds=st.integers(0, 3),
    exact_price=st.booleans(),
    price_tolerance=st.sampled_from([Decimal(0), Decimal("0.01"), Decimal(1)]),
    accept_unique=st.booleans(),
)


def plain(dry: bool, safe: bool, confirm: bool, *, force: bool = False, auto: bool = False) -> Flags:
    return Flags(dry, safe, confirm, force, auto)


@pytest.mark.parametrize("row", TABLE, ids=["".join("ft"[v] for v in row[:5]) for row in TABLE])
@pytest.mark.parametrize("auto", [False, True])
def test_every_combination_allows_what_the_table_says(row: tuple[object, ...], auto: bool) -> None:
    dry, safe, confirm, force, latched = (bool(value) for value in row[:5])
    can = allowed(Flags(dry, safe, confirm, force, auto), latched)
    told = (can.may_confirm, can.send, can.delete_mode, can.stage_state, can.clean_state)
    assert told == row[5:]
    assert can.may_stage
    assert set(can.reasons) == ({"confirm"} if not can.may_confirm else set()) | (
        {"send"} if can.send != "yes" else set()
    )


def test_the_table_is_complete() -> None:
    assert len({row[:5] for row in TABLE}) == 32


@pytest.mark.parametrize(
    ("given_flags", "latched", "confirm", "send"),
    [
        (plain(T, T, F), True, "DRY_RUN is true: a plan is only looked at", "SAFE_MODE is true: read-only"),
        (plain(F, T, T), False, "SAFE_MODE is true: read-only", "SAFE_MODE is true: read-only"),
        (plain(F, F, F), False, "DRY_RUN_CONFIRM is false: plans are staged, not executed", None),
        (
            plain(T, F, T),
            False,
            "DRY_RUN is true: a plan is only looked at",
            "DRY_RUN is true: orders are simulated, none is sent",
        ),
        (
            plain(F, F, T),
            True,
            "the safe-mode latch is on: read-only until `tieout safe-mode off --reason TEXT`",
            "the safe-mode latch is on: read-only until `tieout safe-mode off --reason TEXT`",
        ),
    ],
)
def test_a_refusal_names_the_flag(given_flags: Flags, latched: bool, confirm: str | None, send: str | None) -> None:
    reasons = allowed(given_flags, latched).reasons
    assert (reasons.get("confirm"), reasons.get("send")) == (confirm, send)


def test_the_document_holds_the_table() -> None:
    document = (Path(__file__).parent.parent / "docs" / "flags.md").read_text("utf-8")
    assert document.endswith("\n\n" + as_markdown())


@pytest.mark.parametrize(
    ("staged", "now", "expected"),
    [
        (plain(F, F, F), plain(F, F, T), True),
        (plain(F, T, F), plain(F, F, T), True),
        (plain(F, F, T), plain(F, F, T), False),
        (plain(T, F, F), plain(F, F, T), False),
        (plain(F, F, F), plain(F, F, F), False),
        (plain(F, F, F), plain(F, T, T), False),
    ],
)
def test_the_bot_executes_only_what_was_staged_before_the_flag_was_set(
    staged: Flags, now: Flags, expected: bool
) -> None:
    assert bot_may_confirm(staged, now, latched=False) is expected
    assert bot_may_confirm(staged, now, latched=True) is False


@pytest.mark.parametrize(
    ("staged", "now", "expected"),
    [
        (plain(F, T, F), plain(F, F, T), plain(F, F, T)),
        (plain(F, F, F, force=T, auto=T), plain(F, F, T), plain(F, F, T)),
        (plain(F, F, F, force=T), plain(F, F, T, force=T), plain(F, F, T, force=T)),
        (
            plain(T, F, F),
            plain(F, F, T),
            "the plan was staged with DRY_RUN true; expected one staged with DRY_RUN false",
        ),
        (
            plain(F, F, F),
            plain(F, F, T, force=T),
            "FORCE_SYNC_DELETE was false when the plan was staged and is true now; expected it no looser",
        ),
        (
            plain(F, F, F),
            plain(F, F, T, auto=T),
            "AUTO_MANAGE_EXTERNAL_ORDERS was false when the plan was staged and is true now; expected it no looser",
        ),
    ],
)
def test_flags_may_be_stricter_than_at_staging_not_looser(staged: Flags, now: Flags, expected: Flags | str) -> None:
    assert strictest(staged, now) == expected


@given(flags, flags)
def test_what_runs_is_never_looser_than_either_side(staged: Flags, now: Flags) -> None:
    outcome = strictest(staged, now)
    assert isinstance(outcome, str) == (
        staged.dry_run
        or now.force_sync_delete > staged.force_sync_delete
        or now.auto_manage_external_orders > staged.auto_manage_external_orders
    )
    if isinstance(outcome, Flags):
        assert outcome == now


@given(flags, st.booleans())
def test_a_stricter_flag_never_allows_more(given_flags: Flags, latched: bool) -> None:
    strength = {"no": 0, "simulated": 1, "yes": 2}
    now = allowed(given_flags, latched)
    for stricter, latch in (
        (replace(given_flags, dry_run=True), latched),
        (replace(given_flags, safe_mode=True), latched),
        (replace(given_flags, dry_run_confirm=False), latched),
        (given_flags, True),
    ):
        then = allowed(stricter, latch)
        assert then.may_confirm <= now.may_confirm
        assert strength[then.send] <= strength[now.send]


RULES = MatchRules(window_seconds=300, exact_price=False, price_tolerance=Decimal("0.01"), accept_unique=False)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (RULES, []),
        (replace(RULES, window_seconds=299, exact_price=True, price_tolerance=Decimal(9)), []),
        (replace(RULES, window_seconds=301), ["RECONCILE.timestamp_match_window_seconds"]),
        (replace(RULES, price_tolerance=Decimal("0.02")), ["RECONCILE.price_tolerance"]),
        (replace(RULES, accept_unique=True), ["RECONCILE.signature_matches"]),
    ],
)
def test_matching_rules_that_are_looser_are_named(now: MatchRules, expected: list[str]) -> None:
    assert loosened(RULES, now) == expected


def test_giving_up_exact_prices_is_looser_even_with_a_tolerance_of_zero() -> None:
    exact = replace(RULES, exact_price=True)
    assert loosened(exact, replace(exact, exact_price=False, price_tolerance=Decimal(0))) == [
        "RECONCILE.require_exact_price_match"
    ]


@given(rules, rules)
def test_rules_that_differ_are_looser_one_way_or_the_other(left: MatchRules, right: MatchRules) -> None:
    differs = replace(left, price_tolerance=left.tolerance_used) != replace(right, price_tolerance=right.tolerance_used)
    assert bool(loosened(left, right) or loosened(right, left)) == differs
