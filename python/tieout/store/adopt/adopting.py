"""The whole adoption, step by step: a private copy, its old tables set aside, the new ones built beside."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tieout.errors import AdoptError, BookError
from tieout.failpoints import reach
from tieout.files import sync_folder
from tieout.model import is_live
from tieout.store import engine, migrate
from tieout.store.adopt import layout, legacy, write
from tieout.store.adopt.fills import attach
from tieout.store.adopt.read import OldEvent, OldFill, read_events, read_fills, read_orders, tolerant_text
from tieout.store.adopt.rebuild import OrderRow, rebuild
from tieout.store.adopt.report import AdoptReport, Doubts
from tieout.store.adopt.split import Piece, split
from tieout.store.adopt.times import TimeReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from tieout.store.adopt.legacy import Legacy

SIDE_FILES: Final = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class _Rebuilt:
    """The old book, rebuilt in memory: `rows[n]` is the order of `pieces[n]`."""

    pieces: list[Piece]
    rows: list[OrderRow]
    events: list[OldEvent]
    fills: list[OldFill]
    legacy: Legacy


def adopt_book(
    source: Path,
    *,
    target: Path,
    account: str,
    client_id: int,
    timezone: str | None,
    now_ns: int,
    approver: str,
) -> AdoptReport:
    """
    Build at `target` the book that the old one at `source` becomes. `source` is only read, also beside a bot
    that writes; `target` appears whole or not at all, mode 0600.

    A source that is current already is left alone: nothing is written, and the report of its own adoption
    comes back with `already_current` set.

    Args:
        account, client_id: given to every row: the old layout knows one bot and one account.
        timezone: IANA name of the zone of naive times; None keeps them as text.
        now_ns: UTC nanoseconds, the new book's `created_at`.
        approver: who adopts it, for the audit.

    Raises:
        BookMissing, BookLocked, BookUnusable: the source cannot be read, or is no order book.
        AdoptError: the target exists, a column is missing, the zone is unknown, or writing failed.
    """
    doubts = Doubts()
    times = TimeReader(timezone, doubts)
    draft = target.with_name(f".{target.name}.adopting")
    with layout.opened(source) as raw:
        if layout.layout_of(raw) == "current":
            return _report_of(raw)
        _require_free(target)
        with _draft(draft, target):
            legacy.copy_book(raw, draft, name=source)
            adopted_from = _sha256(draft)
            rebuilt = _rebuild(draft, source, times=times, doubts=doubts)
            common: dict[str, object] = {"account": account, "client_id": client_id}
            with engine.connect(draft) as connection, engine.write(connection):
                migrate.create_tables(connection)
                migrate.write_identity(connection, now_ns=now_ns)
                _write_rows(connection, rebuilt, shared=common, doubts=doubts)
                report = _report(rebuilt, doubts, {**common, "timezone": timezone, "adopted_from": adopted_from})
                write.write_meta(connection, report, rebuilt.legacy)
                write.write_audit(connection, report, now_ns=now_ns, approver=approver)
            _prove(draft, report)
            _publish(draft, target)
    return report


def _rebuild(draft: Path, source: Path, *, times: TimeReader, doubts: Doubts) -> _Rebuilt:
    with engine.translated(source), closing(sqlite3.connect(draft, isolation_level=None)) as raw:
        # A power cut may spoil the draft, never the source: it is made durable as a whole at the end.
        raw.execute("PRAGMA synchronous=OFF")
        raw.text_factory = tolerant_text(doubts)
        layout.require_old(raw, source)
        old = legacy.set_aside(raw, doubts)
        orders = read_orders(raw, old.kept_as["orders"], times)
        events = read_events(raw, old.kept_as["order_events"], times)
        fills = read_fills(raw, old.kept_as["executions"], times)
    pieces = split(events, orders, doubts)
    attach(fills, pieces, doubts)
    rows = [rebuild(piece, times, doubts) for piece in pieces]
    return _Rebuilt(pieces, rows, events, fills, old)


def _write_rows(connection: Connection, rebuilt: _Rebuilt, *, shared: dict[str, object], doubts: Doubts) -> None:
    write.write_orders(connection, rebuilt.rows, shared)
    write.write_events(connection, rebuilt.events, write.rows_of_events(rebuilt.pieces))
    owners = {fill.id: row for row, piece in enumerate(rebuilt.pieces, start=1) for fill in piece.fills}
    owned = (
        (fill, row, None if row is None else rebuilt.rows[row - 1])
        for fill in rebuilt.fills
        for row in [owners.get(fill.id)]
    )
    write.write_fills(connection, owned, shared=shared, doubts=doubts)
    write.keep_sequences(connection, rebuilt.legacy)


def _report(rebuilt: _Rebuilt, doubts: Doubts, more: dict[str, Any]) -> AdoptReport:
    origins = [row.origin for row in rebuilt.rows]
    return AdoptReport(
        orders=len(rebuilt.rows),
        order_events=len(rebuilt.events),
        executions=len(rebuilt.fills),
        placed=origins.count("placed"),
        from_events_only=origins.count("from_events_only"),
        before_first_placed=origins.count("before_first_placed"),
        row_only=origins.count("row_only"),
        live=sum(is_live(row.status) for row in rebuilt.rows),
        doubts=doubts.listed(),
        **more,
    )


def _report_of(raw: sqlite3.Connection) -> AdoptReport:
    """The report of the adoption that made this book; of a book that never was old, what it holds now."""
    stored = raw.execute("SELECT value FROM book_meta WHERE key = 'adopt_report'").fetchone()
    if stored is not None:
        return AdoptReport.from_json(json.loads(stored[0]), already_current=True)
    orders, events, executions = _counts(raw)
    return AdoptReport(
        orders=orders,
        order_events=events,
        executions=executions,
        placed=0,
        from_events_only=0,
        before_first_placed=0,
        row_only=0,
        live=sum(is_live(status) for (status,) in raw.execute("SELECT status FROM orders")),
        already_current=True,
    )


def _counts(raw: sqlite3.Connection) -> tuple[int, int, int]:
    orders, events, executions = (
        int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        for table in ("orders", "order_events", "executions")
    )
    return orders, events, executions


def _require_free(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise AdoptError(f"{target} exists already", hint="give --out a path where nothing is; nothing was changed")
    if not target.parent.is_dir():
        raise AdoptError(f"there is no folder {target.parent}", hint="make it first, or give another path")


@contextmanager
def _draft(draft: Path, target: Path) -> Iterator[None]:
    """The private file, gone at the end whatever happened; failures to write become AdoptError."""
    _remove(draft)
    try:
        with engine.translated(target):
            yield
    except OSError as error:
        raise AdoptError(
            f"the adopted book cannot be written to {target}: {error.strerror or error}",
            hint="free disk space or give another path; nothing was changed",
        ) from error
    except BookError as error:
        if type(error) is not BookError:
            raise
        raise AdoptError(
            f"the adopted book cannot be written to {target}: {error.message}",
            hint="free disk space or give another path; nothing was changed",
        ) from error
    finally:
        _remove(draft)


def _remove(draft: Path) -> None:
    for path in (draft, *(draft.with_name(draft.name + suffix) for suffix in SIDE_FILES)):
        path.unlink(missing_ok=True)


def _prove(draft: Path, report: AdoptReport) -> None:
    """
    Read the finished draft back.

    Raises:
        AdoptError: it is not whole.
    """
    with engine.translated(draft), closing(sqlite3.connect(draft)) as raw:
        counts = _counts(raw)
        sound = raw.execute("PRAGMA integrity_check(1)").fetchone()[0]
        broken = raw.execute("PRAGMA foreign_key_check").fetchone()
    if counts != (report.orders, report.order_events, report.executions) or sound != "ok" or broken:
        raise AdoptError(
            f"the adopted book is not what was written: rows {counts}, {sound}, foreign keys {broken}",
            hint="check the disk, then run it again; nothing was changed",
        )


def _publish(draft: Path, target: Path) -> None:
    """Make the draft durable, then give it its name."""
    # No SQLite handle is open on the draft here: closing this one drops nobody's locks.
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    reach("adopted book: synced")
    draft.rename(target)
    reach("adopted book: renamed")
    sync_folder(target.parent)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
