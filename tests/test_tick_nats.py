"""Ticks through a real NATS server: what is published is what comes, also over a server that is killed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nats_support import NatsServer, needs_server
from tick_file_support import batch, instruments, wait_for
from tieout.errors import InputUnusable, TieoutError
from tieout.ticks.layout import TICK
from tieout.ticks.live.drain import Drain
from tieout.ticks.remote import Account, Subscription
from tieout.ticks.remote.publisher import NatsPublisher
from tieout.ticks.ring import TickRing

pytestmark = needs_server

SUBJECT = "tieout.ticks"


class Alarms:
    """What was raised."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, /, **details: object) -> None:
        self.raised.append((name, details))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    one = NatsServer(tmp_path / "stream").start()
    yield one
    one.stop()


def publisher_of(server: NatsServer, **options: Any) -> NatsPublisher:
    return NatsPublisher(server.address, SUBJECT, instruments(), **options)


async def _collect(server: NatsServer, **options: Any) -> tuple[list[pl.DataFrame], Subscription]:
    frames = []
    async with Subscription(server.address, SUBJECT, **options) as ticks:
        async for frame in ticks:
            frames.append(frame)
    return frames, ticks


def collected(server: NatsServer, **options: Any) -> tuple[pl.DataFrame, Account]:
    """All that comes until the feed ends, and its account."""
    frames, ticks = asyncio.run(_collect(server, **{"until_end": True, "silent_s": 20.0, **options}))
    assert ticks.account is not None
    return pl.concat(frames), ticks.account


def test_every_tick_comes_in_order_with_its_instruments_name(server: NatsServer) -> None:
    publisher = publisher_of(server)
    ticks = batch(20_000)  # more than one message
    for some in ticks.iter_slices(3_000):
        publisher.take(some)
    publisher.close()
    found, account = collected(server)
    assert found.select(list(TICK)).equals(ticks)
    assert set(found["name"].cast(pl.String)) == {one.name for one in instruments()}
    assert (account.received, account.missed, account.before, account.copies) == (20_000, 0, 0, 0)
    assert account.ended
    assert account.balances
    stats = publisher.stats()
    assert (stats.written, stats.lost, stats.waiting) == (20_000, 0, 0)


def test_from_the_ring_to_the_subscriber_every_tick_is_accounted_for(server: NatsServer) -> None:
    with TickRing(64, policy="drop_oldest", drop_count=16, instruments=3) as ring:
        publisher = publisher_of(server, ring=ring.stats)
        for first in range(0, 1_000, 100):  # no drain yet: most of it is too much for the ring
            ring.push_batch(batch(100, first=first))
        drain = Drain(ring, {"nats": publisher})
        drain.start()
        ring.push_batch(batch(50, first=1_000))
        assert drain.stop(20)
        dropped = ring.stats().dropped
    found, account = collected(server)
    last = account.last
    assert last is not None
    assert (last.produced, last.dropped, last.taken) == (1_050, dropped, 1_050 - dropped)
    assert account.received == last.taken == found.height
    assert dropped > 500
    assert account.balances


def test_a_server_killed_in_the_middle_costs_no_tick_and_brings_none_twice(server: NatsServer) -> None:
    alarms = Alarms()
    publisher = publisher_of(server, alarm=alarms)
    ticks = batch(6_000)
    slices = list(ticks.iter_slices(100))
    answer: list[tuple[pl.DataFrame, Account]] = []
    reader = threading.Thread(target=lambda: answer.append(collected(server)))
    for at, some in enumerate(slices):
        if at == 5:
            wait_for(lambda: publisher.stats().written > 0)
            reader.start()
        if at in (20, 40):
            server.kill()
            took = time.monotonic()
            publisher.take(some)
            assert time.monotonic() - took < 1, "the drain never waits for the network"
            server.start()
            continue
        publisher.take(some)
        time.sleep(0.01)
    publisher.close()
    reader.join(60)
    found, account = answer[0]
    assert found.select(list(TICK)).equals(ticks)
    assert account.balances
    assert account.ended
    assert (account.received, account.missed) == (6_000, 0)
    assert publisher.stats().balances
    assert any(name == "ticks_not_published" for name, _ in alarms.raised)


