"""Reading the book: whole tables as frames, single rows as images, and fingerprints of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import BigInteger, Boolean, Integer, bindparam, func, select, text

from tieout.canonical import Json, digest, digest_of_set
from tieout.store import engine, migrate
from tieout.store.batches import batched
from tieout.store.frames import execution_frame, order_frame
from tieout.store.tables import (
    RECONCILED_EXECUTION,
    RECONCILED_ORDER,
    applied_plans,
    executions,
    order_audit,
    order_events,
    orders,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import Connection, Table

Image = dict[str, Json]
"""A row's reconciled columns, by name; what an action carries as before and after."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which book this is, and which state of it: what a plan is bound to."""

    lineage: str
    restore_epoch: int
    schema: str
    last_applied_plan: str | None
    schema_sha256: str = ""
    """Of the tables that a plan writes, with their indexes and triggers, as the database itself tells them."""


@dataclass(frozen=True, slots=True)
class Book:
    """
    The book as one read transaction saw it.

    `orders` and `executions` have schemas `ORDER` and `EXECUTION`; `raw_orders` and `raw_executions` are the same
    rows in the same order, every column as it stands in the table.
    """

    identity: Identity
    orders: pl.DataFrame
    executions: pl.DataFrame
    raw_orders: pl.DataFrame
    raw_executions: pl.DataFrame

    def order_image(self, index: int) -> Image:
        """The reconciled columns of the order at that index."""
        return _image(self.raw_orders.row(index, named=True), RECONCILED_ORDER)

    def execution_image(self, index: int) -> Image:
        """The reconciled columns of the execution at that index."""
        return _image(self.raw_executions.row(index, named=True), RECONCILED_EXECUTION)


def load(path: Path) -> Book:
    """
    The whole book, from one moment.

    Raises:
        BookMissing, BookLocked, BookUnusable, BookError: as tieout.store.engine says.
    """
    with engine.connect(path) as connection, engine.read(connection):
        migrate.require_current(connection, path)
        raw_orders = _table(connection, orders)
        raw_executions = _table(connection, executions)
        return Book(
            identity=identity(connection),
            orders=order_frame(raw_orders),
            executions=execution_frame(raw_executions),
            raw_orders=raw_orders,
            raw_executions=raw_executions,
        )


def identity(connection: Connection) -> Identity:
    """The book's identity, read inside the caller's transaction."""
    newest = (
        select(applied_plans.c.plan_id).order_by(applied_plans.c.applied_at.desc(), applied_plans.c.plan_id).limit(1)
    )
    return Identity(
        lineage=migrate.read_meta(connection, "lineage") or "",
        restore_epoch=int(migrate.read_meta(connection, "restore_epoch") or 0),
        schema=migrate.HEAD,
        last_applied_plan=connection.execute(newest).scalar(),
        schema_sha256=_schema_sha256(connection),
    )


def _schema_sha256(connection: Connection) -> str:
    """SQLite keeps the text that made each; a bot's own tables beside them do not count."""
    ours = [table.name for table in (orders, order_events, executions, order_audit, applied_plans)]
    query = text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN :ours ORDER BY type, name")
    rows = connection.execute(query.bindparams(bindparam("ours", ours, expanding=True)))
    return digest([[row.type, row.name, row.sql] for row in rows])


def counts(connection: Connection) -> dict[str, int]:
    """Rows of the tables that the operator guide counts, and of the audit."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (orders, order_events, executions, order_audit)
    }


def images(connection: Connection, table: Table, ids: Iterable[int]) -> dict[int, Image]:
    """The reconciled columns of those rows, by id; an id that is gone is not in the answer."""
    columns = RECONCILED_ORDER if table is orders else RECONCILED_EXECUTION
    found: dict[int, Image] = {}
    for some in batched(ids):
        query = select(table).where(table.c.id.in_(some))
        for row in connection.execute(query).mappings():
            found[int(row["id"])] = _image(dict(row), columns)
    return found


def rows_fingerprint(order_images: dict[int, Image], execution_images: dict[int, Image]) -> str:
    """SHA-256 over named rows with their ids: equal exactly where those rows are."""
    named: list[tuple[str, dict[int, Image]]] = [("order", order_images), ("execution", execution_images)]
    return digest_of_set(digest([entity, row, dict(image)]) for entity, rows in named for row, image in rows.items())


def content_fingerprint(rows: Iterable[tuple[str, Image]]) -> str:
    """SHA-256 over (entity, image) without ids: what a plan predicts before its inserts have ids."""
    return digest_of_set(digest([entity, dict(image)]) for entity, image in rows)


def _image(row: dict[str, object], columns: tuple[str, ...]) -> Image:
    return {name: _json(row[name]) for name in columns}


def _json(value: object) -> Json:
    if value is None or isinstance(value, bool | int | str):
        return value
    # A bot may write a number into a text column of a table without affinity; its digits are what counts.
    return str(value)


def _table(connection: Connection, table: Table) -> pl.DataFrame:
    """Every column of a table in id order; integers, booleans and text as declared."""
    cursor = connection.execute(select(table).order_by(table.c.id))
    schema = {column.name: _dtype(column.type) for column in table.columns}
    rows = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pl.DataFrame(
        {
            name: pl.Series(name, _clean(values, dtype), dtype=dtype)
            for (name, dtype), values in zip(schema.items(), columns, strict=True)
        }
    )


def _clean(values: Iterable[object], dtype: pl.DataType) -> list[object]:
    if dtype == pl.String:
        return [value if value is None or isinstance(value, str) else str(value) for value in values]
    return list(values)


def _dtype(kind: object) -> pl.DataType:
    if isinstance(kind, Boolean):
        return pl.Boolean()
    return pl.Int64() if isinstance(kind, Integer | BigInteger) else pl.String()
