"""What became of approved recommendations, as the intent store knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tieout.errors import (
    EXIT_ERROR,
    EXIT_FORBIDDEN,
    EXIT_INCOMPLETE,
    EXIT_OK,
    EXIT_STALE,
    EXIT_UNKNOWN,
)
from tieout.gate.outcome import Outcome, outcome_of
from tieout.store.intents import IntentStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tieout.staging.desk import Desk
    from tieout.store.intent import Realm

INTENTS_FILE: Final = "intents.db"
_EXIT_OF: Final = {"ACKED": EXIT_OK, "DONE": EXIT_OK, "SIMULATED": EXIT_OK, "UNKNOWN": EXIT_UNKNOWN,
                   "SENDING": EXIT_UNKNOWN, "INCOMPLETE": EXIT_INCOMPLETE, "STALE": EXIT_STALE,
                   "BLOCKED": EXIT_FORBIDDEN}  # fmt: skip
_WEIGHT: Final = (EXIT_INCOMPLETE, EXIT_UNKNOWN, EXIT_FORBIDDEN, EXIT_STALE, EXIT_ERROR)


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What became of one approved recommendation.

    `state` is the gate's (tieout.gate.Outcome), or STALE (it is no longer recommended) or INCOMPLETE (the broker's
    answer has holes): then nothing was sent. `duplicate`: it was approved before, and this is that outcome.
    """

    action_id: str
    intent_id: str
    state: str
    symbol: str | None = None
    order: Mapping[str, Any] = field(default_factory=dict)
    status: str | None = None
    perm_id: int | None = None
    reason: str | None = None
    duplicate: bool = False

    @property
    def exit_code(self) -> int:
        """What the command answers for it."""
        return _EXIT_OF.get(self.state, EXIT_ERROR)

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        names = ("action_id", "intent_id", "state", "symbol", "status", "perm_id", "reason", "duplicate")
        return {**{name: getattr(self, name) for name in names}, "order": dict(self.order)}


def exit_code_of(sent: Iterable[Sent]) -> int:
    """What weighs most of all of them: 16, 17, 13, 10, 1, else 0."""
    found = {one.exit_code for one in sent}
    return next((code for code in _WEIGHT if code in found), EXIT_OK)


def intent_id_of(plan_id: str, action_id: str) -> str:
    """The intent of one entry of one plan."""
    return f"plan/{plan_id}/{action_id}"


def realm_of(desk: Desk) -> Realm:
    """Where the desk's orders go."""
    return "dry_run" if desk.settings.dry_run else "broker" if desk.simulated is None else "sim"


def sent_before(desk: Desk, plan_id: str, approve: Sequence[str]) -> tuple[Sent, ...] | None:
    """
    The first outcomes, where every one of these (ids or their beginnings) was approved before; else None.

    The caller holds the reconcile lock: what a command line that was killed left behind is looked through first.
    """
    path = desk.workspace.data_dir / INTENTS_FILE
    if not approve or not path.is_file():
        return None
    with IntentStore(path) as store:
        for one in store.listed(everything=False):
            if one.owner.realm == realm_of(desk) and one.owner.client_id == desk.client_id:
                store.recover(one.owner, now_ns=desk.now())
        found = [known(store, realm_of(desk), plan_id, prefix) for prefix in approve]
    outcomes = tuple(one for one in found if one is not None)
    return outcomes if len(outcomes) == len(found) else None


def known(store: IntentStore, realm: Realm, plan_id: str, prefix: str) -> Sent | None:
    """What became of the one entry of that plan whose id begins so; None where none, or several, were approved."""
    beginning = intent_id_of(plan_id, prefix)
    mine = [
        one for one in store.listed(everything=True) if one.owner.realm == realm and one.intent_id.startswith(beginning)
    ]
    if len(mine) != 1:
        return None
    (intent,) = mine
    symbol = intent.contract.get("symbol")
    action_id = intent.intent_id.rpartition("/")[2]
    outcome = outcome_of(intent, duplicate=True)
    return sent_of(action_id, outcome, intent.order, symbol=None if symbol is None else str(symbol))


def sent_of(action_id: str, outcome: Outcome, order: Mapping[str, Any], *, symbol: str | None) -> Sent:
    """The gate's answer for one entry."""
    return Sent(
        action_id=action_id,
        intent_id=outcome.intent_id or "",
        state=outcome.state,
        symbol=symbol,
        order=order,
        status=outcome.status,
        perm_id=outcome.perm_id,
        reason=outcome.reason,
        duplicate=outcome.duplicate,
    )
