"""
`data/seen.db`: executions that were told to a strategy. Never restored, never rolled back.

After a reconnect or a restart the gateway tells the day's executions again (with TWS up to seven days of them). Here a
bot finds what it has told before, whichever process it was.

1. Exact: an execution is known where every column that was told is the same. No filter that may be wrong decides.
2. What `note` was called for is on the disk when it returns.
3. Bounded: what was noted longer ago than `AGE_NS` is forgotten.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, and_, select

from tieout.schema import EXECUTION
from tieout.store.own_file import OwnFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import ColumnElement

FILE: Final = "seen.db"
VERSION: Final = 1
AGE_NS: Final = 30 * 86_400 * 1_000_000_000
"""Four times as long as any gateway tells executions for."""

_SEEN: Final = MetaData()
seen: Final = Table(
    "seen",
    _SEEN,
    Column("realm", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("exec_id", Text, primary_key=True),
    Column("seen_ns", BigInteger, nullable=False, index=True),
    Column("row", Text, nullable=False),
)
"""`row` is the execution as JSON, columns of `tieout.schema.EXECUTION`."""


class SeenExecutions(OwnFile):
    """One open set of executions that were told. Threads may share it, one at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SEEN, version=VERSION, any_thread=True, keep_journal=True)

    def has(self, realm: str, row: Mapping[str, object]) -> bool:
        """Whether exactly this execution was noted, columns of `EXECUTION`; a correction is another one."""
        with self._read() as connection:
            found = connection.execute(select(seen.c.row).where(_mine(realm, row))).scalar()
        return found == _text(row)

    def note(self, realm: str, row: Mapping[str, object], *, now_ns: int) -> None:
        """It was told. What was noted under its id before gives way to it; what is too old is forgotten."""
        with self._write() as connection:
            connection.execute(seen.delete().where(seen.c.seen_ns < now_ns - AGE_NS))
            connection.execute(seen.delete().where(_mine(realm, row)))
            values = {"realm": realm, "account": row["account"], "exec_id": row["exec_id"], "seen_ns": now_ns}
            connection.execute(seen.insert().values({**values, "row": _text(row)}))


def _mine(realm: str, row: Mapping[str, object]) -> ColumnElement[bool]:
    return and_(seen.c.realm == realm, seen.c.account == row["account"], seen.c.exec_id == row["exec_id"])


def _text(row: Mapping[str, object]) -> str:
    return json.dumps({name: row.get(name) for name in EXECUTION})
