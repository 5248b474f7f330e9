"""
Match and diff beside polars and DuckDB, in one run, on the same frames and with as many threads.

What is compared is what all three can do: tier 1, that is the join of both sides on (account, perm_id), keys that
repeat found first, pairs that contradict in contract or side left out, one mask of the eight differing fields per
pair, and the rows of one side only. The lower tiers have no peer: their cost is told as a multiple of tier 1's.
Absolute times mean little on a shared machine; the ratios of one run do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import duckdb
import polars as pl
import pytest

from match_data import WITHOUT_PERM_ID, sides
from tieout.reconcile.diff import COLUMNS, differing_fields
from tieout.reconcile.match import match_orders
from tieout.schema import CONTRACT_COMPARED

COUNT: Final = int(os.environ.get("TIEOUT_BENCH_ORDERS", "20000"))
ROUNDS: Final = 7
CONTRADICTING: Final = (*CONTRACT_COMPARED, "side")
FIELDS: Final = tuple(COLUMNS.values())
KEY: Final = ["account", "perm_id"]

Frames = tuple[pl.DataFrame, pl.DataFrame]
Answer = tuple[pl.DataFrame, pl.Series, pl.Series]
"""Pairs (broker, book, mask) ascending by broker, and the broker's and the book's other rows, ascending."""


def by_kernel(broker: pl.DataFrame, book: pl.DataFrame) -> Answer:
    matching = match_orders(broker, book, window_s=300)
    pairs = matching.pairs.select("broker", "book", differing_fields(broker, book, matching.pairs))
    return pairs, matching.broker_only, matching.book_only


def by_polars(broker: pl.DataFrame, book: pl.DataFrame) -> Answer:
    columns = list(dict.fromkeys((*KEY, *CONTRADICTING, *FIELDS)))
    left = broker.lazy().select(columns).with_row_index("broker")
    right = book.lazy().select(columns).with_row_index("book").with_columns(perm_id_right="perm_id")
    agrees = [pl.col(name).eq(pl.col(f"{name}_right")).fill_null(True) for name in CONTRADICTING]
    differs = [
        (pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(f"{name}_right"))).cast(pl.UInt16) * (1 << bit)
        for bit, name in enumerate(FIELDS)
    ]
    pairs = (
        left.join(right, on=KEY, how="inner", validate="1:1")
        .filter(agrees)
        .select("broker", "book", mask=pl.sum_horizontal(differs))
        .sort("broker")
    )
    return tuple(pl.collect_all([pairs, _alone(left, right, "broker"), _alone(right, left, "book")]))  # type: ignore[return-value]


def _alone(side: pl.LazyFrame, other: pl.LazyFrame, row: str) -> pl.LazyFrame:
    return side.join(other, on=KEY, how="anti").select(row).sort(row)


def duckdb_tables(broker: pl.DataFrame, book: pl.DataFrame) -> duckdb.DuckDBPyConnection:
    """Native tables: DuckDB reads them faster than it does frames. Making them is not timed."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {pl.thread_pool_size()}")
    for name, frame in (("broker", broker.with_row_index("i")), ("book", book.with_row_index("i"))):
        connection.register("frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
        connection.unregister("frame")
    return connection


def by_duckdb(connection: duckdb.DuckDBPyConnection) -> Answer:
    for name in ("broker", "book"):
        twice = f"SELECT 1 FROM {name} GROUP BY account, perm_id HAVING count(*) > 1 LIMIT 1"
        assert connection.execute(twice).fetchone() is None
    agrees = " AND ".join(f'coalesce(l."{name}" = r."{name}", true)' for name in CONTRADICTING)
    differs = " + ".join(
        f'(l."{name}" IS NOT NULL AND l."{name}" IS DISTINCT FROM r."{name}")::USMALLINT * {1 << bit}::USMALLINT'
        for bit, name in enumerate(FIELDS)
    )
    pairs = connection.sql(
        f"SELECT l.i AS broker, r.i AS book, ({differs})::USMALLINT AS mask FROM broker l JOIN book r "
        f"USING (account, perm_id) WHERE {agrees} ORDER BY l.i"
    ).pl()
    alone = [
        connection.sql(f"SELECT i AS {a} FROM {a} l ANTI JOIN {b} r USING (account, perm_id) ORDER BY i").pl()
        for a, b in (("broker", "book"), ("book", "broker"))
    ]
    return pairs, alone[0][:, 0], alone[1][:, 0]


def lists(answer: Any) -> list[Any]:
    """An answer as plain values, so that types may differ and values may not."""
    pairs, *alone = answer
    wide = pairs.select(pl.all().cast(pl.Int64))
    return [wide, *(pl.Series(one.to_series() if isinstance(one, pl.DataFrame) else one).to_list() for one in alone)]


@pytest.fixture(scope="module")
def frames() -> Frames:
    return sides(COUNT)


@pytest.fixture(scope="module")
def tables(frames: Frames) -> duckdb.DuckDBPyConnection:
    return duckdb_tables(*frames)


@pytest.fixture(scope="module")
def expected(frames: Frames) -> list[Any]:
    """The kernel's answer, which every test below checks its own against before it is timed."""
    answer = lists(by_kernel(*frames))
    assert answer[0].height > 0.96 * COUNT
    assert 0 < answer[0].filter(pl.col("mask") != 0).height < 0.1 * COUNT
    return answer


@pytest.fixture(scope="module")
def seconds(request: pytest.FixtureRequest) -> Iterator[dict[str, float]]:
    """Best times by name; the ratios are printed when the last test has run."""
    best: dict[str, float] = {}
    yield best
    base = best.get("kernel")
    if base is None:
        return
    report = request.config.pluginmanager.getplugin("terminalreporter")
    report.write_line(f"\nmatch and diff of {COUNT:,} orders, tier 1, {pl.thread_pool_size()} threads:")
    for name, time in best.items():
        if name == "lower tiers":
            report.write_line(f"  {WITHOUT_PERM_ID:.0%} without perm_id, all tiers: {time / base:5.2f} times tier 1")
        elif name != "kernel":
            report.write_line(f"  {name:<7} takes {time / base:5.2f} times as long as tieout")


def timed(benchmark: Any, work: Callable[[], Any], seconds: dict[str, float], name: str) -> None:
    benchmark.pedantic(work, rounds=ROUNDS, iterations=1, warmup_rounds=1)
    if benchmark.stats is not None:
        seconds[name] = benchmark.stats.stats.min


def check(found: list[Any], expected: list[Any]) -> None:
    assert found[0].equals(expected[0])
    assert found[1:] == expected[1:]


@pytest.mark.benchmark(group="match and diff")
def test_kernel(benchmark: Any, frames: Frames, expected: list[Any], seconds: dict[str, float]) -> None:
    check(lists(by_kernel(*frames)), expected)
    timed(benchmark, lambda: by_kernel(*frames), seconds, "kernel")


@pytest.mark.benchmark(group="match and diff")
def test_polars(benchmark: Any, frames: Frames, expected: list[Any], seconds: dict[str, float]) -> None:
    check(lists(by_polars(*frames)), expected)
    timed(benchmark, lambda: by_polars(*frames), seconds, "polars")


@pytest.mark.benchmark(group="match and diff")
def test_duckdb(
    benchmark: Any, tables: duckdb.DuckDBPyConnection, expected: list[Any], seconds: dict[str, float]
) -> None:
    check(lists(by_duckdb(tables)), expected)
    timed(benchmark, lambda: by_duckdb(tables), seconds, "DuckDB")


@pytest.mark.benchmark(group="match and diff, all tiers")
def test_lower_tiers(benchmark: Any, seconds: dict[str, float]) -> None:
    broker, book = sides(COUNT, without_perm_id=WITHOUT_PERM_ID)
    matching = match_orders(broker, book, window_s=300)
    tiers = set(matching.pairs["tier"].unique()) | set(matching.ambiguous["tier"].unique())
    assert tiers == {1, 2, 3, 4}
    assert matching.pairs.height + matching.broker_only.len() + matching.ambiguous["broker"].n_unique() == broker.height
    timed(benchmark, lambda: by_kernel(broker, book), seconds, "lower tiers")
