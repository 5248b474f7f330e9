"""
One statement, made once by SQLAlchemy for the database at hand, then run for many rows through its driver.

SQLAlchemy's own execution looks at every parameter of every row; this looks at each column once. What a column's
type demands of its parameters (a Boolean refuses 2) is demanded here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ClauseElement, Connection


@dataclass(frozen=True, slots=True)
class Prepared:
    """The statement's text, its parameters' names in the order of their places, and what their types make of them."""

    text: str
    names: tuple[str, ...]
    positional: bool
    processors: Mapping[str, Callable[[Any], Any]]


def prepared(connection: Connection, statement: ClauseElement, *, columns: Sequence[str] | None = None) -> Prepared:
    """
    The statement as the connection's driver takes it.

    Args:
        columns: of an insert: the columns that it fills.
    """
    dialect = connection.dialect
    names = None if columns is None else list(columns)
    compiled: Any = statement.compile(dialect=dialect, column_keys=names, compile_kwargs={"render_postcompile": True})
    processors = {
        name: process
        for name, bind in compiled.binds.items()
        if (process := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    places = tuple(compiled.positiontup if compiled.positional else compiled.params)
    return Prepared(str(compiled), places, bool(compiled.positional), processors)


def parameters(statement: Prepared, columns: Mapping[str, object], *, count: int) -> list[Any]:
    """
    What `send` takes, for `count` rows.

    Args:
        columns: per parameter a list of its values, row by row, or one text, number or None for every row.
    """
    values = [_column(statement, columns[name], name=name, count=count) for name in statement.names]
    rows: list[Any] = list(zip(*values, strict=True))
    return rows if statement.positional else [dict(zip(statement.names, row, strict=True)) for row in rows]


def send(connection: Connection, statement: Prepared, rows: list[Any]) -> int:
    """Run the statement once per row of parameters; answers how many rows of the table it touched in all."""
    return connection.exec_driver_sql(statement.text, rows).rowcount if rows else 0


def fetch(connection: Connection, statement: Prepared, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows that a query answers for the values of its parameters, given in the order of `names`."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(
            statement.text,
            tuple(values) if statement.positional else dict(zip(statement.names, values, strict=True)),
        )
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _column(statement: Prepared, given: object, *, name: str, count: int) -> Any:
    process = statement.processors.get(name)
    if not isinstance(given, list):
        return repeat(given if process is None else process(given), count)
    return given if process is None else [process(value) for value in given]
