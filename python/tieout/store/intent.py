"""An intent to send an order: its values and its states. The arrows between the states are `tieout.store.intents`'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Realm = Literal["broker", "sim", "dry_run"]
"""What is tried out in one never uses up an id of another."""
Kind = Literal["place", "modify"]
IntentState = Literal["RESERVED", "SENDING", "ACKED", "UNKNOWN", "DONE", "NOT_SENT", "ABSENT", "SIMULATED"]

TERMINAL: Final = frozenset({"DONE", "NOT_SENT", "ABSENT", "SIMULATED"})
CAME_FROM: Final[Mapping[IntentState, frozenset[str]]] = {
    "RESERVED": frozenset(),
    "SENDING": frozenset({"RESERVED"}),
    "SIMULATED": frozenset({"RESERVED"}),
    "NOT_SENT": frozenset({"RESERVED", "SENDING"}),
    "UNKNOWN": frozenset({"SENDING"}),
    "ACKED": frozenset({"SENDING", "UNKNOWN", "ACKED"}),
    "DONE": frozenset({"SENDING", "ACKED", "UNKNOWN"}),
    "ABSENT": frozenset({"ACKED", "UNKNOWN"}),
}
ORDER_ID_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose intents: one client of one account, in one realm."""

    realm: Realm
    account: str
    client_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What is to be reserved.

    `intent_id` None: an equal wish within the window is the same one. `order_id` is that of the order that a
    modification changes, and None on a new order. `target` is the row of the intent that a modification changes, or
    of the parent that a new order is attached to: IB's own link is an order id, which is used again.
    """

    kind: Kind
    intent_id: str | None
    strategy: str | None
    fingerprint: bytes
    encoding: bytes
    contract: Mapping[str, object]
    order: Mapping[str, object]
    target: int | None = None
    order_id: int | None = None
    order_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A line of the store. Times are UTC nanoseconds; `status` is the broker's last word, `note` ours."""

    row: int
    owner: Owner
    intent_id: str
    kind: Kind
    target: int | None
    strategy: str | None
    encoding: bytes
    contract: dict[str, object]
    order: dict[str, object]
    order_ref: str
    order_id: int
    perm_id: int | None
    state: IntentState
    status: str | None
    note: str | None
    reserved_ns: int
    sending_ns: int | None
    absent_ns: int | None

    @property
    def terminal(self) -> bool:
        """Whether nothing will change it any more."""
        return self.state in TERMINAL
