"""
What a plan's transaction will write, worked out before it begins: while it is open the bot has to wait.

`read_standing` reads, in a short transaction of its own; `make_ready` computes, in none, what takes the time: what the
audit says of each row before and after, the parameters of every statement, the chain's hashes, the fingerprint of what
the rows become. It holds as long as nobody else wrote into the database since it was read, which SQLite counts
(`engine.data_version`): then reading again would find what was read, and so it is not done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tieout.store.audit import Column, Head, Links, head, make_links, row_text
from tieout.store.columns import Row, as_columns, read_rows, row_texts
from tieout.store.engine import data_version
from tieout.store.reader import Known, known_content, reconciled
from tieout.store.rowwise import TABLES, Free, Inserts, Updates, make_inserts, make_updates, next_id
from tieout.store.tables import order_events, orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

    from tieout.canonical import Json
    from tieout.store.writer import Approval, Change

Rows = dict[str, list[Row]]
"""Whole rows by entity ("order", "execution"), ascending by id, as the driver gives them."""

_ORDERING = {"insert": 0, "update": 1, "soft_delete": 2, "hard_delete": 3}


@dataclass(frozen=True, slots=True)
class Ready:
    """
    `changes` in the order in which they are done and audited; `rows_of` the row of each by its action; `after` what
    the kept rows become unless a trigger or an average of fills says otherwise, `links` the audit of just that.
    """

    version: int | None
    changes: list[Change]
    rows_of: dict[str, int]
    inserts: dict[str, Inserts]
    updates: dict[str, list[Updates]]
    audit: dict[str, Column]
    after: Rows
    content: Known
    links: Links

    def holds(self, connection: Connection) -> bool:
        """Whether nobody else wrote into the database since; asked inside the transaction that is to write."""
        return self.version is not None and self.version == data_version(connection)


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What the book holds of a plan: the rows that it changes, the events of orders that it deletes (by row), the ids that
    are free from on, the audit's end; and the database's version then.
    """

    version: int | None
    rows: Rows
    events: dict[int, list[Json]]
    free_id: dict[str, int]
    head: Head


def read_standing(connection: Connection, changes: Sequence[Change]) -> Standing:
    """Read it, inside a transaction of the caller, and on the connection that is going to write."""
    gone = [c.row for c in changes if c.entity == "order" and c.kind == "hard_delete" and c.row is not None]
    return Standing(
        version=data_version(connection),
        rows=whole_rows(connection, [(c.entity, c.row) for c in changes if c.row is not None]),
        events={row: _events(connection, row) for row in gone},
        free_id={entity: next_id(connection, table) for entity, table in TABLES.items()},
        head=head(connection),
    )


def make_ready(connection: Connection, standing: Standing, changes: Sequence[Change], approval: Approval) -> Ready:
    """
    Work it out. The connection is asked nothing: it says for which database the statements are made.

    Raises:
        PlanStale: an action names no row, or an execution's order is not there.
    """
    ordered = sorted(changes, key=_turn)
    rows_of: dict[str, int] = {}
    inserts, updates = {}, {}
    for entity, table in TABLES.items():
        mine = [change for change in ordered if change.entity == entity]
        new, old = [c for c in mine if c.kind == "insert"], [c for c in mine if c.kind != "insert"]
        free = Free(now_ns=approval.now_ns, first=standing.free_id[entity], rows_of=rows_of)
        inserts[entity] = make_inserts(connection, table, new, free)
        updates[entity] = make_updates(connection, table, old, now_ns=approval.now_ns)
        rows_of |= {change.action_id: change.row for change in old if change.row is not None}
    before: dict[tuple[str, int], str | None] = {**texts_of(standing.rows), **_with_events(standing)}
    after = {
        entity: _become(table, standing.rows[entity], inserts=inserts[entity], updates=updates[entity])
        for entity, table in TABLES.items()
    }
    named = [(change.entity, rows_of[change.action_id]) for change in ordered]
    audit: dict[str, Column] = {
        "kind": [change.kind for change in ordered],
        "entity": [entity for entity, _ in named],
        "row": [row for _, row in named],
        "plan_id": approval.plan_id,
        "action_id": [change.action_id for change in ordered],
        "reason": [change.reason for change in ordered],
        "before": [before.get(row) for row in named],
        "after": _texts(named, after),
        "approver": approval.approver,
        "backup_id": approval.backup_id,
    }
    return Ready(
        version=standing.version,
        changes=ordered,
        rows_of=rows_of,
        inserts=inserts,
        updates=updates,
        audit=audit,
        after=after,
        content=known_content({entity: _reconciled(table, after[entity]) for entity, table in TABLES.items()}),
        links=make_links(connection, standing.head, audit, count=len(ordered), now_ns=approval.now_ns),
    )


