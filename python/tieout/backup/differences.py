"""What a restore would change, table by table and row by row, before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tieout.backup.tables import Table, read_schema
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_SIDE: Final = "restored"
_TOLD: Final = (
    "id", "account", "perm_id", "client_id", "order_id", "order_ref", "symbol", "side", "action", "quantity",
    "order_type", "status", "filled_quantity", "placed_at", "timestamp",
)  # fmt: skip
"""What an operator needs to find an order again at the broker; of these, the columns that the book has."""


@dataclass(frozen=True, slots=True)
class TableDifference:
    """
    One table.

    Attributes:
        forgotten: rows of the book that the backup does not have.
        coming_back: rows of the backup that the book does not have.
        changed: rows of both whose values differ; None where the columns themselves differ.
        live_rows, backup_rows: all rows; 0 where there is no such table.
    """

    table: str
    live_rows: int
    backup_rows: int
    forgotten: int
    coming_back: int
    changed: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """All tables that differ, and each order of the book that the backup does not know."""

    tables: tuple[TableDifference, ...]
    forgotten_orders: tuple[dict[str, Any], ...]


def compare(raw: sqlite3.Connection, backup_db: Path) -> Difference:
    """
    The book behind a connection that has no transaction open, against a finished backup.

    Raises:
        sqlite3.Error: either cannot be read.
    """
    raw.execute(f"ATTACH DATABASE ? AS {_SIDE}", (str(backup_db),))
    try:
        raw.execute("BEGIN")
        try:
            return _compared(raw)
        finally:
            raw.execute("ROLLBACK")
    finally:
        raw.execute(f"DETACH DATABASE {_SIDE}")


def _compared(raw: sqlite3.Connection) -> Difference:
    ours = {table.name: table for table in read_schema(raw).tables}
    theirs = _columns_of_backup(raw)
    found = [_table(raw, name, ours.get(name), theirs.get(name)) for name in sorted(ours.keys() | theirs.keys())]
    differing = tuple(one for one in found if one.forgotten or one.coming_back or one.changed != 0)
    return Difference(differing, _forgotten_orders(raw, ours.get("orders"), theirs.get("orders")))


def _columns_of_backup(raw: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    query = (
        f"SELECT m.name, x.name FROM {_SIDE}.sqlite_master AS m, pragma_table_xinfo(m.name, '{_SIDE}') AS x"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND x.hidden = 0 ORDER BY m.name, x.cid"
    )
    columns: dict[str, list[str]] = {}
    for table, column in raw.execute(query):
        columns.setdefault(table, []).append(column)
    return {name: tuple(names) for name, names in columns.items()}


def _table(raw: sqlite3.Connection, name: str, ours: Table | None, theirs: tuple[str, ...] | None) -> TableDifference:
    live_rows = 0 if ours is None else _count(raw, f"SELECT count(*) FROM main.{quoted(name)}")
    backup_rows = 0 if theirs is None else _count(raw, f"SELECT count(*) FROM {_SIDE}.{quoted(name)}")
    if ours is None or theirs is None or not set(ours.key) <= set(theirs):
        return TableDifference(name, live_rows, backup_rows, live_rows, backup_rows, None)
    same_row = _same_row(ours)
    here, there = f"main.{quoted(name)} AS l", f"{_SIDE}.{quoted(name)} AS b"
    lost = _count(raw, f"SELECT count(*) FROM {here} WHERE NOT EXISTS (SELECT 1 FROM {there} WHERE {same_row})")
    back = _count(raw, f"SELECT count(*) FROM {there} WHERE NOT EXISTS (SELECT 1 FROM {here} WHERE {same_row})")
    changed = None
    if ours.columns == theirs:
        equal = " AND ".join(f"l.{c} IS b.{c} COLLATE BINARY" for c in map(quoted, ours.columns))
        changed = _count(raw, f"SELECT count(*) FROM {here} JOIN {there} ON {same_row} WHERE NOT ({equal})")
    return TableDifference(name, live_rows, backup_rows, lost, back, changed)


def _same_row(table: Table) -> str:
    if not table.key:
        return f"l.{table.order_by} = b.{table.order_by}"
    return " AND ".join(f"l.{c} IS b.{c} COLLATE BINARY" for c in map(quoted, table.key))


def _forgotten_orders(
    raw: sqlite3.Connection, ours: Table | None, theirs: tuple[str, ...] | None
) -> tuple[dict[str, Any], ...]:
    if ours is None:
        return ()
    told = [name for name in _TOLD if name in ours.columns]
    select = f"SELECT {', '.join('l.' + quoted(name) for name in told)} FROM main.orders AS l"
    if theirs is not None and set(ours.key) <= set(theirs):
        select += f" WHERE NOT EXISTS (SELECT 1 FROM {_SIDE}.orders AS b WHERE {_same_row(ours)})"
    return tuple(dict(zip(told, row, strict=True)) for row in raw.execute(f"{select} ORDER BY l.{ours.order_by}"))


def _count(raw: sqlite3.Connection, query: str) -> int:
    return int(raw.execute(query).fetchone()[0])
