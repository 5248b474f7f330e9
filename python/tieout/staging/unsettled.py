"""
Orders of the gate whose fate the broker's answer does not prove.

1. A row of such an order is never an orphan: it waits until its intent is settled. Only read here: settling is the
   gate's and `tieout intents settle`'s.
2. One that changed while the broker was asked waits for the next reconcile: its row may be on its way into the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.gate.settle import doubted, judge
from tieout.gate.wishes import wanted_of
from tieout.store.intents import IntentStore

if TYPE_CHECKING:
    from tieout.model import Snapshot
    from tieout.staging.desk import Desk
    from tieout.store.intent import Intent
    from tieout.store.reader import Book

FILE: Final = "intents.db"


@dataclass(frozen=True, slots=True)
class Unsettled:
    """By order_ref: orders of unknown fate, and orders that changed while the broker was asked."""

    unknown: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()

    def rows(self, book: Book) -> frozenset[int]:
        """The book's rows of them."""
        refs = sorted(self.unknown | self.moved)
        return (
            frozenset(book.raw_orders.filter(pl.col("order_ref").is_in(refs))["id"].to_list()) if refs else frozenset()
        )


def open_intents(desk: Desk) -> list[Intent]:
    """The intents that have not ended, of every account; none where no order ever went through the gate."""
    path = desk.workspace.data_dir / FILE
    if not path.is_file():
        return []
    with IntentStore(path) as store:
        return store.listed(everything=False)


def unsettled(desk: Desk, snapshot: Snapshot, before: list[Intent]) -> Unsettled:
    """What is not settled by this snapshot; `before` are the intents as they were before it was asked for."""
    realm = "broker" if desk.simulated is None else "sim"
    now = [
        one for one in open_intents(desk) if (one.owner.realm, one.owner.account) == (realm, snapshot.gateway.account)
    ]
    known = {one.row: one.state for one in before}
    return Unsettled(
        unknown=frozenset(one.order_ref for one in now if doubted(one) and not _proven(one, snapshot)),
        moved=frozenset(one.order_ref for one in now if known.get(one.row, "") in {"", "RESERVED", "SENDING"})
        - frozenset(one.order_ref for one in now if known.get(one.row) == one.state),
    )


def _proven(intent: Intent, snapshot: Snapshot) -> bool:
    wanted = wanted_of(intent) if intent.kind == "modify" else {}
    return judge(intent, snapshot, wanted=wanted).state is not None
