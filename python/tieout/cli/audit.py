"""`tieout audit show / verify / accept / archive`: who changed what in the book, and whether that is untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tieout.cli.audit_accept import accept
from tieout.cli.surroundings import LockTimeout, desk_of, workspace_of

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.staging.chain import Verified
    from tieout.store.audit_read import Reading

_HASH_DIGITS_MIN: Final = 12
Order = Annotated[
    int | None, typer.Option("--order", metavar="ID", help="One order: the book's row, IB's order id or its perm id.")
]
Plan = Annotated[str | None, typer.Option("--plan", metavar="ID", help="One plan: its id, or how it begins.")]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From then on: 2025-12-07, or 2025-12-07T12:00:00Z.")
]
Known = Annotated[
    str | None, typer.Option("--head", metavar="HASH", help="A head from the log that the chain must still hold.")
]


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="The audit: who changed what in the book, in a chain that shows every tampering.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for name, command in (("show", show), ("verify", verify), ("accept", accept), ("archive", archive)):
        group.command(name, epilog=epilog)(command)
    app.add_typer(group, name="audit")


def show(ctx: typer.Context, order: Order = None, plan: Plan = None, since: Since = None) -> int:
    """Show the audit: when, what, who, before and after, plan and backup. Archived rows too."""
    from tieout.cli.audit_view import row_as_json, row_lines
    from tieout.staging.chain import archives_of
    from tieout.store.audit_read import Wanted, read_audit

    console: Console = ctx.obj
    workspace = workspace_of(console)
    wanted = Wanted(order=order, plan=plan, since=None if since is None else since_of(since))
    reading = read_audit(workspace.book, archives_of(workspace), wanted)
    for row in reading.rows:
        for text, style in row_lines(row):
            console.say(text, style=style)
    _say_rest(console, reading)
    console.result({"rows": [row_as_json(row) for row in reading.rows], "unread": reading.unread})
    return 0


def verify(ctx: typer.Context, head: Known = None) -> int:
    """
    Verify the audit: every row, every archive, and every end that was ever kept. A broken chain latches safe mode.

    A break that was accepted is told each time, and is no longer one.

    Exit: 0 it is what was written, but for what was accepted; 12 it is not.
    """
    from dataclasses import asdict

    from tieout.errors import EXIT_OK, EXIT_TAMPERED
    from tieout.staging.chain import verify_audit

    console: Console = ctx.obj
    expected = _hash(head)
    with desk_of(console, sim=None) as desk:
        verified = verify_audit(desk, expected=expected)
    verdict = verified.verdict
    problem = verdict.problem
    if verified.ok:
        problem = None if verdict.met else f"no row of the chain has the hash {expected}: the book is another, or older"
    _say_verdict(console, verified, problem)
    console.result(
        {
            "ok": problem is None,
            "rows": verdict.head.rows,
            "head": verdict.head.hash,
            "problem": problem,
            "archives": verdict.archives,
            "heads": verdict.heads,
            "restored_from": verified.restored_from,
            "accepted": [asdict(one) for one in verdict.accepted],
        }
    )
    return EXIT_OK if problem is None else EXIT_TAMPERED


def archive(ctx: typer.Context, lock_timeout: LockTimeout = 0.0) -> int:
    """Move rows older than AUDIT.retention_days into a compressed file that the chain goes on proving."""
    from dataclasses import asdict

    from tieout import locks
    from tieout.staging.chain import archive_audit, archives_of

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk:
        lock = desk.workspace.reconcile_lock
        with locks.hold(lock, what="audit archive", now_ns=desk.now(), wait_s=lock_timeout):
            done = archive_audit(desk)
        days = desk.settings.audit.retention_days
        if done is None:
            console.say(f"no audit row is older than {days} days: nothing to archive", style="ok")
        else:
            where = archives_of(desk.workspace) / done.file
            console.say(f"archived rows {done.first} to {done.last} into {where}", style="ok")
        console.result({"archived": None if done is None else asdict(done), "retention_days": days})
    return 0


def since_of(text: str) -> str:
    """
    A time as the rows have it.

    Raises:
        UsageError: it is no time, or names no offset.
    """
    from tieout.clock import from_iso, to_iso
    from tieout.errors import UsageError

    day = len(text) == len("2025-12-07")
    try:
        return to_iso(from_iso(f"{text}T00:00:00Z" if day else text))
    except ValueError as error:
        raise UsageError(
            f"--since is {text!r}; expected a day or a time with its offset",
            hint="for example 2025-12-07, or 2025-12-07T12:00:00Z (Z is UTC)",
        ) from error


def _hash(text: str | None) -> str:
    from tieout.errors import UsageError

    if text is None:
        return ""
    digits = text.strip().lower()
    if not _HASH_DIGITS_MIN <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise UsageError(
            f"--head is {text!r}; expected {_HASH_DIGITS_MIN} to 64 hexadecimal digits",
            hint="`audit_head` in logs/reconcile.log and alerts/alerts.jsonl has it",
        )
    return digits


def _say_rest(console: Console, reading: Reading) -> None:
    if not reading.rows:
        console.say("no audit row is like that")
    for why in reading.unread:
        console.say(f"not shown: {why}", style="!")


def _say_verdict(console: Console, verified: Verified, problem: str | None) -> None:
    verdict = verified.verdict
    if problem is not None:
        console.say(f"the audit is not what was written: {problem}", style="!")
        if not verified.ok:
            console.say("safe mode is latched; find out who changed the book, then restore a backup from before")
            console.say("where there is none: tieout audit accept")
        _say_accepted(console, verified)
        return
    said: list[Any] = [f"{verdict.head.rows} rows"]
    said += [f"{verdict.archives} archive(s)"] if verdict.archives else []
    said += [f"{verdict.heads} kept heads"]
    _say_accepted(console, verified)
    but = "from there on " if verdict.accepted else ""
    console.say(f"the audit is {but}what was written: {', '.join(said)}", style="ok")
    console.say(f"head {verdict.head.hash}")
    if verified.restored_from is not None:
        console.say(f"the book is backup {verified.restored_from}, put back by hand: rows after it are gone")


def _say_accepted(console: Console, verified: Verified) -> None:
    for one in verified.verdict.accepted:
        console.say(f"accepted in row {one.position}: {one.problem}", style="!")
        console.say(f"    by {one.by} at {one.at}: {one.reason}")
