"""
A snapshot of many orders and executions over loopback, taken apart: socket, client library, translation.

TIEOUT_BENCH_SNAPSHOT orders and as many executions (default 2,000). The gateway is a process of its own. Seconds of
the library and of the translation are of this thread's processor time; the socket's are what a client waits that reads
the same bytes and does nothing with them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ib_async
import ib_async.client
import pytest

from tieout.broker import BrokerSettings, open_broker, snapshot

COUNT = int(os.environ.get("TIEOUT_BENCH_SNAPSHOT", "2000"))
ROUNDS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))
TIMEOUT_S = 600.0
BIG_GATEWAY = Path(__file__).with_name("big_gateway.py")
REQUESTS: tuple[tuple[tuple[object, ...], bytes], ...] = (
    ((16, 1), b"53"),
    ((99, 0), b"102"),
    ((7, 3, 1, 0, "", "", "", "", "", ""), b"59"),
    ((61, 1), b"62"),
)
"""Each question and the message that its answer ends with; of commissions, the last."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The gateway's."""
    with subprocess.Popen(
        [sys.executable, str(BIG_GATEWAY), str(COUNT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield int(child.stdout.readline())
        child.stdin.close()


def read_and_drop(port: int) -> float:
    """Seconds in which a client gets the whole answer that does nothing with it."""
    with socket.create_connection(("127.0.0.1", port)) as peer, peer.makefile("rb") as reader:

        def frame() -> bytes:
            (size,) = struct.unpack(">I", reader.read(4))
            return reader.read(size)

        def send(*fields: object) -> None:
            body = "".join(f"{field}\0" for field in fields).encode()
            peer.sendall(struct.pack(">I", len(body)) + body)

        peer.sendall(b"API\0" + struct.pack(">I", 9) + b"v157..178")
        frame()
        send(71, 2, 99, "")
        while not frame().startswith(b"9\0"):
            continue
        start = time.perf_counter()
        for request, end in REQUESTS:
            send(*request)
            left = COUNT if end == b"59" else 1
            while left:
                left -= frame().partition(b"\0")[0] == end
        return time.perf_counter() - start


@contextmanager
def timed(patch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """Processor seconds of the library (framing, decoding, its callbacks) and of our translation, as they come."""
    spent = {"library": 0.0, "translation": 0.0}

    def clocked(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any) -> Any:
            start = time.thread_time()
            try:
                return work(*values)
            finally:
                spent[name] += time.thread_time() - start

        return run

    client = ib_async.client.Client
    with patch.context() as inner:
        inner.setattr(client, "_onSocketHasData", clocked("library", client._onSocketHasData))
        questions = {
            name: replace(question, gather=clocked("translation", question.gather))
            for name, question in snapshot.QUESTIONS.items()
        }
        inner.setattr(snapshot, "QUESTIONS", questions)
        yield spent


def through_the_adapter(port: int) -> tuple[float, float]:
    """Seconds of one whole snapshot, and how many of them the processor worked here."""
    settings = BrokerSettings(
        client="ib_async", host="127.0.0.1", port=port, client_id=31, timeout_s=TIMEOUT_S, total_timeout_s=TIMEOUT_S
    )
    with open_broker(settings) as broker:
        broker.connect()
        start, work = time.perf_counter(), time.thread_time()
        got = broker.snapshot()
        took = time.perf_counter() - start, time.thread_time() - work
    assert got.complete
    assert (got.open_orders.height, got.completed_orders.height, got.executions.height) == (
        COUNT // 2,
        COUNT - COUNT // 2,
        COUNT,
    )
    assert got.executions["commission_e8"].to_list() == [205_000_000] * COUNT
    assert got.executions["exec_id"].n_unique() == COUNT
    return took


def through_the_library(port: int) -> None:
    """The same through ib_async's own IB(), with its trades and fills."""

    async def read() -> tuple[int, ...]:
        ib = ib_async.IB()
        await ib.connectAsync("127.0.0.1", port, clientId=32, timeout=TIMEOUT_S, fetchFields=ib_async.StartupFetch(0))
        try:
            live = await ib.reqAllOpenOrdersAsync()
            done = await ib.reqCompletedOrdersAsync(False)
            return len(live), len(done), len(await ib.reqExecutionsAsync())
        finally:
            ib.disconnect()

    with asyncio.Runner() as runner:
        assert runner.run(read()) == (COUNT // 2, COUNT - COUNT // 2, COUNT)


@pytest.mark.benchmark(group="snapshot")
def test_a_snapshot_taken_apart(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bare, whole, works, ours, theirs, alone = [], [], [], [], [], []
    for _ in range(ROUNDS):
        bare.append(read_and_drop(port))
        with timed(monkeypatch) as spent:
            took, worked = through_the_adapter(port)
        whole.append(took)
        works.append(worked)
        ours.append(spent["translation"])
        theirs.append(spent["library"])
        with timed(monkeypatch) as spent:
            through_the_library(port)
        alone.append(spent["library"])
    print(f"\nsnapshot of {COUNT} orders and {COUNT} executions, least of {ROUNDS}: {min(whole):.2f} s in all,")
    print(f"  of which {min(works):.2f} s of processor time")
    print(f"  the same bytes read and dropped (socket and gateway): {min(bare):.2f} s")
    print(f"  client library, framing and decoding: {min(theirs):.2f} s")
    print(f"  translation into frames: {min(ours):.2f} s, {min(ours) / min(theirs):.0%} of the library's time in it,")
    print(f"  {min(ours) / min(alone):.0%} of the time that ib_async's IB() takes for the same: {min(alone):.2f} s")
