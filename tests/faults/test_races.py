"""Two to eight operators confirm the same plan at once while a bot writes: at most one executes it, nothing is lost."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from crew import confirm_words, crew
from kill_support import SEED, SOAK

from approval_support import CHANGED, ROWS, SCENARIO, TWIN_ROW, workspace
from cli_support import copied, gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crew import Worker

    from cli_process import Outcome
    from cli_support import Workplace

ROUNDS = 400 if SOAK else 3
"""Of each of the three races."""
OPERATORS_MAX = 8
WRITES = 12
OTHER = 4
"""A row that the plan does not rest on."""
STALE, LOCKED = 10, 11


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A plan waits, and its gateway answers for as long as the tests run."""
    place = workspace(tmp_path_factory.mktemp("waiting"), *ROWS, TWIN_ROW | {"quantity": "9", "status": "Cancelled"})
    place.change("CREATE TABLE my_signals (n INTEGER); INSERT INTO my_signals VALUES (0);")
    with gateway(place, scenario=SCENARIO):
        place.stage()
        yield place


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[list[Worker], Worker]]:
    with crew(OPERATORS_MAX) as made:
        yield made


def rounds(waiting: Workplace, folder: Path) -> Iterator[tuple[Workplace, random.Random]]:
    """A fresh copy of the workspace for each round, and its dice."""
    for number in range(ROUNDS):
        place = copied(waiting, folder / f"round-{number}")
        yield place, random.Random(SEED * 10_000 + number)
        shutil.rmtree(place.root)


def race(
    place: Workplace, workers: tuple[list[Worker], Worker], dice: random.Random, statements: list[str]
) -> tuple[list[Outcome], int]:
    """Some operators and the bot, all at once; what the confirms came to, and how many rows the bot changed."""
    chosen = workers[0][: dice.randint(2, OPERATORS_MAX)]
    plan_id = place.plan()["plan_id"]
    if statements:
        workers[1].tell([str(place.book), statements])
    for worker in chosen:
        worker.tell(confirm_words(place.root, plan_id, wait_s=dice.choice([0, 30])))
    outcomes = [worker.outcome() for worker in chosen]
    assert not any("Traceback" in one.err for one in outcomes)
    return outcomes, int(workers[1].answer()) if statements else 0


def elsewhere(dice: random.Random) -> list[str]:
    """What a bot writes while it trades other things."""
    insert = (
        "INSERT INTO orders (account, symbol, side, quantity, order_type, status, filled_quantity) "
        "VALUES ('DU1234567', 'NQ', 'BUY', '1', 'MKT', 'Cancelled', '0')"
    )
    choices = (insert, f"UPDATE orders SET tif = 'GTC' WHERE id = {OTHER}")
    return [statement for _ in range(WRITES) for statement in ("UPDATE my_signals SET n = n + 1", dice.choice(choices))]


def tell(what: str, codes: Counter[int]) -> None:
    """The table's line."""
    told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    print(f"\n{what}: seed {SEED}, {ROUNDS} rounds, {codes.total()} confirms, exit codes {told}, "
          "0 executed twice, 0 writes lost")  # fmt: skip


def test_one_wins_while_the_bot_writes_elsewhere(
    waiting: Workplace, workers: tuple[list[Worker], Worker], tmp_path: Path
) -> None:
    codes: Counter[int] = Counter()
    for place, dice in rounds(waiting, tmp_path):
        statements = elsewhere(dice)
        outcomes, changed = race(place, workers, dice, statements)
        codes.update(one.code for one in outcomes)
        assert sorted({one.code for one in outcomes} - {STALE, LOCKED}) == [0], outcomes
        assert [one.code for one in outcomes].count(0) == 1
        assert changed == len(statements)
        assert place.ask("SELECT n FROM my_signals") == [(WRITES,)]
        inserted = sum(statement.startswith("INSERT") for statement in statements)
        assert place.ask("SELECT count(*) FROM orders WHERE symbol = 'NQ'") == [(inserted,)]
        assert place.ask("SELECT count(*) FROM order_audit") == [(5,)]
        assert place.run("audit", "verify").code == 0
    tell("race beside a bot that writes elsewhere", codes)


def test_none_wins_after_the_bot_wrote_a_row_that_the_plan_rests_on(
    waiting: Workplace, workers: tuple[list[Worker], Worker], tmp_path: Path
) -> None:
    codes: Counter[int] = Counter()
    for place, dice in rounds(waiting, tmp_path):
        place.change(f"UPDATE orders SET limit_price = '4998' WHERE id = {dice.choice([CHANGED, 2])}")
        before = place.content()
        outcomes, _ = race(place, workers, dice, [])
        codes.update(one.code for one in outcomes)
        assert {one.code for one in outcomes} <= {STALE, LOCKED}, outcomes
        assert STALE in {one.code for one in outcomes}
        assert place.content() == before
    tell("race after the bot wrote a row that the plan rests on", codes)


def test_no_write_of_the_bot_is_lost_when_it_races_for_the_same_row(
    waiting: Workplace, workers: tuple[list[Worker], Worker], tmp_path: Path
) -> None:
    codes: Counter[int] = Counter()
    for place, dice in rounds(waiting, tmp_path):
        same_row = f"UPDATE orders SET order_ref = 'bot' WHERE id = {CHANGED}"
        late = dice.choice([0, 20, 80, 160])
        statements = ["UPDATE my_signals SET n = n + 1"] * late + [same_row]
        outcomes, changed = race(place, workers, dice, statements)
        codes.update(one.code for one in outcomes)
        won = [one.code for one in outcomes].count(0)
        assert won in {0, 1}
        assert {one.code for one in outcomes} <= {0, STALE, LOCKED}, outcomes
        assert changed == len(statements)
        price = "5001" if won else "5000"
        assert place.ask(f"SELECT order_ref, limit_price FROM orders WHERE id = {CHANGED}") == [("bot", price)]
        assert place.ask("SELECT count(*) FROM order_audit") == [(5 * won,)]
    tell("race with the bot for one row", codes)
