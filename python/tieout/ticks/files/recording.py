"""
A recording read back: its parts, by instrument, in the order in which the ticks arrived.

1. A row counts once: a part that another one says it replaces is passed over, whether it was removed already or not.
2. What has another schema, no label or a broken end is an error that names the file, before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from tieout.errors import InputUnusable
from tieout.ticks.files.content import added, changed, digest_of
from tieout.ticks.files.parts import COLUMNS, Label, in_order, label_of
from tieout.ticks.files.stream import FRAME, Stream, reading
from tieout.ticks.instruments import identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tieout.broker.port import ContractSpec


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a recording and what it says of itself."""

    path: Path
    label: Label

    @property
    def contract(self) -> ContractSpec:
        """What its ticks are of."""
        return self.label.instrument.contract

    @property
    def number(self) -> int:
        """The instrument's number where it was recorded."""
        return self.label.instrument.number


def read_label(path: Path) -> Label | None:
    """
    A Parquet file's label; None where tieout did not record it.

    Raises:
        InputUnusable: it is no whole Parquet file, or of another version.
    """
    with reading(path):
        metadata = pl.read_parquet_metadata(path)
        label = label_of(path, metadata)
        if label is not None:
            found = dict(pl.read_parquet_schema(path))
            if found != COLUMNS:
                odd = sorted(set(COLUMNS) ^ set(found)) or [name for name in COLUMNS if found[name] != COLUMNS[name]]
                raise InputUnusable(
                    f"{path}: its columns are not those of a recording ({', '.join(odd)})",
                    hint="copy it again from where it was made",
                )
        return label


def counted_once(parts: Sequence[Part]) -> list[Part]:
    """The parts without those that others of the same folder replace, by folder and name."""
    gone = {part.path.parent / name for part in parts for name in part.label.replaces}
    return sorted((part for part in parts if part.path not in gone), key=lambda part: in_order(part.path))


def streams_of(parts: Sequence[Part]) -> list[Stream]:
    """
    A stream for each instrument, in the order of the numbers that they were recorded with.

    One instrument is one contract: recorded under two numbers, it is one stream all the same.
    """
    by_identity: dict[object, list[Part]] = {}
    for part in counted_once(parts):
        by_identity.setdefault(identity(part.contract), []).append(part)
    ordered = sorted(by_identity.values(), key=lambda found: (min(part.number for part in found), found[0].path))
    return [_stream(found[-1].contract, tuple(found)) for found in ordered]


def _stream(contract: ContractSpec, parts: tuple[Part, ...]) -> Stream:
    rows = 0
    for part in parts:
        with reading(part.path):
            rows += pl.scan_parquet(part.path, hive_partitioning=False, glob=False).select(pl.len()).collect().item()

    def pieces(count: int) -> Iterator[pl.DataFrame]:
        for part in parts:
            with reading(part.path):
                yield from _pieces_of(part, count)

    name = parts[-1].label.instrument.name
    return Stream(f"{name} in {parts[0].path.parent}", (contract,), pieces, rows)


def _pieces_of(part: Part, count: int) -> Iterator[pl.DataFrame]:
    found = pl.scan_parquet(part.path, hive_partitioning=False, glob=False)
    framed = found.with_columns(pl.lit(0, pl.UInt32).alias("instrument")).select(list(FRAME))
    rows = digest = 0
    for batch in framed.collect_batches(chunk_size=count, maintain_order=True):
        rows, digest = rows + batch.height, added(digest, digest_of(batch))
        yield from batch.iter_slices(count)
    if part.label.content not in {None, (rows, digest)}:
        raise changed(part.path)
