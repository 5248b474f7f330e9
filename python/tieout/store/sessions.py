"""The journal of broker sessions in `data/state.db`: who answered, when, and how completely."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, MetaData, Table, Text, select

from tieout.clock import to_iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tieout.model import Gateway, Snapshot


def make_table(metadata: MetaData) -> Table:
    """The table; `parts` is JSON: what was said of each part, and the `next_order_id` that the gateway told."""
    return Table(
        "broker_sessions",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("at", Text, nullable=False),
        Column("host", Text, nullable=False),
        Column("port", Integer, nullable=False),
        Column("client_id", Integer, nullable=False),
        Column("account", Text, nullable=False),
        Column("server_version", Integer, nullable=False),
        Column("server_time", Text, nullable=False),
        Column("parts", Text, nullable=False),
    )


def add(connection: Connection, table: Table, snapshot: Snapshot) -> None:
    """Journal a connection to the broker with what it answered."""
    gateway = snapshot.gateway
    told: dict[str, object] = {name: part.why or "complete" for name, part in snapshot.parts.items()}
    connection.execute(
        table.insert().values(
            at=to_iso(snapshot.taken_at_ns),
            host=gateway.host,
            port=gateway.port,
            client_id=gateway.client_id,
            account=gateway.account,
            server_version=gateway.server_version,
            server_time=to_iso(snapshot.server_time_ns),
            parts=json.dumps(told | {"next_order_id": gateway.next_order_id, "read_twice": snapshot.read_twice}),
        )
    )


def last_next_order_id(connection: Connection, table: Table, gateway: Gateway) -> int | None:
    """The nextValidId that the same gateway told the same client the last time; None where that is not known."""
    same = {"host": gateway.host, "port": gateway.port, "client_id": gateway.client_id, "account": gateway.account}
    newest = select(table.c.parts).filter_by(**same).order_by(table.c.id.desc()).limit(1)
    parts = connection.execute(newest).scalar()
    told = None if parts is None else json.loads(parts).get("next_order_id")
    return told if isinstance(told, int) else None
