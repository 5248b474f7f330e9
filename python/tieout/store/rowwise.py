"""Inserting, changing and deleting the rows of a plan, many with one statement, each proven to be what was seen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, select

from tieout.clock import to_iso
from tieout.errors import PlanStale
from tieout.model import is_live
from tieout.store.batches import batched
from tieout.store.prepared import Prepared, parameters, prepared, send
from tieout.store.tables import executions, orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

    from tieout.store.writer import Change

TABLES: Final = {"order": orders, "execution": executions}
_SEEN: Final = "seen_"
"""Prefix of the parameters that hold a before-image."""

_Shape = tuple[bool, tuple[str, ...], tuple[str, ...]]
"""Whether it deletes, the columns it sets, the columns of the before-image: one statement does all of a shape."""


@dataclass(frozen=True, slots=True)
class Updates:
    """Rows that one statement changes or deletes, with its parameters and what each row is set to."""

    statement: Prepared
    parameters: list[Any]
    changes: list[tuple[Change, dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Inserts:
    """New rows, each with its id among its values, and the statements that write them, with their parameters."""

    changes: list[Change]
    rows: list[dict[str, object]]
    statements: list[tuple[Prepared, list[Any]]]


def make_updates(connection: Connection, table: Table, changes: Sequence[Change], *, now_ns: int) -> list[Updates]:
    """
    What updates and deletes rows, each a compare-and-set on its before-image; nothing is written yet.

    Raises:
        PlanStale: an action names no row.
    """
    now = to_iso(now_ns)
    shapes: dict[_Shape, list[tuple[Change, dict[str, object]]]] = defaultdict(list)
    for change in changes:
        if change.row is None or change.before is None:
            raise PlanStale(f"action {change.action_id} names no row to change", hint="stage again")
        deletes = change.kind == "hard_delete"
        values = {} if deletes else _new_values(table, change, now)
        shapes[deletes, tuple(values), tuple(change.before)].append((change, values))
    # `shapes` keeps the order of the changes, and deletes come last in it.
    made = []
    for shape, group in shapes.items():
        group.sort(key=_row)  # neighbours in the table one after another: each page is read and written once
        statement = _statement(connection, table, shape)
        made.append(Updates(statement, parameters(statement, _columns(shape, group), count=len(group)), group))
    return made


def change_rows(connection: Connection, table: Table, updates: Sequence[Updates]) -> None:
    """
    Update or delete the rows.

    Raises:
        PlanStale: a row is no longer what the plan saw.
    """
    for some in updates:
        if send(connection, some.statement, some.parameters) != len(some.changes):
            stale = _gone(connection, table, [change for change, _ in some.changes])
            raise PlanStale(stale, hint="stage again and review the new plan")


def _statement(connection: Connection, table: Table, shape: _Shape) -> Prepared:
    deletes, named, seen = shape
    same = and_(
        table.c.id == bindparam(f"{_SEEN}id", type_=table.c.id.type),
        *(table.c[name].is_not_distinct_from(bindparam(_SEEN + name, type_=table.c[name].type)) for name in seen),
    )
    if deletes:
        return prepared(connection, table.delete().where(same))
    return prepared(connection, table.update().where(same).values({name: bindparam(name) for name in named}))


def _columns(shape: _Shape, group: Sequence[tuple[Change, dict[str, object]]]) -> dict[str, object]:
    _, named, seen = shape
    new = [list(column) for column in zip(*(values.values() for _, values in group), strict=True)]
    old = [list(column) for column in zip(*((change.before or {}).values() for change, _ in group), strict=True)]
    return {
        **dict(zip(named, new, strict=True)),
        **{_SEEN + name: column for name, column in zip(seen, old, strict=True)},
        f"{_SEEN}id": [change.row for change, _ in group],
    }


def _row(one: tuple[Change, dict[str, object]]) -> int:
    return one[0].row or 0


@dataclass(frozen=True, slots=True)
class Free:
    """When the inserts happen, the first id that is free for them, and the rows of the plan's actions so far."""

    now_ns: int
    first: int
    rows_of: dict[str, int]


