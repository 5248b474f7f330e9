"""Streamed ticks of the simulated gateway: clients hear what was planned, and what goes wrong is as configured."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ib_async import IB, Contract, Ticker
from ib_async.objects import TickByTickBidAsk, TickByTickMidPoint

from market_support import AAPL, ES, FOUR, NQ, SPY, START, ask_by_tick, ask_quotes, calls, market, plainly, planned
from sim_support import RawClient, noon
from tick_calls import client_calls, record_calls
from tieout.sim import RunningSim, SimOptions, run_in_thread
from tieout.ticks import TickDecoder

EVENTS = 3000
WAIT_S = 60.0
KINDS = {ES: "quotes", NQ: "MidPoint", SPY: "BidAsk", AAPL: "AllLast"}


def scenario(folder: Path, *, speed: str = "full", faults: str = "", more: str = "") -> SimOptions:
    """The shipped scenario at another speed, with these faults; its times start at noon."""
    extra = f"  speed: {speed}\n  starts_at: {START}\n{more}" + (f"  faults: [{faults}]\n" if faults else "")
    path = folder / "ticks.yml"
    path.write_text(FOUR.read_text("utf-8").replace("  seed: 7\n", f"  seed: 7\n{extra}"), encoding="utf-8")
    return SimOptions(scenario=path, now_ns=noon)


def stop(con_id: int, events: int = EVENTS) -> str:
    """The fault that ends a market behind so many events."""
    name = {ES: "ES", NQ: "NQ", SPY: "SPY", AAPL: "AAPL"}[con_id]
    return f"{{do: silence, contract: {name}, after: {events}}}"


def stream_of(client: RawClient, count: int) -> bytes:
    """So many messages, as bytes."""
    data = b""
    for _ in range(count):
        body = client.read_body()
        assert body
        data += struct.pack(">I", len(body)) + body
    return data


def wait(done: Callable[[], bool]) -> None:
    """Until it is so."""
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end, "nothing comes"
        time.sleep(0.005)


@pytest.mark.parametrize("version", [157, 163, 178])
def test_two_decoders_hear_what_was_planned(tmp_path: Path, version: int) -> None:
    options = scenario(tmp_path, faults=", ".join(stop(con_id) for con_id in KINDS))
    with run_in_thread(options) as sim, RawClient(sim.port) as client:
        client.start(5, f"v157..{version}")
        for request, (con_id, kind) in enumerate(KINDS.items(), start=40):
            if kind == "quotes":
                ask_quotes(client, request, con_id)
            else:
                ask_by_tick(client, request, con_id, kind)
        expected = {
            request: calls(planned(market(sim, con_id), EVENTS), request, kind)
            for request, (con_id, kind) in enumerate(KINDS.items(), start=40)
        }
        # Behind its type and parameters, a subscription to quotes first hears what stands.
        first = 2 + 2 + 4
        data = stream_of(client, first + sum(len(one) for one in expected.values()))
    theirs = client_calls([data], version)
    batch = TickDecoder(version).feed(data)
    assert record_calls([batch]) == [call for call in theirs if call[0] not in ("marketDataType", "tickReqParams")]
    heard = {request: [plainly(call) for call in theirs if call[1] == request] for request in expected}
    heard[40] = heard[40][first:]
    assert heard == expected


def test_a_connected_ib_async_sees_what_was_planned(tmp_path: Path) -> None:
    with run_in_thread(scenario(tmp_path, faults=", ".join(stop(con_id) for con_id in KINDS))) as sim:
        plans = {con_id: calls(planned(market(sim, con_id), EVENTS), 0, kind) for con_id, kind in KINDS.items()}
        expected = {
            # First it hears what stands.
            ES: [(1, 6600.25, 1), (2, 6600.5, 1), (4, 6600.25, 1)]
            + [call[2:] for call in plans[ES] if call[0] == "priceSizeTick"],
            NQ: [call[3] for call in plans[NQ]],
            SPY: [call[3:7] for call in plans[SPY]],
            AAPL: [(*call[4:6], call[7], call[8]) for call in plans[AAPL]],
        }
        assert asyncio.run(_seen_by_ib_async(sim, {con_id: len(one) for con_id, one in expected.items()})) == expected


async def _seen_by_ib_async(sim: RunningSim, counts: dict[int, int]) -> dict[int, list[Any]]:
    """Subscribe to each instrument in its own way, and hear that many ticks of each."""
    ib = IB()
    await ib.connectAsync("127.0.0.1", sim.port, clientId=7, timeout=20)
    seen: dict[int, list[Any]] = {con_id: [] for con_id in counts}

    def hear(tickers: set[Ticker]) -> None:
        for ticker in tickers:
            assert ticker.contract is not None
            ticks = seen[ticker.contract.conId]
            ticks += [(t.tickType, t.price, t.size) for t in ticker.ticks if t.tickType in (1, 2, 4)]
            ticks += [_values(tick) for tick in ticker.tickByTicks]

    ib.pendingTickersEvent += hear
    for con_id in counts:
        if KINDS[con_id] == "quotes":
            ib.reqMktData(Contract(conId=con_id))
        else:
            ib.reqTickByTickData(Contract(conId=con_id), KINDS[con_id])
    async with asyncio.timeout(WAIT_S):
        while any(len(seen[con_id]) < count for con_id, count in counts.items()):
            await asyncio.sleep(0.01)
    ib.disconnect()
    return seen


def _values(tick: Any) -> Any:
    if isinstance(tick, TickByTickMidPoint):
        return tick.midPoint
    if isinstance(tick, TickByTickBidAsk):
        return tick.bidPrice, tick.askPrice, tick.bidSize, tick.askSize
    return tick.price, tick.size, tick.exchange, tick.specialConditions


def test_the_same_ticks_at_every_speed_and_after_a_reconnect(tmp_path: Path) -> None:
    found = []
    for speed, parts in (("full", (900,)), ("200", (900,)), ("full", (300, 600))):
        with run_in_thread(scenario(tmp_path, speed=speed)) as sim:
            data = b""
            told = market(sim, AAPL).told
            for number, count in enumerate(parts):
                if number:
                    market(sim, AAPL).told = told  # what the client had not read when it left is not told again
                with RawClient(sim.port) as client:
                    client.start(5)
                    wait(lambda: len(sim.gateway.sessions) == 1)
                    ask_by_tick(client, 9, AAPL, "BidAsk")
                    data += stream_of(client, count)
                wait(lambda: not sim.gateway.sessions)
                told = _place_behind(sim, len(data))
        found.append(data)
    assert found[0] == found[1] == found[2]


def _place_behind(sim: RunningSim, size: int) -> Any:
    """The place in the market behind so many bytes of its quotes by tick."""
    from tieout.sim.ticks.market import Place
    from tieout.sim.ticks.wire import Wanted, encode

    source = market(sim, AAPL).source
    assert source is not None
    block = source.block(0)
    assert block is not None
    pieces = encode(block, Wanted(9, "BidAsk"), start_ns=noon())
    row = next(n for n in range(len(pieces)) if sum(map(len, pieces[:n])) == size)
    return Place(0, row, row)


def test_a_client_that_does_not_read_costs_no_memory_and_holds_up_nobody(tmp_path: Path) -> None:
    with run_in_thread(scenario(tmp_path)) as sim, RawClient(sim.port) as slow, RawClient(sim.port) as quick:
        slow.start(5)
        ask_quotes(slow, 1, ES)
        waiting = []
        wait(lambda: _is_full(sim, 5, waiting))
        quick.start(6)
        ask_quotes(quick, 1, ES)
        assert len(stream_of(quick, 20_000)) > 300_000
        _is_full(sim, 5, waiting)
        assert max(waiting) < 1 << 20


def _is_full(sim: RunningSim, client: int, waiting: list[int]) -> bool:
    """Whether what waits for this client has stopped growing."""
    session = sim.gateway.sessions.get(client)
    if session is None:
        return False
    waiting.append(session.writer.transport.get_write_buffer_size())  # type: ignore[attr-defined]
    return len(waiting) > 20 and waiting[-1] > 0 and len(set(waiting[-20:])) == 1


@pytest.mark.parametrize(("code", "goes_on"), [(1101, False), (1102, True)])
def test_a_lost_link_ends_or_keeps_subscriptions(tmp_path: Path, code: int, goes_on: bool) -> None:
    faults = f"{{do: lose_link, contract: ES, after: 500, ms: 20, back: {code}}}, {stop(ES, 800)}"
    with run_in_thread(scenario(tmp_path, faults=faults)) as sim, RawClient(sim.port) as client:
        client.start(5)
        ask_by_tick(client, 9, ES, "BidAsk")
        before = calls(planned(market(sim, ES), 500), 9, "BidAsk")
        whole = calls(planned(market(sim, ES), 800), 9, "BidAsk")
        got = [client.read() for _ in range(len(before))]
        said = [client.read() for _ in range(2)]
        assert [message[0] for message in got] == ["99"] * len(before)
        assert [message[3] for message in said] == ["1100", str(code)]
        if not goes_on:
            ask_by_tick(client, 9, ES, "BidAsk")
        rest = [client.read() for _ in range(len(whole) - len(before))]
        assert [float(message[4]) for message in got + rest] == [call[3] for call in whole]


def test_a_silent_market_says_nothing_until_it_speaks_again(tmp_path: Path) -> None:
    options = scenario(tmp_path, faults="{do: silence, contract: ES, after: 400, ms: 20}, " + stop(ES, 700))
    with run_in_thread(options) as sim, RawClient(sim.port) as client:
        client.start(5)
        ask_by_tick(client, 9, ES, "BidAsk")
        expected = calls(planned(market(sim, ES), 700), 9, "BidAsk")
        assert [float(client.read()[4]) for _ in expected] == [call[3] for call in expected]
        wait(lambda: market(sim, ES).told.number == 700)
        assert client.ask(49, 1, until="49")[0][0] == "49"


def test_a_cut_takes_every_client_off(tmp_path: Path) -> None:
    options = scenario(tmp_path, faults="{do: cut, contract: ES, after: 10}")
    with run_in_thread(options) as sim, RawClient(sim.port) as client:
        client.start(5)
        ask_by_tick(client, 9, ES, "BidAsk")
        heard = calls(planned(market(sim, ES), 10), 9, "BidAsk")
        assert [client.read()[0] for _ in heard] == ["99"] * len(heard)
        assert client.read() == []


def test_what_is_refused_says_why(tmp_path: Path) -> None:
    options = scenario(tmp_path, more="  lines: 1\n", faults=", ".join(stop(one, 0) for one in KINDS))
    text = options.scenario.read_text("utf-8") if options.scenario else ""
    text = text.replace("by_tick_lines: 20", "by_tick_lines: 1").replace("{rate: 300}", "{subscribed: false}")
    (tmp_path / "ticks.yml").write_text(text.replace(", " + stop(NQ, 0), ""), encoding="utf-8")
    with run_in_thread(options) as sim, RawClient(sim.port) as client:
        client.start(5)
        ask_quotes(client, 1, ES)
        for request, con_id in ((2, SPY), (3, NQ), (1, ES), (4, 99)):
            ask_quotes(client, request, con_id)
        ask_by_tick(client, 5, SPY, "Last")
        ask_by_tick(client, 6, AAPL, "Last")
        ask_by_tick(client, 7, NQ, "Last")
        ask_by_tick(client, 8, SPY, "Lost")
        client.send(98, 77)
        client.send(2, 2, 77)
        client.send(49, 1)
        said = client.read_until("49")
        errors = [(message[2], message[3]) for message in said if message[0] == "4"]
    assert errors == [
        ("2", "101"), ("3", "354"), ("1", "322"), ("4", "200"), ("6", "10190"), ("7", "10189"), ("8", "321"),
        ("77", "300"),
    ]  # fmt: skip


def test_a_cancelled_subscription_ends_and_frees_its_line(tmp_path: Path) -> None:
    with run_in_thread(scenario(tmp_path, more="  lines: 1\n")) as sim, RawClient(sim.port) as client:
        client.start(5)
        ask_quotes(client, 1, ES)
        stream_of(client, 50)
        client.send(2, 2, 1)
        ask_quotes(client, 2, SPY)
        while (message := client.read())[0] != "58" or message[2] != "2":
            assert message[0] in ("1", "2", "46", "58", "81")
        assert {client.read()[1 if n == 0 else 2] for n in range(200)} == {"2"}
        assert sim.gateway.sessions[5].ticks.count(by_tick=False) == 1


def test_rt_volume_and_delayed_types(tmp_path: Path) -> None:
    options = scenario(tmp_path, faults=f"{stop(SPY, 500)}, {stop(AAPL, 200)}")
    text = options.scenario.read_text("utf-8").replace("trades: 30,", "trades: 30, kind: delayed,")  # type: ignore[union-attr]
    (tmp_path / "ticks.yml").write_text(text, encoding="utf-8")
    with run_in_thread(options) as sim, RawClient(sim.port) as client:
        client.start(5)
        ask_quotes(client, 1, SPY, "233,375")
        trades = [event for event in planned(market(sim, SPY), 500) if event["trade"]]
        reported = [event for event in trades if not event["unreported"]]
        said: list[list[str]] = []
        while len([one for one in said if one[3:4] in (["48"], ["77"])]) < len(trades) + len(reported):
            said.append(client.read())
        told = [one[4].split(";") for one in said if one[3:4] == ["48"]]
        assert [float(one[0]) for one in told] == [event["price"] / 1e8 for event in trades]
        assert [float(one[3]) for one in told] == [event["volume"] / 1e8 for event in trades]
        assert 0 < len(reported) < len(trades)
        assert len([one for one in said if one[3:4] == ["77"]]) == len(reported)
        ask_quotes(client, 2, AAPL)
        said = client.read_until("58")
        assert [(one[0], one[3]) for one in said if one[2:3] == ["2"]] == [("4", "10167"), ("58", "3")]
        types = {client.read()[3] for _ in range(100)}
        assert types == {"9c0001", "66", "67", "68", "69", "70", "71", "74", "88"}
