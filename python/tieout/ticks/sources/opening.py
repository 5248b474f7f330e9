"""What `SOURCE...` means: recordings, files of other programs, DBN; one table of instruments over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.errors import InputUnusable, UsageError
from tieout.ticks.files.recording import Part, read_label, streams_of
from tieout.ticks.instruments import Instrument, Instruments, identity
from tieout.ticks.sources.dbn import is_dbn, open_dbn
from tieout.ticks.sources.mapped import FORMATS, Columns, open_mapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tieout.ticks.files.stream import Stream

_HINT: Final = f"known: a recording's folder, {', '.join(FORMATS)}, .dbn, .dbn.zst"


@dataclass(frozen=True, slots=True)
class Opened:
    """
    All sources, opened.

    Attributes:
        instruments: one table over all of them; one contract is one instrument, wherever its ticks come from.
        streams: the ticks, each stream with the numbers of this table for its own 0, 1, ...
    """

    instruments: Instruments
    streams: tuple[tuple[Stream, tuple[int, ...]], ...]

    @property
    def rows(self) -> int | None:
        """How many rows there are, as far as that is known before they are read."""
        counts = [stream.rows for stream, _ in self.streams]
        return None if None in counts else sum(count for count in counts if count is not None)


def open_sources(sources: Sequence[str | Path], columns: Columns | None = None) -> Opened:
    """
    Open what is named: files, globs, folders.

    Raises:
        UsageError: nothing is named, or a file's kind is unknown.
        InputUnusable: there is no such file, or one of them cannot be read; the message names it.
        SchemaMismatch: a file of another program needs its columns named.
    """
    if not sources:
        raise UsageError("no source is named", hint=_HINT)
    files = list(dict.fromkeys(file for source in sources for file in files_of(Path(source))))
    parts: list[Part] = []
    others: list[Stream] = []
    for file in files:
        found = open_file(file, columns or Columns())
        if isinstance(found, Part):
            parts.append(found)
        else:
            others.append(found)
    return _numbered([*streams_of(parts), *others])


def open_file(file: Path, columns: Columns) -> Part | Stream:
    """
    One file: a part of a recording, or a stream of its own.

    Raises:
        InputUnusable, SchemaMismatch, UsageError: as `open_sources` says.
    """
    if is_dbn(file):
        return open_dbn(file)
    label = read_label(file) if _format(file) == "parquet" else None
    return open_mapped(file, columns) if label is None else Part(file, label)


def files_of(source: Path) -> list[Path]:
    """
    The files that a source means: itself, those of a glob, or all in a folder and the folders in it, by name.

    Raises:
        InputUnusable: there is none.
        UsageError: a file of unknown kind is named.
    """
    if source.is_dir():
        found = sorted(file for file in _walk(source) if _format(file))
        if not found:
            raise InputUnusable(f"the folder {source} has no ticks", hint=_HINT)
        return found
    if source.is_file():
        if not _format(source):
            raise UsageError(f"{source} is of an unknown kind", hint=_HINT)
        return [source]
    if any(mark in str(source) for mark in "*?["):
        matches = sorted(Path(source.anchor).glob(str(source.relative_to(source.anchor))))
        if named := [file for match in matches for file in ([match] if match.is_file() else files_of(match))]:
            return named
        raise InputUnusable(f"no file is named like {source}", hint="check the pattern, and quote it for the shell")
    raise InputUnusable(f"{source}: there is no such file or folder", hint="check the path")


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _format(file: Path) -> str:
    return "dbn" if is_dbn(file) else FORMATS.get(file.suffix.lower(), "")


def _numbered(streams: Sequence[Stream]) -> Opened:
    """One number for each contract, in the order in which the streams name them."""
    known: dict[object, Instrument] = {}
    for stream in streams:
        for contract in stream.instruments:
            known.setdefault(identity(contract), Instrument(len(known), contract))
    numbered = ((one, tuple(known[identity(contract)].number for contract in one.instruments)) for one in streams)
    return Opened(Instruments([*known.values()]), tuple(numbered))


def renumbered(stream: Stream, numbers: tuple[int, ...], rows: int) -> Iterator[pl.DataFrame]:
    """A stream's pieces with the table's numbers."""
    same = numbers == tuple(range(len(numbers)))
    lookup = pl.Series(numbers, dtype=pl.UInt32)
    for piece in stream.pieces(rows):
        if same:
            yield piece
        elif len(numbers) == 1:
            yield piece.with_columns(pl.lit(numbers[0], pl.UInt32).alias("instrument"))
        else:
            yield piece.with_columns(lookup.gather(piece["instrument"]).alias("instrument"))
