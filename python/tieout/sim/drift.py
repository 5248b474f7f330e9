"""
Seeded differences between an order book and the broker: which orders get which.

The choice hangs on the book's content, the seed and the kinds alone. Every kind asked for is planted at
least once, more often in a large book; an order takes at most one drift. `tieout.sim.plant` does the
planting.

1. Every live order has a key that is its alone (perm_id, order_ref, or client_id and order_id), so that
   only what is meant to be ambiguous is.
2. A cancellation that was missed needs a perm_id or an order_ref: completed orders carry nothing else.
3. Orphans and lookalikes have no fills today, which would be a trace of them.
4. A lookalike's order is the only one of the book, live or Inactive, with its signature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tieout.errors import ScenarioError
from tieout.model import INACTIVE
from tieout.sim.book import BookOrder
from tieout.sim.book_world import BookWorld
from tieout.sim.invent import digest
from tieout.sim.world import ZERO

MISSED_FILL: Final = "missed_fill"
MISSED_CANCEL: Final = "missed_cancel"
MANUAL_ORDER: Final = "manual_order"
CHANGED_ORDER: Final = "changed_order"
ORPHAN: Final = "orphan"
LOOKALIKE: Final = "lookalike"
KINDS: Final = (MISSED_FILL, MISSED_CANCEL, MANUAL_ORDER, CHANGED_ORDER, ORPHAN, LOOKALIKE)

ORDERS_PER_EXTRA: Final = 10
"""One more drift of a kind may be planted for every so many live orders."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which live rows get which kind, and how many manual orders there are."""

    rows: dict[str, tuple[BookOrder, ...]]
    manual_orders: int


