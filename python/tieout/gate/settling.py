"""Settling all open intents of an account by one snapshot; the gate does it after a reconcile, or the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.gate.settle import judge
from tieout.gate.wishes import wanted_of

if TYPE_CHECKING:
    from tieout.gate.watch import GateDesk
    from tieout.model import Snapshot
    from tieout.store.intent import Intent, Owner
    from tieout.store.intents import IntentStore


def settle_all(desk: GateDesk, store: IntentStore, owner: Owner, *, snapshot: Snapshot) -> list[Intent]:
    """Settle what the snapshot proves, and keep what it says of the rest; answers what is UNKNOWN still."""
    for intent in store.open_ones(owner):
        _settle(desk, store, intent, snapshot=snapshot)
    left = [intent for intent in store.open_ones(owner) if intent.state == "UNKNOWN"]
    desk.alerts.metrics.unknown_intents(len(left))
    return left


def _settle(desk: GateDesk, store: IntentStore, intent: Intent, *, snapshot: Snapshot) -> None:
    verdict = judge(intent, snapshot, wanted=wanted_of(intent) if intent.kind == "modify" else {})
    if verdict.state is not None:
        if (intent.state, intent.status, intent.perm_id) == (verdict.state, verdict.status, verdict.perm_id):
            return
        now_ns = desk.now()
        store.move(
            intent, verdict.state, now_ns=now_ns, status=verdict.status, perm_id=verdict.perm_id, note=verdict.note
        )
        desk.log.info("intent_settled", intent=intent.intent_id, state=verdict.state, why=verdict.note)
    elif verdict.absent_ns is not None:
        store.note_absent(intent, verdict.absent_ns)
    elif verdict.note is not None:
        desk.alerts.raise_alert("order_outcome_unknown", intent=intent.intent_id, reason=verdict.note)
