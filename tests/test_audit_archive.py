"""Old audit rows leave the book for archives, and the chain goes on proving them."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from audit_support import DAY_NS, NOON_NS, append, audited_book, entry, tamper, verdict
from tieout.errors import AuditBroken, BookError
from tieout.store import engine
from tieout.store.audit import ARCHIVED, Head, archived_rows, head, table_rows
from tieout.store.audit_archive import Archive, archive_old, read_archive
from tieout.store.audit_read import Wanted, read_audit

KEEP_DAYS = 90
LATER_NS = NOON_NS + 200 * DAY_NS
MUCH_LATER_NS = NOON_NS + 400 * DAY_NS


def archive(book: Path, *, now_ns: int = LATER_NS) -> tuple[Archive, Head] | None:
    return archive_old(book, book.parent / "audit", keep_days=KEEP_DAYS, now_ns=now_ns, approver="alice@desk")


def rows_in(book: Path) -> list[dict[str, object]]:
    with engine.connect(book) as connection, engine.read(connection):
        return list(table_rows(connection))


def twice_archived(folder: Path) -> tuple[Path, list[Head], list[Archive]]:
    """Six rows, archived; three younger ones, archived later with the first `archived` row; then one more."""
    book, first = audited_book(folder / "orders.db", 6)
    one = archive(book)
    assert one is not None
    second = append(book, entry(7), entry(8), entry(9), now_ns=LATER_NS)
    two = archive(book, now_ns=MUCH_LATER_NS)
    assert two is not None
    last = append(book, entry(10), now_ns=MUCH_LATER_NS)
    return book, [first, one[1], second, two[1], last], [one[0], two[0]]


def test_rows_past_their_time_move_and_the_chain_holds(tmp_path: Path) -> None:
    book, before = audited_book(tmp_path / "orders.db", 6)
    young = append(book, entry(7), now_ns=LATER_NS - 10 * DAY_NS)
    old = rows_in(book)[:6]
    done = archive(book)
    assert done is not None
    made, after = done
    assert made == Archive("audit_20260625_120000.jsonl.gz", made.sha256, 1, 6, "0" * 64, before.hash)
    assert list(read_archive(tmp_path / "audit" / made.file)) == old
    assert [row["kind"] for row in rows_in(book)] == ["update", ARCHIVED]
    assert after.rows == 8
    found = verdict(book, before, young, after)
    assert (found.problem, found.head, found.archives) == (None, after, 1)
    with engine.connect(book) as connection, engine.read(connection):
        assert (head(connection), archived_rows(connection)) == (after, 6)


def test_nothing_old_is_nothing_to_do(tmp_path: Path) -> None:
    book, before = audited_book(tmp_path / "orders.db", 3)
    assert archive(book, now_ns=NOON_NS + KEEP_DAYS * DAY_NS) is None
    assert verdict(book, before).head == before
    assert not (tmp_path / "audit").exists()


def test_a_row_behind_a_younger_one_stays(tmp_path: Path) -> None:
    book, _ = audited_book(tmp_path / "orders.db", 2)
    append(book, entry(3), now_ns=LATER_NS)
    append(book, entry(4), now_ns=NOON_NS)  # a clock that was set back
    done = archive(book)
    assert done is not None
    assert (done[0].first, done[0].last) == (1, 2)
    assert verdict(book, done[1]).problem is None


def test_all_rows_may_go_and_archives_follow_each_other(tmp_path: Path) -> None:
    book, heads, (one, two) = twice_archived(tmp_path)
    assert ((one.first, one.last), (two.first, two.last)) == ((1, 6), (7, 10))
    assert two.previous_hash == one.last_hash
    found = verdict(book, *heads)
    assert (found.problem, found.archives, found.head) == (None, 2, heads[-1])
    assert found.head.rows == 12


@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_archive_is_found(tmp_path: Path, which: int) -> None:
    book, heads, archives = twice_archived(tmp_path)
    gone = archives[which]
    (tmp_path / "audit" / gone.file).unlink()
    problem = f"the archive {gone.file} (rows {gone.first} to {gone.last}) is missing"
    assert verdict(book, *heads).problem == problem


@pytest.mark.parametrize("which", [0, 1])
def test_any_changed_byte_of_an_archive_is_found(tmp_path: Path, which: int) -> None:
    book, heads, archives = twice_archived(tmp_path)
    path = tmp_path / "audit" / archives[which].file
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        problem = f"the archive {path.name} is not the file that was written: its SHA-256 differs"
        assert verdict(book, *heads).problem == problem
    path.write_bytes(whole)
    assert verdict(book, *heads).problem is None


def test_an_archive_written_anew_is_found(tmp_path: Path) -> None:
    book, heads, archives = twice_archived(tmp_path)
    path = tmp_path / "audit" / archives[0].file
    rows = list(read_archive(path))
    rows[2]["approver"] = "mallory"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    assert verdict(book, *heads).problem == (
        f"the archive {path.name} is not the file that was written: its SHA-256 differs"
    )


def test_an_edited_archived_row_is_found(tmp_path: Path) -> None:
    book, heads, archives = twice_archived(tmp_path)
    tamper(book, f"UPDATE order_audit SET after = replace(after, '{archives[1].file}', 'x') WHERE kind = 'archived'")
    assert verdict(book, *heads).problem == "the archive x (rows 7 to 10) is missing"
    tamper(book, "UPDATE order_audit SET after = '{}' WHERE kind = 'archived'")
    assert verdict(book, *heads).problem == "audit row 11 names no archive"


def test_a_removed_archived_row_is_found(tmp_path: Path) -> None:
    book, heads, _ = twice_archived(tmp_path)
    tamper(book, "DELETE FROM order_audit WHERE kind = 'archived'")
    assert verdict(book, *heads).problem is not None


def test_a_chain_that_is_broken_is_not_archived(tmp_path: Path) -> None:
    book, _ = audited_book(tmp_path / "orders.db", 4)
    tamper(book, "UPDATE order_audit SET approver = 'mallory' WHERE id = 2")
    with pytest.raises(AuditBroken) as caught:
        archive(book)
    assert caught.value.message == "audit row 2 is not what was written"
    assert len(rows_in(book)) == 4
    assert list((tmp_path / "audit").iterdir()) == []


def test_a_folder_that_cannot_be_written_moves_nothing(tmp_path: Path) -> None:
    book, before = audited_book(tmp_path / "orders.db", 4)
    (tmp_path / "audit").write_text("a file where the folder should be")
    with pytest.raises(BookError) as caught:
        archive(book)
    assert caught.value.message.endswith("cannot be written: File exists; nothing was moved")
    assert verdict(book, before).head == before


def test_a_file_that_a_kill_left_behind_harms_nothing(tmp_path: Path) -> None:
    book, _ = audited_book(tmp_path / "orders.db", 4)
    copy = Path(shutil.copy(book, tmp_path / "before.db"))
    first = archive(book)
    assert first is not None
    shutil.copy(copy, book)  # the file was written, the commit was not
    second = archive(book)
    assert second is not None
    assert second[0].file == "audit_20260625_120001.jsonl.gz"
    assert verdict(book, second[1]).problem is None


def test_a_book_from_before_the_archiving_still_verifies(tmp_path: Path) -> None:
    book, before = audited_book(tmp_path / "orders.db", 4)
    copy = Path(shutil.copy(book, tmp_path / "before.db"))
    archive(book)
    assert verdict(copy, before).problem is None


def test_archived_rows_are_still_shown(tmp_path: Path) -> None:
    book, _, archives = twice_archived(tmp_path)
    reading = read_audit(book, tmp_path / "audit", Wanted())
    assert [row["position"] for row in reading.rows] == list(range(1, 13))
    assert [row["row"] for row in reading.rows] == [1, 2, 3, 4, 5, 6, None, 7, 8, 9, None, 10]
    assert reading.unread == []
    (tmp_path / "audit" / archives[1].file).unlink()
    partly = read_audit(book, tmp_path / "audit", Wanted())
    assert [row["position"] for row in partly.rows] == [11, 12]
    assert len(partly.unread) == 1
    assert partly.unread[0].startswith(f"{archives[1].file} (rows 7 to 10): ")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(order=3), [3]),  # the book's row
        (Wanted(order=5003), [3]),  # its perm_id
        (Wanted(plan=f"{9:064x}"), [9]),
        (Wanted(plan="0" * 63), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (Wanted(order=77), []),
        (Wanted(since="2026-12-01T00:00:00.000Z"), [None, 10]),
        (Wanted(order=10, since="2026-12-01T00:00:00.000Z"), [10]),
    ],
)
def test_rows_are_found_by_order_plan_and_time(tmp_path: Path, wanted: Wanted, found: list[int | None]) -> None:
    book, _, _ = twice_archived(tmp_path)
    assert [row["row"] for row in read_audit(book, tmp_path / "audit", wanted).rows] == found


def test_an_execution_is_found_by_its_order(tmp_path: Path) -> None:
    book, _ = audited_book(tmp_path / "orders.db", 3)
    fill = {"id": 9, "order_row": 2, "perm_id": 777, "price": "6600.25"}
    append(book, entry(9, kind="insert", entity="execution", before=None, after=fill))
    found = read_audit(book, tmp_path / "audit", Wanted(order=2)).rows
    assert [(row["entity"], row["row"]) for row in found] == [("order", 2), ("execution", 9)]
