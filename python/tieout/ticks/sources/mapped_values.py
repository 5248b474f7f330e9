"""Times and amounts of other programs' files as counts: nanoseconds since 1970, and 1e-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.errors import InputUnusable, SchemaMismatch

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.ticks.sources.mapped import Columns

UNITS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Of times that are whole numbers: how many nanoseconds each has."""
_YEAR_1990_NS: Final = 631_152_000_000_000_000
_E8: Final = 100_000_000
_INT_MAX: Final = 9.2e18


def time_ns(path: Path, values: pl.Series, columns: Columns) -> pl.Series:
    """
    UTC nanoseconds; nulls stay nulls.

    Raises:
        InputUnusable: what stands there is no time, or lies before 1990 in the unit that was named.
        SchemaMismatch: times without an offset, and no `timezone`.
    """
    if values.dtype == pl.String:
        numbers = values.cast(pl.Int64, strict=False)
        values = numbers if numbers.null_count() == values.null_count() else _parsed(path, values, columns)
    if values.dtype.is_integer():
        found = values.cast(pl.Int64) * UNITS[columns.time_unit]
        least = found.min()
        if isinstance(least, int) and least < _YEAR_1990_NS:
            raise InputUnusable(
                f"{path}: {values.name} counts {columns.time_unit}, and so begins before 1990",
                hint="name the unit with --time-unit s, ms, us or ns",
            )
        return found
    if not isinstance(values.dtype, pl.Datetime):
        raise InputUnusable(
            f"{path}: {values.name} is of type {values.dtype}; expected times or whole numbers",
            hint="name the column of the times with --column time=NAME",
        )
    if values.dtype.time_zone is None:
        values = values.dt.replace_time_zone(_zone(path, values.name, columns))
    return values.dt.epoch("ns")


def amount(path: Path, values: pl.Series, scale: float) -> pl.Series:
    """
    Counts of 1e-8, the nearest ones; NaN, infinity and null are null.

    Raises:
        InputUnusable: what stands there is no number, or beyond 92 billion.
    """
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count() > values.null_count():
        odd = values.filter(numbers.is_null() & values.is_not_null())[0]
        raise InputUnusable(
            f"{path}: {odd!r} in {values.name} is no number", hint="correct the file, or name another column"
        )
    numbers = pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series()
    counts = (numbers * scale * _E8).round() if scale != 1.0 else (numbers * _E8).round()
    most = counts.abs().max()
    if isinstance(most, float) and most > _INT_MAX:
        raise InputUnusable(f"{path}: {values.name} has {most / _E8:g}, which no tick can hold", hint="--price-scale?")
    return counts.cast(pl.Int64)


def _parsed(path: Path, texts: pl.Series, columns: Columns) -> pl.Series:
    """Texts as times: with an offset or a Z, or all without."""
    offset = texts.drop_nulls().str.contains(r"(Z|z|[+-]\d\d:?\d\d)$")
    if offset.any() and not offset.all():
        raise InputUnusable(f"{path}: some times in {texts.name} name an offset, some do not", hint="make them alike")
    zone = None if offset.any() else _zone(path, texts.name, columns)
    found = _told(texts, None if zone else "UTC")
    if zone is not None:
        found = found.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    if found.null_count() > texts.null_count():
        odd = texts.filter(found.is_null() & texts.is_not_null())[0]
        raise InputUnusable(
            f"{path}: {odd!r} in {texts.name} is no time that can be told",
            hint="expected ISO-8601 such as 2026-03-02T12:00:00.123Z, or whole numbers with --time-unit",
        )
    return found


def _told(texts: pl.Series, zone: str | None) -> pl.Series:
    """ISO-8601 first, then whatever polars knows of the first one's format; null where it is none."""
    plain = texts.str.replace("T", " ", literal=True).str.replace(r"[Zz]$", "+00:00")
    found = plain.str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f" if zone is None else "%Y-%m-%d %H:%M:%S%.f%:z",
        time_unit="ns", time_zone=zone, strict=False,
    )  # fmt: skip
    if found.null_count() == texts.null_count():
        return found
    try:
        return texts.str.to_datetime(time_unit="ns", time_zone=zone, strict=False)
    except pl.exceptions.ComputeError:  # the first one is in no format that is known
        return pl.Series(texts.name, [None] * len(texts), pl.Datetime("ns", zone))


def _zone(path: Path, name: str, columns: Columns) -> str:
    if columns.timezone is None:
        raise SchemaMismatch(
            f"{path}: the times in {name} name no offset", hint="say where they are from: --timezone America/New_York"
        )
    return columns.timezone
