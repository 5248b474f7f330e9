"""Books with an audit of known rows, for the tests that tamper with it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tieout.clock import from_iso
from tieout.config import open_workspace
from tieout.staging.desk import Desk, open_desk
from tieout.store import engine, migrate
from tieout.store.audit import AuditEntry, Head, append_audit
from tieout.store.audit_verify import Verdict, verify
from workspace_support import make_workspace

NOON_NS = from_iso("2025-12-07T12:00:00Z")
DAY_NS = 86_400 * 10**9


def entry(number: int, **more: Any) -> AuditEntry:
    """An update of order `number`: limit price number -> number + 1."""
    values: dict[str, Any] = {
        "kind": "update",
        "entity": "order",
        "approver": "alice@desk",
        "row": number,
        "plan_id": f"{number:064x}",
        "action_id": f"{number:016x}",
        "reason": "limit_price differs",
        "before": {"id": number, "symbol": "ES", "perm_id": 5000 + number, "limit_price": f"{number}.25"},
        "after": {"id": number, "symbol": "ES", "perm_id": 5000 + number, "limit_price": f"{number + 1}.25"},
        "backup_id": "db_backup_20251207_120000",
    }
    return AuditEntry(**(values | more))


def append(book: Path, *entries: AuditEntry, now_ns: int = NOON_NS) -> Head:
    """Append to the book's audit, as a confirm does."""
    with engine.connect(book) as connection, engine.write(connection):
        return append_audit(connection, entries, now_ns=now_ns)


def audited_book(path: Path, rows: int) -> tuple[Path, Head]:
    """A new book with that many audit rows, and its head."""
    migrate.create_book(path, now_ns=NOON_NS)
    return path, append(path, *(entry(number) for number in range(1, rows + 1)))


def verdict(book: Path, *kept: Head) -> Verdict:
    """What verifying the book's audit comes to, with these heads kept."""
    with engine.connect(book) as connection, engine.read(connection):
        return verify(connection, archives_dir=book.parent / "audit", kept=kept)


def tamper(book: Path, *statements: str) -> None:
    """Change the book behind tieout's back."""
    with closing(sqlite3.connect(book)) as raw, raw:
        for statement in statements:
            raw.execute(statement)


def lineage_of(book: Path) -> str:
    """The book's identity."""
    with engine.connect(book) as connection, engine.read(connection):
        return migrate.read_meta(connection, "lineage") or ""


def workspace_in(root: Path, *changes: tuple[str, str]) -> Path:
    """A workspace with the settings of `tieout init`, some lines of it changed."""
    make_workspace(root)
    path = root / "config" / "local_reconcile.yml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return root


LIVE = (("DRY_RUN: true ", "DRY_RUN: false "), ("SAFE_MODE: true ", "SAFE_MODE: false "))
"""Neither a dry run nor safe mode."""


def desk_at(root: Path, *, now_ns: int = NOON_NS) -> Desk:
    """A desk in that workspace; its clock stands."""
    return open_desk(open_workspace(root, None, {}), now=lambda: now_ns, client_id=11, who="alice@desk")
