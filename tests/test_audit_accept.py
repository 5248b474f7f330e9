"""A broken audit that an operator accepts: found, told for ever, and whatever is broken afterwards is found again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit_support import (
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
from cli_support import Workplace
from terminal_support import Terminal
from tieout.backup import list_backups, make_backup
from tieout.cli import main
from tieout.errors import AuditBroken, Forbidden, PlanStale
from tieout.staging.accepting import accept, find_break
from tieout.staging.chain import archive_audit, require_chain, verify_audit
from tieout.staging.restoring import restore
from tieout.store import engine
from tieout.store.audit import ACCEPTED, Head, head
from tieout.store.audit_accept import kept_acceptances

SIGNED = ("--by", "Ann Ops", "--reason", "disk swapped by the provider")
BREAKS = {
    "edit": (
        ("UPDATE order_audit SET approver = 'mallory' WHERE id = 2",),
        "row 2 (id 2, update of order, 2025-12-07T12:00:00.000Z) was edited",
    ),
    "delete": (
        ("DELETE FROM order_audit WHERE id = 3",),
        "row 3 (id 4, update of order, 2025-12-07T12:00:00.000Z) does not follow the row before it: "
        "one was removed, moved or edited",
    ),
    "reorder": (
        (
            "UPDATE order_audit SET id = 99 WHERE id = 2",
            "UPDATE order_audit SET id = 2 WHERE id = 4",
            "UPDATE order_audit SET id = 4 WHERE id = 99",
        ),
        "row 2 (id 2, update of order, 2025-12-07T12:00:00.000Z) does not follow the row before it: "
        "one was removed, moved or edited",
    ),
    "truncate": (
        ("DELETE FROM order_audit WHERE id > 3",),
        "the chain ends at row 3; it had 5 rows before: its end was cut off",
    ),
}
AFTERWARDS = {
    "an accepted row edited": "UPDATE order_audit SET reason = 'nothing' WHERE id = 1",
    "an accepted row removed": "DELETE FROM order_audit WHERE id = 1",
    "the acceptance edited": "UPDATE order_audit SET approver = 'somebody else' WHERE kind = 'accepted'",
    "the acceptance removed": "DELETE FROM order_audit WHERE kind = 'accepted'",
    "a new row edited": "UPDATE order_audit SET approver = 'mallory' WHERE \"row\" = 8",
    "a new row removed": 'DELETE FROM order_audit WHERE "row" = 7',
    "the new end cut off": 'DELETE FROM order_audit WHERE "row" = 8',
    "all since cut off": "DELETE FROM order_audit WHERE id >= (SELECT id FROM order_audit WHERE kind = 'accepted')",
}


class Place:
    """A workspace with an audit of five rows, its end kept; and the program in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root if (root / "config").exists() else workspace_in(root, *LIVE), capsys
        self.desk = desk_at(root)
        self.book, self.head = audited_book(self.desk.workspace.book, 5)
        require_chain(self.desk)

    def run(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        code = main(["--workspace", str(self.root), *words])
        return code, self._capsys.readouterr().out

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out = self.run(*words, "--json")
        return code, json.loads(out)

    def end(self) -> Head:
        with engine.connect(self.book) as connection, engine.read(connection):
            return head(connection)

    def accept(self) -> Head:
        code, told = self.json("audit", "accept", *SIGNED, "--head", self.end().hash)
        assert (code, told["accepted"], told["head"]) == (0, True, self.end().hash)
        return self.end()


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys)


@pytest.mark.parametrize(("statements", "problem"), BREAKS.values(), ids=BREAKS)
def test_a_break_is_found_accepted_and_told_ever_after(place: Place, statements: tuple[str, ...], problem: str) -> None:
    tamper(place.book, *statements)
    before = place.end()
    code, told = place.json("audit", "verify")
    assert (code, told["problem"], told["accepted"]) == (12, problem, [])
    made = place.accept()
    assert made.rows == before.rows + 1
    code, told = place.json("audit", "verify")
    (one,) = told["accepted"]
    assert (code, told["ok"], told["problem"], told["head"]) == (0, True, None, made.hash)
    assert (one["position"], one["by"], one["reason"], one["problem"]) == (made.rows, SIGNED[1], SIGNED[3], problem)
    assert require_chain(place.desk) is None
    assert place.run("safe-mode", "off", "--reason", "accepted")[0] == 0
    append(place.book, entry(7))
    assert require_chain(place.desk) is None
    code, out = place.run("audit", "verify")
    assert (code, out.splitlines()[0]) == (0, f"accepted in row {made.rows}: {problem}")
    assert out.splitlines()[1].endswith(f": {SIGNED[3]}")
    assert out.splitlines()[2].startswith("the audit is from there on what was written: ")


