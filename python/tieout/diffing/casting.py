"""
Values brought to another type without a doubt: what cannot be is null here, and the caller refuses it.

A polars cast is not enough: it cuts decimals off, takes a time without a zone for UTC, and rounds large whole numbers.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from tieout.diffing.kinds import WHOLE_EXACT_MAX, is_float, is_text, is_whole

DECIMAL_SCALE: Final = 12
"""Decimal places that a text is read with; 26 digits remain before the point."""
_DECIMAL: Final = r"^[+-]?(\d*)\.?(\d*?)0*(?:[eE]([+-]?\d{1,3}))?$"
_TIME: Final = (
    r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s?(Z|z|UTC|[+-]\d\d:?(?:\d\d)?)?$"
)
_TRUE: Final = ("true", "t", "yes", "1")
_FALSE: Final = ("false", "f", "no", "0")
_UNITS_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def exactly(column: pl.Expr, was: pl.DataType, to: pl.DataType) -> pl.Expr:
    """The column as that type; null where the value has no exact place there, or spells none."""
    if was == to:
        return column
    if is_text(was):
        return _of_text(column, to)
    if isinstance(to, pl.Decimal) and is_float(was):
        return _decimal(column.cast(pl.String), to)
    if isinstance(to, pl.Boolean) and is_whole(was):
        return pl.when(column.is_in([0, 1])).then(column == 1)
    if is_float(to) and is_whole(was):
        fits = column.is_between(-WHOLE_EXACT_MAX, WHOLE_EXACT_MAX)
        return pl.when(fits).then(column.cast(to))
    if is_whole(to) and is_float(was):
        return pl.when(column == column.round()).then(column.cast(to, strict=False))
    return column.cast(to, strict=False)


def moment(column: pl.Expr, was: pl.DataType, *, unit: str, zone: str | None, form: str | None) -> pl.Expr:
    """
    The column as UTC nanoseconds, or as a time without a zone where none is given.

    Args:
        column: texts, numbers of `unit` since 1970, or times.
        was: its type.
        unit: s, ms, us or ns, of numbers.
        zone: of texts and times that have none; without it, an ISO text must say its own.
        form: strftime form of the texts, else ISO 8601.
    """
    if isinstance(was, pl.Datetime) and was.time_zone is not None:
        return column.dt.convert_time_zone("UTC")
    if is_text(was) and form is None:
        return _zoned(column) if zone is None else _iso(column, zone)
    if is_text(was):
        local = column.str.to_datetime(form, time_unit="ns", strict=False, ambiguous="null")
    elif isinstance(was, pl.Datetime):
        local = column.dt.cast_time_unit("ns")
    else:
        return (column.cast(pl.Int64, strict=False) * _UNITS_NS[unit]).cast(pl.Datetime("ns", "UTC"))
    return local if zone is None else _in_zone(local, zone)


def _in_zone(local: pl.Expr, zone: str) -> pl.Expr:
    """A time that the clock skipped, or showed twice, is null: nobody knows which it was."""
    return local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")


def _of_text(column: pl.Expr, to: pl.DataType) -> pl.Expr:
    if isinstance(to, pl.Decimal):
        return _decimal(column, to)
    if isinstance(to, pl.Boolean):
        low = column.str.to_lowercase()
        return pl.when(low.is_in([*_TRUE, *_FALSE])).then(low.is_in(list(_TRUE)))
    if isinstance(to, pl.Datetime):
        return _iso(column, None) if to.time_zone is None else _zoned(column)
    if isinstance(to, pl.Date):
        return column.str.to_date("%Y-%m-%d", strict=False)
    if isinstance(to, pl.Time):
        return column.str.to_time("%H:%M:%S%.f", strict=False)
    return column.cast(to, strict=False)


def _decimal(text: pl.Expr, to: pl.Decimal) -> pl.Expr:
    """Null where the text has more places than the type keeps: polars would cut them off."""
    parts = text.str.extract_groups(_DECIMAL)
    places = parts.struct.field("2").str.len_chars().cast(pl.Int64)
    exponent = parts.struct.field("3").cast(pl.Int64, strict=False).fill_null(0)
    return pl.when(places - exponent <= to.scale).then(text.cast(to, strict=False))


def _zoned(text: pl.Expr) -> pl.Expr:
    """A text that says its zone; without one it is null, never taken for UTC."""
    has_zone = text.str.extract(_TIME, 5).is_not_null()
    return pl.when(has_zone).then(_iso(text, "UTC"))


def _iso(text: pl.Expr, zone: str | None) -> pl.Expr:
    """ISO 8601 with any number of digits of a second, exact to the nanosecond."""
    parts = text.str.extract_groups(_TIME)
    part = parts.struct.field
    second = part("3").fill_null("00")
    clock = pl.concat_str(part("1"), pl.lit(" "), part("2"), pl.lit(":"), second)
    whole = clock.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ns", strict=False)
    fraction = part("4").fill_null("0").str.pad_end(9, "0").cast(pl.Int64, strict=False)
    local = whole + pl.duration(nanoseconds=fraction, time_unit="ns")
    offset = part("5")
    if zone is None:
        return pl.when(offset.is_null()).then(local)
    digits = offset.str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60
    minutes = minutes + digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    minutes = minutes.fill_null(0) * pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    zoned = (local - pl.duration(minutes=minutes, time_unit="ns")).dt.replace_time_zone("UTC")
    return pl.when(offset.is_not_null()).then(zoned).otherwise(_in_zone(local, zone))
