"""
The book's tables, SQLAlchemy Core. The operator guide counts rows of `orders`, `order_events`, `executions`;
a bot writes them too, so only what no order can be without is NOT NULL.

Decimals are TEXT, digits as they were written ("6600.25"): SQLite's REAL is a double. Times are TEXT, ISO-8601
with Z (tieout.clock); a naive time of an old book stays in its `_text` column and has no `_at`.
`id` is the internal key; IB's `order_id` is per client, is reused, and is never a key on its own.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, Text

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
BOOK: Final = MetaData(naming_convention=NAMING)

Key = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite makes a rowid alias only of INTEGER."""


def _contract() -> list[Column[object]]:
    """IB's contract, as far as it tells two apart; futures share a symbol across expiries."""
    return [
        Column("con_id", BigInteger),
        Column("symbol", Text, nullable=False),
        Column("sec_type", Text),
        Column("expiry", Text),
        Column("strike", Text),
        Column("right", Text),
        Column("multiplier", Text),
        Column("currency", Text),
        Column("local_symbol", Text),
        Column("trading_class", Text),
        Column("exchange", Text),
    ]


orders = Table(
    "orders",
    BOOK,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("perm_id", BigInteger),
    Column("client_id", Integer),
    Column("order_id", BigInteger),
    Column("order_ref", Text),
    Column("session_id", Text),
    Column("parent_id", BigInteger),
    Column("parent_perm_id", BigInteger),
    Column("oca_group", Text),
    *_contract(),
    Column("side", Text, nullable=False),
    Column("quantity", Text, nullable=False),
    Column("order_type", Text, nullable=False),
    Column("limit_price", Text),
    Column("stop_price", Text),
    Column("tif", Text),
    Column("status", Text, nullable=False),
    Column("filled_quantity", Text, server_default="0"),
    Column("avg_fill_price", Text),
    Column("commission", Text),
    Column("realized_pnl", Text),
    Column("placed_at", Text),
    Column("placed_at_text", Text),
    Column("last_live_at", Text),
    Column("created_at", Text),
    Column("updated_at", Text),
    Column("origin", Text, nullable=False, server_default="bot"),
    Column("extra", Text),
    sqlite_autoincrement=True,
)
Index(None, orders.c.account, orders.c.perm_id)
Index(None, orders.c.account, orders.c.client_id, orders.c.order_id)
Index(None, orders.c.order_ref)

order_events = Table(
    "order_events",
    BOOK,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("order_row", Key, ForeignKey("orders.id", ondelete="SET NULL")),
    Column("order_id", BigInteger),
    Column("at", Text),
    Column("at_text", Text),
    Column("event_type", Text, nullable=False),
    Column("status", Text),
    Column("filled", Text),
    Column("remaining", Text),
    Column("avg_fill_price", Text),
    Column("message", Text),
    Column("extra", Text),
    sqlite_autoincrement=True,
)
Index(None, order_events.c.order_row)

executions = Table(
    "executions",
    BOOK,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("order_row", Key, ForeignKey("orders.id")),
    Column("account", Text, nullable=False),
    Column("exec_id", Text),
    Column("perm_id", BigInteger),
    Column("client_id", Integer),
    Column("order_id", BigInteger),
    Column("order_ref", Text),
    *_contract(),
    Column("side", Text),
    Column("quantity", Text, nullable=False),
    Column("price", Text, nullable=False),
    Column("cumulative_quantity", Text),
    Column("executed_at", Text),
    Column("executed_at_text", Text),
    Column("commission", Text),
    Column("commission_currency", Text),
    Column("realized_pnl", Text),
    Column("active", Boolean, nullable=False, server_default="1"),
    Column("created_at", Text),
    Column("origin", Text, nullable=False, server_default="bot"),
    Column("extra", Text),
    sqlite_autoincrement=True,
)
Index(None, executions.c.order_row)
Index(None, executions.c.account, executions.c.exec_id)

order_audit = Table(
    "order_audit",
    BOOK,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("row", Key),
    Column("plan_id", Text),
    Column("action_id", Text),
    Column("reason", Text),
    Column("before", Text),
    Column("after", Text),
    Column("approver", Text, nullable=False),
    Column("backup_id", Text),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    sqlite_autoincrement=True,
)
"""
One row per change, chained: `hash` = SHA-256 of the row's canonical JSON with `previous_hash` in it.
`row` is the changed row's id and stays when that row is gone.
"""
Index(None, order_audit.c.row)
Index(None, order_audit.c.plan_id)

applied_plans = Table(
    "applied_plans",
    BOOK,
    Column("plan_id", Text, primary_key=True),
    Column("file_sha256", Text, nullable=False),
    Column("applied_at", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("backup_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("subset", Text),
)
"""
The execution journal: written in the same transaction as what it tells of. `subset` is the digest of `actions` where
only some of the plan was confirmed.
"""

book_meta = Table(
    "book_meta",
    BOOK,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""`lineage` (a UUID, this book's identity for life), `restore_epoch`, `created_at`, `adopted_from`, `legacy_schema`."""

DECIMAL_COLUMNS: Final = frozenset(
    {
        "strike",
        "multiplier",
        "quantity",
        "limit_price",
        "stop_price",
        "filled_quantity",
        "avg_fill_price",
        "commission",
        "realized_pnl",
        "price",
        "cumulative_quantity",
        "filled",
        "remaining",
    }
)
"""Columns that hold a decimal as text."""

RECONCILED_ORDER: Final = (
    "account", "perm_id", "client_id", "order_id", "order_ref", "con_id", "symbol", "sec_type", "expiry", "strike",
    "right", "multiplier", "currency", "local_symbol", "trading_class", "side", "quantity", "order_type",
    "limit_price", "stop_price", "tif", "status", "filled_quantity",
)  # fmt: skip
"""The columns of `orders` that a plan reads, changes and proves; averages and times are not among them."""

RECONCILED_EXECUTION: Final = (
    "account", "exec_id", "perm_id", "client_id", "order_id", "order_ref", "con_id", "symbol", "side", "quantity",
    "price", "cumulative_quantity", "executed_at", "commission", "commission_currency", "active",
)  # fmt: skip
"""The columns of `executions` that a plan reads, changes and proves."""
