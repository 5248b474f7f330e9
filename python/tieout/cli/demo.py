"""`tieout demo`: the whole job on the bundled book and the simulated gateway, told step by step."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tieout.errors import TieoutError, UsageError

if TYPE_CHECKING:
    from tieout.cli.console import Console

ACCOUNT: Final = "DU1234567"
DRIFT_SEED: Final = 7
DRIFT_KINDS: Final = "missed_fill,missed_cancel,manual_order,changed_order,orphan"


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("demo", epilog=epilog)(demo)


def demo(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option("--dir", help="A new or empty folder for it.")] = Path("demo"),
) -> int:
    """Tie a sample book out against a simulated gateway, step by step; asks nothing, ends clean."""
    console: Console = ctx.obj
    root = _fresh(folder).absolute()
    steps = _Demo(console, root)
    done = steps.play()
    console.result({"dir": str(root), "simulated": True, **done})
    return 0


class _Demo:
    """The steps, each a line that explains it and the very calls that the commands make."""

    def __init__(self, console: Console, root: Path) -> None:
        self._console = console
        self._root = root
        self._number = 0

    def play(self) -> dict[str, Any]:
        """All of it."""
        from tieout.cli.adopt import say_adopted
        from tieout.cli.init import make_workspace
        from tieout.clock import now_ns
        from tieout.locks import who_signs
        from tieout.samples import TIMEZONE, write_sample_book
        from tieout.store.adopt import adopt_book

        self._step("a workspace with the safest settings", "tieout init")
        make_workspace(self._root)
        old, book = self._root / "data" / "old_book.db", self._root / "data" / "orders.db"
        write_sample_book(old)
        self._step(
            "an old order book, where reused order ids overwrote orders",
            "tieout adopt data/old_book.db --out data/orders.db",
        )
        report = adopt_book(
            old,
            target=book,
            account=ACCOUNT,
            client_id=11,
            timezone=TIMEZONE,
            now_ns=now_ns(),
            approver=who_signs(),
        )
        say_adopted(self._console, report, target=book, backup=None)

        self._step("dry run: ask the broker, plan, change nothing", "tieout stage   (DRY_RUN: true)")
        self._reconcile()
        self._step(
            "stage it for real, read it, then let exactly that plan happen",
            "tieout stage; tieout show; tieout confirm ID",
        )
        self._flags(dry_run=False, safe_mode=False, confirm=False)
        learnt = self._tie_out([], show=False)

        self._step(
            "the bot was away: fills, cancels and a manual order were missed, one order vanished",
            "tieout stage; tieout show; tieout confirm ID",
        )
        drift = [
            "--drift",
            str(DRIFT_SEED),
            "--drift-kinds",
            DRIFT_KINDS,
            "--truth",
            str(self._root / "data" / "truth.json"),
        ]
        repaired = self._tie_out(drift, show=True)
        self._console.say(
            f"done. Look around in {self._root}: staged_actions.json, logs/, backups/, status/, data/orders.db",
            style="ok",
        )
        return {"adopted": report.orders, "learnt": learnt, "repaired": repaired}

    def _tie_out(self, drift: list[str], *, show: bool) -> int:
        """Stage, show, confirm and stage again against one gateway; answers how many actions were executed."""
        from tieout.cli.surroundings import simulated_gateway
        from tieout.staging import confirm as confirming

        with simulated_gateway(["--book", str(self._root / "data" / "orders.db"), *drift]) as port:
            staged = self._stage(port)
            if show:
                self._show()
            self._flags(dry_run=False, safe_mode=False, confirm=True)
            done = confirming.confirm(self._desk(port), staged.plan_id)
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(done.by_kind.items()))
            self._console.say(f"  confirmed {done.plan_id[:12]}: executed {kinds}; backup {done.backup_id}")
            again = self._stage(port)
            if again.plan.waits:
                raise TieoutError(f"the demo did not end clean: {again.plan.summary()}", hint=f"see {self._root}")
            self._console.say("  staged again: book and broker agree, nothing to do", style="ok")
            self._flags(dry_run=False, safe_mode=False, confirm=False)
        return done.executed

    def _reconcile(self) -> None:
        from tieout.cli.surroundings import simulated_gateway

        with simulated_gateway(["--book", str(self._root / "data" / "orders.db")]) as port:
            self._stage(port)

    def _stage(self, port: int) -> Any:
        from tieout.cli.view import summary_line
        from tieout.staging import stage as staging

        staged = staging.stage(self._desk(port))
        line = summary_line(staged.plan.summary(), staged.plan.actions)
        self._console.say(f"  plan {staged.plan_id[:12]}: {line}")
        return staged

    def _show(self) -> None:
        from tieout.cli.view import plan_lines
        from tieout.clock import now_ns
        from tieout.staging.gates import read_plan_file
        from tieout.staging.planfile import parse

        desk = self._desk(1)
        file = parse(read_plan_file(desk.workspace.staged_actions))
        for text, style in plan_lines(file.content, desk.state.newest(), now_ns=now_ns(), full=False):
            self._console.say(f"  {text}", style=style)

    def _desk(self, port: int) -> Any:
        from tieout.clock import now_ns
        from tieout.config import open_workspace
        from tieout.locks import who_signs
        from tieout.staging.desk import open_desk

        workspace = open_workspace(self._root, None, {})
        return open_desk(
            workspace,
            now=now_ns,
            client_id=workspace.settings.broker.cli_client_id,
            who=who_signs(),
            simulated=("127.0.0.1", port),
        )

    def _flags(self, *, dry_run: bool, safe_mode: bool, confirm: bool) -> None:
        """Edit the flags in the file, as an operator does."""
        path = self._root / "config" / "local_reconcile.yml"
        wanted = {"DRY_RUN": dry_run, "SAFE_MODE": safe_mode, "DRY_RUN_CONFIRM": confirm}
        text = path.read_text(encoding="utf-8")
        for key, value in wanted.items():
            text = re.sub(rf"(?m)^{key}:\s*\w+", f"{key}: {str(value).lower()}", text)
        path.write_text(text, encoding="utf-8")
        self._console.say(
            f"  config: {', '.join(f'{key} {str(value).lower()}' for key, value in wanted.items())}", style="dim"
        )

    def _step(self, what: str, command: str) -> None:
        self._number += 1
        self._console.say(f"\n{self._number}. {what}", style="head")
        self._console.say(f"   $ {command}", style="dim")


def _fresh(folder: Path) -> Path:
    """The folder if it is new or empty, else one beside it that is."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; expected a folder", hint="name another with --dir")
    candidates = [folder, *(folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000))]
    for candidate in candidates:
        if not candidate.exists() or not any(candidate.iterdir()):
            return candidate
    raise UsageError(f"{folder} and its numbered neighbours are full", hint="name another with --dir")
