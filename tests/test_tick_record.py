"""`ticks record` as its users start it: a process, a real socket to the simulated gateway, signals."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path

import pytest

from cli_process import Outcome, assert_error, finished
from cli_support import Workplace
from tick_file_support import recorded, tieout_ticks, wait_for
from tieout.clock import now_ns
from tieout.ticks.files.folder import RecordingFolder
from tieout.ticks.files.parts import work_folder
from tieout.ticks.live import recorder
from tieout.ticks.sources.tape import Tape
from workspace_support import make_workspace

SCENARIO = """
accounts: [DU1234567]
contracts:
  SPY: {con_id: 756733, symbol: SPY, sec_type: STK, exchange: SMART, local_symbol: SPY}
  AAPL: {con_id: 265598, symbol: AAPL, sec_type: STK, exchange: SMART, local_symbol: AAPL}
prices: {SPY: 658.1, AAPL: 201.5}
ticks:
  seed: 7
  markets: {SPY: {rate: 300}, AAPL: {rate: 100}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    make_workspace(tmp_path)
    found = Workplace(tmp_path)
    found.set(LIVE_DATA__record_flush_seconds=0.5)
    (tmp_path / "market.yml").write_text(SCENARIO)
    return found


def outcome_of(place: Workplace, *words: str, stop: signal.Signals) -> Outcome:
    """A recording of the simulated gateway, until some ticks are in files and then by that signal."""
    process = place.start("ticks", "record", "--sim", "market.yml", *words)
    wait_for(lambda: recorded(place.root / "data" / "ticks").height > 50)
    process.send_signal(stop)
    return finished(process)


def test_a_simulated_gateway_until_sigterm_with_everything_written(place: Workplace) -> None:
    root = place.root / "data" / "ticks"
    done = outcome_of(place, "--json", stop=signal.SIGTERM)
    assert done.code == 0, done
    told, found = done.told, recorded(root)
    assert (told["simulated"], told["dropped"], told["lost"]) == (True, 0, 0)
    assert told["written"] == told["received"] == found.height > 0
    assert told["instruments"] == dict(found.group_by("instrument").len().iter_rows())
    assert {one.contract.con_id for one in Tape.open([root]).instruments} == {756733, 265598}
    assert tieout_ticks("check", root).code == 0


def test_a_kill_leaves_whole_files(place: Workplace) -> None:
    root = place.root / "data" / "ticks"
    assert outcome_of(place, stop=signal.SIGKILL).code == -9
    done = tieout_ticks("check", root, "--json")
    assert (done.told["unreadable"], done.told["rows"]) == ([], recorded(root).height)
    with closing(RecordingFolder(root, session=now_ns())):
        assert list(work_folder(root).glob("*.tmp")) == []


def test_a_folder_that_is_recorded_to_already_is_refused(place: Workplace) -> None:
    with closing(RecordingFolder(place.root / "data" / "ticks", session=now_ns())):
        done = place.run("ticks", "record", "--sim")
    assert (done.code, "another tieout is at work: ticks record by" in done.err) == (11, True), done


def test_a_folder_that_cannot_be_written_is_told_at_once(place: Workplace) -> None:
    (place.root / "taken").write_text("a file")
    done = place.run("ticks", "record", "--sim", "--out", str(place.root / "taken" / "ticks"))
    assert (done.code, "cannot be made" in done.err) == (1, True), done


def test_nothing_to_record_and_nobody_to_record_from(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_error(place.run("ticks", "record"), 2, says="LIVE_DATA.subscriptions is empty")
    place.set(LIVE_DATA__subscriptions="[{con_id: 756733}]", BROKER__port=1)
    monkeypatch.setattr(recorder, "TELL_S", 0.5)
    assert_error(place.run("ticks", "record", "--seconds", "0.1", "--quiet"), 1, says="no tick was recorded")
