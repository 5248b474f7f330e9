"""A workspace as an operator has it, the program as he calls it, and a simulated gateway beside both."""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli_process import Outcome, start
from tieout.cli import main
from tieout.clock import now_ns
from tieout.samples import TIMEZONE, write_sample_book
from tieout.sim import RunningSim, SimOptions, run_in_thread
from tieout.store.adopt import adopt_book
from workspace_support import make_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = "DU1234567"
SOLVABLE = ("missed_fill", "missed_cancel", "manual_order", "changed_order", "orphan")
"""Every kind of drift but the look-alikes, which only an operator can decide."""

Content = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class Workplace:
    """One workspace, and everything that an operator looks at in it."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config" / "local_reconcile.yml"

    @property
    def book(self) -> Path:
        return self.root / "data" / "orders.db"

    @property
    def state_db(self) -> Path:
        return self.root / "data" / "state.db"

    @property
    def plan_file(self) -> Path:
        return self.root / "staged_actions.json"

    @property
    def latch_file(self) -> Path:
        return self.root / "status" / "safe_mode.json"

    def run(self, *words: str) -> Outcome:
        """`tieout WORDS` in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["--workspace", str(self.root), *words])
        return Outcome(code, out.getvalue(), err.getvalue())

    def start(
        self, *words: str, prepare: Callable[[], None] | None = None, output: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """`tieout WORDS` as a process of its own, in the workspace."""
        return start([sys.executable, "-m", "tieout", *words], self.root, prepare=prepare, output=output)

    def set(self, **values: object) -> None:
        """Edit settings in the file, as `DRY_RUN=False` or `BROKER__port=4002`."""
        text = self.config.read_text(encoding="utf-8")
        for name, value in values.items():
            block, _, key = name.rpartition("__")
            pattern = rf"(?ms)(^{block}:.*?^  {key}:[ ]*)\S+" if block else rf"(?m)(^{key}:[ ]*)\S+"
            shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            text, found = re.subn(pattern, rf"\g<1>{shown}", text, count=1)
            assert found == 1, name
        self.config.write_text(text, encoding="utf-8")

    def flags(self, *, dry_run: bool = False, safe_mode: bool = False, confirm: bool = False) -> None:
        """Set the guide's three flags."""
        self.set(DRY_RUN=dry_run, SAFE_MODE=safe_mode, DRY_RUN_CONFIRM=confirm)

    def status(self) -> dict[str, Any]:
        """status/reconcile_status.json."""
        return read_json(self.root / "status" / "reconcile_status.json")

    def plan(self) -> dict[str, Any]:
        """staged_actions.json."""
        return read_json(self.plan_file)

    def ambiguous(self) -> dict[str, Any]:
        """logs/ambiguous_matches.json."""
        return read_json(self.root / "logs" / "ambiguous_matches.json")

    def log(self) -> list[dict[str, Any]]:
        """logs/reconcile.log, line by line."""
        return json_lines(self.root / "logs" / "reconcile.log")

    def alerts(self) -> list[tuple[str, str]]:
        """alerts/alerts.jsonl: names and severities."""
        return [(one["alert"], one["severity"]) for one in json_lines(self.root / "alerts" / "alerts.jsonl")]

    def backups(self) -> list[str]:
        """The ids of the finished backups."""
        found = (self.root / "backups").glob("db_backup_*.manifest.json")
        return sorted(path.name.removesuffix(".manifest.json") for path in found)

    def content(self) -> Content:
        """Every row of every table of the book."""
        return content_of(self.book)

    def counts(self) -> dict[str, int]:
        """The guide's three counts, and the audit's."""
        content = self.content()
        return {name: len(content[name]) for name in ("orders", "order_events", "executions", "order_audit")}

    def ask(self, query: str, *, db: Path | None = None) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with closing(sqlite3.connect(db or self.book)) as raw:
            return raw.execute(query).fetchall()

    def change(self, script: str, *, db: Path | None = None) -> None:
        """Change the book as somebody's own tool would."""
        with closing(sqlite3.connect(db or self.book)) as raw:
            raw.executescript(script)

    def stage(self) -> str:
        """Stage a plan that must leave something to do; answers its id."""
        done = self.run("--json", "stage")
        assert done.code in {3, 14}, done
        return str(done.told["plan_id"])

    def confirm(self, plan_id: str) -> dict[str, Any]:
        """Confirm it with the flag that lets it happen; answers what was done."""
        self.flags(confirm=True)
        done = self.run("--json", "confirm", plan_id)
        assert done.code == 0, done
        return done.told


def adopted_workspace(root: Path) -> Workplace:
    """A new workspace whose book is the adopted sample book."""
    make_workspace(root)
    place = Workplace(root)
    old = root / "data" / "old_book.db"
    write_sample_book(old)
    adopt_book(
        old,
        target=place.book,
        account=ACCOUNT,
        client_id=11,
        timezone=TIMEZONE,
        now_ns=now_ns(),
        approver="a test",
    )
    return place


def tied_workspace(root: Path) -> Workplace:
    """The same, tied out once against a gateway without drifts: perm_ids and tifs are learnt, nothing is staged."""
    place = adopted_workspace(root)
    with gateway(place):
        place.flags()
        place.confirm(place.stage())
        assert place.run("stage").code == 0
    place.flags()
    return place


def copied(place: Workplace, root: Path) -> Workplace:
    """A workspace with the same content."""
    shutil.copytree(place.root, root, dirs_exist_ok=True)
    return Workplace(root)


@contextmanager
def gateway(
    place: Workplace,
    *,
    drift: int | None = None,
    kinds: tuple[str, ...] | None = None,
    scenario: str | None = None,
    now: Callable[[], int] = now_ns,
) -> Iterator[RunningSim]:
    """
    A gateway that the workspace's settings name.

    It holds what the book says is live, with the drifts asked for and their truth in data/truth.json; or `scenario`.
    `now` is its clock.
    """
    if scenario is None:
        truth = None if drift is None else place.root / "data" / "truth.json"
        options = SimOptions(book=place.book, drift=drift, drift_kinds=kinds, truth=truth, now_ns=now)
    else:
        path = place.root / "scenario.yml"
        path.write_text(scenario, encoding="utf-8")
        options = SimOptions(scenario=path, now_ns=now)
    with run_in_thread(options) as sim:
        place.set(BROKER__port=sim.port)
        yield sim


def truth_of(place: Workplace) -> dict[str, Any]:
    """What the simulated gateway says that a correct plan holds."""
    return read_json(place.root / "data" / "truth.json")


def content_of(path: Path) -> Content:
    """Every row of every table of an SQLite file."""
    with closing(sqlite3.connect(path)) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: sorted(raw.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's object."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def json_lines(path: Path) -> list[dict[str, Any]]:
    """A file of JSON lines; a file that is not there has none."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
