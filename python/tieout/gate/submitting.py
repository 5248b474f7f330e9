"""From an order to its intent, or to why it is not sent; the gate's own conditions, in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tieout.clock import NS_PER_S
from tieout.errors import BrokerError, IntentConflict
from tieout.failpoints import reach
from tieout.gate import bracket
from tieout.gate import readiness as ready
from tieout.gate.limits import active_orders
from tieout.gate.outcome import BracketOutcome, Outcome, outcome_of
from tieout.gate.wishes import wish_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tieout.broker.port import Broker, ContractSpec, OrderSpec
    from tieout.gate.bracket import Leg
    from tieout.gate.door import Door
    from tieout.gate.sender import Sender
    from tieout.gate.watch import Allowed, GateDesk, Watch
    from tieout.store.intent import Intent, Owner, Wish
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder


class Submitter:
    """Submits orders and groups of them; its caller has the turn, and has checked them."""

    def __init__(
        self,
        broker: Broker,
        desk: GateDesk,
        *,
        store: IntentStore,
        recorder: Recorder,
        door: Door,
        watch: Watch,
        sender: Sender,
        hear: Callable[[], object],
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._store = store
        self._recorder = recorder
        self._door = door
        self._watch = watch
        self._sender = sender
        self._hear = hear

    def submit(
        self,
        contract: ContractSpec,
        order: OrderSpec,
        *,
        intent_id: str | None,
        strategy: str | None,
        target: Intent | None = None,
    ) -> Outcome:
        """One order, or the modification of `target`'s."""
        allowed = self._watch.allowed()
        try:
            owner = self._door.acting(self._door.me(), allowed)
            wish = wish_of(owner.account, contract, order, intent_id=intent_id, strategy=strategy, target=target)
            known = None if intent_id is None else self._store.find(owner, intent_id)
            if known is not None:
                return self._again(known, wish)
            if allowed.sending != "simulated":
                sides = () if target else (order.side,)
                refused = self._refused(owner, allowed, contract, sides=sides, intent_id=intent_id)
                if refused is not None:
                    return refused
            intent, new = self._reserve(owner, wish, window_ns=allowed.window_s * NS_PER_S)
        except BrokerError as error:
            return self._door.blocked([f"the link is not proven: {error.message}"], intent_id=intent_id)
        if not new:
            return self._again(intent, wish)
        reach("intent: reserved")
        if allowed.sending == "simulated":
            return self._simulated(intent, allowed)
        outcome = self._sender.send(intent, contract, order)
        if outcome.state == "BLOCKED":
            return self._door.blocked([outcome.reason or ""], intent_id=intent.intent_id)
        self._hear()
        return outcome_of(self._store.find(owner, intent.intent_id) or intent)

    def bracket(
        self, contract: ContractSpec, legs: list[Leg], *, intent_id: str, strategy: str | None
    ) -> BracketOutcome:
        """A group whose first leg is the entry; invariants in `tieout.gate.bracket`."""
        allowed = self._watch.allowed()
        try:
            owner = self._door.acting(self._door.me(), allowed)
            known = self._known_legs(owner, contract, legs, strategy=strategy)
            if known:
                return bracket.outcome_of_legs(legs, known)
            if allowed.sending != "simulated":
                sides = [leg.order.side for leg in legs]
                refused = self._refused(owner, allowed, contract, sides=sides, intent_id=intent_id)
                if refused is not None:
                    return _alike(legs, refused)
            group = self._reserve_legs(owner, contract, legs, strategy=strategy)
        except BrokerError as error:
            blocked = self._door.blocked([f"the link is not proven: {error.message}"], intent_id=intent_id)
            return _alike(legs, blocked)
        reach("intent: group is reserved")
        if allowed.sending == "simulated":
            outcomes = [self._simulated(intent, allowed) for intent, _ in group]
            return bracket.outcome_of_legs(legs, _named(legs, outcomes))
        sent = self._sender.send_group(group, contract)
        if sent[0].state == "BLOCKED":
            return _alike(legs, self._door.blocked([sent[0].reason or ""], intent_id=intent_id))
        self._hear()
        now = [outcome_of(self._store.find(owner, intent.intent_id) or intent) for intent, _ in group]
        told = bracket.outcome_of_legs(legs, _named(legs, now))
        if told.entry.state != "NOT_SENT" and not told.complete:
            states = {leg.name: outcome.state for leg, outcome in zip(legs, now, strict=True)}
            self._desk.alerts.raise_alert("bracket_incomplete", intent=intent_id, legs=states)
        return told

    def _known_legs(
        self, owner: Owner, contract: ContractSpec, legs: list[Leg], *, strategy: str | None
    ) -> dict[str, Outcome]:
        """What became of the legs, where the bracket was submitted before."""
        known = {leg.name: self._store.find(owner, leg.intent_id) for leg in legs}
        parent = known[bracket.ENTRY]
        for leg in legs:
            intent = known[leg.name]
            if intent is not None:
                self._same_as_before(intent, self._leg_wish(owner, contract, leg, parent=parent, strategy=strategy))
        found = {name: outcome_of(intent, duplicate=True) for name, intent in known.items() if intent is not None}
        if parent is not None:
            self._tell_duplicate(parent)
        return found

    def _reserve_legs(
        self, owner: Owner, contract: ContractSpec, legs: list[Leg], *, strategy: str | None
    ) -> list[tuple[Intent, OrderSpec]]:
        group: list[tuple[Intent, OrderSpec]] = []
        parent: Intent | None = None
        for leg in legs:
            wish = self._leg_wish(owner, contract, leg, parent=parent, strategy=strategy)
            intent, new = self._reserve(owner, wish, window_ns=0)
            if not new:
                raise IntentConflict(
                    f"intent {intent.intent_id} was used a moment ago by another program",
                    hint="give each program intent ids of its own; nothing was sent",
                )
            order = leg.order if parent is None else replace(leg.order, parent_id=parent.order_id)
            group.append((intent, order))
            parent = parent or intent
        return group

    def _leg_wish(
        self, owner: Owner, contract: ContractSpec, leg: Leg, *, parent: Intent | None, strategy: str | None
    ) -> Wish:
        mine = None if leg.name == bracket.ENTRY else parent
        order = leg.order if mine is None else replace(leg.order, parent_id=mine.order_id)
        return wish_of(owner.account, contract, order, intent_id=leg.intent_id, strategy=strategy, parent=mine)

    def _refused(
        self,
        owner: Owner,
        allowed: Allowed,
        contract: ContractSpec,
        *,
        sides: Iterable[str],
        intent_id: str | None,
    ) -> Outcome | None:
        """BLOCKED or REFUSED, where new orders of these sides on the contract cannot go out now."""
        why = self._door.closed(allowed, contract=contract, listen=self._hear)
        if why:
            return self._door.blocked(why, intent_id=intent_id)
        wanted = list(sides)
        for side in dict.fromkeys(wanted):
            active = active_orders(self._recorder, self._store, owner, contract=contract, side=side)
            full = ready.too_many(active + wanted.count(side) - 1, side=side)
            if full:
                return Outcome(state="REFUSED", intent_id=intent_id, reason=full)
        return None

    def _reserve(self, owner: Owner, wish: Wish, *, window_ns: int) -> tuple[Intent, bool]:
        floor = 1
        if owner.realm != "dry_run" and wish.order_id is None:
            in_book = self._recorder.highest_order_id(owner.account, owner.client_id)
            floor = max(self._broker.next_order_id(), in_book + 1)
        return self._store.reserve(owner, wish, id_floor=floor, window_ns=window_ns, now_ns=self._desk.now())

    def _simulated(self, intent: Intent, allowed: Allowed) -> Outcome:
        return outcome_of(self._store.move(intent, "SIMULATED", now_ns=self._desk.now(), note=allowed.why))

    def _again(self, known: Intent, wish: Wish) -> Outcome:
        self._same_as_before(known, wish)
        self._tell_duplicate(known)
        return outcome_of(known, duplicate=True)

    def _same_as_before(self, known: Intent, wish: Wish) -> None:
        if (known.encoding, known.kind, known.target) != (wish.encoding, wish.kind, wish.target):
            raise IntentConflict(
                f"intent {known.intent_id} was used before, for {known.kind} {known.order}; now it is "
                f"{wish.kind} {dict(wish.order)}",
                hint="give another order another intent id; nothing was sent",
            )

    def _tell_duplicate(self, known: Intent) -> None:
        self._desk.alerts.raise_alert(
            "duplicate_submission_blocked", intent=known.intent_id, state=known.state, status=known.status
        )


def _alike(legs: list[Leg], outcome: Outcome) -> BracketOutcome:
    return bracket.outcome_of_legs(legs, {leg.name: replace(outcome, intent_id=leg.intent_id) for leg in legs})


def _named(legs: list[Leg], outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {leg.name: outcome for leg, outcome in zip(legs, outcomes, strict=True)}
