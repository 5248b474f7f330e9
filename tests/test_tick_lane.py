"""The fast lane: the same ticks as the client's own decoder, and every other byte as it was."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async.client import Client
from ib_async.connection import Connection

from tieout.errors import TicksUnreadable
from tieout.ticks import TickRing
from tieout.ticks.lane import FastLane, open_fast_lane

BASE, INSTRUMENTS = 1_800_000_000, 100
TICK_CALLS = {"priceSizeTick", "tickPrice", "tickSize", "tickString", "tickGeneric"}


def framed(*fields: object) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def price(number: int, value: str, size: str = "10") -> bytes:
    return framed(1, 6, number, 1, value, size, 1)


GREETING = framed(178, "20261122 10:00:00 UTC")
LOGON = framed(15, 1, "DU1") + framed(9, 1, 55)
STREAM = [
    framed(4, 2, -1, 2104, "farm OK", ""), price(BASE + 1, "99.25"), framed(49, 1, 1_700_000_000),
    framed(2, 6, BASE + 2, 5, "300"), price(BASE + 3, "100.5"), framed(46, 6, BASE + 1, 45, "1700000001"),
    framed(61, 3, "DU1", 1, "ES", "FUT", "20261218", 0, "", 50, "CME", "USD", "ESZ6", "ES", "2", "5000"),
    framed(45, 6, BASE + 1, 49, "0.0"), framed(62, 1), framed(57, 1, 7),
]  # fmt: skip
WHOLE = GREETING + LOGON + b"".join(STREAM)
OTHERS = GREETING + LOGON + b"".join(STREAM[number] for number in (0, 2, 6, 8, 9))


class Heard:
    """A wrapper that writes down what a client's decoder calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in {"tcpDataArrived", "tcpDataProcessed"}:
            raise AttributeError(name)
        return lambda *values: self.calls.append((name, repr(values)))


def cut(data: bytes, at: list[int]) -> list[bytes]:
    ends = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def through_a_client(pieces: list[bytes], ring: TickRing | None) -> list[tuple[str, str]]:
    """What ib_async's client makes of the pieces, through a fast lane if there is a ring."""

    async def run() -> list[tuple[str, str]]:
        heard = Heard()
        client = Client(heard)
        if ring is not None:
            open_fast_lane(client.conn, ring, base=BASE, instruments=INSTRUMENTS)
        for piece in pieces:
            client.conn.data_received(piece)
        assert client.serverVersion() == 178
        return heard.calls

    return asyncio.run(run())


def rows_of(ring: TickRing) -> list[tuple[Any, ...]]:
    ticks = pl.DataFrame(ring.drain(1000))
    assert ticks["sequence"].diff().drop_nulls().eq(1).all()
    return ticks.select("instrument", "kind", "field", "price", "size").rows()


def lane_over(ring: TickRing, **options: Any) -> tuple[FastLane, bytearray]:
    handed = bytearray()
    return FastLane(ring, handed.extend, **{"base": BASE, "instruments": INSTRUMENTS, **options}), handed


def test_the_client_hears_everything_but_the_ticks_and_the_ring_has_those() -> None:
    plain = through_a_client([WHOLE], None)
    with TickRing(100) as ring:
        assert through_a_client([WHOLE], ring) == [call for call in plain if call[0] not in TICK_CALLS]
        rows = rows_of(ring)
    assert {call[0] for call in plain} & TICK_CALLS
    e8 = 10**8
    assert [row for row in rows if row[1] == 1] == [
        (1, 1, 1, 9_925 * 10**6, 10 * e8), (3, 1, 1, 10_050 * 10**6, 10 * e8)
    ]  # fmt: skip
    assert {row[1] for row in rows} == {1, 2, 45, 46}


def test_untouched_wherever_the_stream_is_cut_once() -> None:
    with TickRing(100) as ring:
        lane, handed = lane_over(ring)
        lane.received(WHOLE)
        expected = rows_of(ring)
        assert bytes(handed) == OTHERS
        for place in range(len(WHOLE) + 1):
            lane, handed = lane_over(ring)
            lane.received(WHOLE[:place])
            lane.received(WHOLE[place:])
            assert (bytes(handed), rows_of(ring), lane.slow) == (OTHERS, expected, None)


