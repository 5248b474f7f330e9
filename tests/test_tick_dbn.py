"""Databento's DBN files, made by Databento's own package, as ticks."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import databento_dbn as dbn
import polars as pl
import pytest

from tieout.clock import from_iso
from tieout.errors import InputUnusable
from tieout.ticks.layout import TICK
from tieout.ticks.sources.tape import Tape

AT = from_iso("2026-03-02T15:00:00Z")
ES, NQ = 42, 43
E9 = 1_000_000_000


def header(schema: dbn.Schema | None, *, mapped: bool = True) -> bytes:
    """A file's beginning: ES is 42 and NQ is 43 on the second of March."""
    mappings = [
        SimpleNamespace(
            raw_symbol=symbol,
            intervals=[SimpleNamespace(start_date=date(2026, 3, 2), end_date=date(2026, 3, 3), symbol=str(number))],
        )
        for symbol, number in (("ESH6", ES), ("NQH6", NQ))
    ]
    return bytes(
        dbn.Metadata(
            dataset="GLBX.MDP3", start=AT, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID,
            schema=schema, symbols=["ESH6", "NQH6"], mappings=mappings if mapped else None, end=AT + E9,  # type: ignore[arg-type] # it takes any object with these attributes
        )
    )  # fmt: skip


def trade(number: int, at: int, price: int, size: int) -> bytes:
    return bytes(
        dbn.TradeMsg(
            publisher_id=1, instrument_id=number, ts_event=AT + at - 5, price=price, size=size, action=dbn.Action.TRADE,
            side=dbn.Side.BID, depth=0, ts_recv=AT + at, ts_in_delta=0, sequence=9, flags=0,
        )
    )  # fmt: skip


def book(number: int, at: int, action: dbn.Action, *, bid: int, ask: int, kind: Any = dbn.MBP1Msg) -> bytes:
    top = dbn.BidAskPair(bid_px=bid, ask_px=ask, bid_sz=5, ask_sz=6, bid_ct=1, ask_ct=1)
    return bytes(
        kind(
            publisher_id=1, instrument_id=number, ts_event=AT + at - 5, price=ask, size=3, action=action,
            side=dbn.Side.BID, depth=0, ts_recv=AT + at, ts_in_delta=0, sequence=9, flags=0, levels=top,
        )
    )  # fmt: skip


def ticks_of(path: Path) -> list[tuple[object, ...]]:
    """Symbol, field, price, size, exchange and receive time (ns after AT), ask, its size, flags."""
    tape = Tape.open([path])
    found = pl.concat([*tape.batches()])
    assert dict(found.select(list(TICK)).schema) == TICK
    return [
        (tape.instruments[row["instrument"]].name, row["field"], row["price"], row["size"], row["exchange_ns"] - AT,
         row["received_ns"] - AT, row["extra_0"], row["extra_1"], row["flags"])
        for row in found.rows(named=True)
    ]  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True])
def test_trades(tmp_path: Path, compressed: bool) -> None:
    raw = header(dbn.Schema.TRADES) + trade(NQ, 10, 20_000 * E9, 1) + trade(ES, 20, 5_000 * E9 + 250_000_000, 2)
    path = tmp_path / f"day.dbn{'.zst' * compressed}"
    packed = BytesIO()
    with dbn.Transcoder(packed, dbn.Encoding.DBN, dbn.Compression.ZSTD) as transcoder:
        transcoder.write(raw)
    path.write_bytes(packed.getvalue() if compressed else raw)
    assert ticks_of(path) == [
        ("NQH6", 1, 2_000_000_000_000, 100_000_000, 5, 10, None, None, 7),
        ("ESH6", 1, 500_025_000_000, 200_000_000, 15, 20, None, None, 7),
    ]


