"""`tieout restore`: what putting a backup back would change, and with --apply, putting it back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tieout.cli.surroundings import LockTimeout, desk_of

if TYPE_CHECKING:
    from tieout.backup import Difference, RestorePreview
    from tieout.cli.console import Console
    from tieout.staging.desk import Desk

_ORDERS_SHOWN: Final = 20


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("restore", epilog=epilog)(restore)


def restore(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="ID_OR_FILE", help="A backup's id, or one of its files.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this nothing is changed.")] = False,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="Allow another book's, or a file without a manifest.")
    ] = False,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Put a backup back. Without --apply: say what would change, and which orders the book would forget.

    The book it replaces is kept; plans staged before are stale; safe mode is latched until you lift it.
    """
    from tieout import locks
    from tieout.backup import plan_restore
    from tieout.staging import restoring

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk, ExitStack() as held:
        now_ns, space = desk.now(), desk.workspace
        if apply:
            # The bot goes on writing into whatever book it finds: it has to be stopped first.
            held.enter_context(locks.hold(space.bot_lock, what="restore", now_ns=now_ns, wait_s=lock_timeout))
        held.enter_context(locks.hold(space.reconcile_lock, what="restore", now_ns=now_ns, wait_s=lock_timeout))
        preview = plan_restore(
            space.book,
            source,
            backups_dir=space.backups_dir,
            foreign=foreign,
            known_lineage=desk.state.known_lineage(),
        )
        _say(console, preview)
        told = {"backup": preview.backup.id, "applied": apply, "live": preview.live.state, **_json(preview.difference)}
        if not apply:
            console.say("nothing was changed; to do it: add --apply")
            console.result(told)
            return 0
        done = restoring.restore(desk, source, foreign=foreign)
        kept = done.saved.id if done.saved else str(done.saved_raw)
        console.say(f"the book holds {done.backup.id} again, proven by its fingerprint", style="ok")
        console.say(f"what it held before is kept as {kept}")
        _say_next(console, desk)
        console.result({**told, "kept": kept, "restore_epoch": done.restore_epoch, "latched": done.latch_reason})
    return 0


def _say(console: Console, preview: RestorePreview) -> None:
    from tieout.clock import to_iso

    console.say(f"{preview.backup.id} of {to_iso(preview.backup.created_at_ns)}", style="head")
    if preview.live.state != "sound":
        console.say(f"  the book is {preview.live.state}: {preview.live.why or 'there is no file'}", style="!")
        return
    if preview.unchanged:
        console.say("  the book holds exactly that already", style="ok")
    for one in preview.difference.tables:
        changed = "other columns" if one.changed is None else f"{one.changed} changed"
        console.say(f"  {one.table}: {one.forgotten} forgotten, {one.coming_back} coming back, {changed}")
    forgotten = preview.difference.forgotten_orders
    if forgotten:
        console.say(f"orders that the book would forget ({len(forgotten)}); they live on at the broker:", style="!")
    for order in forgotten[:_ORDERS_SHOWN]:
        told = ", ".join(f"{key} {value}" for key, value in order.items() if value is not None)
        console.say(f"  - {told}", style="-")
    if len(forgotten) > _ORDERS_SHOWN:
        console.say(f"  ... and {len(forgotten) - _ORDERS_SHOWN} more")


def _say_next(console: Console, desk: Desk) -> None:
    latch = desk.latched()
    if latch is not None:
        console.say(f"SAFE MODE IS LATCHED: {latch.reason}", style="!")
    console.say("next: tieout stage, review it, then tieout safe-mode off --reason TEXT")


def _json(difference: Difference) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "tables": [asdict(one) for one in difference.tables],
        "forgotten_orders": list(difference.forgotten_orders),
    }
