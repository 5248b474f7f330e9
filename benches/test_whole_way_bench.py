"""
From the gateway's socket to Parquet files, beside ib_async with pandas; what is in the files is checked first.

The simulated gateway, in a process of its own, streams quotes by tick of ten instruments as fast as they are read.
TIEOUT_BENCH_TICKS is about how many (default 20,000); ib_async gets a tenth of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from whole_way import INSTRUMENTS, Figures, by_feed, by_pandas, gateway, planned

EVENTS = max(int(os.environ.get("TIEOUT_BENCH_TICKS", "20000")) // INSTRUMENTS, 200)


def show(what: str, found: Figures) -> None:
    print(
        f"\n{what}: {found.ticks} ticks, {found.ticks / found.seconds:,.0f} a second, "
        f"{found.processor_s / found.seconds:.0%} of a core, {found.processor_s / found.ticks * 1e6:.2f} us each; "
        f"from the socket to the program {found.lags_ms[0]:.1f} ms, 99 % {found.lags_ms[1]:.1f} ms, at most "
        f"{found.lags_ms[2]:.1f} ms; {found.lost} lost"
    )


@pytest.mark.benchmark(group="whole way")
def test_from_the_socket_to_parquet(tmp_path: Path) -> None:
    expected, fewer = planned(0, EVENTS), planned(1, EVENTS // 10)
    with gateway(tmp_path, EVENTS, EVENTS // 10) as port:
        ours, rows = by_feed(tmp_path, port, 0, expected.height)
        theirs, written = by_pandas(tmp_path, port, 1, fewer.height)
    show("the feed", ours)
    show("ib_async with pandas", theirs)
    assert rows.equals(expected)
    assert ours.lost == 0
    assert written == fewer.height
    ratio = (theirs.processor_s / theirs.ticks) / (ours.processor_s / ours.ticks)
    print(f"a tick costs ib_async with pandas {ratio:.0f} times as much processor")
