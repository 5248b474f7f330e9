"""What the data connection does about 1101, 1102, a cut socket, a refusal and a client id that is taken."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from feed_support import Keeping, desk_at, fed, subscriptions, until
from market_support import FOUR, ask_by_tick
from sim_support import RawClient
from tieout.bot.backlog import Backlog
from tieout.bot.feeding import Feeding
from tieout.bot.mailbox import Mailbox
from tieout.bot.strategist import Strategist
from tieout.sim import SimOptions, run_in_thread
from tieout.strategy import Quote, Strategy, Tick
from tieout.ticks.live.feed import Feed
from tieout.ticks.live.shown import read_ticks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tieout.bot.strategy_gate import StrategyGate
    from tieout.staging.desk import Desk

BOTH = subscriptions(ES="bid_ask", AAPL="quotes_and_trades")


def market(folder: Path, *, more: str = "", lines: int = 20) -> SimOptions:
    """Four instruments that stream as fast as they can be taken, or as `more` says."""
    text = FOUR.read_text("utf-8").replace("by_tick_lines: 20", f"by_tick_lines: {lines}")
    path = folder / "ticks.yml"
    path.write_text(text.replace("  seed: 7\n", f"  seed: 7\n{more}"), encoding="utf-8")
    return SimOptions(scenario=path)


def details(desk: Desk, name: str) -> list[dict[str, Any]]:
    """What alerts of that name said."""
    path = desk.alerts.file
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    return [row["details"] for row in rows if row["alert"] == name]


def said(desk: Desk, event: str) -> list[dict[str, Any]]:
    """The log's lines of that event, without time and level."""
    path = desk.workspace.reconcile_log
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if f'"event": "{event}"' in line]
    return [{key: value for key, value in row.items() if key not in {"timestamp", "level", "event"}} for row in rows]


def said_of(desk: Desk, code: int) -> list[dict[str, Any]]:
    return [one for one in said(desk, "live_data_said") if one["code"] == code]


def both_came(found: pl.DataFrame) -> bool:
    return set(found["instrument"]) == {0, 1}


def both_asked(feed: Feed) -> bool:
    return feed.standing.asked == {0, 1}


def refused(desk: Desk) -> dict[str, str]:
    return {name: why for one in details(desk, "live_data_refused") for name, why in one["refused"].items()}


def of_the_first(ticks: pl.DataFrame) -> int:
    return ticks.filter(pl.col("instrument") == 0).height


def more_than(count: int) -> Callable[[pl.DataFrame], bool]:
    return lambda found: of_the_first(found) > count


def test_after_1101_everything_is_asked_for_anew_once_and_after_1102_nothing(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, BOTH)
        with fed(desk, kept) as feed:
            kept.wait_for(both_came)
            assert feed.standing.restored == 1
            sim.call(lambda gateway: gateway.link(1100))
            until(lambda: feed.standing.state == "no_ib")
            sim.call(lambda gateway: gateway.link(1102))
            until(lambda: feed.standing.state == "up")
            kept.wait_for(more_than(of_the_first(kept.ticks)))
            assert feed.standing.restored == 1
            sim.call(lambda gateway: gateway.link(1100))
            sim.call(lambda gateway: gateway.link(1101))
            until(lambda: feed.standing.restored == 2)
            kept.wait_for(more_than(of_the_first(kept.ticks)))
            assert (feed.standing.state, feed.standing.refused, feed.standing.asked) == ("up", {}, frozenset({0, 1}))
            assert len(sim.gateway.sessions) == 1
    assert details(desk, "live_data_refused") == []


def test_a_cut_socket_is_connected_again_and_everything_asked_for(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, BOTH)
        with fed(desk, kept) as feed:
            for times in range(3):
                kept.wait_for(more_than(of_the_first(kept.ticks)))
                assert (feed.standing.reconnects, feed.standing.restored) == (times, times + 1)
                sim.call(lambda gateway: [session.cut() for session in tuple(gateway.sessions.values())])
                until(lambda count=times: feed.standing.reconnects == count + 1 and both_asked(feed))
            ticks = kept.wait_for(more_than(of_the_first(kept.ticks)))
    assert ticks["sequence"].diff().drop_nulls().eq(1).all()
    assert details(desk, "live_data_lost") == []


