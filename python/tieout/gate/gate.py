"""
The order gate. Invariants, each with a test that names it (tests/test_gate*.py):

1. Nothing is sent that is not durable in the intent store first; what is there in another state than RESERVED is
   never sent again, by this process or a later one.
2. Flags and latch count as they stand at the last moment before the socket.
3. An order whose fate is not proven is UNKNOWN, and keeps its instrument closed until evidence settles it.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from tieout.clock import NS_PER_S
from tieout.errors import BrokerError, IntentConflict, OrderInvalid
from tieout.failpoints import reach
from tieout.gate import readiness as ready
from tieout.gate.fingerprint import check
from tieout.gate.follow import Follower
from tieout.gate.limits import active_orders
from tieout.gate.outcome import Outcome, outcome_of
from tieout.gate.pacing import Pace
from tieout.gate.sender import MESSAGES_EACH, Sender
from tieout.gate.settling import settle_all
from tieout.gate.watch import Allowed, GateDesk, Watch
from tieout.gate.wishes import as_json, contract_of, wish_of
from tieout.model import ENDED_STATUSES
from tieout.store.intent import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import Broker, BrokerEvent, ContractSpec, OrderSpec
    from tieout.gate.readiness import Readiness
    from tieout.model import Gateway, Snapshot
    from tieout.store.intent import Intent, Wish
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder


class OrderGate:
    """
    The door for one client of one account. Any thread may use it; one at a time gets through.

    Args:
        broker: a connection that nobody else uses.
        desk: workspace, log, alerts, clock.
        store: the intents; one process at a time sends as this client.
        recorder: the book.
        readiness: what the last reconcile came to, asked for at every order.
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
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._store = store
        self._recorder = recorder
        self._readiness = readiness
        self._pace = pace or Pace()
        self._watch = Watch(desk)
        self._follower = Follower(desk, store, recorder)
        self._sender = Sender(
            broker, desk, store=store, recorder=recorder, follower=self._follower, watch=self._watch, pace=self._pace
        )
        self._turn = threading.RLock()
        self._owner: Owner | None = None

    def start(self) -> list[Intent]:
        """
        Reach the gateway and look through what a crash left behind; answers the intents that are UNKNOWN.

        Raises:
            BrokerError: the gateway was not reached; the gate tries again by itself.
        """
        with self._turn:
            me = self._me()
            return [intent for intent in self._store.open_ones(me) if intent.state == "UNKNOWN"]

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
        with self._turn:
            return self._submit(contract, order, intent_id=intent_id, strategy=strategy, target=None)

    def modify(self, intent_id: str, order: OrderSpec, *, change_id: str | None = None) -> Outcome:
        """
        Change a live order of this gate to these terms; `change_id` is to the change what `intent_id` is to the order.

        Raises:
            OrderInvalid: as `submit`; or there is no such order, or it has ended.
        """
        with self._turn:
            target = self._target(intent_id, self._watch.allowed())
            if target.state == "RESERVED" or (target.terminal and target.state != "SIMULATED"):
                what = target.status or target.state
                raise OrderInvalid(f"the order of intent {intent_id} is {what}; only a live one can be changed")
            if order.side != target.order["side"]:
                raise OrderInvalid(f"the side is {order.side}, the order's is {target.order['side']}; it cannot change")
            contract = contract_of(target)
            check(contract, order)
            return self._submit(contract, order, intent_id=change_id, strategy=target.strategy, target=target)

    def cancel(self, intent_id: str) -> Outcome:
        """
        Ask for an order of this gate to be cancelled; asking twice is harmless.

        Raises:
            OrderInvalid: there is no such order.
            OutcomeUnknown: the request was not acknowledged; the order may be live.
        """
        with self._turn:
            allowed = self._watch.allowed()
            target = self._target(intent_id, allowed)
            if target.terminal:
                return outcome_of(target)
            if allowed.sending == "simulated":
                return Outcome(state="SIMULATED", intent_id=intent_id, reason=allowed.why)
            why = self._closed(allowed, contract=None)
            if why:
                return self._blocked(why, intent_id=intent_id)
            self._pace.take(MESSAGES_EACH)
            answer = self._broker.cancel(target.order_id)
            if answer.status is not None:
                state = "DONE" if answer.status in ENDED_STATUSES else "ACKED"
                target = self._store.move(target, state, now_ns=self._desk.now(), status=answer.status)  # type: ignore[arg-type]
            self.listen()
            target = self._store.find(target.owner, intent_id) or target
            hint = None if answer.code is None else f"{answer.code} {answer.text}"
            return replace(outcome_of(target), reason=hint or target.note)

    def outcome(self, intent_id: str) -> Outcome | None:
        """What became of an intent, as far as is known now; None where there is none. Raises BrokerError as `start`."""
        with self._turn:
            me = self._me()
            found = self._store.find(me, intent_id) or self._store.find(replace(me, realm="dry_run"), intent_id)
            return None if found is None else outcome_of(found)

    def listen(self, *, wait_s: float = 0.0) -> list[BrokerEvent]:
        """Take what the broker told since the last call into intents and book, and answer it."""
        with self._turn:
            events = self._broker.events(wait_s=wait_s)
            if events:
                owner = self._me()
                for event in events:
                    self._follower.take(event, owner)
            return events

    def why_closed(self, contract: ContractSpec | None = None) -> list[str]:
        """Every reason for which an order (on that contract) would be blocked now; best empty."""
        with self._turn:
            return self._closed(self._watch.allowed(), contract=contract)

    def settle(self, snapshot: Snapshot) -> list[Intent]:
        """
        Settle what this snapshot proves, never by sending; answers the intents that are UNKNOWN still.

        Call it after every complete reconcile: absence needs two of them.
        """
        with self._turn:
            return settle_all(self._desk, self._store, self._owner_of(snapshot.gateway), snapshot=snapshot)

    def _submit(
        self,
        contract: ContractSpec,
        order: OrderSpec,
        *,
        intent_id: str | None,
        strategy: str | None,
        target: Intent | None,
    ) -> Outcome:
        allowed = self._watch.allowed()
        try:
            owner = self._as(self._me(), allowed)
            wish = wish_of(owner.account, contract, order, intent_id=intent_id, strategy=strategy, target=target)
            known = None if intent_id is None else self._store.find(owner, intent_id)
            if known is not None:
                return self._again(known, wish)
            if allowed.sending != "simulated":
                why = self._closed(allowed, contract=contract)
                if why:
                    return self._blocked(why, intent_id=intent_id)
                active = (
                    0
                    if target
                    else active_orders(self._recorder, self._store, owner, contract=contract, side=order.side)
                )
                full = ready.too_many(active, side=order.side)
                if full:
                    return Outcome(state="REFUSED", intent_id=intent_id, reason=full)
            intent, new = self._reserve(owner, wish, window_ns=allowed.window_s * NS_PER_S)
        except BrokerError as error:
            return self._blocked([f"the link is not proven: {error.message}"], intent_id=intent_id)
        if not new:
            return self._again(intent, wish)
        reach("intent: reserved")
        if allowed.sending == "simulated":
            return outcome_of(self._store.move(intent, "SIMULATED", now_ns=self._desk.now(), note=allowed.why))
        outcome = self._sender.send(intent, contract, order)
        if outcome.state == "BLOCKED":
            return self._blocked([outcome.reason or ""], intent_id=intent.intent_id)
        self.listen()
        return outcome_of(self._store.find(owner, intent.intent_id) or intent)

    def _reserve(self, owner: Owner, wish: Wish, *, window_ns: int) -> tuple[Intent, bool]:
        floor = 1
        if owner.realm != "dry_run" and wish.order_id is None:
            in_book = self._recorder.highest_order_id(owner.account, owner.client_id)
            floor = max(self._broker.next_order_id(), in_book + 1)
        return self._store.reserve(owner, wish, id_floor=floor, window_ns=window_ns, now_ns=self._desk.now())

    def _again(self, known: Intent, wish: Wish) -> Outcome:
        if (known.encoding, known.kind, known.target) != (wish.encoding, wish.kind, wish.target):
            raise IntentConflict(
                f"intent {known.intent_id} was used before, for {known.kind} {known.order}; now it is "
                f"{wish.kind} {dict(wish.order)}",
                hint="give another order another intent id; nothing was sent",
            )
        self._desk.alerts.raise_alert(
            "duplicate_submission_blocked", intent=known.intent_id, state=known.state, status=known.status
        )
        return outcome_of(known, duplicate=True)

    def _blocked(self, why: list[str], *, intent_id: str | None) -> Outcome:
        reason = "; ".join(why)
        self._desk.alerts.raise_alert("order_blocked_safe_mode", reason=reason, intent=intent_id)
        return Outcome(state="BLOCKED", intent_id=intent_id, reason=reason)

    def _closed(self, allowed: Allowed, *, contract: ContractSpec | None) -> list[str]:
        """Why nothing may leave; without a contract (a cancel) only what holds for any word to the broker."""
        if allowed.sending == "no":
            return [allowed.why or "sending is not allowed"]
        try:
            gateway = self._broker.connect()
            self.listen()
            self._broker.current_time()
        except BrokerError as error:
            return [f"the link is not proven: {error.message}"]
        self.listen()
        live = self._watch.live_account(gateway, allow_live=allowed.allow_live)
        why = [live] if live else []
        readiness = self._readiness()
        if contract is None:
            return why + ([readiness.restart] if readiness.restart else [])
        why += ready.not_ready(readiness, self._follower.disturbed)
        return why + ready.unknown_on(as_json(contract), self._store.open_ones(self._owner_of(gateway)))

    def _target(self, intent_id: str, allowed: Allowed) -> Intent:
        me = self._me()
        found = self._store.find(self._as(me, allowed), intent_id) or self._store.find(me, intent_id)
        if found is None or found.kind != "place":
            raise OrderInvalid(f"there is no order of intent {intent_id!r}", hint="`tieout intents list` shows them")
        if found.owner.client_id != me.client_id:
            raise OrderInvalid(f"client {found.owner.client_id} placed {intent_id}; only it may change its order")
        return found

    def _owner_of(self, gateway: Gateway) -> Owner:
        """Who we are there; the first time, what a crash left behind is looked through."""
        realm = "broker" if self._desk.simulated is None else "sim"
        owner = Owner(realm=realm, account=gateway.account, client_id=gateway.client_id)  # type: ignore[arg-type]
        if self._owner is None:
            self._owner = owner
            for intent in self._store.recover(owner, now_ns=self._desk.now()):
                self._desk.alerts.raise_alert(
                    "order_outcome_unknown", intent=intent.intent_id, order_ref=intent.order_ref, reason=intent.note
                )
        return self._owner

    def _me(self) -> Owner:
        """Who we are; asks the gateway the first time."""
        return self._owner or self._owner_of(self._broker.connect())

    def _as(self, owner: Owner, allowed: Allowed) -> Owner:
        """A dry run uses up no id of the real thing."""
        return replace(owner, realm="dry_run") if allowed.sending == "simulated" else owner
