"""Where the gateway's ticks come from: walks that repeat and stay in bounds, files, and what a scenario may not say."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_support import FOUR
from sim_support import NOON_NS, RawClient, noon
from tieout.errors import ScenarioError
from tieout.sim import SimOptions, run_in_thread
from tieout.sim.scenario import load_scenario
from tieout.sim.ticks.event import EVENT
from tieout.sim.ticks.file import TickFile
from tieout.sim.ticks.walk import BLOCK_MAX, Burst, Walk, Walker

E8: Final = 10**8
TICKS: Final = """accounts: [DU1]
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, min_tick: 0.25}
  NQ: {con_id: 6, symbol: NQ, sec_type: FUT, min_tick: 0.25}
prices: {ES: 6600.25}
ticks:
"""
CSV: Final = """time,bid,bid_size,ask,ask_size,price,size,exchange,unreported
2026-03-04T14:30:00Z,10.5,100,10.6,200,,,,
2026-03-04T14:30:00.250Z,,,,,10.6,50,ARCA,
2026-03-04T14:30:01Z,10.55,,,,,,,
2026-03-04T14:30:02Z,,,,,10.65,7,NYSE,true
"""

walks = st.builds(
    Walk, seed=st.integers(0, 9), con_id=st.integers(1, 9), rate=st.sampled_from([0.5, 300.0, 99_999.0]),
    price=st.just(100 * E8), min_tick=st.sampled_from([E8, 25 * E8 // 100]), spread=st.integers(1, 5),
    sizes=st.integers(1, 900), trades=st.integers(0, 100), unreported=st.integers(0, 100),
    reach=st.integers(1, 90), burst=st.sampled_from([None, Burst(5, 0.5, 20), Burst(1, 0.999, 1.5)]),
)  # fmt: skip


@settings(max_examples=25)
@given(walk=walks)
def test_a_walk_repeats_and_stays_in_its_bounds(walk: Walk) -> None:
    walker = Walker(walk)
    third = walker.block(2)
    whole = pl.concat([walker.block(0), walker.block(1), third])
    assert Walker(walk).block(2).equals(third)
    assert walker.block(2).equals(third)
    parts = Walker(walk, block=1000)
    assert pl.concat([parts.block(number) for number in range(3)]).equals(whole.head(3000))
    assert whole.schema == EVENT
    assert whole["at_ns"].is_sorted()
    drift = (whole["bid"] - walk.price) // walk.min_tick
    assert drift.abs().max() <= walk.reach  # type: ignore[operator]
    assert drift.diff().abs().max() <= 1  # type: ignore[operator]
    assert (whole["ask"] - whole["bid"]).unique().to_list() == [walk.spread * walk.min_tick]
    trades = whole.filter("trade")
    assert trades.filter((pl.col("price") != pl.col("bid")) & (pl.col("price") != pl.col("ask"))).height == 0
    assert whole["volume"][-1] == trades.filter(~pl.col("unreported"))["size"].sum()
    assert whole.filter(~pl.col("trade") & pl.any_horizontal("new_last", "unreported")).height == 0
    if walk.burst is None:
        expected = 3 * BLOCK_MAX / walk.rate * 1e9
        assert abs(whole["at_ns"][-1] - expected) <= 2 / walk.rate * 1e9


def test_a_block_comes_again_however_far_back_it_is_and_little_is_remembered() -> None:
    walk = Walk(seed=1, con_id=5, rate=100.0, price=100 * E8, min_tick=E8, reach=50)
    walker = Walker(walk, block=4)
    blocks = [walker.block(number) for number in range(280)]
    whole = Walker(walk, block=1120).block(0)
    assert pl.concat(blocks).equals(whole)
    for number in (279, 3, 256, 255, 257, 0):
        assert walker.block(number).equals(blocks[number])
    assert len(walker._latest) + len(walker._marks) <= 64 + 2


def test_a_burst_has_so_many_times_as_many() -> None:
    walk = Walk(seed=1, con_id=5, rate=100.0, price=100 * E8, min_tick=E8, reach=50, burst=Burst(10, 1, 20))
    second = Walker(walk).block(0)["at_ns"] // 10**9
    counts = dict(second.value_counts().iter_rows())
    assert [counts[at] for at in (0, 10)] == [2000, 2000]
    assert {counts[at] for at in range(20) if at % 10} <= {99, 100, 101}


def test_seeds_and_instruments_differ() -> None:
    bids = [
        tuple(Walker(Walk(seed=seed, con_id=con_id, rate=9.0, price=E8, min_tick=1)).block(0)["bid"])
        for seed, con_id in ((1, 5), (2, 5), (1, 6))
    ]
    assert len(set(bids)) == 3


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_is_played_as_it_stands_and_again(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"ticks.{kind}"
    if kind == "csv":
        path.write_text(CSV, encoding="utf-8")
    else:
        rows = pl.read_csv(CSV.encode(), infer_schema=False)
        prices = ("bid", "bid_size", "ask", "ask_size", "price", "size")
        rows.with_columns(
            pl.col("time").str.to_datetime(time_zone="UTC"), pl.col(prices).cast(pl.Decimal(20, 4)),
            pl.col("unreported").eq("true"),
        ).write_parquet(path)  # fmt: skip
    once = TickFile(path)
    block = once.block(0)
    assert block is not None
    assert block["at_ns"].to_list() == [0, 250_000_000, 1_000_000_000, 2_000_000_000]
    assert block["bid"].to_list() == [1_050_000_000] * 2 + [1_055_000_000] * 2
    assert block["trade"].to_list() == [False, True, False, True]
    assert block["last"].to_list() == [None, 1_060_000_000, 1_060_000_000, 1_060_000_000]
    assert block["volume"].to_list() == [0, 50 * E8, 50 * E8, 50 * E8]
    assert block["new_bid"].to_list() == [True, False, True, False]
    assert once.block(1) is None
    again = TickFile(path, repeat=True).block(2)
    assert again is not None
    assert again["at_ns"][0] == 2 * (2_000_000_000 + 2_000_000_000 // 3)
    assert again["volume"].to_list() == [100 * E8, 150 * E8, 150 * E8, 150 * E8]
    assert again["new_bid"].to_list() == [True, False, True, False]


def test_a_file_streams_to_its_end_and_the_client_stays(tmp_path: Path) -> None:
    (tmp_path / "es.csv").write_text(CSV, encoding="utf-8")
    path = tmp_path / "scenario.yml"
    path.write_text(TICKS + "  speed: full\n  markets: {ES: {file: es.csv}}\n", encoding="utf-8")
    with run_in_thread(SimOptions(scenario=path, now_ns=noon)) as sim, RawClient(sim.port) as client:
        client.start(5)
        client.send(1, 11, 9, 5, *[""] * 3, 0, *[""] * 7, 0, "233", 0, 0, "")
        said = client.read_until("58") + [client.read() for _ in range(10)]
        assert [message[3:] for message in said[2:]] == [
            ["1", "10.5", "100", "1"], ["2", "10.6", "200", "1"],
            ["45", "1772625600"], ["4", "10.6", "50", "0"], ["5", "50"], ["8", "50"],
            ["48", "10.6;50;1772625600250;50;10.6;true"],
            ["1", "10.55", "100", "1"],
            ["48", "10.65;7;1772625602000;50;10.6;true"],
        ]  # fmt: skip
        assert client.ask(49, 1, until="49")[-1][0] == "49"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,bid\n", "found no row, expected 1 to"),
        ("at,bid\n1,2\n", "found column 'at'"),
        ("bid\n2\n", "found no column `time`"),
        ("time,bid\n1,x\n", "row 1: bid: found 'x', expected a decimal"),
        ("time,bid\n1,0.000000001\n", "row 1: bid: found '0.000000001'"),
        ("time,size\n1,1000000000\n", "row 1: size: found '1000000000', expected a decimal below 1000000000"),
        ("time,bid\nnoon,1\n", "row 1: time: found 'noon', expected UTC nanoseconds"),
        ("time,bid\n2026-03-04T14:30:00,1\n", "row 1: time: found '2026-03-04T14:30:00'"),
        ("time,bid\n5,1\n4,1\n", "row 2: time: found 4, which is before the row above it"),
        ("time,bid\n5,1\n,1\n", "row 2: time: found nothing"),
        ("time,price,unreported\n5,1,maybe\n", "row 1: unreported: found 'maybe', expected true or false"),
        ("time,price,exchange\n5,1," + "A" * 31 + "\n", "row 1: exchange: found"),
        ("time,bid\n1,2,3,4\n", "cannot be read as ticks"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        TickFile(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_file_and_floats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no such file of ticks"):
        TickFile(tmp_path / "none.csv")
    path = tmp_path / "ticks.parquet"
    pl.DataFrame({"time": [1], "bid": [1.5]}).write_parquet(path)
    with pytest.raises(ScenarioError, match="bid: found Float64, expected decimals"):
        TickFile(path)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("  markets: {}", 7, "ticks.markets: Dictionary should have at least 1 item"),
        ("  speed: 1", 6, "ticks.markets: Field required"),
        ("  markets: {CL: {}}", 7, "ticks.markets.CL: found 'CL', expected a name under `contracts`"),
        ("  markets: {NQ: {}}", 7, "ticks.markets.NQ: found no price to walk from"),
        ("  markets: {NQ: {price: 10}}", 7, "ticks.markets.NQ: walks 400 ticks of 0.25 from 10"),
        ("  markets: {ES: {rate: 0}}", 7, "ticks.markets.ES.rate: found 0, expected more than 0"),
        ("  markets: {ES: {rate: 1000001}}", 7, "less than or equal to 1000000"),
        ("  markets: {ES: {trades: 101}}", 7, "less than or equal to 100"),
        ("  markets: {ES: {rates: 1}}", 7, "Extra inputs are not permitted"),
        ("  markets: {ES: {file: a.csv, rate: 1}}", 7, "has a `file`, which says everything that 'rate' could say"),
        ("  markets: {ES: {repeat: true}}", 7, "`repeat` is for a `file`"),
        ("  markets: {ES: {file: none.csv}}", None, "there is no such file of ticks"),
        ("  markets: {ES: {burst: {every_s: 1, for_s: 1, times: 2}}}", 7, "`for_s` is 1, expected less than"),
        ("  markets: {ES: {kind: frozen}}", 7, "'live' or 'delayed'"),
        ("  speed: quick\n  markets: {ES: {}}", 7, "ticks.speed"),
        ("  markets: {ES: {}}\n  faults: [{do: lose_link, contract: ES, after: 1, ms: 5}]", 8, "has `back`"),
        ("  markets: {ES: {}}\n  faults: [{do: cut, contract: ES, after: 1, ms: 5}]", 8, "a `cut` has no `ms`"),
        ("  markets: {ES: {}}\n  faults: [{do: cut, contract: NQ, after: 1}]", 8, "under `ticks.markets`"),
    ],
)
def test_a_scenario_whose_ticks_are_wrong_says_where(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(TICKS + text + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, now_ns=NOON_NS)
    assert words in str(caught.value)
    if line is not None:
        assert f"{path}:{line}: " in str(caught.value)


def test_a_rate_streams_every_instrument_with_a_price(tmp_path: Path) -> None:
    with run_in_thread(SimOptions(ticks=Decimal(50))) as sim:
        markets: dict[int, Any] = sim.gateway.feed.plan.markets
        assert sorted(markets) == sorted(sim.gateway.world.prices)
    with pytest.raises(ScenarioError, match="has `ticks` of its own"), run_in_thread(
        SimOptions(scenario=FOUR, ticks=Decimal(50))
    ):  # fmt: skip
        pass
    path = tmp_path / "scenario.yml"
    path.write_text("accounts: [DU1]\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="no instrument has a price"), run_in_thread(
        SimOptions(scenario=path, ticks=Decimal(50))
    ):  # fmt: skip
        pass
