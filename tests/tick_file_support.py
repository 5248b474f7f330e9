"""Recorded ticks for tests: instruments, batches as a feed gives them, and what a folder holds."""

from __future__ import annotations

import io
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from cli_process import Outcome
from tieout.broker.port import ContractSpec
from tieout.cli import main
from tieout.clock import NS_PER_S, from_iso
from tieout.ticks.files.folder import RecordingFolder
from tieout.ticks.files.parts import day_of, folder_names
from tieout.ticks.instruments import Instrument, Instruments
from tieout.ticks.layout import TICK

if TYPE_CHECKING:
    from collections.abc import Callable

NOON: Final = from_iso("2026-03-02T12:00:00Z")
DAY: Final = 86_400 * NS_PER_S
NAMES: Final = ("ES", "EUR/USD", "SPY   260320C00500000")
WAIT_S: Final = 30.0


def instruments(*names: str) -> Instruments:
    """Futures of these local symbols, with ids from 100 on."""
    return Instruments(
        [
            Instrument(at, ContractSpec(con_id=100 + at, symbol=name, local_symbol=name, sec_type="FUT"))
            for at, name in enumerate(names or NAMES)
        ]
    )


def batch(rows: int, *, first: int = 0, at_ns: int = NOON, step_ns: int = 1_000_000, **columns: Any) -> pl.DataFrame:
    """Trades of the three instruments in turn, numbered from `first`, `step_ns` apart; some columns instead."""
    at = range(first, first + rows)
    values = {
        "instrument": [one % len(NAMES) for one in at], "kind": 99, "field": 1, "price": [10**10 + one for one in at],
        "size": [10**8 * (one % 7) for one in at], "exchange_ns": None,
        "received_ns": [at_ns + one * step_ns for one in at],
        "sequence": list(at), "extra_0": None, "extra_1": [None if one % 2 else 2**63 + one for one in at], "flags": 3,
    } | columns  # fmt: skip
    lists = {name: value if isinstance(value, list) else [value] * rows for name, value in values.items()}
    return pl.DataFrame(lists, schema=TICK)


def recorded(root: Path) -> pl.DataFrame:
    """Every row below a recording, as polars alone reads it, in the order of `sequence`."""
    if not any(root.rglob("*.parquet")):
        return pl.DataFrame(schema={**TICK, "instrument": pl.String(), "session": pl.UInt64(), "date": pl.Date()})
    return pl.scan_parquet(root, hive_partitioning=True).sort("sequence").collect()


def with_names(ticks: pl.DataFrame, names: tuple[str, ...] = NAMES) -> pl.DataFrame:
    """The batch with names instead of numbers, as `recorded` has them."""
    return ticks.with_columns(pl.col("instrument").replace_strict(dict(enumerate(names)), return_dtype=pl.String()))


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until it holds."""
    until = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.01)


def write_recording(root: Path, ticks: pl.DataFrame, *, every: int = 1 << 30) -> None:
    """A recording of these ticks, with parts of at most so many rows of all instruments together."""
    with closing(RecordingFolder(root, session=ticks["received_ns"][0])) as folder:
        table = instruments()
        for some in ticks.iter_slices(every):
            keyed = some.with_columns((pl.col("received_ns") // DAY).alias("day"))
            for (day, number), group in keyed.partition_by("day", "instrument", as_dict=True).items():
                folder.write(
                    day_of(day * DAY), table[number], group.drop("day"),
                    name=folder_names(table)[number], today=date.min,
                )  # fmt: skip


def tieout_ticks(*words: object) -> Outcome:
    """`tieout ticks ...` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["ticks", *map(str, words)])
    return Outcome(code, out.getvalue(), err.getvalue())
