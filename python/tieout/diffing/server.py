"""A table of a PostgreSQL server, through a reader that polars knows (connectorx, else ADBC)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import polars as pl

from tieout.diffing.source import Source
from tieout.errors import InputUnusable

READERS: Final[dict[Literal["connectorx", "adbc"], str]] = {
    "connectorx": "connectorx",
    "adbc": "adbc_driver_postgresql",
}
"""Reader -> the module that it needs; the first that is installed is taken."""
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

    def pieces(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        yield ask(f"SELECT {names} FROM {source}")

    schema = dict(ask(f"SELECT * FROM {source} LIMIT 0").schema.items())
    rows = int(ask(f"SELECT count(*) AS n FROM {source}").item())
    return Source(shown(address), schema, pieces, rows=rows)


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
