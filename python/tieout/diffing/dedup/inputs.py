"""Several inputs as one table: the same columns, rows one input after the other."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout.diffing.failures import reading
from tieout.diffing.kinds import kind_of, shown
from tieout.diffing.opening import open_side
from tieout.diffing.source import Source
from tieout.errors import SchemaMismatch

_UNITS: Final = ("ms", "us", "ns")
"""Units of time, the finest last: a common type loses nothing."""
_SHOWN_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    The inputs, and the columns and types that all of them are read as.

    `absent`: columns that some of them do not have, and that are null there. `left_out`: columns of no one type, which
    are not read at all.
    """

    sources: tuple[Source, ...]
    schema: dict[str, pl.DataType]
    absent: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(source.name for source in self.sources)

    def pieces(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """All rows in their order, some at a time, with the number of the input that they are from."""
        for number, source in enumerate(self.sources):
            there = [name for name in self.schema if name in source.columns]
            values = [self._value(name, source) for name in self.schema]
            with reading(source.name, source.files):
                for piece in source.pieces(there):
                    yield number, piece.select(values)

    def check(self) -> None:
        """Refuse inputs that are not any more what they were: raises InputUnusable."""
        for source in self.sources:
            source.check()

    def _value(self, name: str, source: Source) -> pl.Expr:
        if name not in source.columns:
            return pl.lit(None, dtype=self.schema[name]).alias(name)
        column, to = pl.col(name), self.schema[name]
        if isinstance(to, pl.Datetime) and to.time_zone is not None:
            column = column.dt.convert_time_zone(to.time_zone)
        return column if source.columns[name] == to else column.cast(to)


def open_inputs(given: Sequence[object], *, keys: Sequence[str], ignore: Sequence[str]) -> Inputs:
    """
    Open them and find the types that all of them have.

    Raises:
        InputUnusable, BookError: one of them cannot be read.
        SchemaMismatch: they have other columns or types, or one of those that are named is not there; all of it, line
            by line.
    """
    sources = tuple(open_side(one, "input" if len(given) == 1 else f"input {at + 1}") for at, one in enumerate(given))
    columns = list(dict.fromkeys(name for source in sources for name in source.columns))
    problems = [f"{name} is named twice" for name in sorted({one for one in keys if list(keys).count(one) > 1})]
    problems += [_unknown(name, columns) for name in (*keys, *ignore) if name not in columns]
    schema: dict[str, pl.DataType] = {}
    absent, left_out = [], []
    for name in columns:
        having = [source for source in sources if name in source.columns]
        lacking = [source.name for source in sources if name not in source.columns]
        if lacking and name in ignore:
            absent.append(name)
        elif lacking:
            problems.append(f"{having[0].name} has a column {name}, and {lacking[0]} has none")
        found = common([source.columns[name] for source in having])
        if found is not None:
            schema[name] = found
        elif name in ignore:
            left_out.append(name)
        else:
            problems.append(_unequal(name, having))
    if problems:
        raise SchemaMismatch("\n".join(problems), hint="correct the files, or leave columns out with --ignore")
    return Inputs(sources, schema, tuple(absent), tuple(left_out))


def common(types: Sequence[pl.DataType]) -> pl.DataType | None:
    """The type that holds every value of all of these exactly; None where there is none, or it cannot be compared."""
    known = [one for one in types if one != pl.Null()]
    if not known:
        return pl.String()
    kinds = {kind_of(one) for one in known}
    if None in kinds or len(kinds) > 1:
        return None
    if all(one == known[0] for one in known):
        return known[0]
    if all(isinstance(one, pl.Datetime) for one in known):
        units, zones = ({getattr(one, what) for one in known} for what in ("time_unit", "time_zone"))
        return pl.Datetime(max(units, key=_UNITS.index), zones.pop() if len(zones) == 1 else "UTC")
    if all(isinstance(one, pl.Duration) for one in known):
        return pl.Duration(max((getattr(one, "time_unit") for one in known), key=_UNITS.index))  # noqa: B009 - mypy
    if kinds == {"text"}:
        return pl.String()
    frames = [pl.DataFrame(schema={"x": one}) for one in known]
    found = pl.concat(frames, how="vertical_relaxed").schema["x"]
    # Int64 beside UInt64 becomes a float, or wider than the kernel takes.
    return found if kind_of(found) in kinds and found != pl.Int128() else pl.Decimal(38, 0)


def _unequal(name: str, having: Sequence[Source]) -> str:
    odd = next((one for one in having if kind_of(one.columns[name]) is None), None)
    if odd is not None:
        what = odd.odd.get(name) or str(odd.columns[name])
        return f"column {name} of {odd.name} ({what}) cannot be compared"
    first = having[0]
    other = next(one for one in having if kind_of(one.columns[name]) != kind_of(first.columns[name]))
    types = [f"{shown(one.columns[name])} in {one.name}" for one in (first, other)]
    return f"column {name} is {' and '.join(types)}"


def _unknown(name: str, columns: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.casefold(), [one.casefold() for one in columns], n=1)
    if near:
        return f"there is no column {name}; did you mean {next(o for o in columns if o.casefold() == near[0])}?"
    more = ", ..." if len(columns) > _SHOWN_MAX else ""
    return f"there is no column {name}; there are {', '.join(columns[:_SHOWN_MAX])}{more}"
