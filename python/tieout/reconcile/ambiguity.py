"""What cannot be decided: each record with all its candidates, what agrees and what differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.canonical import Json, digest
from tieout.clock import from_iso
from tieout.reconcile.rows import FrameRow, describe_order

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMPARED: Final = (
    "perm_id", "client_id", "order_id", "order_ref", "symbol", "sec_type", "con_id", "expiry", "strike", "right",
    "multiplier", "currency", "local_symbol", "trading_class", "side", "quantity", "order_type", "limit_price",
    "stop_price", "tif", "status", "filled_quantity",
)  # fmt: skip

WHY: Final = {
    "perm_id_not_unique": "the same perm_id stands more than once on a side",
    "order_ref_not_unique": "the same order_ref stands more than once on a side",
    "order_id_not_unique": "the same client_id and order_id stand more than once on a side",
    "contract_contradicts": "the key agrees, the contract does not",
    "side_contradicts": "the key agrees, the side does not",
    "perm_id_contradicts": "all else agrees, the perm_ids do not",
    "forked_order_ref": "two live perm_ids at the broker carry one order_ref",
    "forked_order_id": "two live perm_ids at the broker carry one client_id and order_id",
    "signature_not_unique": "several orders look alike",
    "signature_for_review": "the orders look alike and share no id",
    "time_unknown": "the orders look alike, share no id, and a time is not known",
    "execution_not_unique": "several executions without an exec_id look alike",
    "execution_time_unknown": "an execution without an exec_id looks alike, and its time is not known",
    "correction_unclear": "the exec_id looks like a correction of one that the book has, the rest does not agree",
}


LISTED_MAX: Final = 1_024
"""Pairs of one match that a file tells with what agrees and what differs; their true number it always tells."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """
    One ambiguous match: records of both sides that may be the same, and why that cannot be told.

    `broker` and `book` describe all the records; `candidates` name pairs of them by position in those lists.
    """

    entity: str
    account: str | None
    tier: int | None
    reason: str
    broker: tuple[dict[str, Json], ...]
    book: tuple[dict[str, Json], ...]
    candidates: tuple[tuple[int, int], ...]
    broker_rows: tuple[int, ...] = ()
    book_rows: tuple[int, ...] = ()
    possible: int | None = None
    """How many pairs are possible, where more are than `candidates` names; None: those are all."""

    match_id: str = field(init=False)
    """Stable: the hash of the records themselves."""

    def __post_init__(self) -> None:
        records: list[Json] = [list(self.broker), list(self.book)]
        # Once: of a hundred thousand records it takes seconds, and it is asked for often.
        object.__setattr__(self, "match_id", digest([self.entity, self.account, *records])[:16])

    def canonical(self) -> Json:
        """What the plan id covers."""
        return {"match_id": self.match_id, "reason": self.reason}

    def to_json(self) -> dict[str, Json]:
        """The record as `staged_actions.json` and `logs/ambiguous_matches.json` carry it."""
        return {
            "match_id": self.match_id,
            "entity": self.entity,
            "account": self.account,
            "match_tier": self.tier,
            "reason": self.reason,
            "why": WHY[self.reason],
            "broker": list(self.broker),
            "book": list(self.book),
            "candidates": [self._candidate(left, right) for left, right in self.candidates[:LISTED_MAX]],
            "possible": max(self.possible or 0, len(self.candidates)),
        }

    def _candidate(self, left: int, right: int) -> dict[str, Json]:
        ours, theirs = self.book[right], self.broker[left]
        both = [name for name in theirs if name in ours and theirs[name] is not None and ours[name] is not None]
        differs: dict[str, Json] = {n: {"broker": theirs[n], "book": ours[n]} for n in both if theirs[n] != ours[n]}
        gap = _gap_s(theirs.get("placed_at"), ours.get("placed_at"))
        if gap is not None:
            differs["placed_at"] = {"broker": theirs["placed_at"], "book": ours["placed_at"], "seconds": gap}
        return {
            "broker": left,
            "book": right,
            "agrees": [n for n in both if theirs[n] == ours[n]],
            "differs": differs,
            "unknown": [n for n in _COMPARED if n in theirs and n in ours and n not in both],
        }


def undecided_orders(ambiguous: pl.DataFrame, broker: pl.DataFrame, book: pl.DataFrame) -> list[Undecided]:
    """
    The matcher's ambiguous edges as records, one per group.

    Args:
        ambiguous: `Matching.ambiguous`: group, broker, book, tier, reason, candidates.
        broker, book: the frames that were matched, schema `ORDER`.
    """
    found = []
    for _, edges in sorted(ambiguous.group_by("group", maintain_order=True), key=lambda item: str(item[0])):
        lefts = [int(i) for i in edges["broker"].drop_nulls().unique().sort()]
        rights = [int(i) for i in edges["book"].drop_nulls().unique().sort()]
        left_at = {row: at for at, row in enumerate(lefts)}
        right_at = {row: at for at, row in enumerate(rights)}
        pairs = {
            (left_at[left], right_at[right])
            for left, right in zip(edges["broker"], edges["book"], strict=True)
            if left is not None and right is not None
        }
        left_rows = [broker.row(i, named=True) for i in lefts]
        right_rows = [book.row(i, named=True) for i in rights]
        found.append(
            Undecided(
                entity="order",
                account=_account([*left_rows, *right_rows]),
                tier=edges["tier"].min(),  # type: ignore[arg-type]  # an integer column has an integer minimum
                reason=_worst(edges["reason"]),
                broker=tuple(describe_order(row) for row in left_rows),
                book=tuple(describe_order(row) for row in right_rows),
                candidates=tuple(sorted(pairs)),
                broker_rows=tuple(lefts),
                book_rows=tuple(rights),
                possible=int(edges.unique("broker")["candidates"].cast(pl.UInt64).sum()),
            )
        )
    return sorted(found, key=lambda one: one.match_id)


def _worst(reasons: Iterable[str]) -> str:
    """The reason to tell first: the one that stands first in `WHY`."""
    return min(set(reasons), key=list(WHY).index)


def _account(rows: list[FrameRow]) -> str | None:
    return next((row["account"] for row in rows if row["account"] is not None), None)


def _gap_s(left: Json, right: Json) -> str | None:
    if not isinstance(left, str) or not isinstance(right, str):
        return None
    gap_ms = abs(from_iso(left) - from_iso(right)) // 1_000_000
    return f"{gap_ms // 1000}.{gap_ms % 1000:03d}" if gap_ms else None
