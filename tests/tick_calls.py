"""
What ib_async's decoder calls for a stream, and the same calls read from tieout's records by the layout of docs/wire.md.

The second reading is written from the layout alone and shares no code with the decoder.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
from ib_async.client import Client
from ib_async.objects import (
    HistoricalTick,
    HistoricalTickBidAsk,
    HistoricalTickLast,
    TickAttribBidAsk,
    TickAttribLast,
)

Call = tuple[Any, ...]
Row = dict[str, Any]

ONE: Final = 100_000_000
PRICE_F64, SIZE_F64, EXTRA_F64 = 8, 16, (1 << 10, 1 << 11)
LONG: Final = EXTRA_F64
ATTRIBUTES: Final = 12


class Recorder:
    """Stands where ib_async's wrapper stands, and keeps what the decoder calls."""

    defaultTimezone = UTC  # noqa: N815 - the name that the decoder looks for

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("tcpDataArrived", "tcpDataProcessed"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, *args))


def client_calls(pieces: Sequence[bytes], version: int, wrapper: Any = None) -> list[Call]:
    """What ib_async's own path from the socket calls for these bytes."""
    recorder = Recorder() if wrapper is None else wrapper
    client = Client(recorder)
    client._serverVersion = client.decoder.serverVersion = version
    client._apiReady = True
    for piece in pieces:
        client._onSocketHasData(piece)
    return recorder.calls if wrapper is None else []


def record_calls(batches: Sequence[Any]) -> list[Call]:
    """The calls that these records stand for."""
    rows = [row for batch in batches for row in pl.DataFrame(batch).iter_rows(named=True)]
    return list(_calls(rows))


def _calls(rows: list[Row]) -> Iterator[Call]:
    history: list[Any] = []
    at = 0
    while at < len(rows):
        row = rows[at]
        count = _length(rows, at)
        group = rows[at : at + count]
        at += count
        if row["kind"] in (96, 97, 98):
            history.append(_historical(group))
        elif row["kind"] == 134:
            name = {96: "historicalTicks", 97: "historicalTicksBidAsk", 98: "historicalTicksLast"}[row["field"]]
            assert row["extra_0"] == len(history)
            yield name, row["instrument"], history, bool(_attributes(row))
            history = []
        else:
            yield _READERS[row["kind"]](group)


def _length(rows: list[Row], at: int) -> int:
    """How many records the message has that starts here."""
    end = at + {21: 3, 47: 3, 50: 2}.get(rows[at]["kind"], 1)
    while end < len(rows) and rows[end]["kind"] == 128:
        end += 1
    return end - at


def _fixed(word: int | None, is_f64: int) -> float | None:
    if word is None:
        return None
    return float(struct.unpack("<d", struct.pack("<q", word))[0]) if is_f64 else word / ONE


def _price(row: Row) -> float | None:
    return _fixed(row["price"], row["flags"] & PRICE_F64)


def _size(row: Row) -> float | None:
    return _fixed(row["size"], row["flags"] & SIZE_F64)


def _extra(row: Row, number: int) -> float | None:
    word = row[f"extra_{number}"]
    signed = None if word is None else struct.unpack("<q", struct.pack("<Q", word))[0]
    return _fixed(signed, row["flags"] & EXTRA_F64[number])


def _attributes(row: Row) -> int:
    return int(row["flags"] >> ATTRIBUTES & 7)