@pytest.mark.parametrize("statement", AFTERWARDS.values(), ids=AFTERWARDS)
@pytest.mark.parametrize("statements", [one for one, _ in BREAKS.values()], ids=BREAKS)
def test_what_is_broken_after_an_acceptance_is_found(place: Place, statements: tuple[str, ...], statement: str) -> None:
    tamper(place.book, *statements)
    found = find_break(place.desk)
    assert found is not None
    accept(place.desk, found, by="ann", reason="known")
    append(place.book, entry(7), entry(8))
    assert require_chain(place.desk) is None
    assert verify_audit(place.desk).ok
    tamper(place.book, statement)
    with pytest.raises(AuditBroken):
        require_chain(place.desk)
    again = find_break(place.desk)
    assert again is not None
    accept(place.desk, again, by="ann", reason="known as well")
    assert require_chain(place.desk) is None
    told = verify_audit(place.desk).verdict.accepted
    assert (told[-1].reason, told[-1].problem) == ("known as well", again.problem)


def test_without_a_terminal_only_the_head_accepts(place: Place) -> None:
    tamper(place.book, *BREAKS["edit"][0])
    assert place.json("audit", "accept", *SIGNED) == (
        12,
        {
            "accepted": False,
            "problem": BREAKS["edit"][1],
            "head_before": place.head.hash,
            "head": None,
            "backup": None,
        },
    )
    for wrong in ("0123456789ab", place.head.hash[:11], ""):
        code, told = place.json("audit", "accept", *SIGNED, "--head", wrong)
        assert (code, told["error"]["code"]) == (2, "usage_error")
    assert (place.end(), list_backups(place.desk.workspace.backups_dir)) == (place.head, [])
    assert place.json("audit", "accept", *SIGNED, "--head", place.head.hash[:12])[0] == 0


@pytest.mark.parametrize("account", ["DU123456", None])
def test_on_a_terminal_the_account_id_is_typed_or_the_heads_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], account: str | None
) -> None:
    named = [] if account is None else [("  account: null ", f"  account: {account} ")]
    place = Place(workspace_in(tmp_path, *named), capsys)
    tamper(place.book, *BREAKS["edit"][0])
    for typed, code in (("DU999999", 2), (account or place.head.hash[:12], 0)):
        assert place.end() == place.head
        with Terminal(Workplace(place.root), "audit", "accept", *SIGNED) as terminal:
            terminal.wait_for(BREAKS["edit"][1])
            terminal.answer("to accept this audit as it is", typed)
            assert terminal.ended() == code
    assert place.end().rows == place.head.rows + 1


@pytest.mark.parametrize("empty", ["--by", "--reason"])
def test_an_acceptance_has_a_name_and_a_reason(place: Place, empty: str) -> None:
    words = [" " if before == empty else word for before, word in zip(("", *SIGNED), SIGNED, strict=False)]
    code, told = place.json("audit", "accept", *words)
    assert (code, told["error"]["message"].split(";")[0]) == (2, f"{empty} is empty")


def test_an_audit_that_holds_has_nothing_to_accept(place: Place) -> None:
    code, told = place.json("audit", "accept", *SIGNED, "--head", place.head.hash)
    assert (code, told["accepted"], place.end()) == (0, False, place.head)


def test_what_stood_there_is_backed_up_and_safe_mode_stays(place: Place) -> None:
    tamper(place.book, *BREAKS["delete"][0])
    before = place.end()
    made = place.accept()
    (backup,) = list_backups(place.desk.workspace.backups_dir)
    latch = place.desk.latched()
    assert latch is not None
    assert latch.by == "audit_chain_broken"
    _, told = place.json("audit", "show")
    row = told["rows"][-1]
    assert (row["kind"], row["approver"], row["backup_id"], row["hash"]) == (
        ACCEPTED,
        SIGNED[1],
        backup.id,
        made.hash,
    )
    assert (row["after"]["head_before"], row["after"]["problem"]) == (before.hash, BREAKS["delete"][1])
    assert [one.hash for one in kept_acceptances(place.desk.workspace.state_db, lineage_of(place.book))] == [made.hash]
    log = [json.loads(line) for line in place.desk.workspace.reconcile_log.read_text("utf-8").splitlines()]
    assert [line["audit_head"] for line in log if line["event"] == "audit_accepted"] == [made.hash]


