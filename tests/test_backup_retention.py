"""Which backups pruning keeps, whatever the policy."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup_books import NOON_NS, add_orders, new_book
from tieout.backup import Policy, list_backups, make_backup, plan_pruning, prune, sweep
from tieout.backup.manifest import Backup, paths
from tieout.backup.retention import _kept
from tieout.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
FEW = st.integers(min_value=0, max_value=6)


def some_backups(tmp_path: Path, times_ns: list[int]) -> list[str]:
    """Ids, oldest first."""
    book = new_book(tmp_path / "orders.db")
    ids = []
    for at in times_ns:
        add_orders(book, 1)
        ids.append(make_backup(book, backups_dir=tmp_path / "backups", now_ns=at).id)
    return ids


def remaining(tmp_path: Path) -> list[str]:
    return [backup.id for backup in reversed(list_backups(tmp_path / "backups"))]


@pytest.mark.parametrize("policy", [Policy(), Policy(last=-1), Policy(last=3, daily=-1)])
def test_a_policy_that_keeps_nothing_is_refused(tmp_path: Path, policy: Policy) -> None:
    ids = some_backups(tmp_path, [NOON_NS])
    with pytest.raises(BackupError, match="would remove every backup"):
        prune(tmp_path / "backups", policy, pinned=())
    assert remaining(tmp_path) == ids


def test_the_last_ones_stay(tmp_path: Path) -> None:
    ids = some_backups(tmp_path, [NOON_NS + n * 10**9 for n in range(4)])
    pruned = prune(tmp_path / "backups", Policy(last=2), pinned=())
    assert pruned.removed == (ids[1], ids[0])
    assert remaining(tmp_path) == ids[2:]
    assert len(list((tmp_path / "backups").iterdir())) == 6


def test_the_newest_of_each_period_stays(tmp_path: Path) -> None:
    """2025-12-07, a Sunday, 12:00 and 12:30; the Monday after; the next day, in the same week."""
    times = [NOON_NS, NOON_NS + HOUR_NS // 2, NOON_NS + DAY_NS, NOON_NS + 2 * DAY_NS]
    ids = some_backups(tmp_path, times)
    folder = tmp_path / "backups"
    assert plan_pruning(folder, Policy(hourly=9), pinned=()).removed == (ids[0],)
    assert plan_pruning(folder, Policy(daily=2), pinned=()).removed == (ids[1], ids[0])
    assert plan_pruning(folder, Policy(weekly=9), pinned=()).removed == (ids[2], ids[0])
    assert plan_pruning(folder, Policy(weekly=1, last=1), pinned=()).removed == (ids[2], ids[1], ids[0])


def test_what_a_plan_names_stays(tmp_path: Path) -> None:
    ids = some_backups(tmp_path, [NOON_NS + n * 10**9 for n in range(3)])
    prune(tmp_path / "backups", Policy(last=1), pinned={ids[0]})
    assert remaining(tmp_path) == [ids[0], ids[2]]


def test_the_newest_verified_one_stays_when_newer_ones_are_damaged(tmp_path: Path) -> None:
    ids = some_backups(tmp_path, [NOON_NS + n * 10**9 for n in range(4)])
    folder = tmp_path / "backups"
    paths(folder, ids[3])[2].write_text("{", "utf-8")
    paths(folder, ids[2])[0].write_bytes(b"spoiled")
    pruned = prune(folder, Policy(last=1), pinned=())
    assert pruned.kept == {ids[3]: ("damaged manifest",), ids[2]: ("last",), ids[1]: ("newest verified",)}
    assert remaining(tmp_path) == ids[1:]


def test_nothing_is_removed_when_none_is_verified(tmp_path: Path) -> None:
    ids = some_backups(tmp_path, [NOON_NS + n * 10**9 for n in range(3)])
    for backup_id in ids:
        paths(tmp_path / "backups", backup_id)[1].write_bytes(b"spoiled")
    assert prune(tmp_path / "backups", Policy(last=1), pinned=()).removed == ()
    assert remaining(tmp_path) == ids


def test_left_overs_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    (kept,) = some_backups(tmp_path, [NOON_NS])
    folder = tmp_path / "backups"
    for name in ("db_backup_20251207_130000.db", "db_backup_20251207_130000.sql", "db_backup_20251207_130001.db.tmp"):
        (folder / name).write_bytes(b"half")
    (folder / "mine.db").write_bytes(b"somebody's")
    assert sweep(folder) == (
        "db_backup_20251207_130000.db",
        "db_backup_20251207_130000.sql",
        "db_backup_20251207_130001.db.tmp",
    )
    left = sorted(path.name for path in folder.iterdir())
    assert left == [f"{kept}.db", f"{kept}.manifest.json", f"{kept}.sql", "mine.db"]
    assert json.loads((folder / f"{kept}.manifest.json").read_bytes())["id"] == kept


@settings(max_examples=200, deadline=None)
@given(hours=st.lists(st.integers(0, 3000), unique=True), last=FEW, daily=FEW, weekly=FEW)
def test_each_rule_keeps_the_newest_of_as_many_periods_as_it_says(
    hours: list[int], last: int, daily: int, weekly: int
) -> None:
    nowhere = PurePath()
    backups = [
        Backup(str(hour), nowhere, nowhere, nowhere, created_at_ns=hour * HOUR_NS)  # type: ignore[arg-type]
        for hour in sorted(hours, reverse=True)
    ]
    kept = _kept(backups, Policy(last=last, daily=daily, weekly=weekly))
    assert kept["last"] == [backup.id for backup in backups][:last]
    days: dict[int, int] = {}
    for hour in sorted(hours):
        days[hour // 24] = hour
    assert kept["daily"] == [str(days[day]) for day in sorted(days, reverse=True)][:daily]
    assert len(kept["weekly"]) <= weekly
    assert len({(int(hour) - 96) // 168 for hour in kept["weekly"]}) == len(kept["weekly"])
