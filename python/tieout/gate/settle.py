"""
What a snapshot proves about an intent. Pure.

1. Presence by order_ref or perm_id is proof, whatever else is missing.
2. Absence is proof only where every part is complete, was asked after the send and reaches back to it, and a second
   such snapshot at least `ABSENCE_GAP_NS` later says the same.
3. Everything else leaves the intent as it is. Two orders under one order_ref are for the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.model import ENDED_STATUSES, PARTS
from tieout.reconcile.evidence import broker_side

if TYPE_CHECKING:
    from tieout.model import Part, Snapshot
    from tieout.store.intent import Intent, IntentState

ABSENCE_GAP_NS: Final = 30_000_000_000
_NOBODYS_WORD: Final = frozenset({None, "ApiPending", "PendingSubmit"})
"""What the gateway says while nobody at IB has confirmed the order: it can be accepted here and never sent on."""
COMPARED: Final = ("quantity_e8", "order_type", "limit_price_e8", "stop_price_e8", "tif")
"""What a modification can change, as the broker tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The state that is proven (None: none is), with the broker's word; or when it was first not found."""

    state: IntentState | None = None
    status: str | None = None
    perm_id: int | None = None
    absent_ns: int | None = None
    note: str | None = None


def judge(intent: Intent, snapshot: Snapshot, *, wanted: dict[str, object]) -> Verdict:
    """
    What this snapshot proves about the intent.

    Args:
        wanted: on a modification, its values of `COMPARED`.
    """
    orders = broker_side(snapshot).orders
    mine = (pl.col("order_ref") == intent.order_ref) | (pl.col("perm_id") == (intent.perm_id or -1))
    found = orders.filter((pl.col("account") == intent.owner.account) & mine).to_dicts()
    if len(found) > 1:
        named = ", ".join(str(row["perm_id"]) for row in found)
        return Verdict(note=f"{len(found)} orders carry {intent.order_ref} (perm_id {named}): look at both in TWS")
    if found:
        return _present(intent, found[0], snapshot, wanted=wanted)
    if not doubted(intent):
        return Verdict()
    return _absent(intent, snapshot, f"the broker does not hold {'it' if intent.kind == 'place' else 'its order'}")


def _present(intent: Intent, row: dict[str, object], snapshot: Snapshot, *, wanted: dict[str, object]) -> Verdict:
    status = row["status"] if isinstance(row["status"], str) else None
    perm_id = row["perm_id"] if isinstance(row["perm_id"], int) else None
    if status in ENDED_STATUSES:
        return Verdict(state="DONE", status=status, perm_id=perm_id, note="found at the broker")
    if intent.kind == "place":
        return Verdict(state="ACKED", status=status, perm_id=perm_id, note="found at the broker")
    if all(row[name] == wanted[name] for name in COMPARED):
        return Verdict(state="DONE", status=status, perm_id=perm_id, note="the order at the broker is as it asked")
    return _absent(intent, snapshot, "the order at the broker is not as it asked") if doubted(intent) else Verdict()


def _absent(intent: Intent, snapshot: Snapshot, what: str) -> Verdict:
    if not _speaks_for(snapshot, intent):
        return Verdict()
    if intent.absent_ns is None:
        return Verdict(absent_ns=snapshot.taken_at_ns)
    asked_ns = min(part.asked_at_ns for part in _asked(snapshot))
    if asked_ns - intent.absent_ns < ABSENCE_GAP_NS:
        return Verdict()
    return Verdict(state="ABSENT", note=f"{what}, in two complete snapshots")


def doubted(intent: Intent) -> bool:
    """Only an intent that the broker never confirmed can turn out not to be there."""
    unheard = intent.state == "ACKED" and intent.perm_id is None and intent.status in _NOBODYS_WORD
    return unheard or intent.state in {"UNKNOWN", "SENDING"}


def _speaks_for(snapshot: Snapshot, intent: Intent) -> bool:
    sent = intent.sending_ns
    return (
        sent is not None
        and snapshot.complete
        and snapshot.gateway.account == intent.owner.account
        and all(part.asked_at_ns > sent for part in _asked(snapshot))
        and all(part.covers_from_ns is None or part.covers_from_ns <= sent for part in _asked(snapshot))
    )


def _asked(snapshot: Snapshot) -> list[Part]:
    """The gateway's own answers. A statement of past days knows nothing of an order that was sent a moment ago."""
    return [snapshot.parts[name] for name in PARTS]
