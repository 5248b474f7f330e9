"""
Rows column by column: read with few statements, written as JSON with a few passes over each column.

1. A row's JSON text is `json.dumps(row, sort_keys=True, ensure_ascii=False)`.
2. A digest is that of `tieout.canonical.digest`.

A column of texts, of integers that JSON may hold, or of nulls is written by the interpreter's own loops; every other
value goes one by one through those two functions. Both answers are theirs to the byte, at a tenth of the time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Boolean, select

from tieout.canonical import EXACT, Json, canonical_bytes
from tieout.store.batches import batched
from tieout.store.prepared import Prepared, fetch, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

Row = tuple[Any, ...]
Written = str | list[Any]
"""A column's values as JSON, each ready to be put in for `%s`; one text where all are the same."""

_NULL: Final = "null"
_WORDS: Final = {None: _NULL, True: "true", False: "false"}
_WORDY: Final = frozenset({type(None), bool})


@dataclass(frozen=True, slots=True)
class Columns:
    """
    Rows of one table, ascending by `ids`; each named column's values in that order, as SQLAlchemy would give them.
    """

    ids: list[int]
    values: dict[str, Sequence[Any]]


def read_rows(connection: Connection, table: Table, ids: Iterable[int], names: Sequence[str]) -> list[Row]:
    """The id and those columns of those rows, ascending by id, as the driver gives them; one that is gone is not."""
    query_of: dict[int, Prepared] = {}
    rows: list[Row] = []
    asked = select(table.c.id, *(table.c[name] for name in names)).order_by(table.c.id)
    for some in batched(ids):
        if len(some) not in query_of:  # one text per size: the driver keeps it prepared
            query_of[len(some)] = prepared(connection, asked.where(table.c.id.in_(some)))
        rows.extend(fetch(connection, query_of[len(some)], some))
    return rows


def as_columns(table: Table, names: Sequence[str], rows: Sequence[Row]) -> Columns:
    """The rows that `read_rows` gave, column by column."""
    found: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * (len(names) + 1)
    values = dict(zip(names, found[1:], strict=True))
    for name in names:
        if isinstance(table.c[name].type, Boolean):
            values[name] = [None if value is None else bool(value) for value in values[name]]
    return Columns(list(found[0]), values)


def row_texts(rows: Columns) -> dict[int, str]:
    """The JSON text of each row by its id; invariant 1."""
    columns = {name: written(rows.values[name], plain) for name in sorted(rows.values)}
    return dict(zip(rows.ids, filled(columns, count=len(rows.ids), between=", ", colon=": "), strict=True))


def image_digests(entity: str, rows: Columns, *, with_ids: bool) -> list[bytes]:
    """
    The digest of [entity, id, row] of each row, or of [entity, row]; invariant 2.

    What is neither text, integer, boolean nor null counts as its text.
    """
    columns = {name: written(rows.values[name], canonical) for name in sorted(rows.values)}
    texts = filled(columns, count=len(rows.ids))
    if not with_ids:
        return [sha256(f'["{entity}",{text}]'.encode()).digest() for text in texts]
    named = zip(_each(rows.ids, canonical), texts, strict=True)
    return [sha256(f'["{entity}",{row},{text}]'.encode()).digest() for row, text in named]


def filled(columns: Mapping[str, Written], *, count: int, between: str = ",", colon: str = ":") -> list[str]:
    """One JSON object per row, its keys in the order of the columns."""
    parts = [
        _literal(encode_basestring(name) + colon) + (_literal(column) if isinstance(column, str) else "%s")
        for name, column in columns.items()
    ]
    template = f"{{{between.join(parts)}}}"
    varying = [column for column in columns.values() if not isinstance(column, str)]
    if not varying:
        return [template % ()] * count
    return list(map(template.__mod__, zip(*varying, strict=True)))


def written(values: Sequence[Any], other: Callable[[Any], str]) -> Written:
    """Each value as JSON; `other` writes what is neither text, null, boolean nor an integer that JSON may hold."""
    return _NULL if set(map(type, values)) <= {type(None)} else _each(values, other)


def plain(value: Any) -> str:
    """As the audit's texts have a value."""
    return json.dumps(value, ensure_ascii=False)


def canonical(value: Any) -> str:
    """As `tieout.canonical` has a value; one that a bot wrote into a column of another kind counts as its text."""
    return canonical_bytes(json_value(value)).decode()


def json_value(value: object) -> Json:
    """A value of the table as JSON; what is no JSON here counts as its text: a number's digits are what counts."""
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _each(values: Sequence[Any], other: Callable[[Any], str]) -> list[Any]:
    kinds = set(map(type, values))
    if kinds == {str}:
        return list(map(encode_basestring, values))
    if kinds == {int} and min(values) >= -EXACT and max(values) <= EXACT:
        return list(values)
    return [
        encode_basestring(value)
        if type(value) is str
        else _WORDS[value]
        if type(value) in _WORDY
        else value
        if type(value) is int and -EXACT <= value <= EXACT
        else other(value)
        for value in values
    ]


def _literal(text: str) -> str:
    return text.replace("%", "%%")
