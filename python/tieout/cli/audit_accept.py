"""`tieout audit accept`: go on from a broken audit, with the break on record for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tieout.cli.surroundings import LockTimeout, desk_of

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.staging.accepting import Break, Done
    from tieout.staging.desk import Desk

_HEAD_DIGITS_MIN: Final = 12


def accept(
    ctx: typer.Context,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who answers for it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What was found out; kept for ever.")],
    head: Annotated[
        str | None, typer.Option("--head", metavar="HASH", help="The head that was shown: accepts without asking.")
    ] = None,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Accept an audit that is broken, as it is. Restoring a backup from before the break is better, where you can.

    Shows what is broken, then asks for the account id; without a terminal only --head accepts. The break stays in
    every report. Safe mode stays latched until you lift it.

    Exit: 0 accepted, or nothing to accept; 12 shown only, nothing was changed.
    """
    from tieout import locks
    from tieout.cli.confirm import on_a_terminal
    from tieout.errors import EXIT_OK, EXIT_TAMPERED
    from tieout.staging import accepting

    console: Console = ctx.obj
    name, why = _said(by, "--by", "your name"), _said(reason, "--reason", "what was found out")
    with desk_of(console, sim=None) as desk:
        lock = desk.workspace.reconcile_lock
        with locks.hold(lock, what="audit accept", now_ns=desk.now(), wait_s=lock_timeout):
            found = accepting.find_break(desk)
            if found is None:
                console.say("the audit is not broken: there is nothing to accept", style="ok")
                console.result(_told(None, None))
                return EXIT_OK
            _show(console, found)
            if head is None and not on_a_terminal(console):
                console.say("nothing was changed; to accept it: add --head with that hash")
                console.result(_told(found, None))
                return EXIT_TAMPERED
            _require_meant(desk, found, head)
            done = accepting.accept(desk, found, by=name, reason=why)
        console.say(f"accepted by {name}; what stood there is kept as {done.backup_id}", style="ok")
        console.say(f"head {done.head.hash}")
        _say_next(console, desk)
        console.result(_told(found, done))
    return EXIT_OK


def _require_meant(desk: Desk, found: Break, head: str | None) -> None:
    """The head as an argument, or the account id typed."""
    from tieout.errors import UsageError

    if head is not None:
        digits = head.strip().lower()
        if len(digits) < _HEAD_DIGITS_MIN or not found.head.hash.startswith(digits):
            raise UsageError(
                f"--head is {head!r}, the audit's head is {found.head.hash}; nothing was changed",
                hint=f"look at what is broken first, then give at least {_HEAD_DIGITS_MIN} digits of the head",
            )
        return
    account = desk.settings.broker.account
    what = "account id" if account else f"first {_HEAD_DIGITS_MIN} digits of the head"
    typed = typer.prompt(f"Type the {what} to accept this audit as it is").strip()
    if typed != (account or found.head.hash[:_HEAD_DIGITS_MIN]):
        raise UsageError(f"{typed!r} is not the {what}; nothing was changed", hint="look again: tieout audit verify")


def _show(console: Console, found: Break) -> None:
    console.say(f"the audit is not what was written: {found.problem}", style="!")
    console.say(f"head {found.head.hash} ({found.head.rows} rows)")
    console.say("better than accepting: restore a backup from before (`tieout backup list`)")


def _say_next(console: Console, desk: Desk) -> None:
    latch = desk.latched()
    if latch is not None:
        console.say(f"SAFE MODE IS LATCHED: {latch.reason}", style="!")
    console.say("next: tieout safe-mode off --reason TEXT, then tieout stage")


def _told(found: Break | None, done: Done | None) -> dict[str, object]:
    return {
        "accepted": done is not None,
        "problem": None if found is None else found.problem,
        "head_before": None if found is None else found.head.hash,
        "head": None if done is None else done.head.hash,
        "backup": None if done is None else done.backup_id,
    }


def _said(text: str, option: str, expected: str) -> str:
    from tieout.errors import UsageError

    if not text.strip():
        raise UsageError(f"{option} is empty; expected {expected}", hint=f'{option} "..."')
    return text.strip()
