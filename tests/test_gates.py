"""
Every gate of a confirm, in its order, with the case that it is there for.

Each case is tried twice: with all gates, where it must be refused and nothing may change, and with its one gate taken
out, where it must go through. So a gate that went missing is noticed, and no case passes for another gate's sake.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from approval_support import CHANGED, ENDED, MOVED, ROWS, SCENARIO, TWIN_ROW, TWINS, desk_of, serving, staged, workspace
from cli_support import copied
from tieout import locks
from tieout.clock import NS_PER_S, now_ns
from tieout.errors import (
    Ambiguous,
    AuditBroken,
    BackupError,
    EvidenceIncomplete,
    Forbidden,
    Locked,
    PlanStale,
    PlanTampered,
    TieoutError,
)
from tieout.staging import confirm as confirming
from tieout.staging import gates, planfile, stage
from tieout.staging.changes import coverage_changes
from tieout.store import reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_support import Workplace

Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workspace(tmp_path_factory.mktemp("base"), *ROWS, TWIN_ROW | {"quantity": "9", "status": "Cancelled"})


@dataclass(frozen=True)
class Case:
    """
    What spoils a staged plan, who must refuse it and how, and how that gate is taken out.

    `before` and `then` are what the gateway holds at staging and at the confirm.
    """

    name: str
    error: type[TieoutError]
    says: str
    spoil: Callable[[Workplace, Patch], None]
    remove: Callable[[Patch], None]
    before: str = SCENARIO
    then: str = SCENARIO
    later_s: int = 0


def nothing(*_: object, **__: object) -> None:
    """A gate that lets everything pass."""


def no(target: Any, name: str) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(target, name, nothing)


def sql(script: str) -> Callable[[Workplace, Patch], None]:
    return lambda place, _: place.change(script)


def flag(**values: object) -> Callable[[Workplace, Patch], None]:
    return lambda place, _: place.set(**values)


def rewrite(place: Workplace, change: Callable[[dict[str, Any]], None], *, journalled: bool) -> None:
    """Change the staged file, with its SHA-256 in the journal too or not."""
    content = place.plan()
    change(content)
    data = json.dumps(content).encode()
    place.plan_file.write_bytes(data)
    if journalled:
        place.change(f"UPDATE staged_plans SET file_sha256 = '{hashlib.sha256(data).hexdigest()}'", db=place.state_db)


def other_reason(content: dict[str, Any]) -> None:
    content["plan"]["to_update"][0]["reason"] = "because I say so"


def another_key(content: dict[str, Any]) -> None:
    content["plan"]["to_update"][0]["urgent"] = True


def open_question(content: dict[str, Any]) -> None:
    record = {"match_id": "0" * 16, "entity": "order", "account": None, "match_tier": 4,
              "reason": "signature_not_unique", "why": "two", "broker": [], "book": [], "candidates": []}  # fmt: skip
    content["plan"]["ambiguous_matches"].append(record)


def other_day(content: dict[str, Any]) -> None:
    content["broker"]["parts"]["executions"]["covers_from"] = "2026-03-04T05:00:00.000Z"


def wider_window(place: Workplace, _: Patch) -> None:
    text = place.config.read_text(encoding="utf-8")
    key = "timestamp_match_window_seconds: 300"
    assert key in text
    place.config.write_text(text.replace(key, key.replace("300", "301")), encoding="utf-8")


def write_between(place: Workplace, patch: Patch) -> None:
    """The bot writes a row that the plan rests on after the first look and before the transaction."""
    made = confirming.verified_backup

    def backup(*words: Any) -> Any:
        done = made(*words)
        place.change(f"UPDATE orders SET tif = 'GTC' WHERE id = {ENDED}")
        return done

    patch.setattr(confirming, "verified_backup", backup)


def write_at_the_brink(place: Workplace, patch: Patch) -> None:
    """The same after the last look before the transaction, and before it begins."""
    made = confirming.make_ready

    def ready(*words: Any) -> Any:
        done = made(*words)
        place.change(f"UPDATE orders SET tif = 'GTC' WHERE id = {ENDED}")
        return done

    patch.setattr(confirming, "make_ready", ready)


def only_looks(count: int) -> Callable[[Patch], None]:
    """The book is looked at so often, and then no more."""

    def remove(patch: Patch) -> None:
        check, calls = gates.check_book, []

        def first(*words: Any) -> None:
            calls.append(1)
            if len(calls) <= count:
                check(*words)

        patch.setattr(gates, "check_book", first)

    return remove


def no_backup(place: Workplace, patch: Patch) -> None:
    """The disk is full, and the book is no longer what the last backup holds."""
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 4")
    patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1, used=1, free=0))


def take_any_backup(patch: Patch) -> None:
    patch.setattr(confirming, "verified_backup", lambda _: SimpleNamespace(id="db_backup_20260101_000000"))


def cut_audit(place: Workplace, _: Patch) -> None:
    """An audit row was written and its head kept; the row is gone, and the book is not one that was put back."""
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 4")
    head = "INSERT INTO audit_heads (at, rows, hash, lineage) VALUES ('2026-03-04T05:00:00Z', 1, 'ff', '{}')"
    ((lineage,),) = place.ask("SELECT value FROM book_meta WHERE key = 'lineage'")
    place.change(head.format(lineage), db=place.state_db)


NEXT_EPOCH = "UPDATE book_meta SET value = '1' WHERE key = 'restore_epoch'"
TRIGGER = (
    "CREATE TRIGGER t AFTER UPDATE OF limit_price ON orders BEGIN UPDATE orders SET tif = 'IOC' WHERE id = new.id; END"
)


def unseen_trigger(place: Workplace, patch: Patch) -> None:
    """The book writes something else than it is told, and the gate that looks at its layout does not see it."""
    place.change(TRIGGER)
    staged_sha256 = place.plan()["db"]["schema_sha256"]
    patch.setattr(reader, "_schema_sha256", lambda _: staged_sha256)


EXPIRED = 60 * 60 * 24

CASES = [
    Case("file", PlanTampered, "can be written by others",
         lambda place, _: place.plan_file.chmod(0o666),
         lambda patch: patch.setattr(gates, "read_plan_file", lambda path: path.read_bytes())),
    Case("schema", PlanTampered, "is not what its schema says",
         lambda place, _: rewrite(place, another_key, journalled=True), no(planfile, "_first_problem")),
    Case("digest", PlanTampered, "the staged file is edited",
         lambda place, _: rewrite(place, other_reason, journalled=False),
         lambda patch: patch.setattr(gates, "check_digest", lambda data, _: planfile.parse(data))),
    Case("expired", PlanStale, "expired at", nothing, no(gates, "check_current"), later_s=EXPIRED),
    Case("from the future", PlanStale, "which the clock says is yet to come", nothing, no(gates, "check_current"),
         later_s=-3600),
    Case("DRY_RUN", Forbidden, "DRY_RUN is true", flag(DRY_RUN=True), no(gates, "check_flags")),
    Case("SAFE_MODE", Forbidden, "SAFE_MODE is true", flag(SAFE_MODE=True), no(gates, "check_flags")),
    Case("DRY_RUN_CONFIRM", Forbidden, "DRY_RUN_CONFIRM is false", flag(DRY_RUN_CONFIRM=False),
         no(gates, "check_flags")),
    Case("latch", Forbidden, "latch", lambda place, _: place.latch_file.write_text("{}"), no(gates, "check_flags")),
    Case("looser flags", Forbidden, "FORCE_SYNC_DELETE was false when the plan was staged",
         flag(FORCE_SYNC_DELETE=True), lambda patch: patch.setattr(gates, "strictest", lambda _, now: now)),
    Case("looser matching", Forbidden, "RECONCILE.timestamp_match_window_seconds",
         wider_window, lambda patch: patch.setattr(gates, "loosened", lambda *_: [])),
    Case("another epoch", PlanStale, "restored since", sql(NEXT_EPOCH),
         no(gates, "check_book")),
    Case("another layout", PlanStale, "its tables, indexes or triggers were changed",
         sql("CREATE INDEX mine ON orders (tif)"), no(gates, "check_book")),
    Case("a row that is held", PlanStale, f"order row {ENDED}: changed, and the plan rests on it",
         sql(f"UPDATE orders SET order_ref = 'x' WHERE id = {ENDED}"), no(gates, "check_book")),
    Case("a row changed at the last moment", PlanStale, f"order row {ENDED}: changed, and the plan rests on it",
         write_between, only_looks(1)),
    Case("a row changed at the brink", PlanStale, f"order row {ENDED}: changed, and the plan rests on it",
         write_at_the_brink, only_looks(2)),
    Case("chain", AuditBroken, "the audit is not what was written", cut_audit, no(confirming, "note_restore")),
    Case("open question", Ambiguous, "1 ambiguous match(es) are unresolved",
         lambda place, _: rewrite(place, open_question, journalled=True), no(gates, "check_ambiguity")),
    Case("new question", Ambiguous, "1 ambiguous match(es) are unresolved",
         sql("UPDATE orders SET quantity = '3', status = 'Submitted' WHERE id = 4"), no(gates, "check_ambiguity"),
         then=TWINS),
    Case("broker moved", PlanStale, f"(row {CHANGED}, perm_id 1001, order_id 1): would now be limit_price 5001 -> 5002",
         nothing, no(gates, "check_broker"), then=MOVED),
    Case("broker incomplete", EvidenceIncomplete, "the broker's answer has holes now (open_orders)", nothing,
         no(gates, "check_broker"), then=SCENARIO + "fault: {omit_end: [open_orders]}\n"),
    Case("the broker's day turned", PlanStale, "executions: covered the time from 2026-03-04T05:00:00.000Z, now from",
         lambda place, _: rewrite(place, other_day, journalled=True),
         lambda patch: patch.setattr(gates, "coverage_changes", lambda *_: [])),
    Case("backup", BackupError, "MiB free", no_backup, take_any_backup),
    Case("prediction", PlanStale, "the book did not become what the plan predicted",
         unseen_trigger,
         no(gates, "check_prediction")),
]  # fmt: skip


def attempt(base: Workplace, folder: Path, case: Case, patch: Patch) -> tuple[Workplace, int | TieoutError, Any]:
    """Stage, spoil, confirm; answers how many actions were executed or why none was, and the content before."""
    place = copied(base, folder)
    with staged(place, case.before) as (plan_id, _):
        pass
    if "omit_end" in case.then:
        place.set(BROKER__timeout_seconds=0.5)
    case.spoil(place, patch)
    if case.later_s:  # the gateway's clock goes on as ours does: that they agree is not what the case is about
        patch.setattr(stage, "check_clock", nothing)
    before = place.content()
    with serving(place, case.then):
        desk = desk_of(place, now=lambda: now_ns() + case.later_s * NS_PER_S)
        try:
            return place, confirming.confirm(desk, plan_id).executed, before
        except TieoutError as error:
            return place, error, before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_case_is_refused_and_nothing_changes(
    base: Workplace, tmp_path: Path, case: Case, monkeypatch: Patch
) -> None:
    place, came, before = attempt(base, tmp_path, case, monkeypatch)
    assert type(came) is case.error, came
    assert case.says in came.message
    assert came.hint
    after = place.content()
    if case.spoil in {write_between, write_at_the_brink}:
        assert [row[0] for row in after["order_audit"]] == []
        assert after["orders"][: ENDED - 1] == before["orders"][: ENDED - 1]
    else:
        assert after == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_without_its_gate_the_case_would_go_through(
    base: Workplace, tmp_path: Path, case: Case, monkeypatch: Patch
) -> None:
    case.remove(monkeypatch)
    place, came, _ = attempt(base, tmp_path, case, monkeypatch)
    assert not isinstance(came, TieoutError), came.message
    assert came == 5
    assert len(place.ask("SELECT action_id FROM order_audit")) == 5


@pytest.mark.parametrize("removed", [False, True])
def test_the_lock(base: Workplace, tmp_path: Path, monkeypatch: Patch, *, removed: bool) -> None:
    place = copied(base, tmp_path)
    with staged(place) as (plan_id, _):
        path = desk_of(place).workspace.reconcile_lock
        with locks.hold(path, what="stage", now_ns=now_ns()):
            if removed:
                monkeypatch.setattr(locks, "hold", lambda *_, **__: nullcontext())
            done = place.run("confirm", plan_id)
    assert done.code == (0 if removed else Locked.exit_code)


def test_superseded_and_applied_plans_do_not_run(base: Workplace, tmp_path: Path) -> None:
    place = copied(base, tmp_path)
    with staged(place) as (first, _):
        place.change("UPDATE orders SET limit_price = '4999' WHERE id = 1")
        second = place.stage()
        assert f"plan {first[:12]} was superseded" in place.run("confirm", first).err
        assert place.run("confirm", second).code == 0
        assert f"plan {second[:12]} was executed already" in place.run("confirm", second).err


def test_a_stale_plan_lists_what_changed_in_the_book_line_by_line(base: Workplace, tmp_path: Path) -> None:
    place = copied(base, tmp_path)
    with staged(place) as (plan_id, _):
        place.change(
            "UPDATE orders SET limit_price = '4998', tif = 'GTC' WHERE id = 1; DELETE FROM orders WHERE id = 2;"
            f"UPDATE orders SET tif = 'GTC' WHERE id = {ENDED}"
        )
        done = place.run("confirm", plan_id)
    assert done.code == 10
    assert done.err.splitlines() == [
        "error: rows of the book that the plan rests on have changed since it was staged",
        "  order row 1: limit_price 5000 -> 4998, tif DAY -> GTC",
        "  order row 2: gone from the book",
        f"  order row {ENDED}: changed, and the plan rests on it without changing it",
        "hint: run `tieout stage` and review the new plan; nothing was changed",
    ]


def test_a_stale_plan_lists_what_changed_at_the_broker_line_by_line(base: Workplace, tmp_path: Path) -> None:
    place = copied(base, tmp_path)
    with staged(place) as (plan_id, _):
        pass
    gone = MOVED.replace("limit_price: 6000", "limit_price: 6001").replace(
        "price: 4000, executed", "price: 3999, executed"
    )
    with serving(place, gone):
        done = place.run("confirm", plan_id)
    assert done.code == 10
    assert done.err.splitlines()[:-1] == [
        "error: 3 action(s) are no longer true at the broker",
        "  insert order ES (perm_id 1003, order_id 3): would now be limit_price 6000 -> 6001",
        "  insert execution 0000bbbb.66a1b2c3.01.01 ES: would now be price 4000 -> 3999",
        "  update order ES (row 1, perm_id 1001, order_id 1): would now be limit_price 5001 -> 5002",
    ]


def test_coverage_is_compared_only_where_both_answers_are_complete() -> None:
    def part(covers_from: str | None, *, complete: bool = True) -> dict[str, Any]:
        return {"covers_from": covers_from, "complete": complete}

    assert list(coverage_changes({"executions": part("a")}, {"executions": part("a")})) == []
    assert len(list(coverage_changes({"executions": part("a")}, {"executions": part("b")}))) == 1
    assert list(coverage_changes({"executions": part("a")}, {"executions": part(None, complete=False)})) == []


def test_a_bots_own_tables_do_not_count(base: Workplace, tmp_path: Path) -> None:
    place = copied(base, tmp_path)
    with staged(place) as (plan_id, _):
        with closing(sqlite3.connect(place.book)) as raw:
            raw.execute("CREATE TABLE my_signals (name TEXT)")
        assert place.run("confirm", plan_id).code == 0
