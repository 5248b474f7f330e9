"""
From `gate.submit` to the bytes of the order on the socket, beside ib_async's own placeOrder; and fingerprints beside
hashlib and xxhash over the same encodings.

TIEOUT_BENCH_GATE orders (default 20) are sent; IB takes 50 messages a second, so the gate's pace is left out here.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import ib_async
import polars as pl
import pytest
import xxhash

from bench_report import ratio_in_pairs, tell
from tieout.broker import ContractSpec, OrderSpec
from tieout.gate.fingerprint import WISH, print_of, prints_of, row_of
from tieout.gate.pacing import Pace

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from gate_support import BUY, ES, at_broker, at_sim

COUNT = int(os.environ.get("TIEOUT_BENCH_GATE", "20"))
ROWS = int(os.environ.get("TIEOUT_BENCH_ORDERS", "20000"))
PAIRS = int(os.environ.get("TIEOUT_BENCH_PAIRS", "3"))


def figures(seconds: list[float]) -> str:
    """Median, 90th and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return ", ".join(f"p{n} {cuts[n - 1] * 1000:.2f} ms" for n in (50, 90, 99))


def orders_of(tag: int) -> list[OrderSpec]:
    """Orders that all rest, alternating in side so that IB's twenty on one side are not passed."""
    high, low = Decimal(9000), Decimal(10)
    return [
        OrderSpec(side="BUY" if n % 2 else "SELL", quantity=Decimal(n // 2 + tag + 1), order_type="LMT",
                  limit_price=low if n % 2 else high)
        for n in range(COUNT)
    ]  # fmt: skip


def clocked(patch: pytest.MonkeyPatch, target: object, name: str) -> list[float]:
    """The seconds that each call of that method takes from now on."""
    spent: list[float] = []
    work = getattr(target, name)

    def run(*args: object, **named: object) -> object:
        start = time.perf_counter()
        try:
            return work(*args, **named)
        finally:
            spent.append(time.perf_counter() - start)

    patch.setattr(target, name, run)
    return spent


def through_ib_async(port: int, on_socket: list[float]) -> list[float]:
    """Seconds from ib_async's own placeOrder to the order on the socket: no intent, no proof of the link, no wait."""

    async def place() -> list[float]:
        ib, spent = ib_async.IB(), []
        await ib.connectAsync("127.0.0.1", port, clientId=77, timeout=20, fetchFields=ib_async.StartupFetch(0))
        try:
            for order in orders_of(2000):
                bare = ib_async.LimitOrder(order.side, float(order.quantity), float(order.limit_price or 0))
                start = time.perf_counter()
                ib.placeOrder(ib_async.Contract(conId=ES.con_id or 0, exchange="CME"), bare)
                spent.append(on_socket[-1] - start)
                await ib.reqCurrentTimeAsync()  # the gateway has it: nothing is left half sent
        finally:
            ib.disconnect()
        return spent

    with asyncio.Runner() as runner:
        return runner.run(place())


def bare_fsyncs(folder: Path) -> list[float]:
    """Seconds of writing 4 KiB and fsync, on the same disk."""
    spent = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(COUNT):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - start)
    return spent


