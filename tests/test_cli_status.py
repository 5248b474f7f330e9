"""`status` in every state, `show` as a person reads it, the latch, and what a program is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cli_process import assert_error
from cli_support import ACCOUNT, SOLVABLE, adopted_workspace, copied, gateway, tied_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return adopted_workspace(tmp_path_factory.mktemp("adopted"))


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


def lines(place: Workplace) -> list[str]:
    """What `tieout status` says."""
    done = place.run("status")
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_status_from_not_started_to_completed(adopted: Workplace, tmp_path: Path) -> None:
    place = copied(adopted, tmp_path)
    assert lines(place) == [
        "NOT_STARTED, last run never",
        "  executed: 0 inserted, 0 updated, 0 deleted; ambiguous: 0",
        "  bot: not running",
        "  flags: DRY_RUN true, SAFE_MODE true, DRY_RUN_CONFIRM false, FORCE_SYNC_DELETE false, "
        "AUTO_MANAGE_EXTERNAL_ORDERS false",
        "  cannot confirm: DRY_RUN is true: a plan is only looked at",
        "  cannot send: SAFE_MODE is true: read-only",
        "  no plan waits",
        "  last backup: none",
    ]
    seen = []
    with gateway(place):
        for flags in ({"dry_run": True}, {"safe_mode": True}, {}):
            place.flags(**flags)
            plan_id = place.stage()
            seen.append(lines(place)[0].partition(",")[0])
            assert seen[-1] == place.status()["status"]
            (waits,) = [line for line in lines(place) if line.startswith("  plan ")]
            assert waits.startswith(f"  plan {plan_id[:12]} waits (20 to_update) until ")
        place.confirm(plan_id)
        told = lines(place)
        assert "  executed: 0 inserted, 20 updated, 0 deleted; ambiguous: 0" in told
        assert "  no plan waits" in told
        assert f"  last backup: {place.backups()[-1]}" in told
        seen.append(told[0].partition(",")[0])
    assert seen == ["RECONCILE_DRY_RUN_COMPLETED", "SAFE_MODE_ACTIVE", "AWAITING_DRY_RUN_CONFIRM", "COMPLETED"]
    assert place.run("stage").code == 1
    told = lines(place)
    assert told[0].startswith("FAILED, last run ")
    assert told[1].startswith("  reason: No gateway at 127.0.0.1:")


def test_the_guides_six_keys_come_first(tied: Workplace) -> None:
    keys = list(tied.status())
    assert keys[:6] == ["status", "last_run", "inserted", "deleted", "updated", "ambiguous_count"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", tied.status()["last_run"])


def test_status_with_a_status_file_that_cannot_be_read(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    (place.root / "status" / "reconcile_status.json").write_text("{", encoding="utf-8")
    assert lines(place)[1].startswith("  reason: reconcile_status.json cannot be read: ")


def test_the_latch_is_shown_and_a_second_one_keeps_the_first_reason(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    on = place.run("safe-mode", "on", "--reason", "first")
    assert (on.code, on.out) == (0, "safe mode is latched: no order leaves, no plan executes\n")
    assert place.run("safe-mode", "on", "--reason", "second").code == 0
    assert place.alerts()[-1] == ("safe_mode_latched", "HIGH")
    (line,) = [line for line in lines(place) if "LATCHED" in line]
    assert line.endswith(": first")
    with gateway(place):
        assert place.run("stage").code == 0
    assert place.status()["status"] == "SAFE_MODE_ACTIVE"
    assert place.run("check").code == 1
    assert_error(place.run("safe-mode", "off", "--reason", " "), 2, says="the reason is empty")
    assert place.run("safe-mode", "off", "--reason", "seen").out == "lifted; it was set because: first\n"
    assert place.run("safe-mode", "off", "--reason", "seen").out == "the latch was not set\n"
    assert place.log()[-2]["event"] == "safe_mode_lifted"


def test_a_latch_that_cannot_be_read_is_one(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.latch_file.write_text("garbage", encoding="utf-8")
    (line,) = [line for line in lines(place) if "LATCHED" in line]
    assert line.endswith("safe_mode.json is there and cannot be read")


def test_show_reads_like_a_careful_change_list(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
    content = place.plan()
    told = place.run("show").out.splitlines()
    assert told[0] == f"plan {plan_id[:12]} for paper account {ACCOUNT}"
    backup = content["backup"]["id"]
    assert re.fullmatch(rf"staged \S+Z, expires in (59|60) min; backup {backup}", told[1])
    heads = [line for line in told if line.endswith(":")]
    assert heads == ["added:", "changed:", "deleted:"]
    plan = content["plan"]
    for mark, name in (("+", "to_insert"), ("~", "to_update"), ("-", "to_delete")):
        assert len([line for line in told if line.startswith(f"  {mark} ")]) == len(plan[name])
    for entry in plan["to_update"]:
        for field, (before, after) in entry["changes"].items():
            assert f"      {field}: {'(unknown)' if before is None else before} -> {after}" in told
    for entry in plan["to_delete"]:
        (line,) = [line for line in told if line.startswith("  - ") and f"perm_id {entry['perm_id']})" in line]
        assert line.endswith(" (marked orphaned_deleted)")
    summary = content["summary"]
    assert told[-2:] == [
        f"{summary['to_insert']} add, {summary['to_update']} change, {summary['to_delete']} delete, 0 review",
        "next: nothing can be executed now: DRY_RUN_CONFIRM is false: plans are staged, not executed",
    ]
    full = place.run("show", "--full").out
    entries = [entry for name in ("to_insert", "to_update", "to_delete") for entry in plan[name]]
    assert all(f"action {entry['action_id']}, evidence " in full for entry in entries)
    place.flags(confirm=True)
    assert place.run("show").out.splitlines()[-1] == f"next: tieout confirm {plan_id[:12]}"


def test_show_of_what_cannot_be_decided(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=("lookalike",)):
        assert place.run("stage").code == 14
    told = place.run("show").out.splitlines()
    assert "cannot be decided (nothing executes while one is here):" in told
    for match in place.plan()["plan"]["ambiguous_matches"]:
        at = next(number for number, line in enumerate(told) if match["match_id"] in line)
        shown = told[at + 1 : at + 1 + len(match["book"]) + len(match["broker"])]
        assert [line.split(":")[0].strip() for line in shown] == ["book"] * len(match["book"]) + ["broker"] * len(
            match["broker"]
        )
    assert told[-1].startswith("next: ")
    assert "ambiguous" in told[-1]


def test_show_of_an_edited_file_says_so(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        place.stage()
    text = place.plan_file.read_text(encoding="utf-8")
    place.plan_file.write_text(text.replace(ACCOUNT, "DU7654321"), encoding="utf-8")
    assert "this file is not the plan that was staged last: it cannot be confirmed" in place.run("show").out


def test_a_hard_delete_is_shown_as_one(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    place.set(FORCE_SYNC_DELETE=True)
    with gateway(place, drift=7, kinds=("orphan",)):
        place.stage()
    deletes = place.plan()["summary"]["to_delete"]
    told = place.run("show").out.splitlines()
    assert len([line for line in told if line.endswith(" (ROW DELETED, audit stays)")]) == deletes
    assert f"0 add, 0 change, {deletes} delete ({deletes} for good), 0 review" in told


def test_check_names_what_is_wrong_and_changes_nothing(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    before = {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()}
    with gateway(place):
        good = place.run("check")
        before[place.config] = place.config.read_bytes()
    assert (good.code, [line for line in good.out.splitlines() if not line.startswith("ok ")]) == (0, [])
    bad = place.run("check")
    assert bad.code == 1
    (line,) = [line for line in bad.out.splitlines() if not line.startswith("ok ")]
    assert line.startswith("NOT gateway: No gateway at 127.0.0.1:")
    assert {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()} == before


def test_backups_are_listed_verified_and_a_damaged_one_is_named(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    (newest, *_) = place.backups()[::-1]
    listed = place.run("backup", "list").out.splitlines()
    assert [line.split()[0] for line in listed] == place.backups()[::-1]
    assert place.run("backup", "verify", newest).out == f"{newest}: verified\n"
    with (place.root / "backups" / f"{newest}.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff\x00\xff")
    assert_error(place.run("backup", "verify", newest), 15, says=f"{newest} is not what was backed up")
    assert_error(place.run("backup", "verify", "db_backup_20000101_000000"), 15, says="db_backup_20000101_000000")
    manifest = place.root / "backups" / f"{newest}.manifest.json"
    manifest.write_text("{", encoding="utf-8")
    damaged, *sound = place.run("backup", "list").out.splitlines()
    assert damaged.startswith(f"{newest}  DAMAGED: {manifest.name} cannot be used: ")
    assert place.run("--json", "status").told["last_backup"] == sound[0].split()[0]
