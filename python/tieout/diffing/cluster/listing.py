"""The Parquet files of a side on shared or object storage, and the pieces that they are read in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

from tieout.diffing import paths
from tieout.diffing.addresses import NATIVE
from tieout.diffing.failures import reading
from tieout.errors import InputUnusable

ROWS_PER_PIECE: Final = 1 << 20
"""Rows that one task reads and deals out."""
_PARQUET: Final = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class Piece:
    """
    Rows of a file: `count` from `first` on (counted from 0), whose places in the side begin at `place`. `state` says
    which state of the file it was.
    """

    file: str
    first: int
    count: int
    place: int
    state: str

    @property
    def name(self) -> str:
        """For messages, which count rows from the piece's first one."""
        return self.file if self.first == 0 else f"{self.file}, rows from {self.first + 1:,} on"


@dataclass(frozen=True, slots=True)
class Listing:
    """A side: its name, its files, its columns and types, and how many rows it has."""

    name: str
    pieces: tuple[Piece, ...]
    columns: dict[str, pl.DataType]
    rows: int

    @property
    def files(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys(piece.file for piece in self.pieces))


def list_side(given: object, side: str) -> Listing:
    """
    Look at a side: a Parquet file, a folder of them or a glob, on a path or an address that every worker can reach.

    Raises:
        InputUnusable: it is something else, it is not there, it cannot be read, or its files have other columns.
    """
    if not isinstance(given, str | Path):
        raise InputUnusable(
            f"the {side} side is a {type(given).__name__}; an engine reads Parquet files by their path or address",
            hint="write it to a folder that every worker can reach",
        )
    files = _files(str(given), side)
    pieces: list[Piece] = []
    columns: dict[str, pl.DataType] = {}
    place = 0
    for file in files:
        with reading(file, [Path(file)] if "://" not in file else ()):
            state = _state(file)
            scanned = scan(file)
            schema = dict(scanned.collect_schema())
            rows = int(scanned.select(pl.len()).collect(engine="streaming").item())
        if columns and schema != columns:
            raise InputUnusable(
                f"{file} has other columns or types than {files[0]}",
                hint="write both with one schema, or diff them apart",
            )
        columns = schema
        for first in range(0, rows, ROWS_PER_PIECE):
            count = min(ROWS_PER_PIECE, rows - first)
            pieces.append(Piece(file, first, count, place + first, state))
        place += rows
    return Listing(str(given), tuple(pieces), columns, place)


def scan(file: str) -> pl.LazyFrame:
    """A Parquet file, lazily where its storage allows it."""
    if "://" not in file or file.startswith(NATIVE):
        return pl.scan_parquet(file, glob=False, hive_partitioning=False)
    import fsspec

    with fsspec.open(file, "rb") as opened:
        return pl.read_parquet(opened.read()).lazy()


@contextmanager
def unchanged(piece: Piece) -> Iterator[None]:
    """
    The block reads a piece.

    Raises:
        InputUnusable: the file is not in the state any more that it was listed in.
    """
    with reading(piece.name):
        before = _state(piece.file)
    yield
    with reading(piece.name):
        after = _state(piece.file)
    if (before, after) != (piece.state, piece.state):
        raise InputUnusable(
            f"{piece.file} changed while it was read", hint="wait until its writer is done, or compare a copy"
        )


def _state(file: str) -> str:
    """Size and time of the last write, or what a store says instead."""
    if "://" not in file:
        found = Path(file).stat()
        return f"{found.st_size} {found.st_mtime_ns}"
    import fsspec

    system, path = fsspec.core.url_to_fs(file)
    told = system.info(path)
    return " ".join(str(told.get(name)) for name in ("size", "mtime", "ETag", "etag", "LastModified", "updated"))


def _files(text: str, side: str) -> list[str]:
    found = _addresses(text) if "://" in text else [str(one.absolute()) for one in paths.expand(_path(text), side)]
    odd = [one for one in found if PurePosixPath(one).suffix.lower() not in _PARQUET]
    if odd or not found:
        what = f"{odd[0]} is not Parquet" if odd else f"{text} has no Parquet file"
        raise InputUnusable(
            f"{what}; an engine reads Parquet files", hint="name a folder or a glob of .parquet files, or compare here"
        )
    return found


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _addresses(address: str) -> list[str]:
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(address)
        found = sorted(system.glob(root)) if "*" in root else [root]
        if len(found) == 1 and system.isdir(found[0]):
            found = sorted(one for one in system.find(found[0]) if PurePosixPath(one).suffix.lower() in _PARQUET)
        return [system.unstrip_protocol(one) for one in found]
    except (OSError, ImportError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputUnusable(
            f"{address} cannot be read: {said}", hint="check the address and its credentials"
        ) from error
