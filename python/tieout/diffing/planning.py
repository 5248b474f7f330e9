"""What a diff will read and compare, decided before a row is read; whatever does not fit is named at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tieout.diffing.agreement import Meeting, Raw, meet
from tieout.diffing.kinds import kind_of, shown
from tieout.diffing.mapping import SideMapping
from tieout.diffing.options import Options
from tieout.diffing.source import Source
from tieout.errors import SchemaMismatch

GROUPS: Final = ("account", "symbol")
TIMES: Final = (
    "time", "timestamp", "placed_at", "executed_at", "created_at", "updated_at", "datetime", "date", "ts", "at",
)  # fmt: skip
"""Names of columns that say when; the first that is there is taken."""
_COLUMNS_SHOWN_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """One column of one side: which one it is there, and how its values are brought to `dtype`."""

    name: str
    raw: str
    value: pl.Expr
    before: pl.Expr
    dtype: pl.DataType
    guessed: bool
    strict: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Key, compared fields, what is only told (`context`), how both sides are read, and what is left out and why."""

    keys: tuple[str, ...]
    fields: tuple[str, ...]
    context: tuple[str, ...]
    time: str | None
    left: tuple[Reading, ...]
    right: tuple[Reading, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """A side's columns by their names here."""

    word: str
    source: Source
    mapping: SideMapping
    raw: dict[str, str]

    def column(self, name: str, guesses: Mapping[str, pl.DataType], keys: Sequence[str]) -> Raw:
        there = self.raw[name]
        guess = guesses.get(name, self.source.guess.get(there)) if there in self.source.guess else None
        return Raw(self.source.columns[there], guess, self.source.loose, self.mapping.cast.get(name), key=name in keys)

    def shown(self, name: str, raw: Raw | None = None) -> str:
        """What a column is, in a message's words."""
        there = self.raw[name]
        dtype = self.source.columns[there] if raw is None else raw.guess or raw.mapped
        return self.source.odd.get(there) or shown(dtype)


def plan(left: Source, right: Source, options: Options, *, guesses: Mapping[str, pl.DataType] | None = None) -> Plan:
    """
    Decide what is read and how.

    Args:
        left, right: the sides.
        options: what is asked for.
        guesses: columns of texts that turned out to be something else than they looked like.

    Raises:
        SchemaMismatch: everything that is wrong, line by line: a column that is missing, a name given twice, types
            that mean different things, a tolerance of what is not compared.
    """
    if not options.keys:
        raise SchemaMismatch("no key is named", hint="say which columns tell rows apart, as in --key perm_id")
    guesses = guesses or {}
    sides = (_named("left", left, options.left), _named("right", right, options.right))
    problems, notes = _asked(options, sides), list[str]()
    fields = _fields(options, sides, notes)
    context, time = _context(options, sides, fields)
    readings: tuple[list[Reading], list[Reading]] = ([], [])
    for name in (*options.keys, *fields, *context):
        if problems and any(name not in side.raw for side in sides):
            continue
        key = name in options.keys
        raws = tuple(side.column(name, guesses, options.keys) for side in sides)
        meeting = meet(raws[0], raws[1], key=key, tolerant=name in options.tolerances)
        if meeting is None and name not in context:
            types = [side.shown(name, raw) for side, raw in zip(sides, raws, strict=True)]
            problems.append(f"{'key ' * key}column {name} is {types[0]} on the left and {types[1]} on the right")
        elif meeting is not None:
            for side, raw, into in zip(sides, raws, readings, strict=True):
                into.append(_reading(side, name, raw, meeting=meeting, strict=name not in context))
    if problems:
        raise SchemaMismatch(
            "\n".join(problems), hint="rename or cast columns with --mapping, or leave some out with --fields"
        )
    read = {one.name for one in readings[0]}
    kept = tuple(name for name in context if name in read)
    time = time if time in read else None
    return Plan(options.keys, fields, kept, time, tuple(readings[0]), tuple(readings[1]), tuple(notes))


def _named(word: str, source: Source, mapping: SideMapping) -> _Side:
    raw: dict[str, str] = {}
    problems = [f"the {word} side has no column {old} to rename" for old in mapping.rename if old not in source.columns]
    for there in source.columns:
        name = mapping.rename.get(there, there)
        if name in raw:
            problems.append(f"the {word} side has two columns that are {name}: {raw[name]} and {there}")
        raw[name] = there
    problems += [f"the {word} side has no column {name} to cast" for name in mapping.cast if name not in raw]
    if problems:
        raise SchemaMismatch("\n".join(problems), hint="correct the mapping")
    return _Side(word, source, mapping, raw)


def _asked(options: Options, sides: tuple[_Side, _Side]) -> list[str]:
    """What of the options no column answers to."""
    wanted = (*options.keys, *(options.fields or ()))
    problems = [f"{name} is named twice" for name in sorted({one for one in wanted if wanted.count(one) > 1})]
    wanted = (*wanted, *([] if options.time is None else [options.time]))
    for name in dict.fromkeys(wanted):
        for side in sides:
            if name not in side.raw:
                problems.append(f"the {side.word} side ({side.source.name}) has no column {name}; {_near(name, side)}")
    common = set(sides[0].raw) & set(sides[1].raw) if options.fields is None else set(options.fields)
    for name in options.tolerances:
        if name not in common or name in options.keys or name in options.ignore:
            problems.append(f"a tolerance for {name}, which is not compared")
    return problems


def _near(name: str, side: _Side) -> str:
    known = list(side.raw)
    near = difflib.get_close_matches(name.casefold(), [one.casefold() for one in known], n=1)
    if near:
        return f"did you mean {next(one for one in known if one.casefold() == near[0])}?"
    more = ", ..." if len(known) > _COLUMNS_SHOWN_MAX else ""
    return f"it has {', '.join(known[:_COLUMNS_SHOWN_MAX])}{more}"


def _fields(options: Options, sides: tuple[_Side, _Side], notes: list[str]) -> tuple[str, ...]:
    """The fields that are asked for, else all that both sides have and that can be compared."""
    if options.fields is not None:
        return tuple(name for name in options.fields if name not in options.keys)
    fields = []
    for side, other in (sides, sides[::-1]):
        alone = [name for name in side.raw if name not in other.raw and name not in options.ignore]
        if alone:
            notes.append(f"only on the {side.word}, not compared: {', '.join(alone)}")
    for name in sides[0].raw:
        if name not in sides[1].raw or name in options.keys or name in options.ignore:
            continue
        odd = [side.shown(name) for side in sides if kind_of(side.source.columns[side.raw[name]]) is None]
        if odd:
            notes.append(f"not compared: {name} ({odd[0]})")
        else:
            fields.append(name)
    if not fields:
        notes.append("no field is compared: only which keys are there")
    return tuple(fields)


def _context(options: Options, sides: tuple[_Side, _Side], fields: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """Account, symbol and time, where both sides have them; and which one is the time."""
    common = [name for name in sides[0].raw if name in sides[1].raw]
    timed = [name for name in common if sides[0].source.columns[sides[0].raw[name]].is_temporal()]
    time = options.time or next((name for name in (*TIMES, *timed) if name in common), None)
    wanted = [*(name for name in GROUPS if name in common), *([] if time is None else [time])]
    return tuple(name for name in dict.fromkeys(wanted) if name not in (*options.keys, *fields)), time


def _reading(side: _Side, name: str, raw: Raw, *, meeting: Meeting, strict: bool) -> Reading:
    there = side.raw[name]
    before = pl.col(there)
    if side.mapping.null and raw.dtype == pl.String():
        before = pl.when(~before.is_in(list(side.mapping.null))).then(before)
    to = meeting.left if side.word == "left" else meeting.right
    value = raw.read(before, to)
    if raw.cast is not None and raw.mapped != to:
        value = Raw(raw.mapped).read(value, to)
    value = value.cast(to) if raw.dtype == pl.Null() else value
    return Reading(name, there, value.alias(name), before.alias(name), to, meeting.guessed, strict)
