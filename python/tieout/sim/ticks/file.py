"""A market from a file: CSV or Parquet, one row for each event, its times kept relative to the first one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from tieout.clock import from_iso
from tieout.errors import ScenarioError
from tieout.fixed import SCALE, to_e8
from tieout.sim.ticks.event import STATE, with_changes
from tieout.sim.ticks.walk import BLOCK_MAX as BLOCK

ROWS_MAX: Final = 20_000_000
_NUMBERS: Final = ("bid", "bid_size", "ask", "ask_size", "price", "size")
_TEXTS: Final = ("exchange", "conditions")
_FLAGS: Final = ("past_limit", "unreported")
_COLUMNS: Final = ("time", *_NUMBERS, *_TEXTS, *_FLAGS)
_NUMBER_MAX: Final = 1_000_000_000
_NUMBER: Final = f"a decimal below {_NUMBER_MAX} with at most 8 places"
_HINT: Final = "`python -m pydoc tieout.sim.ticks.file` says what the file holds"
_YES: Final = ("true", "1")


class TickFile:
    """
    The events of a file.

    Columns: `time` (ISO-8601 with offset, or UTC nanoseconds), and any of bid, bid_size, ask, ask_size (quotes), price,
    size (a trade), exchange, conditions, past_limit, unreported (of the trade). An empty field is "as before"; a row
    with a price is a trade. Decimals are below 1,000,000,000 and have at most 8 places. Times do not go back.

    Raises:
        ScenarioError: the file cannot be read, or a column, a row or a value in it is wrong.
    """

    def __init__(self, path: Path, *, repeat: bool = False) -> None:
        self._path = path
        self._repeat = repeat
        self._states = self._state(self._read())
        last = self._states["at_ns"][-1]
        self._lap_ns: int = last + max(last // max(self._states.height - 1, 1), 1)

    def block(self, number: int) -> pl.DataFrame | None:
        """The events of a block of at most `BLOCK`, numbered from 0, schema `EVENT`; None after the last one."""
        lap, part = divmod(number, -(-self._states.height // BLOCK))
        if lap and not self._repeat:
            return None
        start = part * BLOCK
        before = self._states.slice(start - 1, 1) if start else self._states.tail(1) if lap else self._states.clear()
        whole = self._states.slice(start, BLOCK).with_columns(
            pl.col("at_ns") + lap * self._lap_ns,
            pl.col("volume") + pl.lit(lap * self._states["volume"][-1], dtype=pl.Int128),
            pl.col("turnover") + pl.lit(lap * self._states["turnover"][-1], dtype=pl.Int128),
        )
        return with_changes(whole, before=before)

    def opening(self) -> pl.DataFrame:
        """Nothing is quoted before the first row."""
        return self._states.clear()

    def _read(self) -> pl.DataFrame:
        path = self._path
        try:
            if path.suffix == ".parquet":
                rows = pl.read_parquet(path, n_rows=ROWS_MAX + 1)
            else:
                rows = pl.read_csv(path, infer_schema=False, n_rows=ROWS_MAX + 1)
        except FileNotFoundError as error:
            raise ScenarioError(f"{path}: there is no such file of ticks", hint="name an existing one") from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise ScenarioError(f"{path}: cannot be read as ticks: {error}", hint=_HINT) from error
        unknown = [name for name in rows.columns if name not in _COLUMNS]
        if unknown or "time" not in rows.columns:
            found = f"column {unknown[0]!r}" if unknown else "no column `time`"
            raise ScenarioError(f"{path}: found {found}, expected some of {', '.join(_COLUMNS)}", hint=_HINT)
        if not 0 < rows.height <= ROWS_MAX:
            found = "no row" if not rows.height else f"more than {ROWS_MAX} rows"
            raise ScenarioError(f"{path}: found {found}, expected 1 to {ROWS_MAX}", hint=_HINT)
        return rows

    def _state(self, rows: pl.DataFrame) -> pl.DataFrame:
        numbers = {name: self._number(rows, name) for name in _NUMBERS}
        trade = numbers["price"].is_not_null()
        unreported = self._flag(rows, "unreported") & trade
        frame = pl.DataFrame({"at_ns": self._times(rows), **numbers, "trade": trade, "unreported": unreported})
        sized = frame.with_columns(size=pl.when("trade").then(pl.col("size").fill_null(0)))
        reported = pl.col("trade") & ~pl.col("unreported")
        return (
            sized.with_columns(
                volume=pl.when(reported).then("size").otherwise(0).cast(pl.Int128).cum_sum(),
                turnover=pl.when(reported)
                .then(pl.col("price").cast(pl.Int128) * pl.col("size"))
                .otherwise(0)
                .cum_sum(),
                last=pl.when(reported).then("price").forward_fill(),
                last_size=pl.when(reported).then("size").forward_fill(),
                past_limit=self._flag(rows, "past_limit") & trade,
            )
            .with_columns(
                *(pl.col(name).forward_fill() for name in ("bid", "bid_size", "ask", "ask_size")),
                *(self._words(rows, name).alias(name) for name in _TEXTS),
            )
            .select(*STATE)
        )

    def _times(self, rows: pl.DataFrame) -> pl.Series:
        column = rows["time"]
        if column.dtype == pl.String:
            ns = self._each(column, lambda text: int(text) if text.isdigit() else from_iso(text),
                            "UTC nanoseconds or 2025-12-07T12:00:00Z")  # fmt: skip
        elif isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
            ns = column.dt.timestamp("ns")
        elif column.dtype.is_integer():
            ns = column.cast(pl.Int64)
        else:
            raise self._wrong(column, "UTC nanoseconds, or times with their offset")
        if ns.null_count():
            raise self._at(ns.is_null().arg_max() or 0, "time", "found nothing, expected a time")
        if not ns.is_sorted():
            back = (ns.diff() < 0).arg_max() or 0
            raise self._at(back, "time", f"found {rows['time'][back]}, which is before the row above it")
        first: int = ns[0]
        return ns - first

    def _number(self, rows: pl.DataFrame, name: str) -> pl.Series:
        if name not in rows.columns:
            return pl.Series(name, [None] * rows.height, dtype=pl.Int64)
        column = rows[name]
        if column.dtype.is_float():
            raise self._wrong(column, "decimals, whole numbers or text, since floats are not exact")
        # Few values come often, so each is read once.
        values = column.cast(pl.String).unique().drop_nulls()
        read = self._each(values, to_e8, _NUMBER)
        wrong = read.is_null() | (read.abs() >= _NUMBER_MAX * SCALE)
        if wrong.any():
            bad = values.filter(wrong)[0]
            at = (column.cast(pl.String) == bad).arg_max() or 0
            raise self._at(at, name, f"found {bad!r}, expected {_NUMBER}")
        return column.cast(pl.String).replace_strict(values, read, default=None, return_dtype=pl.Int64).alias(name)

    def _flag(self, rows: pl.DataFrame, name: str) -> pl.Series:
        if name not in rows.columns:
            return pl.Series(name, [False] * rows.height)
        text = rows[name].cast(pl.String).str.to_lowercase().fill_null("false")
        wrong = ~text.is_in([*_YES, "false", "0", ""])
        if wrong.any():
            raise self._at(wrong.arg_max() or 0, name, f"found {rows[name].filter(wrong)[0]!r}, expected true or false")
        return text.is_in(list(_YES))

    def _words(self, rows: pl.DataFrame, name: str) -> pl.Expr:
        if name not in rows.columns:
            return pl.lit("")
        words = rows[name].cast(pl.String).fill_null("")
        wrong = (words.str.len_bytes() > 30) | words.str.contains("\0", literal=True)
        if wrong.any():
            raise self._at(wrong.arg_max() or 0, name, f"found {words.filter(wrong)[0]!r}, expected at most 30 bytes")
        return pl.lit(words)

    def _each(self, column: pl.Series, read: object, expected: str) -> pl.Series:
        values: list[int | None] = []
        for at, text in enumerate(column.to_list()):
            try:
                values.append(None if text is None else read(text))  # type: ignore[operator]
            except ValueError as error:
                raise self._at(at, column.name, f"found {text!r}, expected {expected}") from error
        return pl.Series(column.name, values, dtype=pl.Int64)

    def _wrong(self, column: pl.Series, expected: str) -> ScenarioError:
        return ScenarioError(f"{self._path}: {column.name}: found {column.dtype}, expected {expected}", hint=_HINT)

    def _at(self, row: int, name: str, problem: str) -> ScenarioError:
        return ScenarioError(f"{self._path}: row {row + 1}: {name}: {problem}", hint=_HINT)
