"""The Parquet sink: what it writes, what a crash costs, and a disk that does not take it."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import polars as pl
import pytest

from cli_process import ENVIRONMENT, finished, start
from tick_file_support import DAY, NAMES, NOON, batch, instruments, recorded, wait_for, with_names
from tieout.clock import to_iso
from tieout.errors import DiskError, Locked, TieoutError
from tieout.ticks.files.folder import GROWS_BELOW_ROWS, require_one_disk
from tieout.ticks.files.parts import VERSION, label_of, work_folder
from tieout.ticks.files.sink import ParquetSink
from tieout.ticks.layout import TICK

TESTS = Path(__file__).parent
RECORDER = TESTS / "tick_recorder.py"


class Alarms:
    """What was raised."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, /, **details: object) -> None:
        self.raised.append((name, details))


def sink_of(root: Path, **options: Any) -> ParquetSink:
    return ParquetSink(root, instruments(), **{"flush_seconds": 0.1, "now": lambda: NOON, **options})


def test_ticks_lie_by_day_and_instrument_and_any_reader_finds_them(tmp_path: Path) -> None:
    root, ticks = tmp_path / "ticks", pl.concat([batch(1000), batch(500, first=1000, at_ns=NOON + DAY)])
    sink = sink_of(root)
    sink.take(ticks)
    sink.close()
    assert sink.stats().written == 1500
    assert sorted(path.relative_to(root).parent.as_posix() for path in root.rglob("*.parquet")) == [
        f"date=2026-03-0{day}/instrument={name}"
        for day in (2, 3)
        for name in ("ES", "EUR%2FUSD", "SPY%20%20%20260320C00500000")
    ]
    assert recorded(root).select(list(TICK)).equals(with_names(ticks))
    found = duckdb.sql(f"SELECT instrument, count(*) FROM '{root}/**/*.parquet' GROUP BY ALL ORDER BY ALL").fetchall()
    assert found == [(name, 500) for name in sorted(NAMES)]


def test_a_file_says_what_it_holds(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "ticks")
    sink.take(batch(3))
    sink.close()
    path = next((tmp_path / "ticks").rglob("instrument=EUR%2FUSD/*.parquet"))
    metadata = pl.read_parquet_metadata(path)
    assert (metadata["tieout.schema"], metadata["tieout.price_scale"]) == (VERSION, "1e-8")
    label = label_of(path, metadata)
    assert label is not None
    assert label.instrument == instruments()[1]


