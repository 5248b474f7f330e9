"""The figures that a person looks at first: where it differs most, with examples, since when, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from tieout.diffing.planning import GROUPS
from tieout.diffing.result import DiffResult
from tieout.diffing.tables import TIMES_LEFT, TIMES_RIGHT, Tables, endings

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
    """The figures of a result, with at most so many examples of each kind."""
    tables, plan = result.tables, result.plan
    fields = [
        FieldFigure(name, count, _examples(result, name, examples))
        for name, count in sorted(result.fields.items(), key=lambda pair: -pair[1])
        if count
    ]
    listed = {"left_only": tables.left_only, "right_only": tables.right_only, "duplicate_keys": tables.duplicates}
    only = {
        name: tuple(_listed(row, plan.keys) for row in frame.head(examples).iter_rows(named=True))
        for name, frame in listed.items()
        if frame.height
    }
    oldest, newest = _extremes(result)
    groups = {name: found for name in GROUPS if (found := _by(result, name)) is not None}
    return Summary(tuple(fields), only, oldest, newest, groups)


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


def _examples(result: DiffResult, name: str, examples: int) -> tuple[Example, ...]:
    left, right, differs = endings(result.plan)
    rows = result.changed.lazy().filter(pl.col(differs).list.contains(name)).head(examples).collect()
    return tuple(
        Example(key_text(row, result.plan.keys), value_text(row[name + left]), value_text(row[name + right]))
        for row in rows.iter_rows(named=True)
    )


def _told(result: DiffResult, name: str) -> list[tuple[str, pl.DataFrame, pl.Expr]]:
    """Every frame of differences with a column's value in it: the left side's where both have one."""
    tables: Tables = result.tables
    left, right, _ = endings(result.plan)
    own = pl.col(name)
    both = pl.coalesce(name + left, name + right) if name in result.plan.fields else own
    return [("changed", tables.changed, both), ("left only", tables.left_only, own),
            ("right only", tables.right_only, own)]  # fmt: skip


def _extremes(result: DiffResult) -> tuple[Moment | None, Moment | None]:
    time = result.plan.time
    if time is None:
        return None, None
    keys = result.plan.keys
    found: list[tuple[Any, Moment]] = []
    for kind, frame, value in _told(result, time):
        timed = frame.lazy().with_columns(value.alias("__at")).filter(pl.col("__at").is_not_null()).collect()
        if timed.height:
            for at in (timed["__at"].arg_min(), timed["__at"].arg_max()):
                row = timed.row(at or 0, named=True)
                found.append((row["__at"], Moment(value_text(row["__at"]), kind, key_text(row, keys))))
    if not found or len({type(at) for at, _ in found}) > 1:
        return None, None
    return min(found, key=lambda pair: pair[0])[1], max(found, key=lambda pair: pair[0])[1]


def _by(result: DiffResult, name: str) -> tuple[tuple[tuple[str, int], ...], int] | None:
    """The values with most differences, and how many values have any."""
    plan = result.plan
    if name not in (*plan.keys, *plan.context, *plan.fields) or not result.counts.different:
        return None
    parts = [frame.select(value.cast(pl.String).alias("value")) for _, frame, value in _told(result, name)]
    counted = pl.concat(parts).group_by("value").len("rows").sort(["rows", "value"], descending=[True, False])
    top = tuple((value_text(value), int(rows)) for value, rows in counted.head(GROUPS_SHOWN_MAX).iter_rows())
    return (top, counted.height) if top else None