def test_an_audit_that_moved_on_since_it_was_shown_is_not_accepted(place: Place) -> None:
    tamper(place.book, *BREAKS["edit"][0])
    found = find_break(place.desk)
    assert found is not None
    tamper(place.book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 4")
    with pytest.raises(PlanStale):
        accept(place.desk, found, by="ann", reason="known")
    assert place.end() == place.head


def test_an_acceptance_that_the_state_never_saw_accepts_nothing(place: Place) -> None:
    tamper(place.book, *BREAKS["edit"][0])
    found = find_break(place.desk)
    assert found is not None
    told = {"problem": found.problem, "content_sha256": found.content}
    append(place.book, entry(0, kind=ACCEPTED, entity="audit", row=None, before=None, after=told))
    with pytest.raises(AuditBroken):
        require_chain(place.desk)


def test_a_backup_of_a_cut_book_does_not_make_it_a_restored_one(place: Place) -> None:
    tamper(place.book, *BREAKS["truncate"][0])
    later_ns = NOON_NS + 10**9
    make_backup(place.book, backups_dir=place.desk.workspace.backups_dir, now_ns=later_ns)
    with pytest.raises(AuditBroken, match="its end was cut off"):
        require_chain(place.desk)


@pytest.mark.parametrize("statements", [one for one, _ in BREAKS.values()], ids=BREAKS)
def test_a_restore_after_an_acceptance_is_no_break(place: Place, statements: tuple[str, ...]) -> None:
    backup = make_backup(place.book, backups_dir=place.desk.workspace.backups_dir, now_ns=NOON_NS)
    tamper(place.book, *statements)
    place.accept()
    append(place.book, entry(7))
    require_chain(place.desk)
    restore(place.desk, backup.id, foreign=False)
    assert require_chain(place.desk) is None
    assert verify_audit(place.desk).verdict.accepted == ()
    append(place.book, entry(9))
    require_chain(place.desk)
    tamper(place.book, 'DELETE FROM order_audit WHERE "row" = 9')
    with pytest.raises(AuditBroken):
        require_chain(place.desk)


def test_a_restore_of_the_broken_book_has_to_be_accepted_again(place: Place) -> None:
    tamper(place.book, *BREAKS["edit"][0])
    place.accept()
    (backup,) = list_backups(place.desk.workspace.backups_dir)
    restore(place.desk, backup.id, foreign=False)
    with pytest.raises(AuditBroken):
        require_chain(place.desk)
    place.accept()
    assert require_chain(place.desk) is None


def test_the_rows_of_an_accepted_break_stay_in_the_book(place: Place) -> None:
    tamper(place.book, *BREAKS["edit"][0])
    place.accept()
    place.run("safe-mode", "off", "--reason", "accepted")
    with pytest.raises(Forbidden, match="stay in the book"):
        archive_audit(desk_at(place.root, now_ns=NOON_NS + 400 * 86_400 * 10**9))


@pytest.mark.parametrize(
    "point", [".db of a backup: renamed", "audit accept: before the commit", "audit accept: committed"]
)
@pytest.mark.parametrize("broken", ["edit", "truncate"])
def test_a_kill_leaves_the_break_or_the_acceptance(place: Place, broken: str, point: str) -> None:
    tamper(place.book, *BREAKS[broken][0])
    find_break(place.desk)  # latched and told already: the killed command begins with the backup
    points = place.root / "points"
    command = [sys.executable, "-m", "tieout", "--workspace", str(place.root), "audit", "accept", *SIGNED]
    command += ["--head", place.end().hash]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TIEOUT_POINTS": str(points)}
    spare = workspace_copy(place)
    spared = [word.replace(str(place.root), str(spare)) for word in command]
    subprocess.run(spared, check=True, capture_output=True, env=environment)
    number = next(line.split()[0] for line in points.read_text("utf-8").splitlines() if line.endswith(point))
    killed = subprocess.run(command, check=False, capture_output=True, env={**environment, "TIEOUT_KILL_AT": number})
    assert killed.returncode == -9
    accepted = point.endswith("committed")
    code, told = place.json("audit", "verify")
    assert (code, len(told["accepted"])) == ((0, 1) if accepted else (12, 0))
    if not accepted:
        place.accept()
    assert require_chain(place.desk) is None
    assert len(verify_audit(place.desk).verdict.accepted) == 1


def workspace_copy(place: Place) -> Path:
    """The same workspace beside, to learn the points in."""
    return Path(shutil.copytree(place.root, place.root.with_name(place.root.name + "-copy")))