def _seconds(row: Row) -> int:
    assert row["exchange_ns"] % 1_000_000_000 == 0
    return int(row["exchange_ns"] // 1_000_000_000)


def _time(row: Row) -> datetime:
    return datetime.fromtimestamp(_seconds(row), UTC)


def _bytes(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}Q", *words).rstrip(b"\0")


def _text(group: list[Row], about: Row, number: int) -> str:
    """The text of one word, from the records behind where it is long."""
    if not about["flags"] & LONG[number]:
        return _bytes(about[f"extra_{number}"]).decode(errors="backslashreplace")
    return _pieces(group, number)


def _pieces(group: list[Row], number: int) -> str:
    pieces = [row for row in group if row["kind"] == 128 and _attributes(row) & 1 == number]
    assert [bool(_attributes(row) & 2) for row in pieces] == [True] * (len(pieces) - 1) + [False]
    return b"".join(_bytes(row["extra_0"], row["extra_1"]) for row in pieces).decode(errors="backslashreplace")


def _tick_price(group: list[Row]) -> Call:
    (row,) = group
    return "priceSizeTick", row["instrument"], row["field"], _price(row), _size(row)


def _tick_size(group: list[Row]) -> Call:
    (row,) = group
    return "tickSize", row["instrument"], row["field"], _size(row)


def _tick_generic(group: list[Row]) -> Call:
    (row,) = group
    return "tickGeneric", row["instrument"], row["field"], _price(row)


def _tick_string(group: list[Row]) -> Call:
    row = group[0]
    if row["flags"] & LONG[0]:
        return "tickString", row["instrument"], row["field"], _pieces(group, 0)
    text = _bytes(row["extra_0"], row["extra_1"]).decode(errors="backslashreplace")
    return "tickString", row["instrument"], row["field"], text


def _rt_volume(group: list[Row]) -> Call:
    """Not a call of the decoder: the parts, as `parsed_rt_volume` takes them from its text."""
    (row,) = group
    parts = (_price(row), _size(row), row["exchange_ns"] // 1_000_000, _extra(row, 0), _extra(row, 1))
    return "rtVolume", row["instrument"], row["field"], *parts, bool(_attributes(row))


def parsed_rt_volume(call: Call) -> Call:
    """A tickString call of type 48 or 77, taken apart; others as they are."""
    if call[0] != "tickString" or call[2] not in (48, 77) or call[3].count(";") != 5:
        return call
    price, size, milliseconds, volume, average, single = call[3].split(";")
    parts = (float(price), float(size), int(milliseconds), float(volume), float(average))
    return "rtVolume", call[1], call[2], *parts, single == "true"


def _depth(group: list[Row]) -> Call:
    (row,) = group
    at = (row["instrument"], row["extra_0"], *divmod(row["field"], 2))
    return "updateMktDepth", *at, _price(row), _size(row)


def _depth_l2(group: list[Row]) -> Call:
    row = group[0]
    maker = _text(group, row, 1)
    change = (*divmod(row["field"], 2), _price(row), _size(row))
    return "updateMktDepthL2", row["instrument"], row["extra_0"], maker, *change, bool(_attributes(row))


def _option(group: list[Row]) -> Call:
    first, greeks, model = group
    assert [row["kind"] for row in group] == [21, 129, 130]
    values = (_extra(first, 0), _extra(first, 1), _price(first), _price(model))
    values = (*values, _extra(greeks, 0), _extra(greeks, 1), _extra(model, 0), _price(greeks))
    return "tickOptionComputation", first["instrument"], first["field"], _attributes(first), *values


def _efp(group: list[Row]) -> Call:
    first, dividends, texts = group[:3]
    assert [row["kind"] for row in group[:3]] == [47, 131, 132]
    head = ("tickEFP", first["instrument"], first["field"], _extra(first, 0), _text(group, texts, 0))
    middle = (_price(first), first["extra_1"], _text(group, texts, 1))
    return *head, *middle, _extra(dividends, 0), _extra(dividends, 1)


def _bar(group: list[Row]) -> Call:
    first, edge = group
    assert [row["kind"] for row in group] == [50, 133]
    prices = (_extra(first, 0), _price(edge), _extra(edge, 0), _price(first))
    return "realtimeBar", first["instrument"], _seconds(first), *prices, _size(first), _extra(edge, 1), first["extra_1"]


def _by_tick(group: list[Row]) -> Call:
    row = group[0]
    bits = _attributes(row)
    head = (row["instrument"], row["field"], _seconds(row))
    if row["field"] == 4:
        return "tickByTickMidPoint", head[0], head[2], _price(row)
    if row["field"] == 3:
        values = (_price(row), _extra(row, 0), _size(row), _extra(row, 1))
        attrib = TickAttribBidAsk(bidPastLow=bool(bits & 1), askPastHigh=bool(bits & 2))
        return "tickByTickBidAsk", head[0], head[2], *values, attrib
    last = TickAttribLast(pastLimit=bool(bits & 1), unreported=bool(bits & 2))
    return "tickByTickAllLast", *head, _price(row), _size(row), last, _text(group, row, 0), _text(group, row, 1)


def _historical(group: list[Row]) -> Any:
    row = group[0]
    bits = _attributes(row)
    if row["kind"] == 96:
        return HistoricalTick(_time(row), _price(row), _size(row))
    if row["kind"] == 97:
        attrib = TickAttribBidAsk(askPastHigh=bool(bits & 1), bidPastLow=bool(bits & 2))
        return HistoricalTickBidAsk(_time(row), attrib, _price(row), _extra(row, 0), _size(row), _extra(row, 1))
    last = TickAttribLast(pastLimit=bool(bits & 1), unreported=bool(bits & 2))
    return HistoricalTickLast(_time(row), last, _price(row), _size(row), _text(group, row, 0), _text(group, row, 1))


_READERS: Final = {
    1: _tick_price,
    2: _tick_size,
    12: _depth,
    13: _depth_l2,
    21: _option,
    45: _tick_generic,
    46: _tick_string,
    47: _efp,
    50: _bar,
    99: _by_tick,
    135: _rt_volume,
}
