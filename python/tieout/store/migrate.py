"""Creating a book and bringing one up to date, with Alembic."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import inspect, select

from tieout.clock import to_iso
from tieout.errors import BookUnusable
from tieout.store import engine
from tieout.store.tables import book_meta

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

HEAD: Final = "0001"
"""The newest revision in migrations/versions; a test holds the two equal."""
KNOWN: Final = frozenset({HEAD})
"""Every revision this tieout can bring up to HEAD."""

Layout = Literal["current", "outdated", "newer", "old", "empty", "other"]


def create_tables(connection: Connection) -> None:
    """Bring the book behind the connection to HEAD, inside the transaction that is open on it."""
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", "tieout:store/migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def create_book(path: Path, *, now_ns: int) -> None:
    """A new, empty book with an identity of its own. The file must not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with engine.connect(path, create=True) as connection, engine.write(connection):
        create_tables(connection)
        write_identity(connection, now_ns=now_ns)


def write_identity(connection: Connection, *, now_ns: int) -> None:
    """Give the book its lineage (a UUID for life) and restore epoch 0."""
    connection.execute(
        book_meta.insert(),
        [
            {"key": "lineage", "value": str(uuid.uuid4())},
            {"key": "restore_epoch", "value": "0"},
            {"key": "created_at", "value": to_iso(now_ns)},
        ],
    )


def layout(connection: Connection) -> tuple[Layout, str | None]:
    """What kind of book this is, and its revision if it has one."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if revision == HEAD:
            return "current", HEAD
        return ("outdated" if revision in KNOWN else "newer"), str(revision)
    if {"orders", "order_events", "executions"} <= tables:
        return "old", None
    return ("empty" if not tables else "other"), None


def require_current(connection: Connection, path: Path) -> None:
    """
    Pass where the book is at HEAD.

    Raises:
        BookUnusable: it is of the old layout, of a newer version, or no book at all.
    """
    kind, revision = layout(connection)
    if kind == "current":
        return
    if kind == "old":
        raise BookUnusable(
            f"{path} is an order book in the old layout",
            hint=f"upgrade it (a verified backup comes first): tieout adopt {path}",
        )
    if kind == "newer":
        raise BookUnusable(
            f"{path} is of version {revision}, this tieout knows up to {HEAD}",
            hint="install a newer tieout; nothing was changed",
        )
    if kind == "outdated":
        raise BookUnusable(f"{path} is of version {revision}, this tieout needs {HEAD}", hint="run `tieout adopt`")
    raise BookUnusable(
        f"{path} is an SQLite database without an order book in it",
        hint="check DATABASE.orders_db_path; an order book has the tables orders, order_events, executions",
    )


def read_meta(connection: Connection, key: str) -> str | None:
    """A value of `book_meta`, or None."""
    value = connection.execute(select(book_meta.c.value).where(book_meta.c.key == key)).scalar()
    return None if value is None else str(value)
