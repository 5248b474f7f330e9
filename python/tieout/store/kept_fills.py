"""
`data/fills.db`: executions that were told and that the book does not hold yet. Never restored, never rolled back.

The gateway tells executions since midnight only. One that waits (its order is not known yet, nobody confirmed the plan
that inserts it, it came while IB was not reached) would be lost with the day; here it is kept until the book has it.

1. An execution is kept once for each (realm, account, exec_id); a correction is another one.
2. What is known of it later (its commission) is taken over; what was known is never taken back.
3. It is forgotten only where the caller saw it in the book.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

import polars as pl
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, and_, bindparam, select

from tieout.schema import EXECUTION
from tieout.store.batches import batched
from tieout.store.own_file import OwnFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection

FILE: Final = "fills.db"
VERSION: Final = 1
Realm = Literal["broker", "sim"]

_FILLS: Final = MetaData()
fills: Final = Table(
    "fills",
    _FILLS,
    Column("realm", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("exec_id", Text, primary_key=True),
    Column("executed_ns", BigInteger),
    Column("seen_ns", BigInteger, nullable=False),
    Column("row", Text, nullable=False),
)
"""`row` is the execution as JSON, columns of `tieout.schema.EXECUTION`."""


class KeptFills(OwnFile):
    """One open store of kept executions. Close it, or use it as a context manager."""

    def __init__(self, path: Path, *, realm: Realm) -> None:
        super().__init__(path, _FILLS, version=VERSION)
        self._realm = realm

    def keep(self, executions: Iterable[Mapping[str, object]], *, now_ns: int) -> int:
        """Keep these, rows with the columns of `EXECUTION`; answers how many are new. One without an id is no row."""
        rows = {(str(row["account"]), str(row["exec_id"])): row for row in executions if row["exec_id"] is not None}
        if not rows:
            return 0
        with self._write() as connection:
            known = self._known(connection, rows)
            new = [self._values(row, now_ns) for key, row in rows.items() if key not in known]
            better = [
                {"its_account": key[0], "its_exec_id": key[1], "its_row": json.dumps(merged)}
                for key, before in known.items()
                if (merged := _merged(before, rows[key])) != before
            ]
            if new:
                connection.execute(fills.insert(), new)
            if better:
                mine = and_(
                    fills.c.realm == self._realm, fills.c.account == bindparam("its_account"),
                    fills.c.exec_id == bindparam("its_exec_id"),
                )  # fmt: skip
                connection.execute(fills.update().where(mine).values(row=bindparam("its_row")), better)
            return len(new)

    def paid(self, account: str, exec_id: str, report: Mapping[str, object]) -> bool:
        """A commission report, columns of `COMMISSION_COLUMNS`; answers whether its execution is kept here."""
        with self._write() as connection:
            known = self._known(connection, [(account, exec_id)])
            if not known:
                return False
            merged = _merged(known[account, exec_id], report)
            mine = self._mine(account, [exec_id])
            connection.execute(fills.update().where(mine).values(row=json.dumps(merged)))
            return True

    def of(self, account: str) -> pl.DataFrame:
        """Everything kept of that account, schema `EXECUTION`, by time and id."""
        mine = and_(fills.c.realm == self._realm, fills.c.account == account)
        with self._read() as connection:
            query = select(fills.c.row).where(mine).order_by(fills.c.executed_ns, fills.c.exec_id)
            rows = [json.loads(text) for text in connection.execute(query).scalars()]
        return pl.DataFrame([{name: row.get(name) for name in EXECUTION} for row in rows], schema=EXECUTION)

    def forget(self, account: str, exec_ids: Iterable[str]) -> None:
        """The book has these."""
        with self._write() as connection:
            for some in batched(exec_ids):
                connection.execute(fills.delete().where(self._mine(account, some)))

    def _known(
        self, connection: Connection, keys: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], dict[str, object]]:
        found: dict[tuple[str, str], dict[str, object]] = {}
        of_account: dict[str, list[str]] = {}
        for account, exec_id in keys:
            of_account.setdefault(account, []).append(exec_id)
        for account, exec_ids in of_account.items():
            for some in batched(exec_ids):
                query = select(fills.c.exec_id, fills.c.row).where(self._mine(account, some))
                found |= {(account, row.exec_id): json.loads(row.row) for row in connection.execute(query)}
        return found

    def _mine(self, account: str, exec_ids: Iterable[str]) -> ColumnElement[bool]:
        return and_(fills.c.realm == self._realm, fills.c.account == account, fills.c.exec_id.in_(list(exec_ids)))

    def _values(self, row: Mapping[str, object], now_ns: int) -> dict[str, object]:
        kept = {name: row.get(name) for name in EXECUTION}
        return {
            "realm": self._realm, "account": row["account"], "exec_id": row["exec_id"],
            "executed_ns": row.get("executed_ns"), "seen_ns": now_ns, "row": json.dumps(kept),
        }  # fmt: skip


def _merged(before: dict[str, object], now: Mapping[str, object]) -> dict[str, object]:
    """What is known of both, the later word where there is one."""
    return before | {name: value for name, value in now.items() if name in EXECUTION and value is not None}
