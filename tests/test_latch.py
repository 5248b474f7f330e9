"""The safe-mode latch: what sets it, that it lasts, and that it is read anew each time it counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit_support import LIVE, desk_at, workspace_in
from tieout.errors import BookError, BrokerError, PlanStale
from tieout.staging.latch import Latched, lift_latch, read_latch, set_latch

CONFIRM = ("DRY_RUN_CONFIRM: false ", "DRY_RUN_CONFIRM: true ")


def test_it_survives_and_keeps_its_first_reason(tmp_path: Path) -> None:
    path = tmp_path / "status" / "safe_mode.json"
    assert read_latch(path) is None
    set_latch(path, by="reconcile_failed", reason="first", now_ns=0)
    set_latch(path, by="audit_chain_broken", reason="second", now_ns=1)
    first = Latched("1970-01-01T00:00:00.000Z", "reconcile_failed", "first")
    assert read_latch(path) == first
    assert lift_latch(path) == first
    assert read_latch(path) is None
    assert lift_latch(path) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"since": 1}', "\x00", '{"since": "s", "by": "b"}'])
def test_whatever_cannot_be_read_is_a_latch(tmp_path: Path, content: str) -> None:
    path = tmp_path / "safe_mode.json"
    path.write_text(content)
    assert read_latch(path) == Latched("unknown", "unknown", "safe_mode.json is there and cannot be read")
    set_latch(path, by="x", reason="y", now_ns=0)
    assert path.read_text() == content


def test_a_folder_in_its_place_is_a_latch(tmp_path: Path) -> None:
    (tmp_path / "safe_mode.json").mkdir()
    assert read_latch(tmp_path / "safe_mode.json") is not None


def test_it_is_read_anew_each_time_that_it_counts(tmp_path: Path) -> None:
    desk = desk_at(workspace_in(tmp_path, *LIVE, CONFIRM))
    assert (desk.permissions().may_confirm, desk.permissions().send) == (True, "yes")
    other = desk_at(tmp_path)  # another process
    other.latch(by="reconcile_failed", reason="somewhere else")
    assert (desk.permissions().may_confirm, desk.permissions().send) == (False, "no")
    lift_latch(desk.workspace.latch_file)
    assert (desk.permissions().may_confirm, desk.permissions().send) == (True, "yes")


@pytest.mark.parametrize(
    ("error", "reached", "latched"),
    [
        (BrokerError("gone"), True, True),
        (BookError("gone"), True, True),
        (ValueError("a mistake in the program"), True, True),
        (BrokerError("never there"), False, False),
        (PlanStale("moved on"), True, False),
    ],
)
def test_a_reconcile_that_fails_after_the_gateway_was_reached_latches(
    tmp_path: Path, error: Exception, reached: bool, latched: bool
) -> None:
    desk = desk_at(workspace_in(tmp_path))
    desk.reached = reached
    with pytest.raises(type(error)), desk.reconciling("stage"):
        raise error
    found = desk.latched()
    assert (found is not None) is latched
    if found is not None:
        assert found.by == "reconcile_failed"
        assert str(error) in found.reason
    status = json.loads(desk.workspace.status_file.read_text("utf-8"))
    assert status["status"] == "FAILED"
    assert (status.get("safe_mode_latched") is not None) is latched
