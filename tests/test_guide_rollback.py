"""The operator guide's rollback, its own commands as printed, and a stage that works afterwards."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from backup_books import pipe
from cli_support import SOLVABLE, content_of, copied, gateway, tied_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_support import Workplace


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return tied_workspace(tmp_path_factory.mktemp("tied"))


def dump(place: Workplace, backup: str) -> None:
    """`sqlite3 ./data/orders.db < ./backups/db_backup_YYYYMMDD_HHMMSS.sql`."""
    pipe(place.root / "backups" / f"{backup}.sql", place.book)


def binary(place: Workplace, backup: str) -> None:
    """`cp ./backups/db_backup_YYYYMMDD_HHMMSS.db ./data/orders.db`."""
    subprocess.run(["cp", f"./backups/{backup}.db", "./data/orders.db"], cwd=place.root, check=True)


@pytest.mark.parametrize("restore", [dump, binary])
def test_the_rollback(tied: Workplace, tmp_path: Path, restore: Callable[[Workplace, str], None]) -> None:
    place = copied(tied, tmp_path)
    before = place.content()
    with gateway(place, drift=7, kinds=SOLVABLE):
        done = place.confirm(place.stage())
        plan = place.plan()
        assert place.content() != before

        place.set(SAFE_MODE=True)
        newest = place.backups()[-1]
        assert newest == done["backup"]
        restore(place, newest)

        assert place.content() == before == content_of(place.root / "backups" / f"{newest}.db")
        counts = [place.ask(f"SELECT COUNT(*) FROM {table}") for table in ("orders", "order_events", "executions")]
        assert counts == [[(len(before[table]),)] for table in ("orders", "order_events", "executions")]

        place.flags(dry_run=True, safe_mode=True)
        staged = place.run("--json", "stage")
        assert staged.code == 3
        assert place.status()["status"] == "RECONCILE_DRY_RUN_COMPLETED"
        again = place.plan()
        assert again["summary"] == plan["summary"]
        assert again["plan_id"] != plan["plan_id"]
        assert _actions(again) == _actions(plan)

        place.flags()
        repaired = place.confirm(place.stage())
        assert repaired["executed"] == done["executed"]
        assert place.run("stage").code == 0


def test_a_plan_that_ran_before_the_restore_never_runs_again(tied: Workplace, tmp_path: Path) -> None:
    place = copied(tied, tmp_path)
    with gateway(place, drift=7, kinds=SOLVABLE):
        plan_id = place.stage()
        kept = place.plan_file.read_bytes()
        done = place.confirm(plan_id)
        binary(place, done["backup"])
        place.plan_file.write_bytes(kept)
        before = place.content()
        refused = place.run("confirm", plan_id)
    assert refused.code == 10
    assert refused.err.startswith(f"error: plan {plan_id[:12]} was executed already")
    after = place.content()
    assert [after[table] == before[table] for table in ("orders", "order_events", "executions")] == [True] * 3


def _actions(plan: dict[str, dict[str, list[dict[str, str]]]]) -> list[str]:
    return sorted(
        entry["action_id"] for name in ("to_insert", "to_update", "to_delete") for entry in plan["plan"][name]
    )