def make_inserts(connection: Connection, table: Table, changes: Sequence[Change], free: Free) -> Inserts:
    """
    New rows under ids of our own choosing, above every id that the table ever had; nothing is written yet.

    `free.rows_of` learns their ids.

    Raises:
        PlanStale: an execution's order is not there.
    """
    now = to_iso(free.now_ns)
    rows: list[dict[str, object]] = []
    shapes: dict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
    for number, change in enumerate(changes, start=free.first):
        values: dict[str, object] = {**(change.after or {}), "id": number, "created_at": now, "origin": "broker"}
        if table is orders:
            values |= {"updated_at": now, "last_live_at": now if is_live(str(values["status"])) else None}
        else:
            values["order_row"] = _owner(change, free.rows_of)
        rows.append(values)
        shapes[tuple(values)].append(values)
        free.rows_of[change.action_id] = number
    statements = []
    for names, group in shapes.items():
        statement = prepared(connection, table.insert(), columns=names)
        columns = {name: [values[name] for values in group] for name in names}
        statements.append((statement, parameters(statement, columns, count=len(group))))
    return Inserts([*changes], rows, statements)


def insert_rows(connection: Connection, table: Table, inserts: Inserts) -> None:
    """
    Insert the rows.

    Raises:
        PlanStale: an identity is taken by now.
    """
    _refuse_taken(connection, table, inserts.changes)
    for statement, rows in inserts.statements:
        send(connection, statement, rows)


def _new_values(table: Table, change: Change, now: str) -> dict[str, object]:
    before, after = change.before or {}, change.after or {}
    values: dict[str, object] = {name: value for name, value in after.items() if before.get(name) != value}
    if table is orders:
        values["updated_at"] = now
        if change.kind == "update" and is_live(str(after.get("status", ""))):
            values["last_live_at"] = now  # seen open just now, whatever field changed
    return values


def _gone(connection: Connection, table: Table, group: Sequence[Change]) -> str:
    """Which rows of the table differ from what the plan saw; asked only when one does, inside the transaction."""
    named = []
    for change in group:
        before = change.before or {}
        same = [table.c[name].is_not_distinct_from(value) for name, value in before.items()]
        # Rows that this statement did change differ too: they hold their after-image.
        after = [table.c[name].is_not_distinct_from(value) for name, value in (change.after or {}).items()]
        query = select(func.count()).where(table.c.id == change.row)
        if not connection.execute(query.where(and_(*same))).scalar_one() and not (
            after and connection.execute(query.where(and_(*after))).scalar_one()
        ):
            named.append(str(change.row))
    entity = "order" if table is orders else "execution"
    which = f"row {named[0]} is" if len(named) == 1 else f"rows {', '.join(named[:20])} are"
    return f"{entity} {which} no longer what the plan saw; nothing was changed"


def _owner(change: Change, rows_of: Mapping[str, int]) -> int:
    owner = change.order_row if change.order_action is None else rows_of.get(change.order_action)
    if owner is None:
        raise PlanStale(f"action {change.action_id}: its order is not in the book", hint="stage again")
    return owner


def next_id(connection: Connection, table: Table) -> int:
    """Above every id in use and every id that was; the caller's transaction holds the write lock."""
    used = connection.execute(select(func.max(table.c.id))).scalar() or 0
    if connection.dialect.name != "sqlite":
        return int(used) + 1
    query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    return max(int(used), int(connection.exec_driver_sql(query, (table.name,)).scalar() or 0)) + 1


def _refuse_taken(connection: Connection, table: Table, changes: Sequence[Change]) -> None:
    name = "perm_id" if table is orders else "exec_id"
    wanted: dict[object, object] = {
        (after["account"], after[name]): after[name]
        for after in (change.after or {} for change in changes)
        if after.get(name) is not None
    }
    keys = list(wanted.values())
    for some in batched(range(len(keys))):
        column = table.c[name]
        query = select(table.c.account, column).where(column.in_([keys[index] for index in some]))
        for account, value in connection.execute(query):
            if (account, value) in wanted:
                raise PlanStale(
                    f"the book has {name} {value} by now; nothing was changed",
                    hint="stage again and review the new plan",
                )
