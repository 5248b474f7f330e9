"""`tieout ticks tail` and what `tieout status` says of live data, beside a real feed at the simulated gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli_support import Workplace
from feed_support import Keeping, desk_at, fed, until
from market_support import FOUR
from terminal_support import Terminal
from tieout.cli.ticks_view import status_lines
from tieout.clock import from_iso
from tieout.sim import SimOptions, run_in_thread
from tieout.ticks.live.shown import OLD_NS, read_ticks
from workspace_support import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

THREE = "[{con_id: 637533641, ticks: bid_ask}, {con_id: 265598}, {con_id: 1}]"


def test_the_running_feed_is_shown_and_an_ended_one_is_told(tmp_path: Path) -> None:
    root = tmp_path / "work"
    kept, place = Keeping(), Workplace(root)
    with run_in_thread(SimOptions(scenario=FOUR)) as sim:
        desk = desk_at(root, sim.port, THREE)
        with fed(desk, kept) as feed:
            until(lambda: (read_ticks(root / "status") or {"totals": {"ticks": 0}})["totals"]["ticks"] > 100)
            shown = place.run("ticks", "tail").out.splitlines()
            assert shown[0].endswith(", client id 13, fast lane")
            assert shown[1].startswith("ticks: ")
            assert [line.split()[:3] for line in shown[3:6]] == [
                ["ESZ6", "bid_ask", "ticks"], ["AAPL", "quotes", "ticks"], ["1", "quotes", "refused"]
            ]  # fmt: skip
            told = place.run("--json", "ticks", "tail").told
            assert (told["connection"]["state"], told["totals"]["dropped"], told["consumers"]["kept"]["failures"]) == (
                "up", 0, 0
            )  # fmt: skip
            status = place.run("status").out
            assert "  live data connection: up since " in status
            assert "none lost; 3 instruments, 1 refused" in status
            with Terminal(place, "ticks", "tail", term="xterm") as terminal:
                terminal.wait_for("ESZ6")
                assert feed.stop()
                terminal.wait_for("no feed runs: the last one ended")
    ended = place.run("ticks", "tail")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: no feed runs: the last one ended ")
    assert "live data" not in place.run("status").out


def test_a_feed_that_was_killed_and_one_that_never_was_are_told(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    place = Workplace(tmp_path)
    never = place.run("--json", "ticks", "tail")
    assert (never.code, never.told["error"]["message"]) == (
        1, f"no feed runs, and none ever wrote {tmp_path / 'status' / 'ticks.json'}"
    )  # fmt: skip
    (tmp_path / "status" / "ticks.json").write_text("{", encoding="utf-8")
    assert place.run("ticks", "tail").code == 1
    assert place.run("status").code == 0


@pytest.mark.parametrize("late", [0, OLD_NS])
def test_status_tells_live_from_cut_off(late: int) -> None:
    told: dict[str, Any] = {
        "at": "2026-11-27T12:00:00.000Z", "ended": False, "instruments": [],
        "connection": {"state": "down", "since": "2026-11-27T11:00:00.000Z", "why": "it refused the connection.",
                       "client_id": 13, "lane": None, "lane_why": None, "reconnects": 2},
        "totals": {"rate": 1234.5, "ticks": 7, "waiting": 1, "capacity": 10, "dropped": 3, "conflated": 0,
                   "full_seconds": 0.5, "drain_lag_ms": None},
    }  # fmt: skip
    lines = status_lines(told, from_iso(told["at"]) + late)
    if late:
        assert lines == ["live data: nothing since 10 s ago (2026-11-27T12:00:00.000Z)"]
    else:
        assert lines == [
            "live data connection: down since 2026-11-27T11:00:00.000Z, client id 13, made 2 times anew: "
            "it refused the connection.",
            "ticks: 1,234/s, 7 taken, 1 of 10 waiting, - in the queue, 3 dropped in 0.5 s of a full "
            "queue; 0 instruments",
        ]
