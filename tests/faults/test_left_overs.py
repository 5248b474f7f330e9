"""
What a killed writer leaves beside the book, and a backup put back over it: by `tieout restore`, and by the guide's
`cp` once the left-overs are removed. The control is `cp` without that, which must fail.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from kill_support import SEED, SOAK

from approval_support import ROWS, SCENARIO, workspace
from cli_support import content_of, copied, gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli_support import Workplace

ROUNDS = 125 if SOAK else 2
"""Of each way and each journal mode."""
SIDES = ("-journal", "-wal", "-shm")
FILLER = 400
BOOK = ("orders", "executions", "order_events", "filler")
STALE = 10
# After a change that is committed, dies in the middle of a transaction that is half in the file (a hot journal), or
# after several that are only in the log.
KILLED_WRITER = """
    import os, signal, sqlite3, sys
    book = sqlite3.connect(sys.argv[1], isolation_level=None)
    book.execute(f"PRAGMA journal_mode={sys.argv[2]}")
    book.execute("PRAGMA wal_autocheckpoint=0")
    book.execute("PRAGMA cache_size=5")
    book.execute("UPDATE filler SET t = hex(randomblob(500))")
    for number in range(int(sys.argv[3])):
        book.execute("BEGIN IMMEDIATE")
        book.execute(f"UPDATE filler SET t = hex(randomblob(500)) WHERE n % {int(sys.argv[3])} = {number}")
        book.execute("UPDATE orders SET tif = 'GTC', order_ref = 'late'")
        if sys.argv[2] == "WAL":
            book.execute("COMMIT")
        elif number == 0:
            break
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A workspace in which a plan was executed on a backup of its own; its gateway answers."""
    place = workspace(tmp_path_factory.mktemp("applied"), *ROWS)
    place.change(
        f"""CREATE TABLE filler (n INTEGER PRIMARY KEY, t TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {FILLER})
        INSERT INTO filler SELECT i, hex(randomblob(500)) FROM n;"""
    )
    with gateway(place, scenario=SCENARIO):
        place.confirm(place.stage())
        yield place


def by_restore(place: Workplace, backup: str) -> None:
    """The safe way."""
    assert place.run("restore", backup, "--apply").code == 0
    assert place.run("safe-mode", "off", "--reason", "the book is the backup").code == 0


def by_hand(place: Workplace, backup: str) -> None:
    """The guide's way, as `alerts/README.md` says it: the side files first."""
    for side in SIDES:
        place.book.with_name(place.book.name + side).unlink(missing_ok=True)
    plain_cp(place, backup)


def plain_cp(place: Workplace, backup: str) -> None:
    """`cp` and nothing else."""
    subprocess.run(["cp", f"./backups/{backup}.db", "./data/orders.db"], cwd=place.root, check=True)


def kill_a_writer(place: Workplace, journal: str, transactions: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED_WRITER), str(place.book), journal, str(transactions)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    side = "-wal" if journal == "WAL" else "-journal"
    assert place.book.with_name(place.book.name + side).stat().st_size > 0


def rounds(applied: Workplace, folder: Path, journal: str) -> Iterator[tuple[Workplace, str]]:
    """A copy of the workspace, its writer killed, and the id of the backup to put back."""
    dice = random.Random(f"{SEED}{journal}")
    for number in range(ROUNDS):
        place = copied(applied, folder / f"round-{number}")
        kill_a_writer(place, journal, dice.randint(2, 6))
        yield place, place.backups()[-1]
        shutil.rmtree(place.root)


@pytest.mark.parametrize("way", [by_restore, by_hand], ids=["restore", "cp"])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_backup_comes_back_whole(
    applied: Workplace, tmp_path: Path, way: Callable[[Workplace, str], None], journal: str
) -> None:
    for place, backup in rounds(applied, tmp_path, journal):
        plan_id = place.plan()["plan_id"]
        wanted = content_of(place.root / "backups" / f"{backup}.db")
        way(place, backup)
        found = place.content()
        assert {name: found[name] for name in BOOK} == {name: wanted[name] for name in BOOK}

        refused = place.run("confirm", plan_id)
        assert (refused.code, "was executed already" in refused.err) == (STALE, True), refused
        assert place.run("--json", "stage").code == 3
        verified = place.run("--json", "audit", "verify")
        assert (verified.code, verified.told["ok"]) == (0, True), verified
        assert place.ask("SELECT kind FROM order_audit ORDER BY id DESC LIMIT 1") == [("restored",)]
        again = place.content()
        assert {name: again[name] for name in BOOK} == {name: wanted[name] for name in BOOK}
    print(f"\nleft-overs ({journal}), {way.__name__}: seed {SEED}, {ROUNDS} tried, {ROUNDS} whole")


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_control_a_cp_over_left_overs_is_not_the_backup(applied: Workplace, tmp_path: Path, journal: str) -> None:
    came: Counter[str] = Counter()
    for place, backup in rounds(applied, tmp_path, journal):
        wanted = content_of(place.root / "backups" / f"{backup}.db")
        plain_cp(place, backup)
        came[verdict(place.book, wanted)] += 1
    assert came["whole"] == 0
    print(f"\nleft-overs ({journal}), the control, cp over them: {ROUNDS} tried, {dict(came)}")


def verdict(book: Path, wanted: object) -> str:
    """What the book is worth now."""
    try:
        with closing(sqlite3.connect(book)) as raw:
            if raw.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return "corrupt"
        return "whole" if content_of(book) == wanted else "another content, and the integrity check says ok"
    except sqlite3.DatabaseError:
        return "corrupt"
