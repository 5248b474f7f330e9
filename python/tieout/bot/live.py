"""
The bot's life: connect, reconcile with the gate closed, then listen, and reconcile again, until it is told to end.

1. The gate is open only between a complete reconcile that left nothing to decide and the next trouble or reconcile.
2. Whatever goes wrong with the gateway after the first reconcile, the bot goes on trying: somebody has to look.
3. The main thread listens and reconciles, the strategy has a thread of its own; `OrderGate.turn` keeps them apart.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, cast

from tieout.bot.connection import LISTEN_S, Connection
from tieout.bot.feeding import Feeding
from tieout.bot.line import Lent, Line
from tieout.bot.schedule import Schedule
from tieout.bot.shown import Shown
from tieout.bot.standing import ENDS, RECONCILES, Standing
from tieout.bot.stopping import Stopping
from tieout.bot.strategist import STOP_WAIT_S, Failure, Strategist
from tieout.bot.strategy_gate import StrategyGate
from tieout.clock import NS_PER_S, to_iso
from tieout.errors import BookError, Interrupted
from tieout.gate import OrderGate
from tieout.gate.settle import ABSENCE_GAP_NS
from tieout.model import PARTS
from tieout.staging.kept import keep
from tieout.store.intents import IntentStore
from tieout.store.recorder import Recorder
from tieout.store.seen import FILE as SEEN_FILE
from tieout.store.seen import SeenExecutions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.bot.reconciling import Reconciler
    from tieout.broker.port import Broker
    from tieout.gate import OrderUpdate
    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged
    from tieout.strategy import Strategy

INTENTS_FILE: Final = "intents.db"


class Live:
    """
    One life of the bot.

    Args:
        reconciler: does its reconciles.
        say: where a line for the operator goes; only the main thread says something.
        strategy: what trades, if anything does.
    """

    def __init__(
        self, desk: Desk, reconciler: Reconciler, *, say: Callable[[str], None], strategy: Strategy | None
    ) -> None:
        now_ns = desk.now()
        name = desk.settings.strategy if strategy is not None else None
        self._desk = desk
        self._reconciler = reconciler
        self._say = say
        self._standing = Standing(now_ns, desk.settings.gateway_restart, strategy=name)
        self._schedule = Schedule(now_ns, "the start")
        self._strategy = strategy
        self._strategist = None if strategy is None else Strategist(strategy, failed=self._strategy_failed)
        self._feeding = Feeding(desk, self._strategist, say=say)
        self._stopping = Stopping()
        self._unsettled = 0
        self._failed_why: str | None = None
        self._plans: tuple[str | None, str | None] | None = None
        self._line: Line
        self._gate: OrderGate
        self._connection: Connection
        self._shown: Shown

    def run(self) -> None:
        """
        Live until SIGTERM or SIGINT.

        Raises:
            TieoutError: the first reconcile failed, or the gateway was not reached in all the tries.
        """
        desk = self._desk
        with ExitStack() as stack:
            store = stack.enter_context(IntentStore(desk.workspace.data_dir / INTENTS_FILE))
            seen = None
            if self._strategist is not None:
                seen = stack.enter_context(SeenExecutions(desk.workspace.data_dir / SEEN_FILE))
            self._line = Line(desk)
            stack.callback(self._line.close)
            line = cast("Broker", self._line)
            self._gate = OrderGate(
                line,
                desk,
                store=store,
                recorder=Recorder(desk.workspace.book, park=lambda fill: keep(desk, fill)),
                readiness=lambda: self._standing.readiness(desk.now()),
                subscriber=self._heard,
                seen=seen,
            )
            desk.lender = lambda: cast("Broker", Lent(line, self._gate, give_up=self._stopping.is_set))
            self._connection = Connection(
                desk, self._line, self._gate, reconciler=self._reconciler, link=self._standing.link,
                stopping=self._stopping, say=self._say,
            )  # fmt: skip
            self._shown = Shown(desk, self._gate, self._standing, say=self._say, strategist=self._strategist)
            stack.enter_context(self._stopping.signals(line))
            stack.callback(self._shown.show, ended=True)
            try:
                self._begin()
                while not self._stopping.is_set():
                    self._round()
            except Interrupted as error:
                desk.log.info("interrupted", reason=error.message)
            finally:
                self._end()

    def _begin(self) -> None:
        """The first reconcile, with the gate closed; then the strategy starts."""
        self._show()
        staged = self._connection.first()
        if staged is None:
            return
        self._took(staged, "the start")
        if self._strategist is not None:
            self._standing.strategy_state = "running"
            self._strategist.start(StrategyGate(self._gate, str(self._standing.strategy)))
        self._feeding.start()
        self._show()

    def _round(self) -> None:
        """A second or less: connect if need be, listen, and do what is due."""
        if self._connection.there(self._schedule):
            self._gate.listen(wait_s=LISTEN_S)
            self._look_at_plans()
            self._look_at_troubles()
            why = self._schedule.due(self._desk.now())
            if why is not None and not self._stopping.is_set():
                self._reconcile(why)
        if self._strategist is not None:
            self._strategist.look(self._desk.now())
        self._feeding.look(self._desk.now())
        self._show()

    def _show(self) -> None:
        self._standing.next_ns, self._standing.next_why = self._schedule.next_ns, self._schedule.why
        self._shown.show()

    def _reconcile(self, why: str) -> None:
        """Reconcile in the background, the gate closed meanwhile."""
        self._standing.close(RECONCILES)
        self._show()
        with self._stopping.giving_up():
            found = self._reconciler.again()
        self._standing.restart = self._desk.settings.gateway_restart
        now_ns = self._desk.now()
        if found is None:
            self._schedule.after(now_ns, interval_s=self._desk.settings.reconcile.interval_seconds)
            self._schedule.hurry(now_ns + self._hold_off_ns(), why)
            self._standing.open(RECONCILES)
        elif isinstance(found, str):
            self._failed(f"the last reconcile did not go through: {found}", why)
        else:
            self._took(found, why)

    def _took(self, staged: Staged, why: str) -> None:
        """What a reconcile that went through means for the gate."""
        desk, standing, snapshot, now_ns = self._desk, self._standing, staged.snapshot, self._desk.now()
        left = self._gate.settle(snapshot)
        standing.unknown = len(left)
        standing.ambiguous = len(staged.plan.undecided)
        standing.last = {
            "at": to_iso(now_ns), "for": why, "complete": snapshot.complete, "plan_id": staged.plan_id,
            "summary": {**staged.plan.summary()},
        }  # fmt: skip
        standing.link.is_up(now_ns, snapshot.gateway.account)
        self._plans = self._plans_now()
        waiting = desk.state.waiting(now_ns)
        standing.waiting = staged.plan_id if staged.plan.actions else None
        if waiting is not None and waiting.executable:
            standing.waiting = waiting.plan_id
        if not snapshot.complete:
            holes = "; ".join(f"{part.name}: {part.why}" for part in snapshot.missing())
            self._failed(f"the broker's answer was incomplete ({holes})", why)
            return
        standing.reconciled_ns = min(snapshot.parts[name].asked_at_ns for name in PARTS)
        self._over(None)
        disturbed = self._gate.disturbed
        self._unsettled = self._unsettled + 1 if disturbed and disturbed.at_ns >= standing.reconciled_ns else 0
        if left:
            self._schedule.hurry(now_ns + ABSENCE_GAP_NS + NS_PER_S, "orders of unknown fate")

    def _failed(self, reason: str, why: str) -> None:
        """The last reconcile proves nothing: the gate stays closed, and it is tried again sooner than the interval."""
        self._unsettled += 1
        self._over(reason)
        self._schedule.hurry(self._desk.now() + self._hold_off_ns(), why)

    def _over(self, failed_why: str | None) -> None:
        if self._failed_why is not None:
            self._standing.open(self._failed_why)
        self._failed_why = failed_why
        if failed_why is not None:
            self._standing.close(failed_why)
        self._standing.open(RECONCILES)
        self._schedule.after(self._desk.now(), interval_s=self._desk.settings.reconcile.interval_seconds)

    def _hold_off_ns(self) -> int:
        wait_s = self._desk.settings.live_data.delay_s(max(self._unsettled - 1, 0), chance=random.random())
        return int(wait_s * NS_PER_S)

    def _look_at_troubles(self) -> None:
        """Something happened after which only a reconcile knows: do one, at once unless the last one was in vain."""
        trouble, known_ns = self._gate.disturbed, self._standing.reconciled_ns
        if trouble is None or trouble.lasts or (known_ns is not None and trouble.at_ns < known_ns):
            return
        wait_ns = self._hold_off_ns() if self._unsettled else 0
        self._schedule.hurry(self._desk.now() + wait_ns, trouble.what)

    def _look_at_plans(self) -> None:
        """A plan that was staged beside the bot closes the gate; one that was executed is a reason to look again."""
        try:
            found = self._plans_now()
        except BookError as error:
            self._desk.log.warning("state_not_read", reason=error.message)
            return
        if found == self._plans:
            return
        before, self._plans = self._plans, found
        waiting, applied = found
        self._standing.waiting = waiting or self._standing.waiting
        if waiting is None or before is None or applied != before[1]:
            self._schedule.hurry(self._desk.now(), "a plan was executed, or waits no longer")

    def _plans_now(self) -> tuple[str | None, str | None]:
        """The plan that waits with actions, and the one that was executed last."""
        state = self._desk.state
        waiting = state.waiting(self._desk.now())
        return (waiting.plan_id if waiting and waiting.executable else None, state.last_applied())

    def _heard(self, update: OrderUpdate) -> None:
        if self._strategist is not None:
            self._strategist.order_changed(update)

    def _strategy_failed(self, failure: Failure) -> None:
        """Shut the gate at once, in whichever thread this is."""
        what = f"{failure.method}: {failure.what}"
        self._standing.close(f"the strategy failed in {what}")
        self._standing.strategy_state, self._standing.strategy_error = "failed", what
        self._desk.log.error("strategy_failed", method=failure.method, what=failure.what, trace=failure.trace)
        self._desk.alerts.raise_alert("strategy_failed", strategy=self._standing.strategy, reason=what)

    def _end(self) -> None:
        """The gate closed, the strategy told, what the broker said taken in."""
        self._standing.close(ENDS)
        self._feeding.stop()
        self._line.resume()
        if self._strategist is not None and self._standing.strategy_state != "none":
            if not self._strategist.stop():
                self._say(f"the strategy did not end within {STOP_WAIT_S:g} s: it was left behind")
            elif self._standing.strategy_state == "running":
                self._standing.strategy_state = "ended"
        if self._standing.link.up:
            self._gate.listen()
