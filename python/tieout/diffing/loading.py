"""Rows of one side, brought to the types that were agreed on, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout.diffing.failures import reading
from tieout.diffing.kernel import split_by_key
from tieout.diffing.kinds import kind_of
from tieout.diffing.memory import Meter
from tieout.diffing.options import Progress
from tieout.diffing.planning import Reading
from tieout.diffing.source import Source
from tieout.errors import InputUnusable, SchemaMismatch

_SHOWN_MAX: Final = 60


class GuessWrong(Exception):
    """A text column holds something else than its first rows; it is read again as something wider."""

    def __init__(self, name: str, dtype: pl.DataType) -> None:
        super().__init__(name)
        self.name = name
        self.dtype = dtype


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is loaded of a side: `word` names it, one key of `one_in` is taken."""

    word: str
    columns: tuple[Reading, ...]
    keys: tuple[str, ...]
    refuse_null_keys: bool
    one_in: int = 1


@dataclass(frozen=True, slots=True)
class Loaded:
    """The side's rows with its columns in the order of the plan, and how many rows were read for them."""

    frame: pl.DataFrame
    rows_read: int


def refuse_null_keys(source: Source, wanted: Wanted) -> None:
    """
    Look for nulls in the key before anything is read, where that is cheap; else `load` finds them on its way.

    Raises:
        SchemaMismatch: there are some.
    """
    if source.null_counts is None or not wanted.refuse_null_keys:
        return
    raw = [one.raw for one in wanted.columns if one.name in wanted.keys]
    with reading(source.name, source.files):
        counts = source.null_counts(raw)
    for one in wanted.columns:
        if counts.get(one.raw, 0) and one.name in wanted.keys:
            raise _null_key(source, one.name, f"{counts[one.raw]:,} nulls of {source.rows or 0:,} rows")


def load(source: Source, wanted: Wanted, progress: Progress, meter: Meter) -> Loaded:
    """
    Read a side into memory.

    Raises:
        GuessWrong: a column of texts is not what its first rows looked like.
        Outgrown: it does not fit.
        InputUnusable: it cannot be read, it changed meanwhile, or a value is not of the type that was agreed on.
        SchemaMismatch: a key is null.
    """
    kept: list[list[pl.Series]] = [[] for _ in wanted.columns]
    rows = 0
    what = f"reading {wanted.word}"
    progress(what, 0, source.rows)
    for typed in typed_pieces(source, wanted):
        sampled = _sampled(typed, wanted)
        meter.add(wanted.word, typed.height, sampled)
        rows += typed.height
        for series, column in zip(sampled.get_columns(), kept, strict=True):
            column.append(series)
        progress(what, rows, source.rows)
    source.check()
    columns = []
    for one, pieces in zip(wanted.columns, kept, strict=True):
        columns.append(pl.concat(pieces, rechunk=True) if pieces else pl.Series(one.name, [], dtype=one.dtype))
        pieces.clear()  # a column's pieces go before the next column is put together
    return Loaded(pl.DataFrame(columns), rows)


def typed_pieces(source: Source, wanted: Wanted, *, skip: int = 0) -> Iterator[pl.DataFrame]:
    """
    The side's rows behind the first `skip`, brought to the types that were agreed on.

    Raises:
        GuessWrong, InputUnusable, SchemaMismatch: as `load`.
    """
    rows = 0
    with reading(source.name, source.files):
        for whole in source.pieces(list(dict.fromkeys(one.raw for one in wanted.columns))):
            first, rows = rows, rows + whole.height
            if rows <= skip:
                continue
            piece = whole.slice(max(0, skip - first))
            typed = piece.select(one.value for one in wanted.columns)
            _refuse_lost(source, wanted, piece, typed=typed, first=rows - piece.height)
            yield typed


def _sampled(typed: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    if wanted.one_in == 1:
        return typed
    part = split_by_key(typed, keys=wanted.keys, parts=wanted.one_in)[-1]
    return typed[part.rows]


def _refuse_lost(source: Source, wanted: Wanted, piece: pl.DataFrame, *, typed: pl.DataFrame, first: int) -> None:
    """Whatever became null on its way to its type is refused, with the first such value."""
    before = piece.select(one.before.null_count() for one in wanted.columns).row(0)
    after = typed.null_count().row(0)
    for one, had, has in zip(wanted.columns, before, after, strict=True):
        if has > had and one.strict:
            if one.guessed:
                raise GuessWrong(one.name, one.dtype)
            raise _lost(source, one, piece, typed=typed, first=first)
        if has and one.name in wanted.keys and wanted.refuse_null_keys:
            row = typed[one.name].is_null().arg_max() or 0
            raise _null_key(source, one.name, f"row {first + row + 1:,} is null")


def _lost(source: Source, one: Reading, piece: pl.DataFrame, *, typed: pl.DataFrame, first: int) -> InputUnusable:
    lost = piece.select(one.before)[one.name].is_not_null() & typed[one.name].is_null()
    row = lost.arg_max() or 0
    value = repr(piece[one.raw][row])
    value = value if len(value) <= _SHOWN_MAX else value[: _SHOWN_MAX - 3] + "..."
    return InputUnusable(
        f"{source.name}: column {one.name}, row {first + row + 1:,}: {value} is not exactly"
        f" {kind_of(one.dtype)} ({one.dtype}), as the other side or the mapping says it is",
        hint="correct the value, or say in --mapping what the column is (cast) and which texts are null",
    )


def _null_key(source: Source, name: str, found: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"{source.name}: key column {name}: {found}; a row without a key cannot be compared",
        hint="choose another key, add a key column, or list such rows with --null-keys list",
    )
