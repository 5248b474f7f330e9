"""From a reserved intent to the broker's first word: each step durable before the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tieout.errors import GatewayUnreachable, OutcomeUnknown
from tieout.failpoints import reach
from tieout.gate.outcome import Outcome, outcome_of
from tieout.gate.wishes import book_columns, terms_columns
from tieout.model import ENDED_STATUSES
from tieout.store.recorder import Placed, Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tieout.broker.port import Acknowledgement, Broker, ContractSpec, OrderSpec
    from tieout.gate.follow import Follower
    from tieout.gate.pacing import Pace
    from tieout.gate.watch import GateDesk, Watch
    from tieout.store.intent import Intent
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder

MESSAGES_EACH: Final = 3
"""A proof of the link, the port's own proof, and the order."""


class Sender:
    """Sends what was reserved; `tieout.gate.gate` has decided that it may."""

    def __init__(
        self,
        broker: Broker,
        desk: GateDesk,
        *,
        store: IntentStore,
        recorder: Recorder,
        follower: Follower,
        watch: Watch,
        pace: Pace,
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._store = store
        self._recorder = recorder
        self._follower = follower
        self._watch = watch
        self._pace = pace

    def send_group(self, group: Sequence[tuple[Intent, OrderSpec]], contract: ContractSpec) -> list[Outcome]:
        """Orders of which none may be at the exchange without the others; the last one transmits them all."""
        self._pace.take(MESSAGES_EACH * len(group))
        sending = [(self._store.move(one, "SENDING", now_ns=self._desk.now()), order) for one, order in group]
        reach("intent: group is durable")
        allowed = self._watch.allowed()
        if allowed.sending != "yes":
            why = allowed.why or "sending is not allowed"
            self._all_not_sent(sending, why)
            return [Outcome(state="BLOCKED", intent_id=one.intent_id, reason=why) for one, _ in sending]
        sent = [(one.order_id, replace(order, order_ref=one.order_ref)) for one, order in sending]
        try:
            answers = self._broker.place_group(contract, sent)
        except GatewayUnreachable as error:
            return self._all_not_sent(sending, error.message)
        except BaseException as error:
            for one, _ in sending:
                self.unknown(one, f"{type(error).__name__} while it was being sent: {error}")
            raise
        reach("intent: group is sent")
        return [
            self.unknown(one, "the gateway did not acknowledge it in time")
            if answer is None
            else self._acknowledged(one, answer, contract=contract, order=order)
            for (one, order), answer in zip(sending, answers, strict=True)
        ]

    def _all_not_sent(self, group: Sequence[tuple[Intent, OrderSpec]], why: str) -> list[Outcome]:
        return [outcome_of(self._store.move(one, "NOT_SENT", now_ns=self._desk.now(), note=why)) for one, _ in group]

    def send(self, intent: Intent, contract: ContractSpec, order: OrderSpec) -> Outcome:
        self._pace.take(MESSAGES_EACH)
        intent = self._store.move(intent, "SENDING", now_ns=self._desk.now())
        reach("intent: sending is durable")
        allowed = self._watch.allowed()
        if allowed.sending != "yes":
            why = allowed.why or "sending is not allowed"
            self._store.move(intent, "NOT_SENT", now_ns=self._desk.now(), note=why)
            return Outcome(state="BLOCKED", intent_id=intent.intent_id, reason=why)
        try:
            sent = replace(order, order_ref=intent.order_ref)
            answer = self._broker.place(contract, sent, order_id=intent.order_id)
        except GatewayUnreachable as error:
            return outcome_of(self._store.move(intent, "NOT_SENT", now_ns=self._desk.now(), note=error.message))
        except OutcomeUnknown as error:
            return self.unknown(intent, error.message)
        except BaseException as error:
            self.unknown(intent, f"{type(error).__name__} while it was being sent: {error}")
            raise
        reach("intent: sent")
        return self._acknowledged(intent, answer, contract=contract, order=order)

    def _acknowledged(
        self, intent: Intent, answer: Acknowledgement, *, contract: ContractSpec, order: OrderSpec
    ) -> Outcome:
        note = None if answer.code is None else f"the broker said {answer.code}: {answer.text}"
        # A modification is settled by what the order then is; its first word may be an older status.
        ended = answer.status in ENDED_STATUSES and intent.kind == "place"
        intent = self._store.move(
            intent, "DONE" if ended else "ACKED", now_ns=self._desk.now(), status=answer.status,
            perm_id=answer.perm_id, note=note,
        )  # fmt: skip
        reach("intent: acked")
        account, now_ns = intent.owner.account, self._desk.now()
        if intent.kind == "place":
            placed = Placed(
                account=account, client_id=intent.owner.client_id, order_id=intent.order_id,
                order_ref=intent.order_ref, columns=book_columns(contract, order),
            )  # fmt: skip
            told = Told(status=answer.status, perm_id=answer.perm_id, message=note)
            self._follower.record(lambda: self._recorder.placed(placed, told, now_ns=now_ns))
        elif answer.code is None:
            columns = terms_columns(order)
            self._follower.record(lambda: self._recorder.changed(account, intent.order_ref, columns, now_ns=now_ns))
        return outcome_of(intent)

    def unknown(self, intent: Intent, why: str) -> Outcome:
        intent = self._store.move(intent, "UNKNOWN", now_ns=self._desk.now(), note=why)
        self._follower.disturb(self._desk.now(), f"intent {intent.intent_id} became UNKNOWN")
        self._desk.alerts.raise_alert(
            "order_outcome_unknown", intent=intent.intent_id, order_ref=intent.order_ref, reason=why
        )
        return outcome_of(intent)
