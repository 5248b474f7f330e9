"""A table of a PostgreSQL server, through a reader that polars knows (connectorx, else ADBC)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import polars as pl

from tieout.diffing.casting import DECIMAL_SCALE, exactly
from tieout.diffing.source import Source
from tieout.errors import InputUnusable
from tieout.store.identifier import quoted

READERS: Final[dict[Literal["connectorx", "adbc"], str]] = {
    "connectorx": "connectorx",
    "adbc": "adbc_driver_postgresql",
}
"""Reader -> the module that it needs; the first that is installed is taken."""
_EXACT: Final = pl.Decimal(38, DECIMAL_SCALE)
_PASSWORD: Final = re.compile(r"(://[^:/@\s]*):[^@\s]*@")


def open_server(address: str) -> Source:
    """
    postgresql://USER:PASSWORD@HOST/DATABASE::TABLE, or ...::SCHEMA.TABLE.

    Raises:
        InputUnusable: no table is named, no reader is installed, or the server does not answer it.
    """
    uri, mark, table = address.rpartition("::")
    if not mark or not table:
        raise InputUnusable(f"{shown(address)} names no table", hint="write postgresql://HOST/DATABASE::TABLE")
    engine = _reader()
    source = ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in table.split("."))

    def ask(query: str) -> pl.DataFrame:
        try:
            return pl.read_database_uri(query, uri, engine=engine)
        except Exception as error:  # noqa: BLE001 - each reader has its own tree of errors
            said = _PASSWORD.sub(r"\1:***@", str(error)).strip().splitlines() or [type(error).__name__]
            raise InputUnusable(
                f"{shown(address)} cannot be read: {said[0]}", hint="check the address, the table and your rights"
            ) from None

    schema = {
        name: _EXACT if isinstance(dtype, pl.Decimal) else dtype
        for name, dtype in ask(f"SELECT * FROM {source} LIMIT 0").schema.items()
    }

    def pieces(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        texts = [name for name in columns if schema[name] == _EXACT]
        wanted = [f"{quoted(name)}::text AS {quoted(name)}" if name in texts else quoted(name) for name in columns]
        found = ask(f"SELECT {', '.join(wanted)} FROM {source}")
        yield exact_decimals(found, texts, shown(address))

    rows = int(ask(f"SELECT count(*) AS n FROM {source}").item())
    return Source(shown(address), schema, pieces, rows=rows)


def exact_decimals(found: pl.DataFrame, texts: Sequence[str], name: str) -> pl.DataFrame:
    """Numerics come as texts: a reader that makes them decimals rounds what has more places than it keeps."""
    typed = found.with_columns(exactly(pl.col(one), pl.String(), _EXACT).alias(one) for one in texts)
    for one in texts:
        if typed[one].null_count() > found[one].null_count():
            lost = found[one].filter(typed[one].is_null() & found[one].is_not_null())[0]
            raise InputUnusable(
                f"{name}: column {one}: {lost} is not exactly a number of {DECIMAL_SCALE} decimal places",
                hint="leave the column out with --fields, or compare a view that rounds it",
            )
    return typed


def shown(address: str) -> str:
    """The address without the password."""
    uri, mark, table = address.rpartition("::")
    parts = urlsplit(uri or address)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    clean = urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, "", ""))
    return f"{clean}{mark}{table}" if mark else clean


def _reader() -> Literal["connectorx", "adbc"]:
    for engine, module in READERS.items():
        if importlib.util.find_spec(module) is not None:
            return engine
    raise InputUnusable(
        "no reader for PostgreSQL is installed: connectorx, or adbc_driver_postgresql",
        hint="pip install 'tieout[postgres]'",
    )
