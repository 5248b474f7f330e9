"""Reading the book: whole tables as frames, single rows as images, and fingerprints of both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, select, text

from tieout.canonical import Json, digest, digest_of_raw, digest_of_set
from tieout.store import engine, migrate
from tieout.store.columns import Row, as_columns, image_digests, json_value, read_rows
from tieout.store.frames import execution_frame, order_frame
from tieout.store.scan import read_table
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
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import polars as pl
    from sqlalchemy import Connection, Table

Image = dict[str, Json]
"""A row's reconciled columns, by name; what an action carries as before and after."""
_TABLES: Final = {"order": orders, "execution": executions}


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
        return _load(connection, path)


@contextmanager
def rereading(path: Path) -> Iterator[Callable[[], Book]]:
    """
    A way to read the whole book more than once: it is the same `Book` again while nobody wrote in between.

    A connection stays open for as long, without a lock.

    Raises:
        As `load`.
    """
    with engine.connect(path) as connection:
        file = _file(path)
        last: dict[int | None, Book] = {}

        def read() -> Book:
            if _file(path) != file:
                return load(path)  # another file took its place: this connection knows nothing of it
            with engine.read(connection):
                version = engine.data_version(connection)
                if version is None or version not in last:
                    last.clear()
                    last[version] = _load(connection, path)
                return last[version]

        yield read


def _file(path: Path) -> tuple[int, int] | None:
    """Which file is there; asked without opening it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _load(connection: Connection, path: Path) -> Book:
    migrate.require_current(connection, path)
    raw_orders = read_table(connection, orders)
    raw_executions = read_table(connection, executions)
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
    names = reconciled(table)
    rows = as_columns(table, names, read_rows(connection, table, ids, names))
    columns = [[json_value(value) for value in column] for column in rows.values.values()]
    images = (dict(zip(rows.values, image, strict=True)) for image in zip(*columns, strict=True))
    return dict(zip(rows.ids, images, strict=True))


@dataclass(frozen=True, slots=True)
class Known:
    """Rows as `read_rows` gives their reconciled columns, by entity, and their content fingerprint."""

    rows: dict[str, list[Row]]
    fingerprint: str


def fingerprint_of_rows(connection: Connection, rows: Mapping[str, Iterable[int]]) -> str:
    """`rows_fingerprint` of those rows ("order" and "execution": ids) as they stand; one that is gone is not in it."""
    return _fingerprint(_read(connection, rows), with_ids=True)


def fingerprint_of_content(
    connection: Connection, rows: Mapping[str, Iterable[int]], *, known: Known | None = None
) -> str:
    """`content_fingerprint` of those rows as they stand; where they are the known ones it need not be worked out."""
    found = _read(connection, rows)
    return known.fingerprint if known is not None and found == known.rows else _fingerprint(found, with_ids=False)


def known_content(rows: dict[str, list[Row]]) -> Known:
    """Those rows with their content fingerprint."""
    return Known(rows, _fingerprint(rows, with_ids=False))


def _read(connection: Connection, rows: Mapping[str, Iterable[int]]) -> dict[str, list[Row]]:
    return {
        entity: read_rows(connection, table, rows.get(entity, ()), reconciled(table))
        for entity, table in _TABLES.items()
    }


def _fingerprint(rows: Mapping[str, list[Row]], *, with_ids: bool) -> str:
    digests: list[bytes] = []
    for entity, some in rows.items():
        table = _TABLES[entity]
        digests += image_digests(entity, as_columns(table, reconciled(table), some), with_ids=with_ids)
    return digest_of_raw(digests)


def reconciled(table: Table) -> tuple[str, ...]:
    """The columns of that table that a plan reads, changes and proves."""
    return RECONCILED_ORDER if table is orders else RECONCILED_EXECUTION


def rows_fingerprint(order_images: dict[int, Image], execution_images: dict[int, Image]) -> str:
    """SHA-256 over named rows with their ids: equal exactly where those rows are."""
    named: list[tuple[str, dict[int, Image]]] = [("order", order_images), ("execution", execution_images)]
    return digest_of_set(digest([entity, row, dict(image)]) for entity, rows in named for row, image in rows.items())


def content_fingerprint(rows: Iterable[tuple[str, Image]]) -> str:
    """SHA-256 over (entity, image) without ids: what a plan predicts before its inserts have ids."""
    return digest_of_set(digest([entity, dict(image)]) for entity, image in rows)


def _image(row: dict[str, object], columns: tuple[str, ...]) -> Image:
    return {name: json_value(row[name]) for name in columns}
