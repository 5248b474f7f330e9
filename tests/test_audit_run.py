"""The audit as runs meet it: verified at stage and confirm, latched where broken, archived where that is allowed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from audit_support import (
    DAY_NS,
    LIVE,
    NOON_NS,
    append,
    audited_book,
    desk_at,
    entry,
    lineage_of,
    tamper,
    workspace_in,
)
from tieout.backup import make_backup
from tieout.errors import AuditBroken, Forbidden
from tieout.staging import stage
from tieout.staging.chain import archive_audit, require_chain, verify_audit
from tieout.staging.desk import Desk

LATER_NS = NOON_NS + 200 * DAY_NS
CUT = "the chain ends at row 3; it had 5 rows before: its end was cut off"


def at_work(root: Path, *changes: tuple[str, str], rows: int = 5) -> Desk:
    """A desk whose book has an audit, its end kept."""
    desk = desk_at(workspace_in(root, *changes))
    audited_book(desk.workspace.book, rows)
    require_chain(desk)
    return desk


def alerts_in(desk: Desk) -> list[tuple[str, dict[str, object]]]:
    path = desk.workspace.alerts_dir / "alerts.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    return [(row["alert"], row["details"]) for row in rows]


def heads_of(desk: Desk) -> list[int]:
    return [head.rows for head in desk.state.kept_heads(lineage_of(desk.workspace.book))]


def test_the_end_is_kept_once_and_again_where_it_grew(tmp_path: Path) -> None:
    desk = at_work(tmp_path)
    require_chain(desk)
    assert heads_of(desk) == [5]
    append(desk.workspace.book, entry(6))
    require_chain(desk)
    assert heads_of(desk) == [5, 6]
    assert verify_audit(desk).ok
    assert desk.latched() is None


def test_a_cut_tail_latches_safe_mode_and_alerts(tmp_path: Path) -> None:
    desk = at_work(tmp_path, *LIVE)
    tamper(desk.workspace.book, "DELETE FROM order_audit WHERE id > 3")
    with pytest.raises(AuditBroken) as caught:
        require_chain(desk)
    assert caught.value.exit_code == 12
    assert caught.value.message == f"the audit is not what was written: {CUT}"
    assert alerts_in(desk) == [("audit_chain_broken", {"problem": CUT})]
    latch = desk.latched()
    assert latch is not None
    assert (latch.by, latch.reason) == ("audit_chain_broken", f"the audit is not what was written: {CUT}")
    assert heads_of(desk) == [5]
    assert json.loads(desk.workspace.status_file.read_text("utf-8"))["status"] == "FAILED"
    assert not desk.permissions().may_confirm


def test_a_stage_goes_no_further_on_a_broken_chain(tmp_path: Path) -> None:
    desk = at_work(tmp_path)
    tamper(desk.workspace.book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 2")
    with pytest.raises(AuditBroken, match="row 2"):
        stage.stage(desk)
    assert not desk.reached
    assert list(desk.workspace.backups_dir.iterdir()) == []
    assert not desk.workspace.staged_actions.exists()
    assert [name for name, _ in alerts_in(desk)] == ["audit_chain_broken"]
    assert "row 2" in json.loads(desk.workspace.status_file.read_text("utf-8"))["reason"]


def test_a_book_put_back_by_hand_is_no_forgery(tmp_path: Path) -> None:
    desk = at_work(tmp_path, *LIVE)
    book = desk.workspace.book
    made = make_backup(book, backups_dir=desk.workspace.backups_dir, now_ns=NOON_NS)
    append(book, entry(6))
    require_chain(desk)
    shutil.copy(made.db, book)
    assert require_chain(desk) == made.id
    assert verify_audit(desk).restored_from == made.id
    assert archive_audit(desk_at(tmp_path, now_ns=LATER_NS)) is None
    assert (alerts_in(desk), desk.latched()) == ([], None)
    tamper(book, "UPDATE orders SET symbol = 'ES'", "DELETE FROM order_audit WHERE id = 5")
    with pytest.raises(AuditBroken):
        require_chain(desk)


def test_an_edited_row_is_none_even_where_a_backup_holds_it(tmp_path: Path) -> None:
    desk = at_work(tmp_path)
    tamper(desk.workspace.book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 2")
    make_backup(desk.workspace.book, backups_dir=desk.workspace.backups_dir, now_ns=NOON_NS)
    assert not verify_audit(desk).ok


def test_another_books_heads_do_not_count(tmp_path: Path) -> None:
    desk = at_work(tmp_path)
    desk.workspace.book.unlink()
    audited_book(desk.workspace.book, 2)
    require_chain(desk)
    assert heads_of(desk) == [2]


def test_old_rows_are_archived_and_the_new_end_is_kept(tmp_path: Path) -> None:
    at_work(tmp_path, *LIVE)
    desk = desk_at(tmp_path, now_ns=LATER_NS)
    done = archive_audit(desk)
    assert done is not None
    assert (done.first, done.last) == (1, 5)
    assert (tmp_path / "backups" / "audit" / done.file).is_file()
    assert heads_of(desk) == [5, 6]
    assert archive_audit(desk) is None
    assert require_chain(desk) is None
    assert verify_audit(desk).verdict.archives == 1


def test_a_kill_between_archiving_and_keeping_the_end_is_no_forgery(tmp_path: Path) -> None:
    at_work(tmp_path, *LIVE)
    desk = desk_at(tmp_path, now_ns=LATER_NS)
    archive_audit(desk)
    tamper(desk.workspace.state_db, "DELETE FROM audit_heads WHERE rows = 6")
    require_chain(desk)
    assert heads_of(desk) == [5, 6]
    assert desk.latched() is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ((), "DRY_RUN is true"),
        (LIVE[:1], "SAFE_MODE is true"),
        (LIVE, "safe mode is latched"),
    ],
)
def test_nothing_is_archived_where_the_book_may_not_change(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], why: str
) -> None:
    at_work(tmp_path, *changes)
    desk = desk_at(tmp_path, now_ns=LATER_NS)
    desk.latch(by="a test", reason="a test")
    with pytest.raises(Forbidden) as caught:
        archive_audit(desk)
    assert caught.value.message == f"{why}: the book is not changed, so no audit row was moved"
    assert not (tmp_path / "backups" / "audit").exists()