def test_bytes_that_are_no_stream_end_the_connection_and_another_is_made(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, BOTH)
        with fed(desk, kept) as feed:
            kept.wait_for(both_came)
            sim.call(lambda gateway: gateway.sessions[13].writer.write(b"\xff" * 16))
            until(lambda: feed.standing.reconnects == 1 and both_asked(feed))
            kept.wait_for(more_than(of_the_first(kept.ticks)))
    (lost,) = said(desk, "live_data_connection_lost")
    assert lost["reason"].startswith("a message of 4294967295 bytes is announced")
    assert "".join(capfd.readouterr()) == ""


def test_after_a_data_farm_was_gone_a_silent_instrument_is_asked_for_anew_once(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, BOTH, stale_after_seconds=1)
        with fed(desk, kept):
            kept.wait_for(both_came)
            for code in (2103, 2104):
                text = f"Market data farm connection {code}"
                sim.call(lambda gateway, code=code, text=text: gateway.sessions[13].plain_error(code, text))  # type: ignore[misc]
            until(lambda: len(said(desk, "live_data_said")) >= 5)
            sim.call(lambda gateway: gateway.feed.silence(265598))
            until(lambda: bool(said(desk, "live_data_renewed")))
            sim.call(lambda gateway: gateway.feed.silence(265598, silent=False))
            until(lambda: bool(details(desk, "live_data_resumed")))
    assert said(desk, "live_data_renewed") == [{"instruments": [1]}]
    assert details(desk, "live_data_refused") == []


