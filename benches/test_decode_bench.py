"""
The tick decoder beside ib_async, from the socket's bytes on, in one run, on the same bytes in the same pieces.

Ours ends with Arrow record batches, ib_async's own path with its tickers' lists, its bare decoder with calls of methods
that do nothing. The mix: quotes by price and size, trades and quotes by tick, changes of the book, sizes, strings,
generic ticks, options, bars. The answer is checked first: every tick that ib_async's decoder calls for.
"""

from __future__ import annotations

import os
import random
import struct
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import polars as pl
from ib_async import IB, Stock
from ib_async.client import Client
from ib_async.ticker import Ticker

from bench_report import ratio_in_pairs, tell
from tieout.ticks import TickDecoder

MESSAGES: Final = int(os.environ.get("TIEOUT_BENCH_ORDERS", "20000"))
CHUNK_BYTES: Final = 64 << 10
INSTRUMENTS: Final = 100
PAIRS: Final = 7
VERSION: Final = 176
START_S: Final = 1_752_606_307

CALLS: Final = {
    1: "priceSizeTick", 2: "tickSize", 12: "updateMktDepth", 13: "updateMktDepthL2", 21: "tickOptionComputation",
    45: "tickGeneric", 46: "tickString", 50: "realtimeBar", 99: "tickByTick",
}  # fmt: skip


def frame(fields: list[object]) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def message(rng: random.Random, number: int) -> list[object]:
    """One of the mix, as a liquid hour has it."""
    request, second = rng.randrange(INSTRUMENTS), START_S + number // 10_000
    price = f"{rng.randrange(9_000, 60_000) / 100:.2f}"
    size = rng.randrange(1, 90) * 100
    match rng.choices(range(10), (30, 15, 12, 15, 6, 8, 4, 4, 3, 3))[0]:
        case 0:
            return [1, 6, request, rng.choice((1, 2, 4)), price, size, 1]
        case 1:
            return [2, 6, request, rng.choice((0, 3, 8)), size]
        case 2:
            return [
                99,
                request,
                1,
                second,
                price,
                size,
                0,
                rng.choice(("NASDAQ", "ARCA", "FINRA")),
                rng.choice(("", " I")),
            ]
        case 3:
            return [99, request, 3, second, price, price, size, size + 100, 0]
        case 4:
            return [12, 1, request, rng.randrange(10), rng.randrange(3), rng.randrange(2), price, size]
        case 5:
            return [13, 1, request, rng.randrange(10), "ARCA", rng.randrange(3), rng.randrange(2), price, size, 1]
        case 6:
            return [45, 6, request, 49, "0.0"]
        case 7:
            return [46, 6, request, 45, second]
        case 8:
            greeks = [f"{rng.random():.12f}" for _ in range(3)]
            return [21, request, 13, 0, greeks[0], greeks[1], price, "0.0", greeks[2], "0.21", "-0.05", price]
        case _:
            return [50, 3, request, second, price, price, price, price, size, price, 17]


def chunks(stream: bytes) -> list[bytes]:
    return [stream[at : at + CHUNK_BYTES] for at in range(0, len(stream), CHUNK_BYTES)]


class Nothing:
    """A wrapper whose methods do nothing, and which counts them if asked."""

    defaultTimezone = UTC  # noqa: N815 - the name that the decoder looks for
    tcpDataArrived = tcpDataProcessed = None  # noqa: N815 - likewise

    def __init__(self, count: Counter[str] | None = None) -> None:
        for name in (*CALLS.values(), "tickByTickAllLast", "tickByTickBidAsk"):
            setattr(self, name, _nothing if count is None else _counting(count, name))


def _nothing(*_args: object) -> None:
    return None


def _counting(count: Counter[str], name: str) -> Callable[..., None]:
    return lambda *_args: count.update([name])


def client(wrapper: Any) -> Client:
    """ib_async's client as it is after the handshake."""
    found = Client(wrapper)
    found._serverVersion = found.decoder.serverVersion = VERSION
    found._apiReady = True
    return found


def by_client(wrapper: Any, pieces: list[bytes]) -> None:
    receive = client(wrapper)._onSocketHasData
    for piece in pieces:
        receive(piece)


def by_tickers(pieces: list[bytes]) -> None:
    """ib_async's own path, with a ticker for every request."""
    wrapper = IB().wrapper
    for request in range(INSTRUMENTS):
        wrapper.reqId2Ticker[request] = Ticker(contract=Stock(f"S{request}", "SMART", "USD"))
    by_client(wrapper, pieces)


def by_decoder(pieces: list[bytes]) -> None:
    """Each batch goes before the next one comes, as ib_async's tickers let their ticks go."""
    feed = TickDecoder(VERSION).feed
    for piece in pieces:
        feed(piece)


def check(pieces: list[bytes]) -> None:
    """Both count the same messages of each kind."""
    called: Counter[str] = Counter()
    by_client(Nothing(called), pieces)
    decoder = TickDecoder(VERSION)
    kinds = Counter(pl.concat([pl.DataFrame(decoder.feed(piece)) for piece in pieces])["kind"])
    ours = {name: kinds[kind] for kind, name in CALLS.items()}
    theirs = {name: called[name] for name in CALLS.values()}
    theirs["tickByTick"] = called["tickByTickAllLast"] + called["tickByTickBidAsk"]
    assert ours == theirs
    assert sum(ours.values()) == MESSAGES


def test_from_the_sockets_bytes_to_columns() -> None:
    rng = random.Random(7)
    pieces = chunks(b"".join(frame(message(rng, number)) for number in range(MESSAGES)))
    check(pieces)
    # Ours is run many times in each turn: one run of it is too short to be timed.
    times = 20
    figures = ratio_in_pairs(
        lambda: [by_decoder(pieces) for _ in range(times)], lambda: by_tickers(pieces), pairs=PAIRS
    )
    ours, theirs, ratio = figures[0] / times, figures[1], figures[2] / times
    tell("bytes to Arrow batches", "ib_async's own path", (ours, theirs, ratio))
    print(f"ib_async's own path takes {1 / ratio:.0f} times as long (goal: 80)")
    bare = ratio_in_pairs(
        lambda: [by_decoder(pieces) for _ in range(times)], lambda: by_client(Nothing(), pieces), pairs=PAIRS
    )
    print(f"its bare decoder takes {times / bare[2]:.0f} times as long")
    best = min(_seconds(lambda: by_decoder(pieces)) for _ in range(30))
    print(
        f"{MESSAGES / best / 1e6:.1f} million messages a second at best; {best / MESSAGES * clock_hz():.0f} cycles each"
    )


def clock_hz() -> float:
    """What the kernel says of the first core, which is the clock that counts cycles of constant length."""
    lines = Path("/proc/cpuinfo").read_text("ascii").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((float(line.split(":")[1]) * 1e6 for line in lines if line.startswith("cpu MHz")), float("nan"))


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