def test_a_part_grows_while_it_is_small(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    sink = sink_of(root, flush_seconds=0.01)
    for number in range(5):
        sink.take(batch(30, first=30 * number))
        wait_for(lambda: sink.stats().waiting == 0)
    assert len(list(root.rglob("*.parquet"))) == 3
    sink.take(batch(3 * GROWS_BELOW_ROWS, first=150, step_ns=0))
    wait_for(lambda: sink.stats().waiting == 0)
    sink.take(batch(3, first=200_000, step_ns=0))
    sink.close()
    assert len(list(root.rglob("*.parquet"))) == 6
    assert recorded(root).height == 153 + 3 * GROWS_BELOW_ROWS


def test_a_kill_loses_at_most_the_stated_seconds_and_leaves_no_half_file(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    process = start([sys.executable, str(RECORDER), str(root), "2"], tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    sure = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    sure = max([sure, *(int(line) for line in rest.splitlines())])
    found = recorded(root)
    assert found.filter(pl.col("sequence") < sure)["sequence"].to_list() == list(range(sure))
    assert found["sequence"].n_unique() == found.height
    left = work_folder(root) / f"part-0.parquet.{process.pid}.tmp"
    left.write_bytes(b"PAR1 and nothing behind it")
    again = sink_of(root)
    again.open()
    assert not left.exists()
    again.close()
    assert recorded(root).height == found.height


def test_one_writer_at_a_time_and_the_second_takes_over(tmp_path: Path) -> None:
    first, alarms = sink_of(tmp_path / "ticks"), Alarms()
    first.open()
    left = work_folder(tmp_path / "ticks") / "part-0.parquet.1.tmp"
    left.write_bytes(b"a draft of the first one")
    second = sink_of(tmp_path / "ticks", alarm=alarms)
    with pytest.raises(Locked, match="another tieout is at work: ticks record by"):
        second.open()
    second.take(batch(10))
    wait_for(lambda: bool(alarms.raised))
    assert left.exists(), "a draft of a running writer is not touched"
    assert "another tieout is at work" in str(alarms.raised[0][1]["reason"])
    first.close()
    wait_for(lambda: second.stats().written == 10)
    second.close()
    assert (second.stats().failing, second.stats().lost) == (None, 0)


def test_a_folder_that_cannot_be_made_is_told_and_written_when_it_can(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    root, alarms = tmp_path / "file" / "ticks", Alarms()
    sink = sink_of(root, alarm=alarms, waiting_max=100)
    with pytest.raises(TieoutError, match="cannot be made"):
        sink.open()
    sink.take(batch(90))
    wait_for(lambda: bool(alarms.raised))
    sink.take(batch(30, first=90))
    stats = sink.stats()
    assert (stats.taken, stats.waiting, stats.lost, stats.balances) == (120, 100, 20, True)
    assert sum(stats.lost_by.values()) == 20
    (tmp_path / "file").unlink()
    wait_for(lambda: sink.stats().written == 100)
    sink.take(batch(30, first=120))
    sink.close()
    stats = sink.stats()
    assert (stats.written, stats.waiting, stats.lost, stats.failing) == (130, 0, 20, None)
    assert [(name, details.get("lost")) for name, details in alarms.raised] == [
        ("ticks_not_written", None),
        ("ticks_not_written", 20),
    ]
    assert alarms.raised[1][1]["lost_by_instrument_since_start"] == {
        NAMES[number]: lost for number, lost in stats.lost_by.items()
    }
    assert recorded(root).height == 130


def test_a_disk_that_fills_up_keeps_what_was_there_and_goes_on_with_room(tmp_path: Path) -> None:
    root, alarms = tmp_path / "ticks", Alarms()
    sink = sink_of(root, alarm=alarms)
    sink.take(batch(300))
    wait_for(lambda: sink.stats().written == 300)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        sink.take(batch(300, first=300))
        wait_for(lambda: bool(alarms.raised))
        assert recorded(root).height == 300
        assert list(work_folder(root).glob("*.tmp")) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    wait_for(lambda: sink.stats().written == 600)
    sink.close()
    assert recorded(root).select(list(TICK)).equals(with_names(batch(600)))
    assert [(details["waiting"], details["reason"]) for _, details in alarms.raised] == [(300, "File too large")]


def test_what_the_disk_does_not_take_until_the_end_is_lost_and_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    alarms = Alarms()
    sink = sink_of(tmp_path / "file" / "ticks", alarm=alarms)
    sink.take(batch(7))
    sink.close()
    sink.take(batch(3))
    stats = sink.stats()
    assert (stats.taken, stats.written, stats.waiting, stats.lost) == (10, 0, 0, 10)
    assert alarms.raised[-1][1]["lost"] == 7


def test_old_days_go_whole_and_nothing_else_does(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    sink = sink_of(root)
    for ago in range(5):
        sink.take(batch(3, at_ns=NOON - ago * DAY))
    sink.close()
    (root / "date=notes").mkdir()
    now = [NOON]
    sink = sink_of(root, keep_days=2, now=lambda: now[0])
    sink.take(batch(3))
    wait_for(lambda: sink.stats().written == 3)
    wait_for(lambda: len(list(root.iterdir())) == 4)
    assert sorted(path.name for path in root.iterdir()) == [
        "date=2026-02-28", "date=2026-03-01", "date=2026-03-02", "date=notes",
    ]  # fmt: skip
    now[0] = NOON + DAY
    wait_for(lambda: len(list(root.iterdir())) == 3)
    sink.close()
    assert sorted(day.name[5:] for day in root.iterdir()) == ["2026-03-01", "2026-03-02", "notes"], to_iso(now[0])


def test_a_day_that_cannot_be_removed_is_told_and_ticks_go_on(tmp_path: Path) -> None:
    root, alarms = tmp_path / "ticks", Alarms()
    sink = sink_of(root)
    sink.take(batch(3, at_ns=NOON - 9 * DAY))
    sink.close()
    (work_folder(root) / "removed-date=2026-02-21").write_text("in the way")
    sink = sink_of(root, keep_days=1, alarm=alarms)
    sink.take(batch(3))
    wait_for(lambda: bool(alarms.raised))
    sink.close()
    assert [name for name, _ in alarms.raised] == ["ticks_not_removed"]
    assert (sink.stats().written, recorded(root).height) == (3, 6)


def test_an_instrument_beyond_the_table_is_kept_by_its_number(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "ticks")
    sink.take(batch(2, instrument=[7, 1]))
    sink.close()
    assert recorded(tmp_path / "ticks")["instrument"].to_list() == ["7", "EUR/USD"]


def test_two_instruments_of_one_name_have_folders_of_their_own(tmp_path: Path) -> None:
    table = instruments("SPY", "SPY", "QQQ")
    sink = ParquetSink(tmp_path / "ticks", table, flush_seconds=0.1)
    sink.take(batch(3))
    sink.close()
    assert sorted(recorded(tmp_path / "ticks")["instrument"]) == ["QQQ", "SPY~100", "SPY~101"]


def test_a_recording_on_a_disk_of_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="/proc is a disk of its own"):
        require_one_disk(Path("/proc"), tmp_path)


GROWER = """
from pathlib import Path
from tick_file_support import batch, instruments
from tieout.ticks.files.folder import RecordingFolder
from tieout.ticks.files.parts import day_of
folder = RecordingFolder(Path("{root}"), session=1)
today = day_of({noon})
for first in (0, 30):
    folder.write(today, instruments()[0], batch(30, first=first, instrument=[0] * 30), name="ES", today=today)
"""


def test_a_part_that_grows_is_the_old_one_or_the_new_one_after_a_kill(tmp_path: Path) -> None:
    heights = []
    for number in range(4, 8):
        root = tmp_path / str(number) / "ticks"
        with patch.dict(ENVIRONMENT, TIEOUT_KILL_AT=str(number), PYTHONPATH=f"{ENVIRONMENT['PYTHONPATH']}:{TESTS}"):
            done = finished(start([sys.executable, "-c", GROWER.format(root=root, noon=NOON)], tmp_path))
        heights.append((done.code, recorded(root).height, len(list(root.rglob("*.parquet")))))
    assert heights == [(-9, 30, 1), (-9, 30, 1), (-9, 60, 1), (0, 60, 1)]
