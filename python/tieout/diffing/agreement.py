"""How two columns meet: the type that each is brought to, so that the kernel may compare them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout.diffing.casting import DECIMAL_SCALE, exactly, moment
from tieout.diffing.kinds import is_float, is_text, is_whole, kind_of
from tieout.diffing.mapping import Cast

_WIDE: Final = pl.Decimal(38, 0)
_CASTS: Final[dict[str, pl.DataType]] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "time": pl.Time(),
}


@dataclass(frozen=True, slots=True)
class Raw:
    """A column as one side has it: its type, what its texts seem to hold, whether they may be read as such."""

    dtype: pl.DataType
    guess: pl.DataType | None = None
    loose: bool = False
    cast: Cast | None = None
    key: bool = False

    @property
    def mapped(self) -> pl.DataType:
        """Its type after the mapping's cast."""
        if self.cast is None and isinstance(self.dtype, pl.Int128):
            return _WIDE
        if self.cast is None and isinstance(self.dtype, pl.Datetime) and self.dtype.time_zone is not None:
            return pl.Datetime(self.dtype.time_unit, "UTC")  # one zone for both: a moment is the same in any
        if self.cast is None:
            return self.dtype
        column = self.read(pl.col("x"), self.dtype)
        return pl.LazyFrame(schema={"x": self.dtype}).select(column.alias("x")).collect_schema()["x"]

    def read(self, column: pl.Expr, to: pl.DataType) -> pl.Expr:
        """The column by the mapping's cast, else brought to that type; null where it cannot be."""
        if self.cast is None:
            if self.key and self.guess is not None and is_whole(to) and is_text(self.dtype):
                whole = exactly(column, self.dtype, to)  # 007 is a text, and not the key 7
                return pl.when(whole.cast(pl.String) == column).then(whole)
            return exactly(column, self.dtype, to)
        wanted = self.cast
        if wanted.type == "timestamp":
            return moment(column, self.dtype, unit=wanted.unit, zone=wanted.zone, form=wanted.format)
        if wanted.type == "decimal":
            return exactly(column, self.dtype, pl.Decimal(38, wanted.scale))
        if wanted.type == "date" and wanted.format is not None and is_text(self.dtype):
            return column.str.to_date(wanted.format, strict=False)
        return exactly(column, self.dtype, _CASTS[wanted.type])


@dataclass(frozen=True, slots=True)
class Meeting:
    """The types that both columns are brought to. `guessed`: by what texts looked like, so it may be wrong."""

    left: pl.DataType
    right: pl.DataType
    guessed: bool = False


def meet(left: Raw, right: Raw, *, key: bool, tolerant: bool = False) -> Meeting | None:
    """Where two columns meet, or None where they mean different things."""
    if left.guess is not None and right.guess is not None and left.cast is None and right.cast is None:
        guess = widened(left.guess, right.guess, key=key)
        return Meeting(guess, guess, guessed=not is_text(guess))
    a, b = left.mapped, right.mapped
    a, b = _read_as(left, a, b, key=key), _read_as(right, b, a, key=key)
    a, b = (b if a == pl.Null() else a), (a if b == pl.Null() else b)
    if a == pl.Null():
        a = b = pl.Boolean()  # nulls on both sides are equal, whatever they are called; the kernel wants a type
    if (is_float(a) and is_whole(b)) or (is_whole(a) and is_float(b)):
        return None if key else Meeting(pl.Float64(), pl.Float64())
    if tolerant and {kind_of(a), kind_of(b)} <= {"a number", "floating point"}:
        return Meeting(pl.Float64(), pl.Float64())
    if kind_of(a) is None or kind_of(a) != kind_of(b):
        return None
    return Meeting(a, b)


def widened(a: pl.DataType, b: pl.DataType, *, key: bool) -> pl.DataType:
    """What texts are read as that look like `a` here and like `b` there. A key is a whole number or a text."""
    if a == pl.Null() or b == pl.Null():  # nothing was seen there, so it is what the other one is
        a = b = b if a == pl.Null() else a
    if a == b:
        return pl.String() if a == pl.Null() or (key and not is_whole(a)) else a
    numbers = all(is_float(one) or is_whole(one) for one in (a, b))
    return pl.Float64() if numbers and not key else pl.String()


def wider(dtype: pl.DataType, *, key: bool) -> pl.DataType:
    """The next guess where that one was wrong."""
    return pl.Float64() if is_whole(dtype) and not key else pl.String()


def _read_as(raw: Raw, own: pl.DataType, other: pl.DataType, *, key: bool) -> pl.DataType:
    """What a loose column is read as, with that type on the other side."""
    if not raw.loose or raw.cast is not None:
        return own
    if is_whole(own) and isinstance(other, pl.Boolean):
        return other
    if not is_text(own) or kind_of(other) in {"text", "nothing but nulls", "bytes", "a duration", None}:
        return own
    if is_whole(other) and not key and raw.guess is not None and is_float(raw.guess):
        return pl.Float64()
    for wanted, landing in _LANDINGS:
        if wanted(other):
            return landing(other)
    return other


_LANDINGS: Final[tuple[tuple[Callable[[pl.DataType], bool], Callable[[pl.DataType], pl.DataType]], ...]] = (
    (lambda other: isinstance(other, pl.UInt64), lambda _: _WIDE),
    (is_whole, lambda _: pl.Int64()),
    (is_float, lambda _: pl.Float64()),
    (
        lambda other: isinstance(other, pl.Decimal),
        lambda other: pl.Decimal(38, max(DECIMAL_SCALE, getattr(other, "scale", 0))),
    ),
)
"""A text that meets such a type -> what it is read as: wide enough that nothing is cut off."""
