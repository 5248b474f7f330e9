"""
The order gate. Invariants, each with a test that names it (tests/test_gate*.py):

1. Nothing is sent that is not durable in the intent store first; what is there in another state than RESERVED is
   never sent again, by this process or a later one.
2. Flags and latch count as they stand at the last moment before the socket.
3. An order whose fate is not proven is UNKNOWN, and keeps its instrument closed until evidence settles it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tieout.errors import OrderInvalid
from tieout.gate import bracket
from tieout.gate.door import Door
from tieout.gate.fingerprint import check
from tieout.gate.follow import Follower
from tieout.gate.outcome import BracketOutcome, Outcome, outcome_of
from tieout.gate.pacing import Pace
from tieout.gate.sender import MESSAGES_EACH, Sender
from tieout.gate.settling import settle_all
from tieout.gate.submitting import Submitter
from tieout.gate.turn import Turn
from tieout.gate.watch import Allowed, GateDesk, Watch
from tieout.gate.wishes import contract_of
from tieout.model import ENDED_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import Broker, BrokerEvent, ContractSpec, OrderSpec
    from tieout.gate.readiness import Disturbance, Readiness
    from tieout.gate.update import Subscriber
    from tieout.model import Snapshot
    from tieout.store.intent import Intent
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder
    from tieout.store.seen import SeenExecutions


class OrderGate:
    """
    The door for one client of one account. Any thread may use it; one at a time gets through.

    `turn` is that one: who has it may use the gate's connection for something else meanwhile.

    Args:
        broker: a connection that nobody else uses.
        desk: workspace, log, alerts, clock.
        store: the intents; one process at a time sends as this client.
        recorder: the book.
        readiness: what the last reconcile came to, asked for at every order.
        subscriber: told of everything that becomes known of the gate's orders.
        seen: what it was told of before this process began.
    """

    def __init__(
        self,
        broker: Broker,
        desk: GateDesk,
        *,
        store: IntentStore,
        recorder: Recorder,
        readiness: Callable[[], Readiness],
        pace: Pace | None = None,
        subscriber: Subscriber | None = None,
        seen: SeenExecutions | None = None,
    ) -> None:
        self.turn = Turn(broker.wake)
        self._broker = broker
        self._desk = desk
        self._store = store
        self._recorder = recorder
        self._pace = pace or Pace()
        self._watch = Watch(desk)
        self._follower = Follower(desk, store, recorder, seen=seen)
        self._follower.subscriber = subscriber
        self._door = Door(
            broker, desk, store=store, watch=self._watch, follower=self._follower, readiness=readiness
        )  # fmt: skip
        self._sender = Sender(
            broker, desk, store=store, recorder=recorder, follower=self._follower, watch=self._watch, pace=self._pace
        )
        self._submitter = Submitter(
            broker, desk, store=store, recorder=recorder, door=self._door, watch=self._watch, sender=self._sender,
            hear=self.hear,
        )  # fmt: skip

    @property
    def disturbed(self) -> Disturbance | None:
        """The last thing after which only a reconcile knows how things stand."""
        return self._follower.disturbed

    def start(self) -> list[Intent]:
        """
        Reach the gateway and look through what a crash left behind; answers the intents that are UNKNOWN.

        Raises:
            BrokerError: the gateway was not reached; the gate tries again by itself.
        """
        with self.turn.take():
            self._door.owner_of(self._broker.connect())
            return self.unknown()

    def unknown(self) -> list[Intent]:
        """The account's intents whose fate is not proven, oldest first. Raises as `start`."""
        with self.turn.take():
            return [intent for intent in self._store.open_ones(self._door.me()) if intent.state == "UNKNOWN"]

    def submit(
        self, contract: ContractSpec, order: OrderSpec, *, intent_id: str | None = None, strategy: str | None = None
    ) -> Outcome:
        """
        Send an order once.

        Args:
            intent_id: the caller's stable name for this order (strategy, signal, leg, attempt); without one an equal
                order within IDEMPOTENCY.window_seconds is the same one.

        Raises:
            OrderInvalid: it cannot be sent as it stands.
            IntentConflict: the id was used for another order.
            BookError: the intent store cannot be written; nothing was sent.
        """
        check(contract, order)
        with self.turn.take():
            return self._submitter.submit(contract, order, intent_id=intent_id, strategy=strategy)

    def submit_bracket(
        self,
        contract: ContractSpec,
        entry: OrderSpec,
        *,
        intent_id: str,
        take_profit: OrderSpec | None = None,
        stop_loss: OrderSpec | None = None,
        strategy: str | None = None,
    ) -> BracketOutcome:
        """
        Send an entry with the orders that protect it, once, so that it is never at the exchange without them.

        The legs' intents are `intent_id` with /entry, /take_profit and /stop_loss. Where both protect, they are an OCA
        group: as one fills, the broker cancels the other.

        Raises:
            OrderInvalid, IntentConflict, BookError: as `submit`.
        """
        legs = bracket.legs_of(intent_id, entry, take_profit=take_profit, stop_loss=stop_loss)
        for leg in legs:
            check(contract, leg.order)
        with self.turn.take():
            return self._submitter.bracket(contract, legs, intent_id=intent_id, strategy=strategy)

    def modify(self, intent_id: str, order: OrderSpec, *, change_id: str | None = None) -> Outcome:
        """
        Change a live order of this gate to these terms; `change_id` is to the change what `intent_id` is to the order.

        Raises:
            OrderInvalid: as `submit`; or there is no such order, or it has ended.
        """
        with self.turn.take():
            target = self._target(intent_id, self._watch.allowed())
            if target.state == "RESERVED" or (target.terminal and target.state != "SIMULATED"):
                what = target.status or target.state
                raise OrderInvalid(f"the order of intent {intent_id} is {what}; only a live one can be changed")
            if order.side != target.order["side"]:
                raise OrderInvalid(f"the side is {order.side}, the order's is {target.order['side']}; it cannot change")
            contract = contract_of(target)
            check(contract, order)
            return self._submitter.submit(contract, order, intent_id=change_id, strategy=target.strategy, target=target)

    def cancel(self, intent_id: str) -> Outcome:
        """
        Ask for an order of this gate to be cancelled; asking twice is harmless.

        Raises:
            OrderInvalid: there is no such order.
            OutcomeUnknown: the request was not acknowledged; the order may be live.
        """
        with self.turn.take():
            allowed = self._watch.allowed()
            target = self._target(intent_id, allowed)
            if target.terminal:
                return outcome_of(target)
            if allowed.sending == "simulated":
                return Outcome(state="SIMULATED", intent_id=intent_id, reason=allowed.why)
            why = self._door.closed(allowed, contract=None, listen=self.hear)
            if why:
                return self._door.blocked(why, intent_id=intent_id)
            self._pace.take(MESSAGES_EACH)
            answer = self._broker.cancel(target.order_id)
            if answer.status is not None:
                state = "DONE" if answer.status in ENDED_STATUSES else "ACKED"
                target = self._store.move(target, state, now_ns=self._desk.now(), status=answer.status)  # type: ignore[arg-type]
            self.hear()
            target = self._store.find(target.owner, intent_id) or target
            hint = None if answer.code is None else f"{answer.code} {answer.text}"
            return replace(outcome_of(target), reason=hint or target.note)

    def outcome(self, intent_id: str) -> Outcome | None:
        """What became of an intent, as far as is known now; None where there is none. Raises BrokerError as `start`."""
        with self.turn.take():
            me = self._door.me()
            found = self._store.find(me, intent_id) or self._store.find(replace(me, realm="dry_run"), intent_id)
            return None if found is None else outcome_of(found)

    def listen(self, *, wait_s: float = 0.0) -> list[BrokerEvent]:
        """
        Take what the broker told since the last call into intents and book, and answer it.

        While another thread has the gate there is nothing to hear: it hears for itself.
        """
        with self.turn.listen() as mine:
            return self.hear(wait_s) if mine else []

    def why_closed(self, contract: ContractSpec | None = None) -> list[str]:
        """Every reason for which an order (on that contract) would be blocked now; best empty."""
        with self.turn.take():
            return self._door.closed(self._watch.allowed(), contract=contract, listen=self.hear)

    def standing(self) -> list[str]:
        """Every reason for which any new order would be blocked, as far as is known without asking the broker."""
        return self._door.standing(self._watch.allowed())

    def settle(self, snapshot: Snapshot) -> list[Intent]:
        """
        Settle what this snapshot proves, never by sending; answers the intents that are UNKNOWN still.

        Call it after every reconcile: absence needs two complete ones.
        """
        with self.turn.take():
            owner = self._door.owner_of(snapshot.gateway)
            before = {intent.row: intent for intent in self._store.open_ones(owner)}
            left = settle_all(self._desk, self._store, owner, snapshot=snapshot)
            for intent in self._store.listed(everything=True) if before else []:
                if intent.row in before and intent.state != before[intent.row].state:
                    self._follower.settled(intent, self._desk.now())
            return left

    def hear(self, wait_s: float = 0.0, *, answers: bool = False) -> list[BrokerEvent]:
        """`listen` for whoever has the turn; `answers` says that he asked for the open orders before."""
        events = self._broker.events(wait_s=wait_s)
        if events:
            owner = self._door.me()
            for event in events:
                self._follower.take(event, owner, answers=answers)
        return events

    def _target(self, intent_id: str, allowed: Allowed) -> Intent:
        me = self._door.me()
        found = self._store.find(self._door.acting(me, allowed), intent_id) or self._store.find(me, intent_id)
        if found is None or found.kind != "place":
            raise OrderInvalid(f"there is no order of intent {intent_id!r}", hint="`tieout intents list` shows them")
        if found.owner.client_id != me.client_id:
            raise OrderInvalid(f"client {found.owner.client_id} placed {intent_id}; only it may change its order")
        return found
