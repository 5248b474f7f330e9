"""An action: one repair of one row, with why, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tieout.canonical import Json, digest

if TYPE_CHECKING:
    from tieout.store.reader import Image

Entity = Literal["order", "execution"]
Kind = Literal["insert", "update", "soft_delete", "hard_delete"]

LISTS: Final = ("to_update", "to_delete", "to_insert", "ambiguous_matches", "spy_futures_actions")
"""The five lists of a plan, in the guide's order."""

LIST_OF: Final[dict[Kind, str]] = {
    "insert": "to_insert",
    "update": "to_update",
    "soft_delete": "to_delete",
    "hard_delete": "to_delete",
}

_ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Action:
    """
    One repair.

    `row` is the row it changes (None on an insert); `order_row` or `order_action` name the order of an inserted
    execution. `before` and `after` are the row's reconciled columns; `after` is None on a hard delete.
    `evidence` names the broker's parts that it rests on, `tier` the matching tier that found the pair.
    """

    entity: Entity
    kind: Kind
    account: str
    symbol: str | None
    reason: str
    evidence: tuple[str, ...]
    perm_id: int | None = None
    client_id: int | None = None
    order_id: int | None = None
    exec_id: str | None = None
    row: int | None = None
    order_row: int | None = None
    order_action: str | None = None
    tier: int | None = None
    before: Image | None = None
    after: Image | None = None

    @property
    def action_id(self) -> str:
        """Stable: the hash of kind, target and before-image; of an insert, of what is inserted."""
        target: dict[str, Json] = {
            "entity": self.entity,
            "kind": self.kind,
            "account": self.account,
            "perm_id": self.perm_id,
            "exec_id": self.exec_id,
            "row": self.row,
            "before": None if self.before is None else dict(self.before),
        }
        if self.kind == "insert":
            target["after"] = None if self.after is None else dict(self.after)
        return digest(target)[:_ID_DIGITS]

    @property
    def changes(self) -> dict[str, list[Json]]:
        """Field by field, [before, after], where they differ."""
        before, after = self.before or {}, self.after or {}
        return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}

    def canonical(self) -> Json:
        """What the plan id covers: what is done to what, without reasons, evidence and times of looking."""
        return {
            "action_id": self.action_id,
            "entity": self.entity,
            "kind": self.kind,
            "account": self.account,
            "row": self.row,
            "depends_on": self.order_action,
            "before": None if self.before is None else dict(self.before),
            "after": None if self.after is None else dict(self.after),
        }

    def to_json(self) -> dict[str, Json]:
        """The action as `staged_actions.json` carries it."""
        changes: dict[str, Json] = {name: list(pair) for name, pair in self.changes.items()}
        return {
            "action_id": self.action_id,
            "entity": self.entity,
            "kind": self.kind,
            "account": self.account,
            "symbol": self.symbol,
            "perm_id": self.perm_id,
            "client_id": self.client_id,
            "order_id": self.order_id,
            "exec_id": self.exec_id,
            "row": self.row,
            "order_row": self.order_row,
            "reason": self.reason,
            "match_tier": self.tier,
            "changes": changes if self.kind in {"update", "soft_delete"} else {},
            "before": None if self.before is None else dict(self.before),
            "before_sha256": None if self.before is None else digest(dict(self.before)),
            "after": None if self.after is None else dict(self.after),
            "evidence": list(self.evidence),
            "depends_on": [] if self.order_action is None else [self.order_action],
            "requires": ["FORCE_SYNC_DELETE"] if self.kind == "hard_delete" else [],
        }