def as_found(connection: Connection, ready: Ready, found: Rows, *, now_ns: int) -> Links:
    """The audit of what the rows did become; inside the transaction, after they were written and read again."""
    if found == ready.after:
        return ready.links
    named = [(change.entity, ready.rows_of[change.action_id]) for change in ready.changes]
    audit = {**ready.audit, "after": _texts(named, found)}
    return make_links(connection, head(connection), audit, count=len(named), now_ns=now_ns)


def whole_rows(connection: Connection, wanted: Sequence[tuple[str, int]]) -> Rows:
    """The rows as they stand in the table, every column; one that is gone is not in the answer."""
    return {
        entity: read_rows(connection, table, [row for name, row in wanted if name == entity], _others(table))
        for entity, table in TABLES.items()
    }


def texts_of(rows: Rows) -> dict[tuple[str, int], str]:
    """The rows as the audit's JSON."""
    found: dict[tuple[str, int], str] = {}
    for entity, some in rows.items():
        columns = as_columns(TABLES[entity], _others(TABLES[entity]), some)
        columns.values["id"] = columns.ids
        found.update({(entity, row): text for row, text in row_texts(columns).items()})
    return found


def _texts(named: Sequence[tuple[str, int]], rows: Rows) -> list[str | None]:
    texts = texts_of(rows)
    return [texts.get(row) for row in named]


def _turn(change: Change) -> tuple[int, int, str]:
    return (0 if change.entity == "order" else 1, _ORDERING[change.kind], change.action_id)


def _others(table: Table) -> list[str]:
    """Every column but the id, which comes first of itself."""
    return [name for name in table.columns.keys() if name != "id"]  # noqa: SIM118  # a collection of columns, not a dict


def _become(table: Table, standing: Sequence[Row], *, inserts: Inserts, updates: Sequence[Updates]) -> list[Row]:
    names = ["id", *_others(table)]
    place = {name: at for at, name in enumerate(names)}
    rows = {row[0]: row for row in standing}
    for some in updates:
        for change, values in some.changes:
            if change.kind == "hard_delete":
                rows.pop(change.row, None)
            elif change.row in rows:
                rows[change.row] = _set(rows[change.row], {place[name]: value for name, value in values.items()})
    rows |= {values["id"]: tuple(values.get(name) for name in names) for values in inserts.rows}
    return sorted(rows.values(), key=lambda row: int(row[0]))


def _set(row: Row, values: Mapping[int, object]) -> Row:
    changed: list[Any] = list(row)
    for at, value in values.items():
        changed[at] = value
    return tuple(changed)


def _reconciled(table: Table, rows: Sequence[Row]) -> list[Row]:
    places = [0, *(1 + _others(table).index(name) for name in reconciled(table))]
    return [tuple([row[place] for place in places]) for row in rows]


def _with_events(standing: Standing) -> dict[tuple[str, int], str | None]:
    """Orders that are to be deleted, with the events that lose their order by it."""
    names = ["id", *_others(orders)]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in standing.rows["order"] if row[0] in standing.events}
    return {("order", row): row_text({**rows[row], "events": standing.events[row]}) for row in rows}


def _events(connection: Connection, row: int) -> list[Json]:
    query = select(order_events).where(order_events.c.order_row == row).order_by(order_events.c.id)
    return [{str(name): value for name, value in event.items()} for event in connection.execute(query).mappings()]
