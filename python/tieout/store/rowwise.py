"""Inserting, changing and deleting the rows of a plan, many with one statement, each proven to be what was seen."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, func, select

from tieout.clock import to_iso
from tieout.errors import PlanStale
from tieout.model import is_live
from tieout.store.batches import batched
from tieout.store.tables import executions, orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Delete, Table, Update

    from tieout.store.writer import Applied, Approval, Change

TABLES: Final = {"order": orders, "execution": executions}
_SEEN: Final = "seen_"
"""Prefix of the parameters that hold a before-image."""

_Shape = tuple[bool, tuple[str, ...], tuple[str, ...]]
"""Whether it deletes, the columns it sets, the columns of the before-image: one statement does all of a shape."""


def change_rows(connection: Connection, table: Table, changes: Sequence[Change], *, now_ns: int) -> None:
    """
    Update or delete rows, each a compare-and-set on its before-image.

    Raises:
        PlanStale: a row is no longer what the plan saw.
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
    for (deletes, named, seen), group in shapes.items():
        same = and_(
            table.c.id == bindparam(f"{_SEEN}id"),
            *(table.c[name].is_not_distinct_from(bindparam(_SEEN + name)) for name in seen),
        )
        statement: Delete | Update = table.delete().where(same)
        if not deletes:
            statement = table.update().where(same).values({name: bindparam(name) for name in named})
        keys = [_SEEN + name for name in seen]
        rows = [
            {**values, f"{_SEEN}id": change.row, **dict(zip(keys, (change.before or {}).values(), strict=True))}
            for change, values in group
        ]
        if connection.execute(statement, rows).rowcount != len(group):
            stale = _gone(connection, table, [change for change, _ in group])
            raise PlanStale(stale, hint="stage again and review the new plan")


def insert_rows(
    connection: Connection, table: Table, changes: Sequence[Change], *, approval: Approval, done: Applied
) -> None:
    """
    Insert rows under ids of our own choosing, above every id that the table ever had; `done.rows` learns them.

    Raises:
        PlanStale: an identity is taken by now, or an execution's order is not there.
    """
    if not changes:
        return
    _refuse_taken(connection, table, changes)
    now, first = to_iso(approval.now_ns), _next_id(connection, table)
    rows: list[dict[str, object]] = []
    for number, change in enumerate(changes, start=first):
        values: dict[str, object] = {**(change.after or {}), "id": number, "created_at": now, "origin": "broker"}
        if table is orders:
            values |= {"updated_at": now, "last_live_at": now if is_live(str(values["status"])) else None}
        else:
            values["order_row"] = _owner(change, done)
        rows.append(values)
        done.rows[change.action_id] = number
    connection.execute(table.insert(), rows)


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


def _owner(change: Change, done: Applied) -> int:
    owner = change.order_row if change.order_action is None else done.rows.get(change.order_action)
    if owner is None:
        raise PlanStale(f"action {change.action_id}: its order is not in the book", hint="stage again")
    return owner


def _next_id(connection: Connection, table: Table) -> int:
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
