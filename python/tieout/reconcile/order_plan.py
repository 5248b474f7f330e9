"""
The repairs of orders, from a matching.

1. A matched order that differs in a compared field is updated with the broker's value.
2. An order at the broker that the book has not is inserted; one known from executions alone is not: it has
   no quantity, and is told as a note.
3. A live book order that is nowhere at the broker is an orphan, if the open orders, the completed orders and
   the executions were all answered in full. Absence from anything less proves nothing.
4. An orphan is soft-deleted. With FORCE_SYNC_DELETE it is hard-deleted only without fills in the book and with
   the time since it was last known live covered by the evidence.
5. A row that changed in the book while the broker was asked waits for the next reconcile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.clock import from_iso, to_iso
from tieout.model import FILLED
from tieout.reconcile import coverage as covering
from tieout.reconcile import diff
from tieout.reconcile.actions import Action
from tieout.reconcile.rows import FrameRow, order_insert, order_update, orphan
from tieout.reconcile.settle import Choices, ChosenBy

if TYPE_CHECKING:
    from tieout.model import PartName, Snapshot
    from tieout.reconcile.evidence import BrokerSide
    from tieout.reconcile.match import Matching
    from tieout.store.reader import Book

ABSENCE_NEEDS: Final[tuple[PartName, ...]] = ("open_orders", "completed_orders", "executions")
"""The parts that all have to be complete before "not at the broker" means anything."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    What both planners read. `book` holds one account's rows; `moving` are ids of rows that changed meanwhile;
    `chosen_by` says which rows of the matching the operator decided, `choices` are what he decided.
    """

    snapshot: Snapshot
    broker: BrokerSide
    book: Book
    matching: Matching
    moving: frozenset[int]
    force_sync_delete: bool
    chosen_by: ChosenBy = field(default_factory=lambda: ChosenBy({}, {}))
    choices: Choices = field(default_factory=Choices)
    in_flight: frozenset[str] = frozenset()
    """The order_refs of orders that were on their way while the broker was asked: their rows come by themselves."""

    @property
    def absence_proves(self) -> bool:
        """Whether everything that "not at the broker" rests on was answered in full."""
        parts = self.snapshot.parts
        told = "flex" not in parts or parts["flex"].complete
        return told and all(name in parts and parts[name].complete for name in ABSENCE_NEEDS)


@dataclass(slots=True)
class OrderPlan:
    """
    The repairs of orders, with what executions need to find their order.

    `book_row_of` and `action_of` answer, for a broker order's index, which book row it is or which action
    inserts it; `notes` are for the operator.
    """

    actions: list[Action] = field(default_factory=list)
    book_row_of: dict[int, int] = field(default_factory=dict)
    action_of: dict[int, str] = field(default_factory=dict)
    suppressed_deletes: int = 0
    waiting_rows: int = 0
    notes: list[str] = field(default_factory=list)


def plan_orders(inputs: Inputs) -> OrderPlan:
    """The repairs of orders; pure."""
    plan = OrderPlan()
    orders = _concluded(inputs)
    _pairs(inputs, orders, plan)
    _inserts(inputs, orders, plan)
    live = inputs.book.orders["live"]
    for index in inputs.matching.book_only:
        if live[index]:
            _orphan(inputs, index, None, plan)
    plan.actions.sort(key=lambda action: (action.kind, action.row or 0, action.perm_id or 0, action.action_id))
    if plan.suppressed_deletes:
        missing = "; ".join(f"{part.name}: {part.why}" for part in inputs.snapshot.missing())
        plan.notes.append(
            f"{plan.suppressed_deletes} live book order(s) were not found at the broker, but its answer has holes "
            f"({missing}): nothing is concluded from absence"
        )
    if plan.waiting_rows:
        plan.notes.append(
            f"{plan.waiting_rows} order(s) changed in the book during the reconcile and wait for the next one"
        )
    return plan


def _concluded(inputs: Inputs) -> pl.DataFrame:
    """The broker's orders, those known from executions alone Filled where the book's quantity is reached."""
    pairs, orders = inputs.matching.pairs, inputs.broker.orders
    wanted = pl.Series("wanted", [None] * orders.height, dtype=pl.Int64)
    if pairs.height:
        wanted = wanted.scatter(pairs["broker"], inputs.book.orders["quantity_e8"].gather(pairs["book"]))
    reached = pl.col("status").is_null() & (pl.col("filled_quantity_e8") >= wanted)
    return orders.with_columns(
        pl.when(reached.fill_null(value=False)).then(pl.lit(FILLED)).otherwise("status").alias("status")
    )


def _pairs(inputs: Inputs, orders: pl.DataFrame, plan: OrderPlan) -> None:
    pairs = inputs.matching.pairs
    rows = inputs.book.orders["row"].gather(pairs["book"])
    plan.book_row_of.update(zip(pairs["broker"].to_list(), rows.to_list(), strict=True))
    masks = diff.differing_fields(orders, inputs.book.orders, pairs)
    lost = orders["status"].is_null().gather(pairs["broker"]) & inputs.book.orders["live"].gather(pairs["book"])
    work = pairs.with_columns(masks.alias("mask"), lost.alias("lost")).filter((pl.col("mask") != 0) | pl.col("lost"))
    for left, right, tier, mask, is_lost in work.select("broker", "book", "tier", "mask", "lost").iter_rows():
        found = _Found(left, right, tier, orders.row(left, named=True))
        if is_lost and inputs.absence_proves:
            _orphan(inputs, right, found, plan)
        elif mask:
            _update(inputs, found, diff.names(mask), plan)


@dataclass(frozen=True, slots=True)
class _Found:
    """A matched pair: positions on both sides, the tier (None: the operator's choice), and the broker's row."""

    broker: int
    book: int
    tier: int | None
    row: FrameRow


def _update(inputs: Inputs, found: _Found, names: list[str], plan: OrderPlan) -> None:
    book = inputs.book.orders.row(found.book, named=True)
    if book["row"] in inputs.moving:
        plan.waiting_rows += 1
        return
    before = inputs.book.order_image(found.book)
    seen = inputs.broker.seen.row(found.broker, named=True)
    plan.actions.append(
        Action(
            entity="order",
            kind="update",
            account=book["account"],
            symbol=book["symbol"],
            reason=_why_update(names, found.row, seen)
            + _told_by(inputs, found.broker)
            + inputs.chosen_by.of(broker=found.broker),
            evidence=inputs.broker.evidence(found.broker),
            perm_id=found.row["perm_id"],
            client_id=book["client_id"],
            order_id=book["order_id"],
            row=book["row"],
            tier=found.tier,
            before=before,
            after=order_update(before, found.row, names) | {"account": book["account"]},
        )
    )


def _inserts(inputs: Inputs, orders: pl.DataFrame, plan: OrderPlan) -> None:
    fills_only = nameless = 0
    for index in inputs.matching.broker_only:
        row, seen = orders.row(index, named=True), inputs.broker.seen.row(index, named=True)
        if row["perm_id"] is None and row["order_id"] is None and index not in inputs.broker.statements:
            nameless += 1
            continue
        if row["order_ref"] in inputs.in_flight:
            plan.waiting_rows += 1
            continue
        if row["status"] is None or (row["quantity_e8"] is None and row["filled_quantity_e8"] is None):
            fills_only += 1
            continue
        action = Action(
            entity="order",
            kind="insert",
            account=row["account"],
            symbol=row["symbol"],
            reason=(_why_insert(row, seen) if any(seen.values()) else _UNSEEN)
            + _told_by(inputs, index)
            + inputs.chosen_by.of(broker=index),
            evidence=inputs.broker.evidence(index),
            perm_id=row["perm_id"],
            client_id=row["client_id"],
            order_id=row["order_id"],
            after=order_insert(row),
        )
        plan.actions.append(action)
        plan.action_of[index] = action.action_id
    if fills_only:
        plan.notes.append(
            f"{fills_only} order(s) at the broker are known from executions alone and are not in the book: "
            "not inserted, since nobody said their quantity"
        )
    if nameless:
        plan.notes.append(f"{nameless} order(s) at the broker carry no id at all yet: they wait for the next reconcile")


def _orphan(inputs: Inputs, index: int, found: _Found | None, plan: OrderPlan) -> None:
    book = inputs.book.orders.row(index, named=True)
    if not inputs.absence_proves:
        plan.suppressed_deletes += 1
        return
    if book["row"] in inputs.moving:
        plan.waiting_rows += 1
        return
    keep: str | None = "FORCE_SYNC_DELETE is false"
    if inputs.force_sync_delete:
        keep = "the broker reports executions of it" if found is not None else _why_keep(inputs, index)
    before = inputs.book.order_image(index)
    chosen_by = inputs.chosen_by.of(book=index) if found is None else inputs.chosen_by.of(broker=found.broker)
    reason = "live in the book, nowhere at the broker: neither open, completed nor executed; outcome unknown"
    if found is not None:
        reason = (
            "live in the book, at the broker neither open nor completed, executions do not fill it; outcome unknown"
        )
    if keep is not None and inputs.force_sync_delete:
        reason += f"; marked, not deleted: {keep}"
    plan.actions.append(
        Action(
            entity="order",
            kind="hard_delete" if keep is None else "soft_delete",
            account=book["account"],
            symbol=book["symbol"],
            reason=reason + chosen_by,
            evidence=(*ABSENCE_NEEDS, *(("flex",) if inputs.snapshot.statements else ())),
            perm_id=book["perm_id"],
            client_id=book["client_id"],
            order_id=book["order_id"],
            row=book["row"],
            tier=None if found is None else found.tier,
            before=before,
            after=None if keep is None else orphan(before, None if found is None else found.row),
        )
    )


def _why_keep(inputs: Inputs, index: int) -> str | None:
    """Why an orphan may not be deleted for good, or None where it may."""
    book = inputs.book
    row = book.orders["row"][index]
    filled = book.orders["filled_quantity_e8"][index]
    if filled is None:
        return "the book does not say how much of it was filled"
    if filled != 0 or (book.executions["order_row"] == row).any():
        return "it has fills in the book"
    known = [book.raw_orders[name][index] for name in ("last_live_at", "placed_at")]
    moments = [from_iso(text) for text in known if text is not None]
    if not moments:
        return "when it was last known live is not on record, so a fill could be hiding"
    covered_from = covering.covered_from(inputs.snapshot, currency=book.orders["currency"][index])
    if covered_from is None:
        return "the broker's answer does not say which time it covers"
    if max(moments) < covered_from:
        return (
            f"it was last known live at {to_iso(max(moments))}, the broker's answer covers from {to_iso(covered_from)}"
        )
    return None


_UNSEEN: Final = "executed before the gateway's day, not in the book; its quantity is what was executed"


def _told_by(inputs: Inputs, index: int) -> str:
    """Which Flex statements told of the order; empty where none did."""
    labels = inputs.broker.statements.get(index)
    return f"; told by Flex statement {', '.join(labels)}" if labels else ""


def _why_update(names: list[str], row: FrameRow, seen: FrameRow) -> str:
    where = "open" if seen["open"] and not seen["completed"] else "completed" if seen["completed"] else "executed"
    if names == ["perm_id"]:
        return f"{where} at the broker: its perm_id is learnt"
    if "status" in names:
        return f"{where} at the broker with status {row['status']}"
    return f"{where} at the broker with other values: {', '.join(names)}"


def _why_insert(row: FrameRow, seen: FrameRow) -> str:
    whose = "entered by hand or outside the API" if row["order_id"] is None else f"sent by client {row['client_id']}"
    return f"{'completed' if seen['completed'] else 'open'} at the broker, not in the book; {whose}"