def test_a_gateway_that_is_gone_is_told_once_and_found_again(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim:
        port = sim.port
    desk = desk_at(tmp_path / "work", port, BOTH, reconnect_max_retries=2)
    feed = Feed(desk, kept.made_for)
    feed.start()
    until(lambda: bool(details(desk, "live_data_lost")))
    assert feed.standing.state == "down"
    assert feed.stop()
    assert kept.instruments is None
    (lost,) = details(desk, "live_data_lost")
    assert lost["hint"].startswith("Start TWS or IB Gateway")
    assert (lost["reason"], lost["attempts"]) == (f"No gateway at 127.0.0.1:{port}: it refused the connection.", 3)


def test_a_client_id_that_is_taken_is_told_with_the_setting_to_change(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim, RawClient(sim.port) as other:
        other.start(13)
        until(lambda: 13 in sim.gateway.sessions)
        desk = desk_at(tmp_path / "work", sim.port, BOTH, reconnect_max_retries=0)
        feed = Feed(desk, kept.made_for)
        feed.start()
        until(lambda: bool(details(desk, "live_data_lost")))
        assert feed.stop()
    (lost,) = details(desk, "live_data_lost")
    assert "already has a client with id 13 (IB error 326)" in lost["reason"]
    assert "change LIVE_DATA.client_id" in lost["hint"]


def test_what_the_gateway_refuses_is_told_by_name_and_the_others_go_on(tmp_path: Path) -> None:
    kept = Keeping()
    wanted = "[{con_id: 637533641, ticks: bid_ask}, {con_id: 265598, ticks: all_last}, {con_id: 1, ticks: quotes}]"
    with run_in_thread(market(tmp_path, lines=1)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, wanted)
        with fed(desk, kept) as feed:
            kept.wait_for(more_than(10))
            until(lambda: set(feed.standing.refused) == {1, 2})
            assert feed.standing.asked == {0}
            until(lambda: len(refused(desk)) == 2)
    assert refused(desk) == {
        "AAPL": "the gateway streams tick by tick of no further instrument (IB error 10190: Max number of tick-by-tick "
        "requests has been reached.)",
        "1": "its contract details did not come: IB error 200: No security definition has been found for the request",
    }


def test_what_is_refused_for_want_of_room_is_asked_for_again_and_told_once(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path, lines=1)) as sim, RawClient(sim.port) as other:
        other.start(5)
        ask_by_tick(other, 1, 265598, "Last")
        until(lambda: 5 in sim.gateway.sessions and sim.gateway.sessions[5].ticks.count(by_tick=True) == 1)
        wanted = subscriptions(ES="quotes", AAPL="all_last")
        desk = desk_at(tmp_path / "work", sim.port, wanted, max_delay=0.1)
        with fed(desk, kept) as feed:
            until(lambda: len(said_of(desk, 10190)) >= 3 and bool(refused(desk)))
            other.send(98, 1)
            kept.wait_for(both_came)
            assert feed.standing.refused == {}
    assert len(details(desk, "live_data_refused")) == 1


def test_an_instrument_that_falls_silent_is_told_and_so_is_its_return(tmp_path: Path) -> None:
    kept = Keeping()
    with run_in_thread(market(tmp_path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, subscriptions(ES="bid_ask", AAPL="all_last"), stale_after_seconds=1)
        with fed(desk, kept):
            kept.wait_for(both_came)
            sim.call(lambda gateway: gateway.feed.silence(265598))
            until(lambda: bool(details(desk, "live_data_stale")))
            sim.call(lambda gateway: gateway.feed.silence(265598, silent=False))
            until(lambda: bool(details(desk, "live_data_resumed")))
    (stale,) = details(desk, "live_data_stale")
    assert (list(stale["silent"]), stale["seconds"]) == (["AAPL"], 1)
    assert details(desk, "live_data_resumed") == [{"instruments": ["AAPL"]}]


def test_a_consumer_that_breaks_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("no room")

    kept = Keeping(fail)
    with run_in_thread(market(tmp_path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, BOTH)
        with fed(desk, kept):
            kept.wait_for(both_came)
            until(lambda: bool(details(desk, "live_data_consumer_failed")))
            kept.wait_for(more_than(of_the_first(kept.ticks)))
    told = details(desk, "live_data_consumer_failed")
    assert {(one["consumer"], one["method"], one["reason"]) for one in told} == {
        ("kept", "take", "RuntimeError: no room")
    }
    assert sum(one["times"] for one in told) == len(kept.frames)


def test_a_flood_is_lost_in_the_ring_and_told_with_names_and_counts(tmp_path: Path) -> None:
    kept = Keeping(lambda: time.sleep(0.05))
    with run_in_thread(market(tmp_path, more="  speed: full\n")) as sim:
        desk = desk_at(tmp_path / "work", sim.port, BOTH, max_event_queue_size=500)
        with fed(desk, kept) as feed:
            until(lambda: bool(details(desk, "live_data_backpressure_drop")))
    stats = feed.stats()
    told = details(desk, "live_data_backpressure_drop")
    assert all(one["full_seconds"] > 0 and one["queue"] == 500 and one["policy"] == "drop_oldest" for one in told)
    assert sum(one["dropped"] for one in told) == stats.dropped
    assert {name for one in told for name in one["lost"]} == {"ESZ6", "AAPL"}
    assert sum(one["lost"].get("ESZ6", 0) for one in told) == stats.lost[0]
    shown = read_ticks(desk.workspace.status_dir)
    assert shown is not None
    assert (shown["ended"], shown["connection"]["state"]) == (True, "ended")
    assert shown["totals"]["dropped"] == stats.dropped
    assert [row["lost"] for row in shown["instruments"]] == [stats.lost[0], stats.lost[1]]


def test_a_strategy_that_stands_still_is_told_of_and_holds_up_neither_drain_nor_stop(tmp_path: Path) -> None:
    class Standing(Strategy):
        def __init__(self) -> None:
            self.go = threading.Event()

        def on_tick(self, tick: Tick) -> None:
            self.go.wait(60)

        def on_quote(self, quote: Quote) -> None:
            self.go.wait(60)

    strategy = Standing()
    strategist = Strategist(strategy, failed=lambda failure: None)
    strategist.box = Mailbox(Backlog(rows_max=200))
    with run_in_thread(market(tmp_path, more="  speed: full\n")) as sim:
        wanted = subscriptions(ES="quotes_and_trades", AAPL="all_last")
        desk = desk_at(tmp_path / "work", sim.port, wanted, enable_tick_subscriptions=True)
        feeding = Feeding(desk, strategist, say=lambda text: None)
        feeding.start()
        strategist.start(cast("StrategyGate", None))
        until(lambda: feeding.look(desk.now()) or len(details(desk, "strategy_behind")) == 1)  # type: ignore[func-returns-value]
        before = ticks_taken(desk)
        until(lambda: ticks_taken(desk) > before + 1000)
        feeding.stop()
    strategy.go.set()
    assert strategist.stop(20)
    (behind,) = details(desk, "strategy_behind")
    assert set(behind["lost"]) <= {"ESZ6", "AAPL"}
    assert sum(behind["lost"].values()) > 0
    shown = read_ticks(desk.workspace.status_dir)
    assert shown is not None
    assert (shown["ended"], shown["totals"]["waiting"]) == (True, 0)
    counts = shown["consumers"]["strategy"]
    assert counts["taken"] >= counts["waiting"] + counts["lost"] + counts["conflated"] > 0


def ticks_taken(desk: Desk) -> int:
    shown = read_ticks(desk.workspace.status_dir)
    return 0 if shown is None else int(shown["totals"]["ticks"])
