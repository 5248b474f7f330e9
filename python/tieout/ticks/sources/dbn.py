"""
Databento's DBN files as ticks, through Databento's own package `databento-dbn` (the extra `tieout[databento]`).

Trades, top of the book (mbp-1, tbbo, bbo, cmbp-1) and the top of mbp-10. `received_ns` is ts_recv, `exchange_ns`
ts_event; symbols come from the file's own mappings, by day.
"""

from __future__ import annotations

from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout.broker.port import ContractSpec
from tieout.errors import InputUnusable, UsageError
from tieout.ticks.files.parts import DAY_NS, day_of
from tieout.ticks.files.stream import Stream, reading
from tieout.ticks.sources.rows import ASK_IS_FLOAT, PLAIN, as_ticks, from_e9

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK_BYTES: Final = 1 << 20
_UNSET: Final = 2**63 - 1
_UNSET_TIME: Final = 2**64 - 1
_E8: Final = 100_000_000
_TRADES: Final = ("TradeMsg",)
_BOOKS: Final = ("MBP1Msg", "CMBP1Msg", "MBP10Msg")
_SAMPLES: Final = ("BBOMsg", "CBBOMsg")
_SIDE_LINES: Final = ("SymbolMappingMsg", "SystemMsg", "ErrorMsg", "SymbolMappingMsgV1", "SystemMsgV1", "ErrorMsgV1")
_EXPECTED: Final = "expected trades, mbp-1, tbbo, bbo-1s, bbo-1m, cmbp-1, cbbo or mbp-10"


def is_dbn(path: Path) -> bool:
    """Whether a name is one of a DBN file: .dbn, .dbn.zst."""
    return path.name.lower().endswith((".dbn", ".dbn.zst"))


def open_dbn(path: Path) -> Stream:
    """
    A DBN file as a stream.

    Raises:
        UsageError: the package is not installed.
        InputUnusable: it is no DBN file, is cut short, or holds what is neither trade nor quote.
    """
    symbols = _Symbols()
    rows = 0
    seen: dict[str, None] = {}
    with reading(path):
        for records in _records(path, symbols):
            for number, day in {(one.instrument_id, one.ts_recv // DAY_NS) for one in records}:
                seen.setdefault(symbols.name(number, day_of(day * DAY_NS)))
            rows += len(records)
    names = sorted(seen)
    numbers = {name: at for at, name in enumerate(names)}

    def pieces(count: int) -> Iterator[pl.DataFrame]:
        first = 0
        with reading(path):
            named = _Symbols()
            for records in _records(path, named):
                left = iter(records)
                while some := list(islice(left, count)):
                    ticks = _ticks(some, named, numbers, first)
                    first += ticks.height
                    yield ticks

    return Stream(str(path), tuple(ContractSpec(local_symbol=name) for name in names), pieces, rows)


class _Symbols:
    """Instrument id -> symbol, by day; and the file's schema."""

    def __init__(self) -> None:
        self._by_id: dict[int, list[tuple[date, date, str]]] = {}
        self.schema = ""

    def learn(self, metadata: Any) -> None:
        self.schema = "" if metadata.schema is None else str(metadata.schema)
        for symbol, intervals in metadata.mappings.items():
            for interval in intervals:
                if str(interval["symbol"]).isdigit():
                    span = (interval["start_date"], interval["end_date"], symbol)
                    self._by_id.setdefault(int(interval["symbol"]), []).append(span)

    def hear(self, message: Any) -> None:
        """A live capture says which symbol an id stands for, from then on."""
        self._by_id[message.instrument_id] = [(date.min, date.max, message.stype_out_symbol)]

    def name(self, number: int, day: date) -> str:
        found = (name for start, end, name in self._by_id.get(number, ()) if start <= day < end)
        return next(found, str(number))


def _records(path: Path, symbols: _Symbols) -> Iterator[list[Any]]:
    """The file's trades and quotes, some at a time."""
    try:
        import databento_dbn as dbn
    except ImportError as error:
        raise UsageError(
            f"{path} is a DBN file, and the package that reads it is not installed",
            hint="pip install 'tieout[databento]'",
        ) from error
    kinds = {getattr(dbn, name): name for name in (*_TRADES, *_BOOKS, *_SAMPLES, *_SIDE_LINES) if hasattr(dbn, name)}
    compressed = path.name.lower().endswith(".zst")
    compression: Any = dbn.Compression.ZSTD if compressed else dbn.Compression.NONE
    decoder = dbn.DBNDecoder(compression=compression)
    begun = False
    with path.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            try:
                decoder.write(data)
                found = decoder.decode()
            except dbn.DBNError as error:
                raise InputUnusable(f"{path} cannot be read: {error}", hint="expected a whole DBN file") from error
            records = []
            for one in found:
                kind = kinds.get(type(one))
                if isinstance(one, dbn.Metadata):
                    begun = True
                    symbols.learn(one)
                elif kind is None:
                    raise InputUnusable(f"{path} holds {type(one).__name__}; {_EXPECTED}", hint="name another file")
                elif kind.startswith("SymbolMapping"):
                    symbols.hear(one)
                elif kind not in _SIDE_LINES:
                    records.append(one)
            if records:
                yield records
    if not begun or (decoder.buffer() and not compressed):
        raise InputUnusable(f"{path} is cut short: its end is missing", hint="copy it again")


def _ticks(records: list[Any], symbols: _Symbols, numbers: dict[str, int], first: int) -> pl.DataFrame:
    days = {(one.instrument_id, one.ts_recv // DAY_NS) for one in records}
    number_of = {key: numbers[symbols.name(key[0], day_of(key[1] * DAY_NS))] for key in days}
    is_book = [type(one).__name__ not in _TRADES for one in records]
    is_trade = [
        not book or (str(one.action) == "T" and type(one).__name__ in _BOOKS)
        for one, book in zip(records, is_book, strict=True)
    ]
    traded = [one if trade else None for one, trade in zip(records, is_trade, strict=True)]
    prices, price_flags = from_e9([None if one is None else _known(one.price) for one in traded])
    tops = [one.levels[0] if book else None for one, book in zip(records, is_book, strict=True)]
    bids, bid_flags = from_e9([None if top is None else _known(top.bid_px) for top in tops])
    asks, ask_flags = from_e9([None if top is None else _known(top.ask_px) for top in tops], ASK_IS_FLOAT)
    rows = pl.DataFrame(
        {
            "instrument": [number_of[one.instrument_id, one.ts_recv // DAY_NS] for one in records],
            "received_ns": [one.ts_recv for one in records],
            "exchange_ns": [None if one.ts_event == _UNSET_TIME else one.ts_event for one in records],
            "price": prices,
            "size": [None if one is None else one.size * _E8 for one in traded],
            "bid": bids,
            "bid_size": [None if top is None else top.bid_sz * _E8 for top in tops],
            "ask": asks,
            "ask_size": [None if top is None else top.ask_sz * _E8 for top in tops],
            "is_trade": is_trade,
            "is_quote": is_book,
            "no_price": [False] * len(records),
            "price_flags": price_flags,
            "bid_flags": bid_flags,
            "ask_flags": ask_flags,
        },
        schema=PLAIN,
    )
    return as_ticks(rows, first=first, trade_first=symbols.schema != "tbbo")


def _known(price: int) -> int | None:
    return None if price == _UNSET else price