@pytest.mark.benchmark(group="gate")
def test_submit_to_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with at_sim(tmp_path / "w") as (place, sim):
        place.gate._sender._pace = Pace(wait=lambda _seconds: None, now=iter(range(0, 10**18, 10**9)).__next__)
        place.broker.connect()
        client = type(place.broker._link.client)  # type: ignore[attr-defined]
        client.MaxRequests = 0  # the client's own pace is left out on both sides
        on_socket: list[float] = []
        send = client.sendMsg

        def stamped(self: object, text: str) -> None:
            send(self, text)
            if text.startswith("3\0"):
                on_socket.append(time.perf_counter())

        monkeypatch.setattr(client, "sendMsg", stamped)
        moves, reserves = clocked(monkeypatch, place.store, "move"), clocked(monkeypatch, place.store, "reserve")
        gated, bare, durable = [], [], []
        for number, order in enumerate(orders_of(0)):
            moves.clear()
            reserves.clear()
            start = time.perf_counter()
            assert place.gate.submit(ES, order, intent_id=f"gate-{number}").state == "ACKED"
            gated.append(on_socket[-1] - start)
            durable.append(reserves[0] + moves[0])
        for order in orders_of(1000):
            order_id = place.broker.next_order_id() + 1000
            start = time.perf_counter()
            place.broker.place(ES, order, order_id=order_id)
            bare.append(on_socket[-1] - start)
        assert len(at_broker(sim)) == 2 * COUNT == len(on_socket)
        client_alone = through_ib_async(sim.port, on_socket)
        assert len(on_socket) == 3 * COUNT
    print(f"\nsubmit to socket, {COUNT} orders: {figures(gated)}")
    print(f"  of that the two durable commits, RESERVED and SENDING: {figures(durable)}")
    print(f"  what is left: {figures([all_of - commits for all_of, commits in zip(gated, durable, strict=True)])}")
    print(f"4 KiB written and fsynced on the same disk: {figures(bare_fsyncs(tmp_path))}")
    print(f"the port's place with its proof of the link, no intent: {figures(bare)}")
    print(f"ib_async's own placeOrder, bare: {figures(client_alone)}")


def least_work(run: Callable[[], object]) -> float:
    """The least processor seconds, of all threads, that it took: others on the machine do not count in it."""
    spent = []
    for _ in range(PAIRS):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


@pytest.mark.benchmark(group="fingerprint")
def test_fingerprints_beside_hashlib_and_xxhash() -> None:
    contract = ContractSpec(
        con_id=637533641, symbol="ES", sec_type="FUT", exchange="CME", currency="USD", expiry="20261218",
        multiplier=Decimal(50), local_symbol="ESZ6", trading_class="ES",
    )  # fmt: skip
    row = row_of("DU1234567", contract, BUY)
    frame = pl.DataFrame([row], schema=WISH).select(pl.all().repeat_by(ROWS).explode())
    frame = frame.with_columns(limit_price_e8=pl.int_range(0, pl.len()) * 25_000_000)
    one = print_of("DU1234567", contract, BUY)
    again = frame.rows(named=True)
    prints = prints_of(frame)
    assert prints[400] == one.fingerprint == xxhash.xxh3_128_digest(one.encoding)
    assert prints.n_unique() == ROWS == len(again)
    encodings = [one.encoding[:-8] + (n * 25_000_000).to_bytes(8, "little") for n in range(ROWS)]
    assert prints[400] == xxhash.xxh3_128_digest(encodings[400])

    def batch() -> object:
        return prints_of(frame)

    def sha256() -> object:
        return [hashlib.sha256(encoding).digest() for encoding in encodings]

    def xxh3() -> object:
        return [xxhash.xxh3_128_digest(encoding) for encoding in encodings]

    tell(f"{ROWS} fingerprints, encoding included", "hashlib.sha256", ratio_in_pairs(batch, sha256, pairs=PAIRS))
    mine, theirs = least_work(batch), least_work(sha256)
    print(f"  the same in processor time of all threads: {mine * 1000:.1f} ms, {theirs * 1000:.1f} ms, "
          f"{theirs / mine:.1f} times as many orders for each processor second")  # fmt: skip
    tell(f"{ROWS} fingerprints, encoding included", "xxhash", ratio_in_pairs(batch, xxh3, pairs=PAIRS))
    single = ratio_in_pairs(
        lambda: [print_of("DU1234567", contract, BUY) for _ in range(1000)],
        lambda: [hashlib.sha256(one.encoding).digest() for _ in range(1000)],
        pairs=PAIRS,
    )
    tell("1000 orders one by one, encoding included", "hashlib.sha256 of the ready encoding", single)
