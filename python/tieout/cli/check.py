"""`tieout check`: one line each for everything that a run needs, ok or not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import typer

from tieout.cli.surroundings import workspace_of
from tieout.errors import EXIT_ERROR, EXIT_OK, TieoutError

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.config import Workspace

_SPARE_BYTES: Final = 64 << 20
_READ_ONLY: Final = 'read-only: it lists no orders and takes none ("{}"). Turn "Read-Only API" off in its API settings'
Finding = tuple[str, bool, str]
"""What was looked at, whether it is ok, and what was found."""


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("check", epilog=epilog)(check)


def check(ctx: typer.Context) -> int:
    """Check settings, flags, paths, disk space, book and gateway: one line each. Changes nothing."""
    console: Console = ctx.obj
    findings: list[Finding] = []
    workspace = workspace_of(console)
    for look in (_settings, _flags, _strategy, _paths, _disk, _sqlite, _book, _gateway):
        for name, ok, told in _guarded(look, workspace):
            findings.append((name, ok, told))
            console.say(f"{'ok ' if ok else 'NOT'} {name}: {told}", style="ok" if ok else "!")
    good = all(ok for _, ok, _ in findings)
    console.result({"ok": good, "checks": [{"name": n, "ok": ok, "found": told} for n, ok, told in findings]})
    return EXIT_OK if good else EXIT_ERROR


def _guarded(look: Callable[[Workspace], Iterator[Finding]], workspace: Workspace) -> Iterator[Finding]:
    try:
        yield from look(workspace)
    except TieoutError as error:
        yield (
            look.__name__.strip("_"),
            False,
            f"{error.message.removesuffix('.')}. {error.hint}" if error.hint else error.message,
        )


def _settings(workspace: Workspace) -> Iterator[Finding]:
    yield "settings", True, str(workspace.config_path)


def _strategy(workspace: Workspace) -> Iterator[Finding]:
    from tieout.bot.loading import load_strategy

    name = workspace.settings.strategy
    if name is not None:
        load_strategy(name, workspace.root)
        yield "strategy", True, name


def _flags(workspace: Workspace) -> Iterator[Finding]:
    from tieout.flags import allowed
    from tieout.staging.latch import read_latch

    latch = read_latch(workspace.latch_file)
    can = allowed(workspace.settings.flags, latch is not None)
    why = can.reasons
    yield "stage a plan", True, "allowed"
    yield "execute a plan", True, "allowed" if can.may_confirm else f"not now: {why['confirm']}"
    yield "send orders", True, "allowed" if can.send == "yes" else f"{can.send}: {why['send']}"
    yield (
        "orphans",
        True,
        "their rows are deleted" if can.delete_mode == "hard" else "they are marked orphaned_deleted",
    )
    if latch is not None:
        yield "latch", False, f"safe mode is latched since {latch.since}: {latch.reason}"


def _paths(workspace: Workspace) -> Iterator[Finding]:
    for folder in workspace.folders():
        there = folder.is_dir()
        ok = os.access(folder, os.W_OK) if there else os.access(_existing(folder), os.W_OK)
        yield (
            "folder",
            ok,
            f"{folder}{'' if there else ' (will be made)'}{'' if ok else ' cannot be written'}",
        )


def _disk(workspace: Workspace) -> Iterator[Finding]:
    book = workspace.book
    needed = 2 * (book.stat().st_size if book.is_file() else 0) + _SPARE_BYTES
    free = shutil.disk_usage(_existing(workspace.backups_dir)).free
    yield "disk", free >= needed, f"{free >> 20} MiB free, {needed >> 20} MiB needed for a backup"


def _sqlite(workspace: Workspace) -> Iterator[Finding]:
    version = sqlite3.sqlite_version_info
    fixed = (
        version >= (3, 51, 3)
        or (version[:2] == (3, 50) and version >= (3, 50, 7))
        or (version[:2] == (3, 44) and version >= (3, 44, 6))
    )
    note = "" if fixed else "; its WAL mode can corrupt (fixed in 3.51.3): keep the book's rollback journal"
    wal = _journal_mode(workspace) == "wal"
    yield (
        "SQLite",
        fixed or not wal,
        f"{sqlite3.sqlite_version}{note}{'; THE BOOK IS IN WAL MODE' if wal and not fixed else ''}",
    )


def _journal_mode(workspace: Workspace) -> str:
    from tieout.store import engine

    if not workspace.book.is_file():
        return "none"
    with engine.connect(workspace.book) as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())


def _book(workspace: Workspace) -> Iterator[Finding]:
    from tieout.store import engine, migrate, reader

    if not workspace.book.exists() and not workspace.state_db.exists():
        yield "book", True, f"{workspace.book} is not there yet; the first run makes it"
        return
    with engine.connect(workspace.book) as connection, engine.read(connection):
        migrate.require_current(connection, workspace.book)
        counts = reader.counts(connection)
    yield "book", True, f"{workspace.book}: " + ", ".join(f"{count} {name}" for name, count in counts.items())


def _gateway(workspace: Workspace) -> Iterator[Finding]:
    from tieout.broker import BrokerSettings, open_broker
    from tieout.clock import NS_PER_S, now_ns
    from tieout.staging.timekeeping import TELL_BEYOND_NS, measure

    wanted = workspace.settings.broker
    settings = BrokerSettings(
        client=wanted.client,
        host=wanted.host,
        port=wanted.port,
        client_id=wanted.cli_client_id,
        account=wanted.account,
        timeout_s=wanted.timeout_seconds,
        allow_live=workspace.settings.allow_live,
    )
    with open_broker(settings) as broker:
        gateway = broker.connect()
        off_ns = measure(now_ns, broker.current_time).proven_ns
        refusal = broker.read_only()
    mode = "paper" if gateway.paper else "live"
    where = f"{gateway.host}:{gateway.port}"
    yield "gateway", True, f"{where}, server version {gateway.server_version}, {mode} account {gateway.account}"
    yield "gateway's API", refusal is None, _READ_ONLY.format(refusal) if refusal else "orders may be placed and listed"
    off_s = off_ns / NS_PER_S
    far = f"{abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} the gateway's: set it right"
    yield "clock", abs(off_ns) <= TELL_BEYOND_NS, far if abs(off_ns) > TELL_BEYOND_NS else "the gateway's says the same"


def _existing(folder: os.PathLike[str]) -> str:
    """The folder, or the nearest one above it that is there."""
    path = os.path.abspath(folder)  # noqa: PTH100 - a relative folder has no parent chain to climb
    while not os.path.exists(path):  # noqa: PTH110 - as above
        path = os.path.dirname(path)  # noqa: PTH120 - as above
    return path