@given(at=st.lists(st.integers(0, 2000), max_size=40))
def test_untouched_wherever_the_stream_is_cut_often(at: list[int]) -> None:
    with TickRing(100) as ring, TickRing(100) as whole:
        lane, handed = lane_over(ring)
        for piece in cut(WHOLE, at):
            lane.received(piece)
        uncut, _ = lane_over(whole)
        uncut.received(WHOLE)
        assert (bytes(handed), rows_of(ring)) == (OTHERS, rows_of(whole))


def test_over_a_real_socket_the_two_lanes_agree() -> None:
    async def run(ring: TickRing | None) -> bytes:
        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for piece in cut(WHOLE, list(range(0, len(WHOLE), 37))):
                writer.write(piece)
                await writer.drain()
            writer.close()

        seen, closed = bytearray(), asyncio.Event()
        connection = Connection()
        connection.hasData.connect(seen.extend)
        connection.disconnected.connect(lambda _why: closed.set())
        if ring is not None:
            open_fast_lane(connection, ring, base=BASE, instruments=INSTRUMENTS)
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            await connection.connectAsync(*server.sockets[0].getsockname()[:2])
            await closed.wait()
        return bytes(seen)

    assert asyncio.run(run(None)) == WHOLE
    with TickRing(100) as ring:
        assert asyncio.run(run(ring)) == OTHERS
        assert len(rows_of(ring)) >= 5


@pytest.mark.parametrize("version", [100, 156, 179, 201])
def test_a_version_that_is_not_known_keeps_the_slow_lane(version: int) -> None:
    stream = framed(version, "now") + b"".join(STREAM)
    with TickRing(100) as ring:
        lane, handed = lane_over(ring)
        for piece in cut(stream, [3, 11, 50]):
            lane.received(piece)
        assert bytes(handed) == stream
        assert lane.slow is not None
        assert lane.slow.startswith(f"server version {version}, expected 157 to 178")
        assert ring.stats().produced == 0


@pytest.mark.parametrize(
    "stream", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xff\xff\xff junk", framed("hello", "x")]
)
def test_what_is_no_gateway_goes_on_as_it_came(stream: bytes) -> None:
    with TickRing(100) as ring:
        lane, handed = lane_over(ring)
        for piece in cut(stream, [2, 6]):
            lane.received(piece)
        assert (bytes(handed), lane.slow) == (stream, "what came first is no handshake of the IB API")


def test_ticks_of_unknown_request_ids_are_counted_and_others_kept() -> None:
    with TickRing(100) as ring:
        lane, handed = lane_over(ring)
        lane.received(
            GREETING + price(5, "1.5", "0") + price(BASE + 7, "2.5", "0") + price(BASE + INSTRUMENTS, "3", "0")
        )
        assert bytes(handed) == GREETING
        assert {row[0] for row in rows_of(ring)} == {7}
        assert lane.decoder is not None
        assert lane.decoder.account["ticks"] == lane.unknown + ring.stats().produced


def test_tick_messages_can_be_left_to_the_client() -> None:
    with TickRing(100) as ring:
        lane, handed = lane_over(ring, hand_on=[1, 46])
        lane.received(WHOLE)
        assert {row[1] for row in rows_of(ring)} == {2, 45}
        assert bytes(handed) == GREETING + LOGON + b"".join(STREAM[n] for n in (0, 1, 2, 4, 5, 6, 8, 9))


def test_an_id_that_is_no_tick_message_is_refused() -> None:
    with TickRing(100) as ring:
        lane, _ = lane_over(ring, hand_on=[4])
        with pytest.raises(ValueError, match="message id 4 is no tick message"):
            lane.received(GREETING)


def test_a_length_of_4_gib_ends_the_stream_and_keeps_what_came_before() -> None:
    with TickRing(100) as ring:
        lane, handed = lane_over(ring)
        with pytest.raises(TicksUnreadable):
            lane.received(WHOLE + b"\xff\xff\xff\xff")
        with pytest.raises(TicksUnreadable):
            lane.received(price(BASE, "1"))
        assert bytes(handed) == OTHERS
        assert len(rows_of(ring)) >= 5


def test_a_client_that_fails_loses_no_tick() -> None:
    with TickRing(100) as ring:
        told: list[bytes] = []

        def fail(frame: bytes) -> None:
            told.append(frame)
            if frame == STREAM[2]:
                raise RuntimeError("the client fails")

        lane = FastLane(ring, fail, base=BASE, instruments=INSTRUMENTS)
        with suppress(RuntimeError):
            lane.received(WHOLE)
        kinds = [row[1] for row in rows_of(ring)]
        assert {1, 2, 45, 46} == set(kinds)
        assert told[-1] == STREAM[2]
