"""Whether anything may leave now, who we are at the broker, and what is said where nothing may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tieout.errors import BrokerError
from tieout.gate import readiness as ready
from tieout.gate.outcome import Outcome
from tieout.gate.wishes import as_json
from tieout.store.intent import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.broker.port import Broker, ContractSpec
    from tieout.gate.follow import Follower
    from tieout.gate.readiness import Readiness
    from tieout.gate.watch import Allowed, GateDesk, Watch
    from tieout.model import Gateway
    from tieout.store.intents import IntentStore


class Door:
    """The conditions of `tieout.gate.gate`; its caller has the turn."""

    def __init__(
        self,
        broker: Broker,
        desk: GateDesk,
        *,
        store: IntentStore,
        watch: Watch,
        follower: Follower,
        readiness: Callable[[], Readiness],
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._store = store
        self._watch = watch
        self._follower = follower
        self._readiness = readiness
        self._owner: Owner | None = None
        self._gateway: Gateway | None = None

    def closed(self, allowed: Allowed, *, contract: ContractSpec | None, listen: Callable[[], object]) -> list[str]:
        """Why nothing may leave; without a contract (a cancel) only what holds for any word to the broker."""
        if allowed.sending == "no":
            return [allowed.why or "sending is not allowed"]
        try:
            gateway = self._broker.connect()
            listen()
            self._broker.current_time()
            refusal = self._broker.read_only()
        except BrokerError as error:
            return [f"the link is not proven: {error.message}"]
        listen()
        self._gateway = gateway
        live = self._watch.live_account(gateway, allow_live=allowed.allow_live)
        why = [live] if live else []
        why += [f'the gateway\'s "Read-Only API" is on: {refusal}'] if refusal else []
        readiness = self._readiness()
        if contract is None:
            return why + ([readiness.restart] if readiness.restart else [])
        why += ready.not_ready(readiness, self._follower.disturbed)
        return why + ready.unknown_on(as_json(contract), self._store.open_ones(self.owner_of(gateway)))

    def standing(self, allowed: Allowed) -> list[str]:
        """Why new orders would be blocked, whatever they are on, without a word to the broker."""
        why = [] if allowed.sending != "no" else [allowed.why or "sending is not allowed"]
        live = self._gateway and self._watch.live_account(self._gateway, allow_live=allowed.allow_live)
        return why + ([live] if live else []) + ready.not_ready(self._readiness(), self._follower.disturbed)

    def blocked(self, why: list[str], *, intent_id: str | None) -> Outcome:
        """BLOCKED, and the alert of it."""
        reason = "; ".join(why)
        self._desk.alerts.raise_alert("order_blocked_safe_mode", reason=reason, intent=intent_id)
        return Outcome(state="BLOCKED", intent_id=intent_id, reason=reason)

    def owner_of(self, gateway: Gateway) -> Owner:
        """Who we are there; the first time, what a crash left behind is looked through."""
        realm = "broker" if self._desk.simulated is None else "sim"
        owner = Owner(realm=realm, account=gateway.account, client_id=gateway.client_id)  # type: ignore[arg-type]
        self._gateway = gateway
        if self._owner != owner:
            self._owner = owner
            for intent in self._store.recover(owner, now_ns=self._desk.now()):
                self._desk.alerts.raise_alert(
                    "order_outcome_unknown", intent=intent.intent_id, order_ref=intent.order_ref, reason=intent.note
                )
        return owner

    def me(self) -> Owner:
        """Who we are; asks the gateway the first time."""
        return self._owner or self.owner_of(self._broker.connect())

    def acting(self, owner: Owner, allowed: Allowed) -> Owner:
        """A dry run uses up no id of the real thing."""
        return replace(owner, realm="dry_run") if allowed.sending == "simulated" else owner
