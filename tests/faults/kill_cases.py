"""The commands that a kill must not break: how each is made ready, and what must hold of what it left behind."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kill_support import SEED, book_state, faulty, row_count

from cli_support import SOLVABLE, Workplace, adopted_workspace, copied, gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli_support import Content

DRIFT = 11
Side = Literal["before", "after"]
ADOPT = ("adopt", "data/orders.db", "--account", "DU1", "--timezone", "America/New_York")
SAMPLE_ORDERS = 341


@dataclass(frozen=True)
class Ready:
    """
    A workspace in which `words` can run.

    `judge` looks at a copy in which they were killed: on which side the book is, that nothing lies between, and that
    the next run says so and goes on.
    """

    place: Workplace
    words: tuple[str, ...]
    judge: Callable[[Workplace], Side]


@contextmanager
def stage(tied: Workplace, folder: Path) -> Iterator[Ready]:
    """Stage writes nothing into the book."""
    place = copied(tied, folder / "ready")
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        before = book_state(place)

        def judge(run: Workplace) -> Side:
            assert book_state(run) == before
            again = run.run("--json", "stage")
            assert again.code == 3, again
            assert run.confirm(again.told["plan_id"])["executed"] > 0
            return "before"

        yield Ready(place, ("stage",), judge)


@contextmanager
def stage_again(tied: Workplace, folder: Path) -> Iterator[Ready]:
    """A plan that waited is not taken for an edited one when the next stage dies."""
    place = copied(tied, folder / "ready")
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        waiting = place.stage()
        before = book_state(place)

        def judge(run: Workplace) -> Side:
            assert book_state(run) == before
            run.flags(confirm=True)
            told = run.run("--json", "confirm", waiting)
            assert told.code in {0, 10}, told
            assert not run.latch_file.exists()
            return "before"

        yield Ready(place, ("stage",), judge)


@contextmanager
def confirm(tied: Workplace, folder: Path) -> Iterator[Ready]:
    """Confirm executes all of the plan or nothing of it."""
    place = copied(tied, folder / "ready")
    with gateway(place, drift=DRIFT, kinds=SOLVABLE):
        plan_id = place.stage()
        place.flags(confirm=True)
        before = book_state(place)
        whole = copied(place, folder / "whole")
        assert faulty(whole, ("confirm", plan_id)).code == 0
        after = row_count(book_state(whole))

        def judge(run: Workplace) -> Side:
            left = book_state(run)
            again = run.run("--json", "confirm", plan_id)
            if left == before:
                assert again.code == 0, again
            else:
                assert row_count(left) == after
                assert again.code == 10, again
                assert "was executed already" in again.told["error"]["message"]
            assert run.run("stage").code == 0
            return "before" if left == before else "after"

        yield Ready(place, ("confirm", plan_id), judge)


@contextmanager
def backup(tied: Workplace, folder: Path) -> Iterator[Ready]:
    """A backup is whole or not there."""
    place = copied(tied, folder / "ready")
    place.change("UPDATE orders SET tif = 'GTC' WHERE id = 1")
    kept = set(place.backups())

    def judge(run: Workplace) -> Side:
        made = [one for one in run.backups() if one not in kept]
        for one in run.backups():
            assert run.run("backup", "verify", one).code == 0, one
        assert run.run("backup").code == 0
        return "after" if made else "before"

    yield Ready(place, ("backup",), judge)


@contextmanager
def restore(tied: Workplace, folder: Path) -> Iterator[Ready]:
    """A restore leaves the book as it was or as the backup has it; in both cases the next restore goes through."""
    place = copied(tied, folder / "ready")
    assert place.run("backup").code == 0
    backup_id = place.backups()[-1]
    put_back = _rows(place)
    place.change("UPDATE orders SET tif = 'GTC' WHERE id < 9")
    replaced = _rows(place)
    words = ("restore", backup_id, "--apply")

    def judge(run: Workplace) -> Side:
        left = _rows(run)
        assert left in (replaced, put_back)
        assert run.run(*words).code == 0
        assert _rows(run) == put_back
        assert run.latch_file.exists()
        assert run.run("audit", "verify").code == 0
        return "before" if left == replaced else "after"

    yield Ready(place, words, judge)


@contextmanager
def adopt(_tied: Workplace, folder: Path) -> Iterator[Ready]:
    """Adopting in place leaves the old book or the new one."""
    place = adopted_workspace(folder / "ready")
    place.book.unlink()
    (place.root / "data" / "old_book.db").rename(place.book)
    old = place.content()

    def judge(run: Workplace) -> Side:
        left = run.content()
        again = faulty(run, ("--json", *ADOPT))
        assert again.code == 0, again
        assert (again.told["orders"], run.counts()["orders"]) == (SAMPLE_ORDERS, SAMPLE_ORDERS)
        return "before" if left == old else "after"

    yield Ready(place, ADOPT, judge)


def seeded(name: str) -> random.Random:
    """Random choices for one command: the same with the same seed."""
    return random.Random(f"{name} {SEED}")


def tell(name: str, sides: list[Side], *, how: str) -> None:
    """The table's line."""
    before, after = sides.count("before"), sides.count("after")
    print(f"\n{name}: seed {SEED}, {len(sides)} kills {how}, all survived: {before} before, {after} after, 0 between")


def _rows(place: Workplace) -> Content:
    """What a restore puts back; its own marks in the audit and the epoch come on top."""
    content = place.content()
    return {name: content[name] for name in ("orders", "order_events", "executions")}


CASES = {one.__name__: one for one in (stage, stage_again, confirm, backup, restore, adopt)}
BOTH_SIDES = frozenset({"confirm", "backup", "restore", "adopt"})
"""The commands that change something, so that a sweep over all their points must see both sides."""
