"""Whether the gate is open, and every reason why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tieout.fixed import to_e8

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tieout.store.intent import Intent

ACTIVE_ORDERS_MAX: Final = 20
"""IB's limit for each contract, side and account."""

_TELLING: Final = ("con_id", "symbol", "sec_type", "expiry", "strike", "right", "multiplier", "currency",
                   "local_symbol", "trading_class")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """
    What the last reconcile came to; whoever reconciles provides it.

    `reconciled_ns`: when the broker was asked in the last complete reconcile; None where there was none.
    `ambiguous`: matches that wait for the operator. `waiting`: the id of a plan with actions that waits.
    `restart`: says so while the gateway's daily restart is near. `shut`: whatever else keeps new orders back: the bot
    reconciles or ends, its strategy broke.
    """

    reconciled_ns: int | None = None
    ambiguous: int = 0
    waiting: str | None = None
    restart: str | None = None
    shut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """
    Something after which only a reconcile knows how things stand.

    `lasts`: it is not over yet (IB itself is out of reach), so that a reconcile would learn nothing.
    """

    at_ns: int
    what: str
    lasts: bool = False


def not_ready(readiness: Readiness, disturbed: Disturbance | None) -> list[str]:
    """Why the last reconcile does not carry an order; best empty."""
    why = list(readiness.shut)
    if readiness.reconciled_ns is None:
        why.append("not reconciled yet")
    elif disturbed is not None and readiness.reconciled_ns <= disturbed.at_ns:
        why.append(f"not reconciled since {disturbed.what}")
    if readiness.ambiguous:
        why.append(f"{readiness.ambiguous} ambiguous match(es) wait for the operator: `tieout show`")
    if readiness.waiting:
        why.append(f"plan {readiness.waiting[:12]} waits with actions: `tieout show`")
    if readiness.restart:
        why.append(readiness.restart)
    return why


def unknown_on(contract: Mapping[str, object], open_ones: Iterable[Intent]) -> list[str]:
    """Why this instrument is blocked: intents on it whose fate is not proven; best empty."""
    return [
        f"intent {intent.intent_id} on this instrument is {intent.state}: `tieout intents settle`"
        for intent in open_ones
        if intent.state in {"UNKNOWN", "SENDING"} and may_be_same(contract, intent.contract)
    ]


def may_be_same(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    """Whether two contracts can be one instrument: con_ids decide; else nothing that both know differs."""
    ids = (left.get("con_id"), right.get("con_id"))
    if None not in ids:
        return ids[0] == ids[1]
    return all(_agree(left.get(name) or None, right.get(name) or None, name=name) for name in _TELLING)


def _agree(left: object, right: object, *, name: str) -> bool:
    """Whether two contracts can have the same `name`; what one of them does not say can be anything."""
    if left is None or right is None:
        return True
    if name in {"strike", "multiplier"}:
        return to_e8(str(left)) == to_e8(str(right))
    if name == "expiry":  # IB takes the month alone for the whole date
        return str(left).startswith(str(right)) or str(right).startswith(str(left))
    return left == right


def too_many(active: int, *, side: str) -> str | None:
    """Why one more order on the contract and side is refused, or None."""
    if active < ACTIVE_ORDERS_MAX:
        return None
    return f"{active} {side} orders are active on this contract; IB takes at most {ACTIVE_ORDERS_MAX}: cancel one first"
