"""
Ticks from files of other programs: Parquet, Arrow, CSV, NDJSON with columns of their own names.

A row with a price is a trade, one with a bid or an ask is a quote, and one with both is the quote and then the trade.
Prices and sizes are taken to the nearest 1e-8, exactly up to 15 digits; NaN is "there is none".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.broker.port import ContractSpec
from tieout.errors import InputUnusable, SchemaMismatch
from tieout.ticks.files.stream import FRAME, Stream, reading
from tieout.ticks.layout import TICK
from tieout.ticks.sources.mapped_values import amount, time_ns
from tieout.ticks.sources.rows import PLAIN, as_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMATS: Final = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "tsv",
    ".arrow": "ipc", ".ipc": "ipc", ".feather": "ipc", ".ndjson": "ndjson", ".jsonl": "ndjson",
}  # fmt: skip
"""Ending -> format."""

NAMES: Final = {
    "time": ("received_ns", "ts_recv", "received", "timestamp", "time", "ts", "datetime"),
    "exchange_time": ("exchange_ns", "ts_event", "exchange_time"),
    "instrument": ("instrument", "symbol", "local_symbol", "ticker"),
    "price": ("price", "last", "last_price"),
    "size": ("size", "last_size", "quantity", "qty", "volume"),
    "bid": ("bid", "bid_price"),
    "bid_size": ("bid_size",),
    "ask": ("ask", "ask_price"),
    "ask_size": ("ask_size",),
}
"""What a tick needs -> the column names that are known for it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """
    How a file's columns are to be read.

    Attributes:
        names: any of `NAMES` -> the column; what is not named is found by the names that are known.
        time_unit: of times that are whole numbers: s, ms, us or ns since 1970.
        timezone: of times that name no offset; None: they are an error.
        price_scale: what a price counts; 1e-9 where they are whole numbers of a billionth.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    time_unit: str = "ns"
    timezone: str | None = None
    price_scale: float = 1.0


def open_mapped(path: Path, columns: Columns) -> Stream:
    """
    A file as a stream. A Parquet or Arrow file that has the columns of `TICK` in their types is taken as it is.

    Raises:
        InputUnusable: it cannot be read, or has no rows.
        SchemaMismatch: there is no time, or neither a price nor a bid or ask.
    """
    with reading(path):
        found = _scan(path)
        schema = found.collect_schema()
        rows = found.select(pl.len()).collect().item()
        if all(schema.get(name) == dtype for name, dtype in TICK.items()) and not columns.names:
            return _of_frame(path, found, rows)
        chosen = _chosen(path, list(schema), columns)
        names = _instrument_names(path, found, chosen)

    def pieces(count: int) -> Iterator[pl.DataFrame]:
        first = 0
        with reading(path):
            for piece in found.select(sorted(set(chosen.values()))).collect_batches(chunk_size=count):
                for rows in piece.iter_slices(count):
                    ticks = as_ticks(_plain(path, rows, chosen, columns, names), first=first, trade_first=False)
                    first += ticks.height
                    yield ticks

    return Stream(str(path), tuple(ContractSpec(local_symbol=name) for name in names), pieces, rows)


def _scan(path: Path) -> pl.LazyFrame:
    kind = FORMATS[path.suffix.lower()]
    if path.stat().st_size == 0:
        raise InputUnusable(f"{path} is empty", hint="check what should have written it")
    if kind == "parquet":
        return pl.scan_parquet(path, hive_partitioning=False, glob=False)
    if kind == "ipc":
        return pl.scan_ipc(path, hive_partitioning=False)
    if kind == "ndjson":
        return pl.scan_ndjson(path, infer_schema_length=None)
    return pl.scan_csv(path, separator="\t" if kind == "tsv" else ",", infer_schema=False, glob=False)


def _of_frame(path: Path, found: pl.LazyFrame, rows: int) -> Stream:
    most = found.select(pl.col("instrument").max()).collect().item()
    instruments = tuple(ContractSpec(local_symbol=str(number)) for number in range(0 if most is None else most + 1))

    def pieces(count: int) -> Iterator[pl.DataFrame]:
        framed = found.with_columns(pl.lit(0, pl.UInt64).alias("session")).select(list(FRAME))
        with reading(path):
            for piece in framed.collect_batches(chunk_size=count):
                yield from piece.iter_slices(count)

    return Stream(str(path), instruments, pieces, rows)


def _chosen(path: Path, there: list[str], columns: Columns) -> dict[str, str]:
    for what, name in columns.names.items():
        if what not in NAMES:
            raise SchemaMismatch(f"{what} is nothing that a tick has", hint=f"expected one of {', '.join(NAMES)}")
        if name not in there:
            raise SchemaMismatch(f"{path} has no column {name!r} for {what}", hint=f"it has {', '.join(there)}")
    chosen = {**columns.names}
    for what, known in NAMES.items():
        match = next((name for name in known if name in there), None)
        if what not in chosen and match is not None:
            chosen[what] = match
    has = f"it has {', '.join(there)}; name the columns with --column"
    if "time" not in chosen:
        raise SchemaMismatch(f"{path} has no time of its ticks", hint=f"{has} time=NAME")
    if not {"price", "bid", "ask"} & set(chosen):
        raise SchemaMismatch(f"{path} has neither prices nor bids or asks", hint=f"{has} price=NAME")
    return chosen


def _instrument_names(path: Path, found: pl.LazyFrame, chosen: dict[str, str]) -> list[str]:
    if "instrument" not in chosen:
        return [path.name.partition(".")[0]]
    texts = found.select(pl.col(chosen["instrument"]).cast(pl.String).unique()).collect().to_series()
    if texts.null_count():
        raise InputUnusable(f"{path}: a row has no {chosen['instrument']}", hint="expected an instrument in every row")
    return sorted(texts)


def _plain(path: Path, rows: pl.DataFrame, chosen: dict[str, str], columns: Columns, names: list[str]) -> pl.DataFrame:
    """A piece of the file in the columns of `PLAIN`."""
    values: dict[str, pl.Series] = {"received_ns": time_ns(path, rows[chosen["time"]], columns)}
    if values["received_ns"].null_count():
        raise InputUnusable(f"{path}: a row has no {chosen['time']}", hint="expected a time in every row")
    if "exchange_time" in chosen:
        values["exchange_ns"] = time_ns(path, rows[chosen["exchange_time"]], columns)
    for what in ("price", "bid", "ask"):
        if what in chosen:
            values[what] = amount(path, rows[chosen[what]], columns.price_scale)
    for what in ("size", "bid_size", "ask_size"):
        if what in chosen:
            values[what] = amount(path, rows[chosen[what]], 1.0)
    if "instrument" in chosen:
        numbers = {name: number for number, name in enumerate(names)}
        values["instrument"] = rows[chosen["instrument"]].cast(pl.String).replace_strict(numbers)
    wanted = [
        values[name].cast(dtype).alias(name) if name in values else pl.lit(None, dtype).alias(name)
        for name, dtype in PLAIN.items()
    ]
    given = {what: rows[chosen[what]].is_not_null() for what in ("price", "bid", "ask") if what in chosen}
    no = pl.Series([False] * rows.height, dtype=pl.Boolean)
    is_quote = given.get("bid", no) | given.get("ask", no)
    no_price = (given.get("price", no) & values["price"].is_null()) if "price" in values else no
    return (
        pl.DataFrame({"at": range(rows.height)})
        .with_columns(wanted)
        .with_columns(
            given.get("price", no).alias("is_trade"),
            is_quote.alias("is_quote"),
            no_price.alias("no_price"),
            pl.col("instrument", "price_flags", "bid_flags", "ask_flags").fill_null(0),
        )
        .select(list(PLAIN))
    )
