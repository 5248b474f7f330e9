"""What a book is told after it was put back: a higher restore epoch, and a `restored` row that continues its audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.store import migrate
from tieout.store.audit import RESTORED, AuditEntry, append_audit
from tieout.store.tables import book_meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tieout.canonical import Json
    from tieout.store.audit import Head


def mark_restored(
    connection: Connection, *, epoch: int, backup_id: str, approver: str, told: dict[str, Json], now_ns: int
) -> Head | None:
    """
    Raise the epoch and append the audit row, inside the caller's transaction.

    Args:
        epoch: higher than any the book ever had, so that every plan staged before is stale.
        told: what else the audit row's `after` says.

    Returns:
        The audit's new head; None for a book of another layout, which has neither epoch nor chain and is left
        alone.
    """
    if migrate.layout(connection)[0] != "current":
        return None
    before = migrate.read_meta(connection, "restore_epoch")
    found = connection.execute(book_meta.update().where(book_meta.c.key == "restore_epoch").values(value=str(epoch)))
    if found.rowcount == 0:
        connection.execute(book_meta.insert().values(key="restore_epoch", value=str(epoch)))
    entry = AuditEntry(
        kind=RESTORED,
        entity="book",
        approver=approver,
        reason=f"put back from {backup_id}",
        before={"restore_epoch": before},
        after={"backup": backup_id, "restore_epoch": str(epoch), **told},
        backup_id=backup_id,
    )
    return append_audit(connection, [entry], now_ns=now_ns)
