"""`ticks compact`: one file of many, every row once, whatever happens meanwhile."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_process import ENVIRONMENT, finished, start
from tick_file_support import DAY, NAMES, NOON, batch, instruments, recorded, tieout_ticks, write_recording
from tieout.errors import InputUnusable, Locked
from tieout.ticks.files import compacting
from tieout.ticks.files.compacting import RECORDED, SETTLED_AFTER_NS, compact
from tieout.ticks.files.content import content_of
from tieout.ticks.files.folder import RecordingFolder
from tieout.ticks.files.parts import Label, day_of
from tieout.ticks.layout import TICK
from tieout.ticks.sources.tape import Tape

LATER = NOON + 3 * DAY


def replayed(root: Path) -> pl.DataFrame:
    return pl.concat([*Tape.open([root]).batches()]).select(list(TICK))


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.parquet"))


def test_many_parts_become_one_and_any_reader_sees_the_same(tmp_path: Path) -> None:
    root, ticks = tmp_path / "ticks", batch(900)
    write_recording(root, ticks, every=100)
    assert len(files(root)) == 27
    before = recorded(root)
    done = compact(root, now_ns=LATER)
    assert [(one.day, one.instrument, one.parts, one.rows) for one in done.merged] == [
        (day_of(NOON), name, 9, 300) for name in sorted(NAMES)
    ]
    assert [name.split("/")[-1][:23] for name in files(root)] == [
        f"day-{NOON + at * 1_000_000}" for at in range(3)
    ]  # fmt: skip
    assert recorded(root).equals(before)
    assert replayed(root).equals(ticks)
    assert compact(root, now_ns=LATER).merged == []


@settings(max_examples=15)
@given(
    steps=st.lists(st.sampled_from([0, 0, 1, -2, 1_000_000_000]), min_size=2, max_size=20),
    chosen=st.lists(st.integers(0, 2), min_size=20, max_size=20),
    every=st.integers(3, 9),
)
def test_compacted_and_played_back_is_the_same_multiset_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], chosen: list[int], every: int
) -> None:
    root, rows = tmp_path_factory.mktemp("ticks") / "ticks", len(steps)
    times = [NOON + sum(steps[: at + 1]) for at in range(rows)]
    ticks = batch(rows, received_ns=times, instrument=[0] * rows if every > 8 else chosen[:rows])
    write_recording(root, ticks, every=every)
    before = recorded(root)
    compact(root, now_ns=LATER)
    assert recorded(root).equals(before)
    assert len(files(root)) == len({*ticks["instrument"]})
    for path in root.rglob("day-*.parquet"):
        frame = pl.read_parquet(path, hive_partitioning=False)
        assert frame.equals(frame.sort("received_ns", "sequence", maintain_order=True))
        assert content_of(path).is_sorted


def test_killed_at_any_point_every_row_is_there_once(tmp_path: Path) -> None:
    ticks = batch(20, instrument=[0] * 20)
    number, seen = 0, set[int]()
    while True:
        number += 1
        root = tmp_path / str(number) / "ticks"
        write_recording(root, ticks, every=10)
        with patch.dict(ENVIRONMENT, {"TIEOUT_KILL_AT": str(number)}):
            done = finished(start([sys.executable, "-c", COMPACTOR.format(root=str(root), now=LATER)], tmp_path))
        assert replayed(root).equals(ticks), f"after a kill at point {number}"
        seen.add(len(files(root)))
        if done.code == 0:
            break
        assert done.code == -9
        compact(root, now_ns=LATER)
        assert len(files(root)) == 1
        assert replayed(root).equals(ticks)
    assert number == 7
    assert seen == {1, 2, 3}


COMPACTOR = """
from pathlib import Path
from tieout.ticks.files.compacting import compact
compact(Path("{root}"), now_ns={now})
"""


def test_a_full_disk_leaves_the_parts_as_they_were(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30), every=10)
    before = files(root)
    command = [sys.executable, "-m", "tieout", "ticks", "compact", str(root)]
    with patch.dict(ENVIRONMENT, {"TIEOUT_FAIL_AT": "2"}):
        done = finished(start(command, tmp_path))
    assert (done.code, "cannot be compacted" in done.err, "No space left" in done.err) == (15, True, True), done.err
    assert files(root) == before
    assert replayed(root).equals(batch(30))


def test_the_day_of_a_running_recorder_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30), every=10)
    before = files(root)
    with closing(RecordingFolder(root, session=LATER)):
        done = compact(root, now_ns=NOON, older_than_days=0)
        assert (files(root), {*done.skipped.values()}) == (before, {RECORDED})
        midnight = NOON + DAY // 2
        done = compact(root, now_ns=midnight + SETTLED_AFTER_NS - 1)
        assert (done.merged, {*done.skipped.values()}) == ([], {RECORDED})
        assert len(compact(root, now_ns=midnight + SETTLED_AFTER_NS).merged) == 3
    assert compact(root, now_ns=NOON).to_json() == {"merged": [], "left_over": 0, "skipped": []}


def test_today_is_compacted_where_nobody_records_and_it_is_asked_for(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(30), every=10)
    assert compact(tmp_path / "ticks", now_ns=NOON).merged == []
    assert len(compact(tmp_path / "ticks", now_ns=NOON, older_than_days=0).merged) == 3


def test_an_unreadable_part_keeps_its_folder_as_it_is_and_no_other(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30), every=10)
    part = sorted((root / "date=2026-03-02/instrument=ES").iterdir())[1]
    part.write_bytes(part.read_bytes()[:-5])
    done = tieout_ticks("compact", root, "--json")
    assert (done.code, len(done.told["merged"])) == (1, 2)
    assert [one["folder"] for one in done.told["skipped"]] == [str(part.parent)]
    assert str(part) in done.told["skipped"][0]["why"]
    assert len(list(part.parent.iterdir())) == 3


def test_two_contracts_of_one_name_are_not_mixed(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30), every=10)
    folder = root / "date=2026-03-02/instrument=ES"
    one, *_ = sorted(folder.iterdir())
    other = instruments("ES", "ES")[1]
    for number in range(2):
        pl.read_parquet(one, hive_partitioning=False).write_parquet(
            folder / f"part-{number}-9-9.parquet", metadata=Label(other).to_metadata()
        )
    done = compact(root, now_ns=LATER)
    assert [(merged.instrument, merged.parts) for merged in done.merged][:2] == [("ES", 2), ("ES", 3)]
    assert len(list(folder.iterdir())) == 2


def test_what_is_written_is_read_back_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30), every=10)
    honest = compacting.content_of

    def spoilt(path: Path, *expected: Any) -> object:
        if path.suffix == ".tmp":
            pl.read_parquet(path, hive_partitioning=False).with_columns(price=pl.lit(1, pl.Int64)).write_parquet(path)
        return honest(path, *expected)

    monkeypatch.setattr(compacting, "content_of", spoilt)
    done = tieout_ticks("compact", root)
    assert (done.code, "what was written is not what was read" in done.err) == (15, True), done.err
    assert replayed(root).equals(batch(30))


def test_one_compact_at_a_time_and_nothing_to_compact(tmp_path: Path) -> None:
    with pytest.raises(InputUnusable, match="holds no recorded day"):
        compact(tmp_path, now_ns=NOON)
    root = tmp_path / "ticks"
    write_recording(root, batch(3))
    process = start([sys.executable, "-c", HOLDER.format(root=str(root))], tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(Locked, match="ticks compact by"):
        compact(root, now_ns=LATER)
    process.kill()
    process.communicate()
    assert compact(root, now_ns=LATER).merged == []


HOLDER = """
import time
from pathlib import Path
from tieout import locks
from tieout.ticks.files.parts import work_folder
with locks.hold(work_folder(Path("{root}")) / "compact.lock", what="ticks compact", now_ns=0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_drafts_of_a_killed_run_go_and_no_others(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(3))
    work = root.parent / ".ticks.writing"
    for name in ("day-1-1-000000.parquet.1.tmp", "part-1-1-000001.parquet.1.tmp"):
        (work / name).write_bytes(b"half")
    compact(root, now_ns=LATER)
    assert sorted(path.name for path in work.glob("*.tmp")) == ["part-1-1-000001.parquet.1.tmp"]


def test_the_command_shows_what_it_did(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(30), every=10)
    done = tieout_ticks("compact", tmp_path / "ticks")
    assert done.code == 0
    assert done.out.splitlines()[1].startswith("2026-03-02 ES")
    assert done.out.splitlines()[-1] == "one file each now: 3"
    assert tieout_ticks("compact", tmp_path / "ticks").out == "nothing to compact\n"
