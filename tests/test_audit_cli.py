"""`tieout audit` as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit_support import LIVE, NOON_NS, append, audited_book, desk_at, entry, tamper, workspace_in
from tieout.cli import main
from tieout.staging.chain import require_chain
from tieout.store.audit import Head


class Place:
    """A workspace with an audited book, and the program in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], *changes: tuple[str, str]) -> None:
        self.root, self._capsys = workspace_in(root, *changes), capsys
        (root / "data").mkdir(exist_ok=True)
        self.book, self.head = audited_book(root / "data" / "orders.db", 3)
        require_chain(desk_at(root))

    def run(self, *words: str) -> tuple[int, str]:
        code = main(["--workspace", str(self.root), *words])
        return code, self._capsys.readouterr().out

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out = self.run(*words, "--json")
        assert out.count("\n") == 1
        return code, json.loads(out)


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys, *LIVE)


def test_a_chain_that_holds_is_said_to(place: Place) -> None:
    assert place.json("audit", "verify") == (
        0,
        {
            "ok": True,
            "rows": 3,
            "head": place.head.hash,
            "problem": None,
            "archives": 0,
            "heads": 1,
            "restored_from": None,
            "accepted": [],
        },
    )
    assert place.run("audit", "verify") == (
        0,
        f"the audit is what was written: 3 rows, 1 kept heads\nhead {place.head.hash}\n",
    )


def test_a_broken_chain_is_exit_12_and_latches(place: Place) -> None:
    tamper(place.book, "DELETE FROM order_audit WHERE id = 3")
    code, told = place.json("audit", "verify")
    problem = "the chain ends at row 2; it had 3 rows before: its end was cut off"
    assert (code, told["ok"], told["rows"], told["problem"]) == (12, False, 2, problem)
    assert json.loads((place.root / "status" / "safe_mode.json").read_text("utf-8"))["by"] == "audit_chain_broken"
    assert place.run("audit", "verify") == (
        12,
        f"the audit is not what was written: {problem}\n"
        "safe mode is latched; find out who changed the book, then restore a backup from before\n"
        "where there is none: tieout audit accept\n",
    )


def test_a_stage_on_a_broken_chain_is_exit_12(place: Place) -> None:
    tamper(place.book, "DELETE FROM order_audit WHERE id = 3")
    code, told = place.json("stage")
    assert (code, told["error"]["code"]) == (12, "audit_broken")


def test_a_head_from_the_log_must_stand_in_the_chain(place: Place) -> None:
    append(place.book, entry(4))
    assert place.json("audit", "verify", "--head", place.head.hash)[0] == 0
    assert place.json("audit", "verify", "--head", place.head.hash[:12].upper())[0] == 0
    code, told = place.json("audit", "verify", "--head", "0123456789ab")
    assert (code, told["problem"]) == (
        12,
        "no row of the chain has the hash 0123456789ab: the book is another, or older",
    )
    assert not (place.root / "status" / "safe_mode.json").exists()
    assert place.json("audit", "verify", "--head", "xyz")[0] == 2


def test_rows_are_shown_as_a_person_reads_them(place: Place) -> None:
    place_row = (
        "#2 2025-12-07T12:00:00.000Z update order 2 (ES, perm 5002) by alice@desk\n"
        "    limit_price: 2.25 -> 3.25\n"
        "    why: limit_price differs\n"
        "    plan 000000000000, action 000000000000, backup db_backup_20251207_120000\n"
    )
    assert place.run("audit", "show", "--order", "2") == (0, place_row)


def test_inserts_and_deletes_say_what_they_held(place: Place) -> None:
    values = {"id": 9, "symbol": "MES", "side": "BUY", "quantity": "2", "status": "Submitted", "perm_id": 9}
    append(place.book, entry(9, kind="insert", before=None, after=values, reason=None, plan_id=None, action_id=None))
    append(place.book, entry(9, kind="hard_delete", before=values, after=None, reason="gone", backup_id=None))
    _, out = place.run("audit", "show", "--order", "9")
    assert out.splitlines() == [
        "#4 2025-12-07T12:00:00.000Z insert order 9 (MES, perm 9) by alice@desk",
        "    symbol MES, side BUY, quantity 2, status Submitted",
        "    backup db_backup_20251207_120000",
        "#5 2025-12-07T12:00:00.000Z hard_delete order 9 (MES, perm 9) by alice@desk",
        "    symbol MES, side BUY, quantity 2, status Submitted",
        "    why: gone",
        "    plan 000000000000, action 000000000000",
    ]


def test_rows_for_a_program_have_whole_images(place: Place) -> None:
    code, told = place.json("audit", "show", "--plan", f"{3:064x}", "--since", "2025-12-07")
    assert (code, told["unread"], len(told["rows"])) == (0, [], 1)
    row = told["rows"][0]
    assert (row["position"], row["row"], row["after"]["limit_price"]) == (3, 3, "4.25")
    assert place.run("audit", "show", "--since", "2025-12-08") == (0, "no audit row is like that\n")


@pytest.mark.parametrize("since", ["yesterday", "2025-13-40", "2025-12-07T12:00:00"])
def test_a_time_that_is_none_is_a_usage_error(place: Place, since: str) -> None:
    code, told = place.json("audit", "show", "--since", since)
    assert (code, told["error"]["message"]) == (2, f"--since is {since!r}; expected a day or a time with its offset")


def test_old_rows_are_archived_by_command(place: Place) -> None:
    code, told = place.json("audit", "archive")  # today the rows of 2025-12-07 may be young or old
    assert (code, told["retention_days"]) == (0, 90)


def test_archiving_says_what_it_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(tmp_path, capsys, *LIVE)
    append(place.book, entry(4), now_ns=NOON_NS)
    tamper(place.book, "DELETE FROM order_audit")
    tamper(place.root / "data" / "state.db", "DELETE FROM audit_heads")
    old = append(place.book, entry(1), entry(2), now_ns=0)
    code, told = place.json("audit", "archive")
    assert (code, told["archived"]["last"], told["archived"]["last_hash"]) == (0, 2, old.hash)
    assert place.run("audit", "archive") == (0, "no audit row is older than 90 days: nothing to archive\n")
    assert place.json("audit", "verify")[1]["archives"] == 1
    assert [row["row"] for row in place.json("audit", "show")[1]["rows"]] == [1, 2, None]
    (place.root / "backups" / "audit" / told["archived"]["file"]).unlink()
    assert place.json("audit", "verify")[0] == 12


def test_a_dry_run_archives_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = Place(tmp_path, capsys).json("audit", "archive")
    assert (code, told["error"]["code"]) == (13, "forbidden")


def test_a_book_that_is_not_there_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(tmp_path, capsys)
    place.book.unlink()
    for command in ("verify", "show"):
        assert place.json("audit", command)[1]["error"]["code"] == "book_missing"
    assert place.head == Head(3, place.head.hash)
