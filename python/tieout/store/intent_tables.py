"""The tables of `data/intents.db`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

VERSION: Final = 1
INTENTS: Final = MetaData()

intents = Table(
    "intents",
    INTENTS,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("realm", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("client_id", Integer, nullable=False),
    Column("intent_id", Text, nullable=False),
    Column("named", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", Integer),
    Column("strategy", Text),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("encoding", LargeBinary, nullable=False),
    Column("contract", Text, nullable=False),
    Column("order", Text, nullable=False),
    Column("order_ref", Text, nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("perm_id", BigInteger),
    Column("state", Text, nullable=False),
    Column("status", Text),
    Column("note", Text),
    Column("reserved_ns", BigInteger, nullable=False),
    Column("sending_ns", BigInteger),
    Column("absent_ns", BigInteger),
    Column("changed_ns", BigInteger, nullable=False),
    UniqueConstraint("realm", "account", "intent_id"),
    sqlite_autoincrement=True,
)
"""
`fingerprint` finds an equal order, `encoding` decides. `target` is the order's own intent on a modification,
its parent's on an order that is attached to another.
`absent_ns` is when a complete snapshot first did not hold it.
"""
Index("ix_intents_fingerprint", intents.c.fingerprint)
Index("ix_intents_state", intents.c.state)
Index("ix_intents_order", intents.c.account, intents.c.client_id, intents.c.order_id)

order_ids = Table(
    "order_ids",
    INTENTS,
    Column("realm", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("client_id", Integer, primary_key=True),
    Column("high", BigInteger, nullable=False),
)
"""The highest order id that was ever given to an order, sent or not."""