@pytest.mark.parametrize("schema", [dbn.Schema.MBP_1, dbn.Schema.TBBO])
def test_top_of_book_with_the_trade_on_its_side(tmp_path: Path, schema: dbn.Schema) -> None:
    rows = book(ES, 10, dbn.Action.TRADE, bid=5_000 * E9, ask=5_001 * E9)
    rows += book(ES, 20, dbn.Action.ADD, bid=5_000 * E9, ask=2**63 - 1)
    (tmp_path / "day.dbn").write_bytes(header(schema) + rows)
    quote = ("ESH6", 3, 500_000_000_000, 500_000_000, 5, 10, 500_100_000_000, 600_000_000, 0x8307)
    traded = ("ESH6", 1, 500_100_000_000, 300_000_000, 5, 10, None, None, 7)
    first = [traded, quote] if schema is dbn.Schema.MBP_1 else [quote, traded]
    assert ticks_of(tmp_path / "day.dbn") == [
        *first,
        ("ESH6", 3, 500_000_000_000, 500_000_000, 15, 20, None, 600_000_000, 0x8207),
    ]


def test_a_price_that_1e_8_cannot_hold_is_a_float_by_flag(tmp_path: Path) -> None:
    (tmp_path / "day.dbn").write_bytes(header(dbn.Schema.TRADES) + trade(ES, 10, 1_953_125 * 1_000 + 1, 1))
    tape = Tape.open([tmp_path / "day.dbn"])
    found = pl.concat([*tape.batches()])
    assert found["flags"].to_list() == [7 | 8]
    word = int(found["price"][0]).to_bytes(8, "little", signed=True)
    assert memoryview(word).cast("d")[0] == 1.953125001


def test_an_instrument_without_a_symbol_is_its_number(tmp_path: Path) -> None:
    (tmp_path / "day.dbn").write_bytes(header(None, mapped=False) + trade(77, 10, E9, 1))
    assert ticks_of(tmp_path / "day.dbn")[0][0] == "77"


def test_a_live_capture_says_its_symbols_itself(tmp_path: Path) -> None:
    said = dbn.SymbolMappingMsg(
        publisher_id=1, instrument_id=77, ts_event=AT, stype_in=dbn.SType.RAW_SYMBOL, stype_in_symbol="YM",
        stype_out=dbn.SType.RAW_SYMBOL, stype_out_symbol="YMH6", start_ts=0, end_ts=0,
    )  # fmt: skip
    (tmp_path / "day.dbn").write_bytes(header(None, mapped=False) + bytes(said) + trade(77, 10, E9, 1))
    assert ticks_of(tmp_path / "day.dbn")[0][0] == "YMH6"


def test_several_files_are_merged_by_time(tmp_path: Path) -> None:
    (tmp_path / "a.dbn").write_bytes(header(dbn.Schema.TRADES) + trade(ES, 10, E9, 1) + trade(ES, 30, E9, 3))
    (tmp_path / "b.dbn").write_bytes(header(dbn.Schema.TRADES) + trade(ES, 20, E9, 2))
    assert [row[5] for row in ticks_of(tmp_path)] == [10, 20, 30]


def bar() -> bytes:
    return bytes(
        dbn.OHLCVMsg(
            rtype=dbn.RType.OHLCV_1S, publisher_id=1, instrument_id=ES, ts_event=AT, open=1, high=1, low=1, close=1,
            volume=1,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"garbage" * 100, "day.dbn cannot be read"),
        (header(dbn.Schema.TRADES) + trade(ES, 10, E9, 1)[:-7], "day.dbn is cut short"),
        (header(dbn.Schema.TRADES)[:50], "day.dbn is cut short"),
        (b"", "day.dbn is cut short"),
        (header(dbn.Schema.OHLCV_1S) + bar(), "day.dbn holds OHLCVMsg; expected trades, mbp-1"),
    ],
)
def test_what_is_no_file_of_ticks_is_told(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "day.dbn").write_bytes(data)
    with pytest.raises(InputUnusable, match=expected):
        Tape.open([tmp_path / "day.dbn"])
