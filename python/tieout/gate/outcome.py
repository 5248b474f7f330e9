"""What the gate answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tieout.store.intent import Intent, IntentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What became of a request to the gate.

    BLOCKED: the gate is closed, nothing was reserved or sent. REFUSED: a limit of the broker's would be passed, nothing
    was reserved or sent. Else the intent's state (tieout.store.intents): ACKED, DONE, UNKNOWN (it may be live: never
    send it again), NOT_SENT, ABSENT, SIMULATED. `status` is the broker's last word, `reason` says why.
    """

    state: IntentState | Literal["BLOCKED", "REFUSED"]
    intent_id: str | None = None
    order_ref: str | None = None
    order_id: int | None = None
    perm_id: int | None = None
    status: str | None = None
    reason: str | None = None
    duplicate: bool = False
    """The intent was there before: this is its outcome, and nothing was sent now."""

    @property
    def may_be_live(self) -> bool:
        """Whether an order of this intent may be at the broker."""
        return self.state in {"SENDING", "ACKED", "UNKNOWN"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BracketOutcome:
    """What became of an entry and the orders that protect it; each leg as `Outcome` says."""

    entry: Outcome
    take_profit: Outcome | None
    stop_loss: Outcome | None

    @property
    def legs(self) -> tuple[Outcome, ...]:
        """The legs that were asked for, the entry first."""
        return tuple(leg for leg in (self.entry, self.take_profit, self.stop_loss) if leg is not None)

    @property
    def complete(self) -> bool:
        """Whether the broker has every leg, none of them with an error."""
        return all(leg.state in {"ACKED", "DONE"} and leg.status is not None for leg in self.legs)


def outcome_of(intent: Intent, *, duplicate: bool = False) -> Outcome:
    """The intent as the caller sees it."""
    return Outcome(
        state=intent.state,
        intent_id=intent.intent_id,
        order_ref=intent.order_ref,
        order_id=intent.order_id,
        perm_id=intent.perm_id,
        status=intent.status,
        reason=intent.note,
        duplicate=duplicate,
    )
