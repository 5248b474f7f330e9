"""
What the broker tells of the gate's orders, into the intents and the book.

What the book cannot take at the moment (another process holds it, the disk is full) waits here and is tried again;
the intent store has it in any case, and a plan finds it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from tieout.errors import BookError
from tieout.gate import update
from tieout.gate.outcome import outcome_of
from tieout.gate.readiness import Disturbance
from tieout.model import ENDED_STATUSES
from tieout.store.intents import ORDER_REF_PREFIX
from tieout.store.recorder import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tieout.broker.port import BrokerEvent
    from tieout.gate.update import OrderUpdate, Subscriber
    from tieout.gate.watch import GateDesk
    from tieout.store.intent import Intent, Owner
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder
    from tieout.store.seen import SeenExecutions

WAITING_MAX: Final = 10_000
TOLD_MAX: Final = 200_000
"""How many executions are remembered, to tell what is said again (every reconcile asks for the day's) from news."""
LINK_CODES: Final = frozenset({1100, 1101, 1102, 2110})
"""The gateway lost IB, or has it back: nothing that happened meanwhile is told again."""
LOST_CODES: Final = frozenset({1100, 2110})


class Follower:
    """Takes events, one after another; `disturbed` is the last one after which only a reconcile knows."""

    def __init__(
        self, desk: GateDesk, store: IntentStore, recorder: Recorder, *, seen: SeenExecutions | None = None
    ) -> None:
        self.disturbed: Disturbance | None = None
        self._desk = desk
        self._store = store
        self._recorder = recorder
        self._seen = seen
        self._waiting: deque[Callable[[], object]] = deque()
        self._fills: dict[str, tuple[Mapping[str, object], OrderUpdate | None]] = {}
        self._paid: dict[str, Mapping[str, object]] = {}
        self._said: dict[int, tuple[str | None, int | None, int | None]] = {}
        self.subscriber: Subscriber | None = None

    def take(self, event: BrokerEvent, owner: Owner, *, answers: bool = False) -> None:
        """
        One event of the connection of this owner.

        Only what was told unasked is written into the book; what a question brought to light was missed, and comes by
        a plan. `answers` says that a status may be such an answer; one that has ended never is.
        """
        if event.kind in {"closed", "lost"}:
            self.disturb(event.at_ns, f"the connection was lost ({event.text})")
        elif event.kind == "message":
            self._message(event, owner)
        elif event.kind == "status":
            self._status(event, owner, asked=answers and event.text not in ENDED_STATUSES)
        elif event.kind == "execution" and event.row is not None and event.row["account"] == owner.account:
            self._execution(event, owner, event.row)
        elif event.kind == "commission" and event.row is not None and event.exec_id is not None:
            self._commission(event, owner, event.exec_id)

    def disturb(self, at_ns: int, what: str, *, lasts: bool = False) -> None:
        """Only a reconcile after this moment opens the gate again."""
        self.disturbed = Disturbance(at_ns=at_ns, what=what, lasts=lasts)
        self._desk.log.warning("gate_disturbed", what=what)

    def record(self, write: Callable[[], object]) -> None:
        """Write into the book, in order; what it cannot take now is kept."""
        self._waiting.append(write)
        try:
            while self._waiting:
                self._waiting[0]()
                self._waiting.popleft()
        except BookError as error:
            self._desk.log.error("book_not_written", reason=error.message, waiting=len(self._waiting))
            if len(self._waiting) > WAITING_MAX:
                self._waiting.popleft()
                self.disturb(self._desk.now(), "the book could not take what the broker told")

    def _message(self, event: BrokerEvent, owner: Owner) -> None:
        if event.code in LINK_CODES:
            self.disturb(event.at_ns, f"IB's message {event.code}", lasts=event.code in LOST_CODES)
        elif event.order_id is not None and (intent := self._store.find_order(owner, event.order_id)) is not None:
            told = Told(message=f"{event.code} {event.text}")
            self.record(lambda: self._recorder.told(owner.account, intent.order_ref, told, now_ns=event.at_ns))
            self._publish(update.message_of(event, intent))

    def _execution(self, event: BrokerEvent, owner: Owner, row: Mapping[str, object]) -> None:
        """A fill. Every order of the gate carries a reference of its kind, and so do its fills."""
        exec_id, order_ref = str(row["exec_id"]), row["order_ref"]
        if order_ref is not None and not str(order_ref).startswith(ORDER_REF_PREFIX):
            return
        known = self._fills.get(exec_id)
        if known is not None and known[0] == row:
            return
        intent = None
        if event.order_id is not None and row["client_id"] == owner.client_id:
            intent = self._store.find_order(owner, event.order_id)
        if intent is not None and order_ref is not None and intent.order_ref != order_ref:
            intent = None
        if len(self._fills) >= TOLD_MAX:
            self._fills.clear()
        told = None if intent is None else update.fill_of(event, intent, row, again=self._told_before(owner, row))
        self._fills[exec_id] = (row, told)
        if not event.asked:
            self.record(lambda: self._recorder.filled(row, now_ns=event.at_ns))
        if told is not None:
            self._publish(told)
            if not told.again:
                self._note_told(owner, row, event.at_ns)

    def _told_before(self, owner: Owner, row: Mapping[str, object]) -> bool:
        """Whether a strategy was told of this execution; where that cannot be read, it is told as news."""
        try:
            return self._seen is not None and self._seen.has(owner.realm, row)
        except BookError as error:
            self._desk.log.error("seen_not_read", reason=error.message)
            return False

    def _note_told(self, owner: Owner, row: Mapping[str, object], at_ns: int) -> None:
        """After it was told: a process that ends in between tells it twice, and never not at all."""
        try:
            if self._seen is not None and self.subscriber is not None:
                self._seen.note(owner.realm, row, now_ns=at_ns)
        except BookError as error:
            self._desk.log.error("seen_not_written", reason=error.message)

    def _commission(self, event: BrokerEvent, owner: Owner, exec_id: str) -> None:
        report = event.row or {}
        if exec_id not in self._fills or self._paid.get(exec_id) == report:
            return

        def pay() -> None:
            if self._recorder.paid(owner.account, exec_id, report):
                if len(self._paid) >= TOLD_MAX:
                    self._paid.clear()
                self._paid[exec_id] = report

        self.record(pay)
        fill = self._fills[exec_id][1]
        if fill is not None:
            self._publish(update.commission_of(event, fill, report))

    def _publish(self, news: OrderUpdate) -> None:
        if self.subscriber is not None:
            self.subscriber(news)

    def settled(self, intent: Intent, now_ns: int) -> None:
        """Tell that a reconcile proved what became of it."""
        self._publish(update.settled(intent, outcome_of(intent), now_ns))

    def _status(self, event: BrokerEvent, owner: Owner, *, asked: bool) -> None:
        if event.order_id is None or event.client_id != owner.client_id or event.text is None:
            return
        intent = self._store.find_order(owner, event.order_id)
        if intent is None:
            return
        if None not in (intent.perm_id, event.perm_id) and intent.perm_id != event.perm_id:
            self._desk.log.error("perm_id_differs", intent=intent.intent_id, known=intent.perm_id, told=event.perm_id)
            if not asked:  # whoever asked has seen both, and matches them
                self.disturb(event.at_ns, f"order {event.order_id} was told under another perm_id")
            return
        if not intent.terminal and (intent.status, intent.perm_id) != (event.text, event.perm_id):
            state = "DONE" if event.text in ENDED_STATUSES else "ACKED"
            self._store.move(intent, state, now_ns=event.at_ns, status=event.text, perm_id=event.perm_id)  # type: ignore[arg-type]
        if not asked:
            self._tell_book(event, intent)
        said = (event.text, event.perm_id, event.filled_e8)
        if self._said.get(intent.row) != said:
            self._said[intent.row] = said
            self._publish(update.status_of(event, intent))

    def _tell_book(self, event: BrokerEvent, intent: Intent) -> None:
        told = Told(status=event.text, perm_id=event.perm_id, filled_e8=event.filled_e8)
        self.record(lambda: self._recorder.told(intent.owner.account, intent.order_ref, told, now_ns=event.at_ns))
