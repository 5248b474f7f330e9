"""`tieout adopt`: an order book in the old layout becomes one that can be tied out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import LockTimeout, desk_of, workspace_of

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.store.adopt import AdoptReport


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("adopt", epilog=epilog)(adopt)


def adopt(
    ctx: typer.Context,
    book: Annotated[Path, typer.Argument(help="The old book (SQLite).")],
    out: Annotated[Path | None, typer.Option(help="Write the adopted book there; the old one is only read.")] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="TZ", help="Zone of times without one, as America/New_York.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Whose orders these are; else BROKER.account.")] = None,
    client_id: Annotated[
        int | None, typer.Option("--client-id", min=1, help="Who sent them; else BROKER.client_id.")
    ] = None,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Upgrade an old order book, in place after a verified backup, or into NEW.

    Rebuilds orders that a reused id overwrote, keeps every old row and value, and says what it doubts.
    """
    console: Console = ctx.obj
    if account is None or client_id is None:
        broker = workspace_of(console).settings.broker
        account = broker.account if account is None else account
        client_id = broker.client_id if client_id is None else client_id
    if out is not None:
        report = _into(book, out, account=account, client_id=client_id, timezone=timezone)
        target, backup = out, None
    else:
        report, backup = _in_place(
            console, book, account=account, client_id=client_id, timezone=timezone, lock_timeout=lock_timeout
        )
        target = book
    say_adopted(console, report, target=target, backup=backup)
    told = report.to_json()
    console.result({**told, "book": str(target), "backup": backup})
    return 0


def _into(book: Path, out: Path, *, account: str | None, client_id: int, timezone: str | None) -> AdoptReport:
    from tieout.clock import now_ns
    from tieout.locks import who_signs
    from tieout.store.adopt import adopt_book

    return adopt_book(
        book,
        target=out,
        account=account or "",
        client_id=client_id,
        timezone=timezone,
        now_ns=now_ns(),
        approver=who_signs(),
    )


def _in_place(
    console: Console,
    book: Path,
    *,
    account: str | None,
    client_id: int,
    timezone: str | None,
    lock_timeout: float,
) -> tuple[AdoptReport, str | None]:
    """The adopted book is built beside, then put into the live file in one transaction."""
    from tieout import locks
    from tieout.backup import make_backup
    from tieout.backup.swap import copy_into
    from tieout.errors import BackupError
    from tieout.store.adopt import is_old_layout

    is_old_layout(book)  # what is no book at all is refused before a lock file is made beside it
    with desk_of(console, sim=None) as desk:
        lock = book.absolute().with_name(f"{book.name}.reconcile.lock")
        with (
            locks.hold(lock, what="adopt", now_ns=desk.now(), wait_s=lock_timeout),
            tempfile.TemporaryDirectory(prefix=".adopt-", dir=desk.workspace.data_dir) as beside,
        ):
            backup = None
            if is_old_layout(book):
                try:
                    backup = make_backup(book, backups_dir=desk.workspace.backups_dir, now_ns=desk.now())
                except BackupError as error:
                    desk.alerts.raise_alert("backup_failed", reason=error.message)
                    raise
            draft = Path(beside) / "adopted.db"
            report = _into(book, draft, account=account, client_id=client_id, timezone=timezone)
            if not report.already_current:
                copy_into(book, draft)
                desk.log.info("book_adopted", book=str(book), by=desk.who, orders=report.orders, live=report.live)
        return report, None if backup is None else backup.id


def say_adopted(console: Console, report: AdoptReport, *, target: Path, backup: str | None) -> None:
    """Say what an adoption found and what it doubts."""
    if report.already_current:
        console.say(f"{target} is current already; nothing was changed", style="ok")
    else:
        console.say(f"adopted {target}", style="ok")
    if backup:
        console.say(f"backup before it: {backup}")
    parts = (
        ("placed", report.placed),
        ("known from events alone", report.from_events_only),
        ("before an id's first PLACED", report.before_first_placed),
        ("from rows alone", report.row_only),
    )
    told = ", ".join(f"{count} {what}" for what, count in parts if count)
    console.say(f"{report.orders} orders ({told}), {report.live} of them live")
    console.say(f"{report.order_events} events, {report.executions} executions")
    for doubt in report.doubts:
        console.say(f"doubt: {doubt.count} x {doubt.message}", style="?")
        for example in doubt.examples:
            console.detail(f"    {example}")
    if not report.account:
        console.say("no account was given and BROKER.account is null: taken as the gateway's only one", style="?")
