"""
An approved recommendation: judged again, then through the order gate, once.

1. Only with AUTO_MANAGE_EXTERNAL_ORDERS, as it stands in the file at that moment and as it stood at staging.
2. Positions, open orders and quotes are asked for again. The order goes out only if the same order against the same
   position is still recommended, at the limit of the new quote; else nothing is sent.
3. The intent's id is the plan's id and the entry's: whoever approves it again, in this process or after a crash, gets
   the first outcome. Another plan's entry on the same contract waits until the position had time to follow.
4. The gate decides last. It is open only where this answer was complete and leaves nothing to do in the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tieout.broker.port import ContractSpec, OrderSpec
from tieout.clock import NS_PER_S
from tieout.config import load_settings
from tieout.errors import Forbidden, TieoutError
from tieout.gate import OrderGate, Readiness
from tieout.gate.restart import near_restart
from tieout.reconcile.positions import Recommendation
from tieout.staging.recommend_outcome import INTENTS_FILE, Sent, intent_id_of, known, realm_of, sent_of
from tieout.staging.stage import ask, plan_of
from tieout.store.intents import IntentStore
from tieout.store.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tieout.reconcile.plan import Plan
    from tieout.staging.desk import Desk
    from tieout.staging.stage import Evidence

STRATEGY: Final = "tieout/positions"
SETTLE_S: Final = 60
"""How long after an order of a recommendation the next one on the same contract waits: positions follow late."""

_NEVER_LEFT: Final = frozenset({"RESERVED", "NOT_SENT", "ABSENT", "SIMULATED"})


def check_allowed(desk: Desk) -> None:
    """
    Raises:
        Forbidden: AUTO_MANAGE_EXTERNAL_ORDERS is false in the settings as they stand now.
    """
    if not load_settings(desk.workspace.config_path).auto_manage_external_orders:
        raise Forbidden(
            "not sent: AUTO_MANAGE_EXTERNAL_ORDERS is false: positions are watched, no order is sent for them",
            hint="set it to true, stage again and approve that plan; or close the position by hand",
        )


def send_approved(desk: Desk, plan_id: str, entries: Sequence[Mapping[str, Any]]) -> tuple[Sent, ...]:
    """
    Judge the entries again and send what still holds; answers what became of each. The caller holds the reconcile
    lock, so no other command line sends as this client.
    """
    sent: list[Sent] = []
    try:
        with desk.broker() as broker, IntentStore(desk.workspace.data_dir / INTENTS_FILE) as store:
            gateway = broker.connect()
            desk.reached = True
            evidence = ask(desk, broker)
            plan = plan_of(desk, evidence)
            ready = _readiness(desk, evidence, plan)
            recorder = Recorder(desk.workspace.book)
            gate = OrderGate(broker, desk, store=store, recorder=recorder, readiness=lambda: ready)
            gate.start()
            gate.settle(evidence.snapshot)
            counter = _Counter(desk, gate, store, gateway.account)
            for entry in entries:
                sent.append(_one(counter, plan_id, entry, evidence=evidence, plan=plan))
                _log(desk, plan_id, sent[-1])
    except TieoutError as error:
        missed = entries[len(sent) :]
        sent.extend(_failed(desk, plan_id, entry, error) for entry in missed)
    return tuple(sent)


@dataclass(frozen=True, slots=True)
class _Counter:
    """Where orders are handed over: the gate, its intents, and for which account."""

    desk: Desk
    gate: OrderGate
    store: IntentStore
    account: str


def _one(counter: _Counter, plan_id: str, entry: Mapping[str, Any], *, evidence: Evidence, plan: Plan) -> Sent:
    action_id = str(entry["action_id"])
    intent_id = intent_id_of(plan_id, action_id)
    before = known(counter.store, realm_of(counter.desk), plan_id, action_id)
    if before is not None:
        return before

    def refused(state: str, reason: str) -> Sent:
        return Sent(action_id, intent_id, state, entry["symbol"], entry["order"], reason=reason)

    holes = "; ".join(f"{part.name}: {part.why}" for part in evidence.snapshot.missing())
    if holes:
        return refused("INCOMPLETE", f"the broker's answer has holes ({holes})")
    again = _again(entry, plan)
    if isinstance(again, str):
        return refused("STALE", again)
    why = again.blocked or _too_soon(counter, again)
    if why is not None:
        return refused("BLOCKED", why)
    check_allowed(counter.desk)
    contract, order = _specs(again)
    outcome = counter.gate.submit(contract, order, intent_id=intent_id, strategy=STRATEGY)
    return sent_of(action_id, outcome, again.order, symbol=entry["symbol"])


def _again(entry: Mapping[str, Any], plan: Plan) -> Recommendation | str:
    """The same recommendation as it stands now, or what became of it."""
    name = entry["local_symbol"] or entry["symbol"]
    now = [one for one in plan.positions if one.to_json()["con_id"] == entry["con_id"]]
    found = next((one for one in now if isinstance(one, Recommendation)), None)
    if found is None:
        because = [note for note in plan.notes if note.startswith(f"{name}: nothing can be recommended")]
        told = [str(one.to_json().get("not_recommended") or "") for one in now]
        why = next((one for one in [*told, *because] if one), "it is within its limits, or it is gone")
        return f"{name}: nothing is recommended any more: {why}"
    if (found.order["side"], found.order["quantity"]) != (entry["order"]["side"], entry["order"]["quantity"]):
        return (
            f"{name}: the position is {found.position['quantity']} now, it was {entry['quantity']} when this was staged"
        )
    return found


def _too_soon(counter: _Counter, wanted: Recommendation) -> str | None:
    """Whether an order of an earlier recommendation may not have reached the positions yet."""
    now_ns = counter.desk.now()
    for intent in counter.store.listed(everything=True):
        mine = (intent.owner.realm, intent.owner.account) == (realm_of(counter.desk), counter.account)
        if not mine or intent.strategy != STRATEGY or intent.state in _NEVER_LEFT or intent.sending_ns is None:
            continue
        age_s = (now_ns - intent.sending_ns) // NS_PER_S
        if intent.contract.get("con_id") == wanted.contract["con_id"] and age_s < SETTLE_S:
            return (
                f"an order for it was sent {age_s} s ago ({intent.intent_id}); the position may not have followed: "
                f"stage again in {SETTLE_S} s"
            )
    return None


def _specs(wanted: Recommendation) -> tuple[ContractSpec, OrderSpec]:
    contract, order = wanted.contract, wanted.order
    return (
        ContractSpec(**contract),  # type: ignore[arg-type]  # as tieout.reconcile.positions made it
        OrderSpec(
            side="BUY" if order["side"] == "BUY" else "SELL",
            quantity=Decimal(str(order["quantity"])),
            order_type=str(order["order_type"]),
            limit_price=Decimal(str(order["limit_price"])),
            tif=str(order["tif"]),
        ),
    )


def _readiness(desk: Desk, evidence: Evidence, plan: Plan) -> Readiness:
    snapshot = evidence.snapshot
    return Readiness(
        reconciled_ns=min(part.asked_at_ns for part in snapshot.parts.values()) if snapshot.complete else None,
        ambiguous=len(plan.undecided),
        waiting="with actions left" if plan.actions else None,
        restart=near_restart(desk.settings.gateway_restart, desk.now()),
    )


def _failed(desk: Desk, plan_id: str, entry: Mapping[str, Any], error: TieoutError) -> Sent:
    """What an error left behind: what the intent store says, whatever the error says."""
    action_id = str(entry["action_id"])
    with IntentStore(desk.workspace.data_dir / INTENTS_FILE) as store:
        before = known(store, realm_of(desk), plan_id, action_id)
    if before is not None:
        return before
    state = "BLOCKED" if isinstance(error, Forbidden) else "NOT_SENT"
    return Sent(
        action_id, intent_id_of(plan_id, action_id), state, entry["symbol"], entry["order"], reason=error.message
    )


def _log(desk: Desk, plan_id: str, sent: Sent) -> None:
    desk.log.info(
        "recommendation_approved",
        plan_id=plan_id,
        by=desk.who,
        action=sent.action_id,
        intent=sent.intent_id,
        state=sent.state,
        reason=sent.reason,
        duplicate=sent.duplicate,
    )