def test_what_cannot_wait_for_the_server_is_counted_by_instrument_and_told_at_both_ends(tmp_path: Path) -> None:
    server, alarms = NatsServer(tmp_path / "stream"), Alarms()
    publisher = publisher_of(server, waiting_max=100, alarm=alarms)
    publisher.take(batch(100))
    publisher.take(batch(30, first=100))
    stats = publisher.stats()
    assert (stats.waiting, stats.lost, stats.lost_by) == (100, 30, {0: 10, 1: 10, 2: 10})
    server.start()
    try:
        wait_for(lambda: publisher.stats().written == 100)
        publisher.take(batch(5, first=130))
        publisher.close()
        found, account = collected(server)
    finally:
        server.stop()
    assert found["sequence"].to_list() == [*range(100), *range(130, 135)]
    assert account.last is not None
    assert (account.last.taken, account.last.lost, account.received) == (135, 30, 105)
    assert account.balances
    assert [details.get("lost") for _, details in alarms.raised] == [None, 30]


def test_a_reader_with_a_name_goes_on_where_it_was_and_one_without_starts_anew(server: NatsServer) -> None:
    publisher = publisher_of(server)
    publisher.take(batch(10))
    wait_for(lambda: publisher.stats().written == 10)
    first, _ = asyncio.run(_collect(server, durable="research", silent_s=0.8))
    publisher.take(batch(7, first=10))
    publisher.close()
    second, account = collected(server, durable="research")
    everything, whole = collected(server)
    assert [pl.concat(first).height, second.height, everything.height] == [10, 7, 17]
    assert (account.before, whole.before) == (10, 0)
    assert account.balances
    assert whole.balances


def test_messages_of_others_and_servers_that_are_not_there_are_named(server: NatsServer) -> None:
    publisher = publisher_of(server)
    publisher.take(batch(3))
    publisher.close()

    async def foreign() -> list[int]:
        import nats

        client = await nats.connect(server.address)
        await client.jetstream().publish(SUBJECT, b"hello")
        await client.close()
        heights = []
        async with Subscription(server.address, SUBJECT, silent_s=0.8) as ticks:
            heights.append((await anext(ticks)).height)
            with pytest.raises(InputUnusable, match=r"no message of tieout's; expected version 1"):
                await anext(ticks)
        return heights

    assert asyncio.run(foreign()) == [3]


def test_a_server_without_jetstream_or_with_another_password_is_told_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tieout.ticks.remote.publisher.CLOSE_WAIT_S", 0.1)
    plain = NatsServer(tmp_path / "a", "--no-stream", "--user", "bot", "--pass", "right").start()
    alarms, refused = Alarms(), Alarms()
    address = f"nats://bot:%s@127.0.0.1:{plain.port}"
    one = NatsPublisher(address % "right", SUBJECT, instruments(), alarm=alarms)
    two = NatsPublisher(address % "wrong-secret", SUBJECT, instruments(), alarm=refused)
    one.take(batch(1))
    try:
        wait_for(lambda: bool(alarms.raised and refused.raised))
    finally:
        for publisher in (one, two):
            publisher.close()
        plain.stop()
    assert (one.stats().lost, one.stats().balances) == (1, True)
    assert "JetStream" in str(alarms.raised[0][1]["reason"])
    assert "uthorization" in str(refused.raised[0][1]["reason"])
    assert "wrong-secret" not in str(refused.raised)


def test_no_server_at_the_address_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tieout.ticks.remote.subscription.CONNECT_WITHIN_S", 0.3)
    with pytest.raises(TieoutError, match=r"no NATS server at nats://127\.0\.0\.1:\d+ within"):
        asyncio.run(_collect(NatsServer(tmp_path / "never")))
