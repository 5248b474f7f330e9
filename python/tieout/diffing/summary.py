"""The figures that a person looks at first: where it differs most, with examples, since when, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from tieout.diffing.planning import GROUPS
from tieout.diffing.result import DiffResult
from tieout.diffing.tables import TIMES_LEFT, TIMES_RIGHT, Kind, endings

GROUPS_SHOWN_MAX: Final = 5
EXAMPLES_DEFAULT: Final = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A key, and the two values of a field."""

    key: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class FieldFigure:
    """A field that differs: in how many pairs, and some of them."""

    name: str
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a differing row happened, and which one it was."""

    at: str
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Summary:
    """
    `fields`: most differences first. `oldest`, `newest`: by the time column, if there is one. `groups`: account and
    symbol -> the values with most differences, with their number, and how many values there are.
    """

    fields: tuple[FieldFigure, ...]
    only: dict[str, tuple[str, ...]]
    oldest: Moment | None
    newest: Moment | None
    groups: dict[str, tuple[tuple[tuple[str, int], ...], int]]


def summarize(result: DiffResult, examples: int = EXAMPLES_DEFAULT) -> Summary:
    """The figures of a result, with at most so many examples of each kind; every row is looked at once."""
    found = _Found(result, examples)
    kinds: tuple[Kind, ...] = ("changed", "left_only", "right_only")
    for kind in kinds:
        for frame in result.tables.stream(kind):
            found.add(kind, frame)
    for frame in result.tables.stream("duplicate_key"):
        if not found.list_keys("duplicate_keys", frame):
            break
    return found.summary()


def _listed(row: dict[str, Any], keys: tuple[str, ...]) -> str:
    """A key; of one that occurs more than once, how often on each side."""
    text = key_text(row, keys)
    return f"{text} ({row[TIMES_LEFT]:,} and {row[TIMES_RIGHT]:,} rows)" if TIMES_LEFT in row else text


def key_text(row: dict[str, Any], keys: tuple[str, ...]) -> str:
    """A key as a person names it: `perm_id 42`, `account DU1, perm_id 42`."""
    return ", ".join(f"{name} {value_text(row[name])}" for name in keys)


def value_text(value: object) -> str:
    """A value in a few characters; a null is told apart from an empty text."""
    if value is None:
        return "null"
    if value == "":
        return "''"
    if isinstance(value, float):
        return repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    text = str(value)
    if "." in text and not isinstance(value, str):
        text = text.rstrip("0").rstrip(".") if "E" not in text else text
    return text


class _Found:
    """What is gathered of all differing rows, piece by piece."""

    def __init__(self, result: DiffResult, examples: int) -> None:
        self._plan = result.plan
        self._ends = endings(result.plan)
        self._most = examples
        self._fields: dict[str, list[Example]] = {name: [] for name, count in result.fields.items() if count}
        self._counts = result.fields
        self._only: dict[str, list[str]] = {}
        self._moments: list[tuple[Any, Moment] | None] = [None, None]
        known = (*self._plan.keys, *self._plan.context, *self._plan.fields)
        self._groups: dict[str, pl.DataFrame | None] = {name: None for name in GROUPS if name in known}

    def add(self, kind: Kind, frame: pl.DataFrame) -> None:
        """More rows of that kind, in their order."""
        if kind == "changed":
            self._add_examples(frame)
        else:
            self.list_keys(kind, frame)
        if self._plan.time is not None:
            self._add_times(kind.replace("_", " "), frame, self._value(self._plan.time, kind))
        for name, so_far in self._groups.items():
            values = frame.select(self._value(name, kind).cast(pl.String).alias("value"))
            counted = values.group_by("value").agg(pl.len().cast(pl.Int64).alias("rows"))
            both = counted if so_far is None else pl.concat([so_far, counted])
            self._groups[name] = both.group_by("value").agg(pl.col("rows").sum())

    def list_keys(self, name: str, frame: pl.DataFrame) -> bool:
        """Keys of rows as examples; whether more are wanted."""
        listed = self._only.setdefault(name, [])
        rows = frame.head(self._most - len(listed)).iter_rows(named=True)
        listed += [_listed(row, self._plan.keys) for row in rows]
        return len(listed) < self._most

    def summary(self) -> Summary:
        """All of it."""
        by_count = sorted(self._fields, key=lambda name: -self._counts[name])
        fields = [FieldFigure(name, self._counts[name], tuple(self._fields[name])) for name in by_count]
        first, last = (None if one is None else one[1] for one in self._moments)
        groups = {name: _top(counted) for name, counted in self._groups.items() if counted is not None}
        only = {name: tuple(keys) for name, keys in self._only.items() if keys}
        return Summary(tuple(fields), only, first, last, groups)

    def _value(self, name: str, kind: Kind) -> pl.Expr:
        """A column's value: the left side's where both have one."""
        if kind != "changed" or name not in self._plan.fields:
            return pl.col(name)
        return pl.coalesce(name + self._ends[0], name + self._ends[1])

    def _add_examples(self, frame: pl.DataFrame) -> None:
        left, right, differs = self._ends
        for name, found in self._fields.items():
            if len(found) < self._most:
                rows = frame.filter(pl.col(differs).list.contains(name)).head(self._most - len(found))
                found += [
                    Example(key_text(row, self._plan.keys), value_text(row[name + left]), value_text(row[name + right]))
                    for row in rows.iter_rows(named=True)
                ]

    def _add_times(self, kind: str, frame: pl.DataFrame, value: pl.Expr) -> None:
        at = frame.select(value.alias("at"))["at"]
        rows = at.is_not_null().arg_true()
        if not rows.len():
            return
        known = at.gather(rows)
        for end, place in enumerate((known.arg_min(), known.arg_max())):
            row = rows[place or 0]
            when, so_far = at[row], self._moments[end]
            if so_far is None or (when < so_far[0] if end == 0 else when > so_far[0]):
                told = Moment(value_text(when), kind, key_text(frame.row(row, named=True), self._plan.keys))
                self._moments[end] = (when, told)


def _top(counted: pl.DataFrame) -> tuple[tuple[tuple[str, int], ...], int]:
    """The values with most differences, and how many values have any."""
    ordered = counted.sort(["rows", "value"], descending=[True, False])
    top = tuple((value_text(value), int(rows)) for value, rows in ordered.head(GROUPS_SHOWN_MAX).iter_rows())
    return top, counted.height
