"""What a person names, or hands over, becomes a `Source`: files, folders, addresses, tables, frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import polars as pl

from tieout.diffing import addresses, paths, server, sqlite
from tieout.diffing.failures import reading
from tieout.diffing.source import Source, of_lazy
from tieout.errors import InputUnusable

TABLE_MARK: Final = "::"
SERVERS: Final = ("postgresql://", "postgres://")


def open_side(given: object, side: str) -> Source:
    """
    One side of a diff.

    Args:
        given: a path, a glob, a folder, an address, FILE.db::TABLE, a PostgreSQL address, or a list of files; a polars
            frame; anything that gives Arrow data by the PyCapsule protocol (pyarrow, pandas 3, DuckDB); a pandas frame.
        side: left or right, for messages.

    Raises:
        InputUnusable: it is not there, cannot be read, or is not what its name says.
        BookError: an SQLite file that cannot be read, or that may be in use.
    """
    if isinstance(given, str | os.PathLike):
        return _named(os.fspath(given), side)
    if isinstance(given, pl.LazyFrame):
        with reading(f"the {side} frame"):
            return of_lazy(f"{side} frame", given)
    if isinstance(given, list | tuple) and given and all(isinstance(one, str | os.PathLike) for one in given):
        return paths.open_files([Path(one) for one in given], shown=f"{given[0]} and {len(given) - 1} more")
    return of_lazy(f"{side} frame", _frame(given, side).lazy())


def _named(text: str, side: str) -> Source:
    if text.startswith(SERVERS):
        return server.open_server(text)
    if "://" in text:
        return addresses.open_address(text)
    name, mark, table = text.rpartition(TABLE_MARK)
    if mark and name:
        return sqlite.open_table(Path(name), table)
    path = Path(text).expanduser()
    if path.is_file() and sqlite.is_sqlite(path):
        return sqlite.open_table(path, None)
    found = paths.expand(path, side)
    return paths.open_files(found, shown=text, hive_root=path if path.is_dir() else None)


def _frame(given: Any, side: str) -> pl.DataFrame:
    """A frame of another library; without a copy where it speaks Arrow."""
    if isinstance(given, pl.DataFrame):
        return given
    for convert in ("arrow", "to_arrow_table"):  # a DuckDB relation before it spoke the protocol
        if not hasattr(given, "__arrow_c_stream__") and hasattr(given, convert):
            given = getattr(given, convert)()
    try:
        if hasattr(given, "__arrow_c_stream__") or hasattr(given, "__arrow_c_array__"):
            return pl.DataFrame(given)
        if type(given).__module__.partition(".")[0] == "pandas":
            return pl.from_pandas(given)
    except (pl.exceptions.PolarsError, ImportError, TypeError, ValueError) as error:
        raise InputUnusable(
            f"the {side} frame ({type(given).__name__}) cannot be read: {str(error).splitlines()[0]}",
            hint="hand over a polars frame or a pyarrow table",
        ) from error
    raise InputUnusable(
        f"the {side} side is a {type(given).__name__}; expected a path, an address, or a frame",
        hint="polars, pyarrow, pandas and DuckDB are understood, and whatever gives an Arrow stream",
    )
