"""
Stages, confirms, kills, restores and decisions in any order, while bot and broker move: the book is what a plain
model says.

Nothing executes that was not confirmed, a plan executes at most once, and what was confirmed is tied out.
"""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from kill_support import SEED, SOAK, faulty
from model_world import CANCELLED, LIVE, Held, Row, World

from approval_support import order_row, workspace
from cli_support import ACCOUNT, copied, gateway
from tieout.sim.world import Order

if TYPE_CHECKING:
    from cli_support import Workplace
    from tieout.sim.gateway import Gateway

RUNS, STEPS = (500, 50) if SOAK else (5, 15)
OK, WAITS, STALE, AMBIGUOUS = 0, 3, 10, 14
ES = 637533641
FIRST = {1001: "5000", 1002: "5010", 1003: "5020"}
"""perm_id and price of the orders that are live on both sides at the beginning."""
TWIN_PRICE = "4500"
TWINS = (3001, 3002)
KILLS = 45
"""A confirm has about that many points."""
SCENARIO = f"""
accounts: [{ACCOUNT}]
contracts:
  ES: {{con_id: {ES}, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20261218", multiplier: "50",
       local_symbol: ESZ6, trading_class: ES, min_tick: 0.25}}
live_orders:
""" + "".join(
    f"""  - {{contract: ES, perm_id: {perm_id}, client_id: 11, order_id: {perm_id}, side: BUY, quantity: 2,
     order_type: LMT, limit_price: {price}, tif: DAY}}
"""
    for perm_id, price in FIRST.items()
)
prices = st.integers(4900, 5100).map(str)
dice = st.integers(0, 1_000_000)


