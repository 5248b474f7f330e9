"""
What the broker tells of the gate's orders, into the intents and the book.

What the book cannot take at the moment (another process holds it, the disk is full) waits here and is tried again;
the intent store has it in any case, and a plan finds it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from tieout.errors import BookError
from tieout.gate.readiness import Disturbance
from tieout.model import ENDED_STATUSES
from tieout.store.recorder import Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import BrokerEvent
    from tieout.gate.watch import GateDesk
    from tieout.store.intent import Intent, Owner
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder

WAITING_MAX: Final = 10_000
LINK_CODES: Final = frozenset({1100, 1101, 1102, 2110})
"""The gateway lost IB, or has it back: nothing that happened meanwhile is told again."""


class Follower:
    """Takes events, one after another; `disturbed` is the last one after which only a reconcile knows."""

    def __init__(self, desk: GateDesk, store: IntentStore, recorder: Recorder) -> None:
        self.disturbed: Disturbance | None = None
        self._desk = desk
        self._store = store
        self._recorder = recorder
        self._waiting: deque[Callable[[], object]] = deque()

    def take(self, event: BrokerEvent, owner: Owner) -> None:
        """One event of the connection of this owner."""
        if event.kind in {"closed", "lost"}:
            self.disturb(event.at_ns, f"the connection was lost ({event.text})")
        elif event.kind == "message":
            self._message(event, owner)
        elif event.kind == "status":
            self._status(event, owner)
        elif event.kind == "execution" and event.row is not None and event.row["account"] == owner.account:
            row = event.row
            self.record(lambda: self._recorder.filled(row, now_ns=event.at_ns))
        elif event.kind == "commission" and event.row is not None and event.exec_id is not None:
            report, exec_id = event.row, event.exec_id
            self.record(lambda: self._recorder.paid(owner.account, exec_id, report))

    def disturb(self, at_ns: int, what: str) -> None:
        """Only a reconcile after this moment opens the gate again."""
        self.disturbed = Disturbance(at_ns=at_ns, what=what)
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
            self.disturb(event.at_ns, f"IB's message {event.code}")
        elif event.order_id is not None and (intent := self._store.find_order(owner, event.order_id)) is not None:
            told = Told(message=f"{event.code} {event.text}")
            self.record(lambda: self._recorder.told(owner.account, intent.order_ref, told, now_ns=event.at_ns))

    def _status(self, event: BrokerEvent, owner: Owner) -> None:
        if event.order_id is None or event.client_id != owner.client_id or event.text is None:
            return
        intent = self._store.find_order(owner, event.order_id)
        if intent is None:
            return
        if None not in (intent.perm_id, event.perm_id) and intent.perm_id != event.perm_id:
            self._desk.log.error("perm_id_differs", intent=intent.intent_id, known=intent.perm_id, told=event.perm_id)
            self.disturb(event.at_ns, f"order {event.order_id} was told under another perm_id")
            return
        if not intent.terminal and (intent.status, intent.perm_id) != (event.text, event.perm_id):
            state = "DONE" if event.text in ENDED_STATUSES else "ACKED"
            self._store.move(intent, state, now_ns=event.at_ns, status=event.text, perm_id=event.perm_id)  # type: ignore[arg-type]
        self._tell_book(event, intent)

    def _tell_book(self, event: BrokerEvent, intent: Intent) -> None:
        told = Told(status=event.text, perm_id=event.perm_id, filled_e8=event.filled_e8)
        self.record(lambda: self._recorder.told(intent.owner.account, intent.order_ref, told, now_ns=event.at_ns))