def checked_kinds(kinds: Sequence[str] | None) -> tuple[str, ...]:
    """
    The kinds in their own order, each once; None is all of them.

    Raises:
        ScenarioError: an unknown kind, or none at all.
    """
    unknown = [kind for kind in kinds or () if kind not in KINDS]
    if unknown or (kinds is not None and not kinds):
        found = ", ".join(repr(kind) for kind in unknown) or "none"
        raise ScenarioError(f"drift kinds: found {found}, expected some of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kinds is None or kind in kinds)


def choose(made: BookWorld, *, seed: int, kinds: tuple[str, ...]) -> Choice:
    """
    Pick the orders to drift.

    Raises:
        ScenarioError: the book has too few live orders for the kinds, or a live order cannot be told apart.
    """
    _require_keys(made)
    live = made.live_rows
    needy = [kind for kind in kinds if kind != MANUAL_ORDER]
    fitting = {kind: _shuffled(_fit(made, kind), seed, kind) for kind in needy}
    for kind in needy:
        _require_fit(made, kind, fitting[kind])
    taken = _one_each(needy, fitting)
    if len(taken) < len(needy):
        raise ScenarioError(
            f"drift kinds {', '.join(needy)} need {len(needy)} live orders that fit them, one each; "
            f"the book has {len(live)} live, too few of them fit",
            hint="ask for fewer kinds with --drift-kinds, or tie the book out once first",
        )
    chosen = {kind: [taken[kind]] for kind in needy}
    used = {row.row for row in taken.values()}
    for kind in needy:
        for row in fitting[kind]:
            if len(chosen[kind]) < _wanted(len(live), seed, kind) and row.row not in used:
                chosen[kind].append(row)
                used.add(row.row)
    manual = _wanted(len(live), seed, MANUAL_ORDER) if MANUAL_ORDER in kinds else 0
    rows = {kind: tuple(sorted(picked, key=lambda row: row.row)) for kind, picked in chosen.items()}
    return Choice(rows=rows, manual_orders=manual)


def _wanted(live: int, seed: int, kind: str) -> int:
    return 1 + digest("count", seed, kind) % max(1, live // ORDERS_PER_EXTRA)


def _shuffled(rows: list[BookOrder], seed: int, kind: str) -> list[BookOrder]:
    """Best first, where a kind has a preference, else in an order that the seed decides."""
    drawn = sorted(rows, key=lambda row: digest("pick", seed, kind, row.account, row.row))
    if kind == MISSED_FILL:
        drawn.sort(key=lambda row: (row.filled.rounded or ZERO) != ZERO)
    return drawn


def _fit(made: BookWorld, kind: str) -> list[BookOrder]:
    live = [row for row in made.live_rows if row.quantity.rounded]
    if kind == MISSED_FILL:
        unnamed = {fill.order_row for fill in made.book.executions if fill.exec_id is None}
        return [row for row in live if row.row not in unnamed and _open_quantity(row)]
    if kind == MISSED_CANCEL:
        return [row for row in live if row.perm_id is not None or row.order_ref is not None]
    if kind == CHANGED_ORDER:
        return live
    traced = made.rows_with_fills_today()
    live = [row for row in live if row.row not in traced]
    if kind == ORPHAN:
        return live
    standing = Counter(row.signature for row in made.book.orders if row.live or row.status == INACTIVE)
    return [row for row in live if standing[row.signature] == 1 and not row.inexact]


def _open_quantity(row: BookOrder) -> bool:
    return (row.quantity.rounded or ZERO) > (row.filled.rounded or ZERO)


def _one_each(kinds: list[str], fitting: dict[str, list[BookOrder]]) -> dict[str, BookOrder]:
    """A different row for each kind, for as many kinds as there is one (augmenting paths)."""
    holder: dict[int, tuple[str, BookOrder]] = {}

    def seat(kind: str, seen: set[int]) -> bool:
        for row in fitting[kind]:
            if row.row in seen:
                continue
            seen.add(row.row)
            if row.row not in holder or seat(holder[row.row][0], seen):
                holder[row.row] = (kind, row)
                return True
        return False

    for kind in kinds:
        seat(kind, set())
    return dict(holder.values())


def _require_fit(made: BookWorld, kind: str, fitting: list[BookOrder]) -> None:
    if fitting:
        return
    live = len(made.live_rows)
    needs = {
        MISSED_CANCEL: "a live order whose perm_id or order_ref the book knows",
        MISSED_FILL: "a live order with something left to fill and no fills without exec_id",
        LOOKALIKE: "a live order that no other one looks like, with numbers that 1e-8 can hold",
        ORPHAN: "a live order without fills today",
    }.get(kind, "a live order")
    hint = "tie the book out once without --drift first, so that it learns the perm_ids"
    if kind != MISSED_CANCEL or not live:
        hint = "take a book with more live orders, or leave the kind out with --drift-kinds"
    raise ScenarioError(f"drift kind {kind} needs {needs} (1 or more); the book has {live} live, 0 fit", hint=hint)


def _require_keys(made: BookWorld) -> None:
    """Invariant 1, for every live row: the ones that stay as they are have to be matched, too."""
    open_rows = [row for row in made.book.orders if not row.settled and row.perm_id is None]
    perm_ids = Counter((row.account, row.perm_id) for row in made.book.orders if row.perm_id is not None)
    refs = Counter((row.account, row.order_ref) for row in open_rows if row.order_ref is not None)
    ids = Counter((row.account, row.client_id, row.order_id) for row in made.live_rows if row.perm_id is None)
    for row in made.live_rows:
        if row.perm_id is not None:
            alone = perm_ids[row.account, row.perm_id] == 1
        elif row.order_ref is not None:
            alone = refs[row.account, row.order_ref] == 1
        else:
            known = row.client_id is not None and row.order_id is not None
            alone = known and ids[row.account, row.client_id, row.order_id] == 1
        if not alone:
            raise ScenarioError(
                f"{made.book.path}: live order {row.row} shares its key with another one, or has none "
                f"(perm_id {row.perm_id}, order_ref {row.order_ref!r}, client_id {row.client_id}, "
                f"order_id {row.order_id}): what a plan should say about it cannot be known",
                hint="drift needs a book whose live orders can each be named; serve it without --drift",
            )