class Trading(RuleBasedStateMachine):
    """The real book, gateway and program beside the model."""

    template: ClassVar[Workplace]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.place = copied(type(self).template, folder / "w")
        self.sim = self.stack.enter_context(gateway(self.place, scenario=SCENARIO))
        self.model = World(
            book={f"o{perm_id}": Row(perm_id, price) for perm_id, price in FIRST.items()},
            broker={perm_id: Held(price) for perm_id, price in FIRST.items()},
        )
        self.backups: dict[str, tuple[dict[str, Row], int]] = {}
        self.plan: tuple[str, dict[str, tuple[Row | None, Row]]] | None = None
        self.applied: dict[str, int] = {}
        self.next_perm_id = 2001

    def teardown(self) -> None:
        self.stack.close()

    # The two sides move.

    @rule(number=dice, price=prices)
    def bot_changes_an_order(self, number: int, price: str) -> None:
        names = [name for name, row in self.model.book.items() if row.status == LIVE and row.perm_id is not None]
        if names:
            name = sorted(names)[number % len(names)]
            row = self.model.book[name]
            self.place.change(f"UPDATE orders SET limit_price = '{price}' WHERE perm_id = {row.perm_id}")
            self.model.book[name] = Row(row.perm_id, price, row.status)

    @rule()
    def bot_trades_something_else(self) -> None:
        self.place.change(
            "INSERT INTO orders (account, symbol, side, quantity, order_type, status, filled_quantity) "
            f"VALUES ('{ACCOUNT}', 'NQ', 'BUY', '1', 'MKT', 'Cancelled', '0')"
        )
        self.model.others += 1

    @rule(price=prices)
    def broker_gets_a_new_order(self, price: str) -> None:
        perm_id, self.next_perm_id = self.next_perm_id, self.next_perm_id + 1
        self.sim.call(lambda gateway: _add(gateway, perm_id, price, quantity=2))
        self.model.broker[perm_id] = Held(price)

    @rule(number=dice, price=prices)
    def broker_changes_an_order(self, number: int, price: str) -> None:
        perm_id = self._one_at_the_broker(number)
        if perm_id is not None:
            self.sim.call(lambda gateway: setattr(_order(gateway, perm_id), "limit_price", Decimal(price)))
            self.model.broker[perm_id] = Held(price)

    @rule(number=dice)
    def broker_cancels_an_order(self, number: int) -> None:
        perm_id = self._one_at_the_broker(number)
        known = {row.perm_id for row in self.model.book.values()}
        if perm_id is not None and perm_id in known:
            self.sim.call(lambda gateway: _cancel(_order(gateway, perm_id), gateway.now_ns()))
            self.model.broker[perm_id] = Held(self.model.broker[perm_id].price, CANCELLED)

    @rule(number=dice)
    def broker_forgets_an_order(self, number: int) -> None:
        perm_id = self._one_at_the_broker(number)
        if perm_id is not None:
            self.sim.call(lambda gateway: gateway.world.orders.remove(_order(gateway, perm_id)))
            del self.model.broker[perm_id]

    @precondition(lambda self: not self.model.look_alikes)
    @rule()
    def two_orders_look_alike(self) -> None:
        self.place.change(
            "INSERT INTO orders (account, client_id, order_id, symbol, side, quantity, order_type, limit_price, tif, "
            f"status, filled_quantity) VALUES ('{ACCOUNT}', 9, 77, 'ES', 'BUY', '3', 'LMT', '{TWIN_PRICE}', 'DAY', "
            "'Submitted', '0')"
        )
        for perm_id in TWINS:
            self.sim.call(lambda gateway, perm_id=perm_id: _add(gateway, perm_id, TWIN_PRICE, quantity=3))
            self.model.broker[perm_id] = Held(TWIN_PRICE)
        self.model.book["twin"] = Row(None, TWIN_PRICE)
        self.model.look_alikes = TWINS

    # The operator acts.

    @rule()
    def stage(self) -> None:
        saved = self.model.saved()
        done = self.place.run("--json", "stage")
        actions = self.model.actions()
        expected = AMBIGUOUS if self.model.undecided() else WAITS if actions else OK
        assert done.code == expected, (done, actions)
        plan_id = done.told["plan_id"]
        self.plan = (plan_id, actions) if actions or self.model.undecided() else None
        self._remember(saved)

    @precondition(lambda self: self.plan is not None)
    @rule()
    def confirm(self) -> None:
        saved, wanted = self.model.saved(), self._expected()
        plan_id, actions = self.plan
        done = self.place.run("--json", "confirm", plan_id)
        assert done.code in wanted, (done, wanted, actions, self.model)
        if done.code == OK:
            self._did(done.told["executed"])
        self._remember(saved)

    @precondition(lambda self: self.plan is not None)
    @rule(at=st.integers(1, KILLS))
    def confirm_and_be_killed(self, at: int) -> None:
        saved, wanted = self.model.saved(), self._expected()
        plan_id, actions = self.plan
        done = faulty(self.place, ("confirm", plan_id), TIEOUT_KILL_AT=str(at))
        assert done.code == -signal.SIGKILL or done.code in wanted, (done, wanted)
        if plan_id not in self.applied and (plan_id,) in self.place.ask("SELECT plan_id FROM applied_plans"):
            assert OK in wanted
            self._did(len(actions))
        self._remember(saved)

    @precondition(lambda self: self.backups)
    @rule(number=dice)
    def restore(self, number: int) -> None:
        saved = self.model.saved()
        backup = sorted(self.backups)[number % len(self.backups)]
        assert self.place.run("restore", backup, "--apply").code == OK
        assert self.place.latch_file.exists()
        assert self.place.run("safe-mode", "off", "--reason", "looked at").code == OK
        book, others = self.backups[backup]
        self.model.book, self.model.others = dict(book), others
        self._remember(saved)
        if self.plan is not None:
            assert self.place.run("confirm", self.plan[0]).code == STALE
            self.plan = None

    @precondition(lambda self: self.model.undecided())
    @rule(which=st.sampled_from(TWINS))
    def resolve(self, which: int) -> None:
        saved = self.model.saved()
        assert self.place.run("--json", "stage").code == AMBIGUOUS
        self._remember(saved)
        self.plan = None
        (match,) = self.place.ambiguous()["ambiguous_matches"]
        ((row,),) = self.place.ask("SELECT id FROM orders WHERE symbol = 'ES' AND perm_id IS NULL")
        self._decide(match["match_id"], "--pair", str(which), str(row))
        # What the choice left over has to be decided too: it is nobody else's.
        done = self.place.run("--json", "stage")
        assert done.code == AMBIGUOUS, done
        (match,) = self.place.ambiguous()["ambiguous_matches"]
        assert ([one["perm_id"] for one in match["broker"]], match["book"]) == ([sum(TWINS) - which], [])
        self._decide(match["match_id"], "--none")
        self.model.decided = which

    def _decide(self, match_id: str, *choice: str) -> None:
        done = self.place.run("resolve", match_id, *choice, "--by", "ann", "--reason", "the statement says so")
        assert done.code == OK, done

    # What always holds.

    @invariant()
    def the_book_is_the_models(self) -> None:
        rows = self.place.ask("SELECT perm_id, limit_price, status FROM orders WHERE symbol = 'ES'")
        assert sorted(tuple(str(value) for value in row) for row in rows) == self.model.rows()
        assert self.place.ask("SELECT count(*) FROM orders WHERE symbol = 'NQ'") == [(self.model.others,)]

    @invariant()
    def what_was_executed_was_confirmed_and_once(self) -> None:
        found = dict(self.place.ask(
            "SELECT plan_id, count(*) FROM order_audit WHERE plan_id IS NOT NULL GROUP BY plan_id"
        ))  # fmt: skip
        assert found.items() <= self.applied.items()

    def _expected(self) -> set[int]:
        """What a confirm of the plan may answer now."""
        assert self.plan is not None
        plan_id, actions = self.plan
        if plan_id in self.applied:
            return {STALE}
        if self.model.undecided():
            return {STALE, AMBIGUOUS}
        now = self.model.actions()
        return {OK} if all(now.get(name) == action for name, action in actions.items()) else {STALE, AMBIGUOUS}

    def _did(self, executed: int) -> None:
        assert self.plan is not None
        plan_id, actions = self.plan
        assert plan_id not in self.applied
        assert executed == len(actions)
        self.applied[plan_id] = executed
        self.model.execute(actions)

    def _remember(self, saved: tuple[dict[str, Row], int]) -> None:
        """Each backup that a command made holds what the book held before it."""
        for backup in self.place.backups():
            self.backups.setdefault(backup, saved)

    def _one_at_the_broker(self, number: int) -> int | None:
        """A live order that is not one of the look-alikes, which hold still."""
        some = [p for p, held in self.model.broker.items() if held.status == LIVE and p not in TWINS]
        return sorted(some)[number % len(some)] if some else None


def _add(gateway: Gateway, perm_id: int, price: str, *, quantity: int) -> None:
    contract = gateway.world.contracts[ES]
    gateway.world.add_order(
        Order(ACCOUNT, perm_id, 11, perm_id, contract, "BUY", Decimal(quantity), "LMT", Decimal(price))
    )


def _order(gateway: Gateway, perm_id: int) -> Order:
    return next(order for order in gateway.world.orders if order.perm_id == perm_id)


def _cancel(order: Order, now_ns: int) -> None:
    order.status, order.ended_ns = CANCELLED, now_ns


def test_the_book_is_what_the_model_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [order_row(perm_id=perm_id, order_id=perm_id, limit_price=price) for perm_id, price in FIRST.items()]
    Trading.template = workspace(tmp_path_factory.mktemp("template"), *rows)
    run_state_machine_as_test(
        seed(SEED)(Trading),
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    print(f"\nmodel: seed {SEED}, {RUNS} runs of up to {STEPS} steps, the book was the model's after every one")
