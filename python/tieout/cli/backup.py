"""`tieout backup`: make a verified backup, list them, verify one again, practise putting it back, remove old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.surroundings import LockTimeout, desk_of, workspace_of

if TYPE_CHECKING:
    from tieout.cli.console import Console


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the commands."""
    group = typer.Typer(help="Verified backups of the book.", rich_markup_mode=None)
    group.callback(invoke_without_command=True)(make)
    group.command("list", epilog=epilog)(show_all)
    group.command("verify", epilog=epilog)(verify)
    group.command("drill", epilog=epilog)(drill)
    group.command("prune", epilog=epilog)(prune)
    app.add_typer(group, name="backup")


def make(ctx: typer.Context, lock_timeout: LockTimeout = 0.0) -> int | None:
    """Make a verified backup: a .db, a .sql and a manifest. An unchanged book reuses its last one."""
    if ctx.invoked_subcommand is not None:
        return None
    from tieout import locks
    from tieout.staging.safekeeping import verified_backup

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk:
        with locks.hold(desk.workspace.reconcile_lock, what="backup", now_ns=desk.now(), wait_s=lock_timeout):
            made = verified_backup(desk)
        desk.log.info("backup_made", backup=made.id, reused=made.reused)
        word = "unchanged since; verified again" if made.reused else "made and verified"
        console.say(f"{made.id}: {word} ({', '.join(f'{n} {t}' for t, n in made.counts.items())})", style="ok")
        console.result({"backup": made.id, "reused": made.reused, "sha256": made.sha256, "counts": made.counts})
    return 0


def show_all(ctx: typer.Context) -> int:
    """List the backups, newest first."""
    from tieout.backup import list_backups
    from tieout.clock import to_iso

    console: Console = ctx.obj
    found = list_backups(workspace_of(console).backups_dir)
    for one in found:
        if one.damage:
            console.say(f"{one.id}  DAMAGED: {one.damage}", style="!")
        else:
            console.say(f"{one.id}  {to_iso(one.created_at_ns)}  {one.counts.get('orders', '?')} orders")
    if not found:
        console.say("there is no backup yet: tieout backup")
    console.result(
        {
            "backups": [
                {
                    "id": one.id,
                    "created_at": None if one.damage else to_iso(one.created_at_ns),
                    "counts": one.counts,
                    "damage": one.damage or None,
                }
                for one in found
            ]
        }
    )
    return 0


def verify(ctx: typer.Context, backup_id: Annotated[str, typer.Argument(help="db_backup_YYYYMMDD_HHMMSS")]) -> int:
    """Verify a backup again: hashes, integrity, counts, content."""
    from tieout.backup import verify_backup
    from tieout.errors import BackupError

    console: Console = ctx.obj
    told = verify_backup(workspace_of(console).backups_dir, backup_id)
    if not told.ok:
        wrong = "; ".join(f"{check.name}: {check.found}" for check in told.checks if check.found)
        raise BackupError(
            f"{told.backup.id} is not what was backed up: {wrong}",
            hint="do not restore it; `tieout backup list` shows the others, `tieout backup` makes a new one",
        )
    console.say(f"{told.backup.id}: verified", style="ok")
    console.result({"backup": told.backup.id, "verified": True, "checks": [check.name for check in told.checks]})
    return 0


def drill(ctx: typer.Context, backup_id: Annotated[str, typer.Argument(help="db_backup_YYYYMMDD_HHMMSS")]) -> int:
    """Put a backup back in every way there is, in a temporary folder, and compare the content. Changes nothing."""
    from tieout.backup import run_drill
    from tieout.errors import BackupError

    console: Console = ctx.obj
    done = run_drill(workspace_of(console).backups_dir, backup_id)
    for one in done.ways:
        console.say(f"{'ok ' if not one.found else 'NOT'} {one.way}{': ' if one.found else ''}{one.found}")
    if not done.ok:
        raise BackupError(
            f"{done.backup.id} did not give its content back in every way",
            hint="do not rely on it; `tieout backup` makes a new one",
        )
    console.say(f"{done.backup.id}: every way gives its content back", style="ok")
    console.result({"backup": done.backup.id, "ok": True, "ways": [one.way for one in done.ways]})
    return 0


def prune(
    ctx: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="Remove them; without this nothing is removed.")] = False,
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """Say which backups BACKUP_KEEP does not keep, and with --apply, remove them. A new backup does so by itself."""
    from tieout import backup as backups
    from tieout import locks
    from tieout.staging.safekeeping import pinned_backups, policy_of

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk:
        folder, policy, pinned = desk.workspace.backups_dir, policy_of(desk), pinned_backups(desk)
        with locks.hold(desk.workspace.reconcile_lock, what="prune", now_ns=desk.now(), wait_s=lock_timeout):
            act = backups.prune if apply else backups.plan_pruning
            done = act(folder, policy, pinned=pinned)
        for backup_id, why in done.kept.items():
            console.detail(f"keep   {backup_id}: {', '.join(why)}")
        for backup_id in done.removed:
            console.say(f"{'removed' if apply else 'would remove'} {backup_id}")
        if not done.removed:
            console.say("every backup is kept")
        kept = {backup_id: list(why) for backup_id, why in done.kept.items()}
        console.result({"applied": apply, "removed": list(done.removed), "kept": kept})
    return 0
