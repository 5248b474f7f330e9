"""
The broker's side with what Flex statements add: `add_statements`. Pure; it runs after the matching.

1. An execution that the gateway tells too is the gateway's; the statement lends it a commission it has not got.
2. Executions of an order that is known (tieout.reconcile.flex_link) become that order's: they lend it what was filled.
   A statement holds only its own days: what the book knows of other days counts too, and nothing ever counts less.
3. An order that only statements know stands behind the gateway's, paired with its row of the book, or alone.
4. An order that it can only be guessed is for the operator, in an ambiguous match like any other.
5. What the book has in days that the statements cover, and they have not, is a finding.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.model import FILLED
from tieout.reconcile.evidence import BrokerSide, with_revisions
from tieout.reconcile.flex_choice import decide
from tieout.reconcile.flex_findings import not_in_statements
from tieout.reconcile.flex_link import Linker, Links, Target
from tieout.reconcile.flex_look import fills_of, gateway_sizes
from tieout.reconcile.flex_orders import FlexOrder, cut, flex_orders, told_executions
from tieout.reconcile.match import PAIRS, Matching
from tieout.schema import CONTRACT, EXECUTION, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tieout.flags import MatchRules
    from tieout.model import Snapshot
    from tieout.reconcile.ambiguity import Undecided
    from tieout.reconcile.findings import Finding
    from tieout.reconcile.rows import FrameRow
    from tieout.reconcile.settle import Choices
    from tieout.store.reader import Book

_NAMED_MAX: Final = 5
_LENT: Final = ("perm_id", "client_id", "order_id", "order_ref", *CONTRACT)


@dataclass(frozen=True, slots=True)
class WithStatements:
    """The broker's side and the matching with the statements in them, and what is left to be told or decided."""

    side: BrokerSide
    matching: Matching
    undecided: tuple[Undecided, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def add_statements(
    snapshot: Snapshot, side: BrokerSide, matching: Matching, *, book: Book, choices: Choices, rules: MatchRules
) -> WithStatements:
    """
    Add the statements of the snapshot to what was matched without them.

    Args:
        side, matching: of the gateway's answer, the operator's choices followed.
        book: one account's rows.
        rules: how far apart the times of look-alikes may be, and whether one that is the only possibility is taken.
    """
    if not snapshot.statements:
        return WithStatements(side, matching)
    told = told_executions(snapshot.statements)
    orders = flex_orders(told)
    linker = Linker(side, book, matching=matching, orders=orders, window_s=rules.window_seconds)
    links = linker.find()
    undecided = decide(linker, links, book, choices=choices, accept=rules.accept_unique)
    work = _Work(side, matching, book)
    labels = {one.statement_id: one.label for one in snapshot.statements}
    work.take(orders, links, labels)
    found = not_in_statements(snapshot, told, book)
    return WithStatements(*work.done(told), tuple(undecided), tuple(_waiting(orders, links)), tuple(found))


class _Work:
    """The frames in the making: fills raised on the gateway's orders, rows of orders that only statements know."""

    def __init__(self, side: BrokerSide, matching: Matching, book: Book) -> None:
        self._side = side
        self._matching = matching
        self._book = book
        self._filled: dict[int, int] = {}
        self._added: list[FrameRow] = []
        self._pairs: dict[int, int] = {}
        self._held: set[int] = set()
        self._told: dict[int, set[str]] = defaultdict(set)
        self._lent: dict[str, FrameRow] = {}
        """What an execution takes from its order, by execution id; one that waits is not in here."""

    def take(self, orders: list[FlexOrder], links: Links, labels: dict[str, str]) -> None:
        """Give every Flex order that does not wait its place."""
        self._held |= links.held
        by_target: dict[Target, list[FlexOrder]] = defaultdict(list)
        for index, order in enumerate(orders):
            if index in links.target:
                by_target[links.target[index]].append(order)
            elif index not in links.parked:
                if order.of("symbol") is None:
                    links.parked[index] = "the statement does not say its underlying: tick Underlying Symbol"
                    continue
                self._place(self._add(order.as_order() | {"status": FILLED}, None), [order], labels)
        fills = fills_of(self._book, [self._row(one.book) for one in by_target if one.book is not None])
        for target, some in by_target.items():
            self._known(
                target, some, fills=fills.get(target.book, []) if target.book is not None else [], labels=labels
            )

    def _row(self, at: int) -> int:
        return int(self._book.orders["row"][at])

    def _known(self, target: Target, some: list[FlexOrder], *, fills: list[FrameRow], labels: dict[str, str]) -> None:
        sizes = {base: size for order in some for base, size in order.sizes.items()}
        adds_up = not any(order.mixed for order in some)
        broker = target.broker
        if broker is not None:
            gateway = self._side.orders.row(broker, named=True)
            sizes |= gateway_sizes(self._side, [broker]).get(broker, {})
            filled = max(_total(sizes, fills, self._filled_of(target)), gateway["filled_quantity_e8"] or 0)
            if adds_up:
                self._filled[broker] = filled
            self._place(broker, some, labels, gateway)
            return
        row = self._book.orders.row(target.book or 0, named=True)
        bare: FrameRow = dict.fromkeys(ORDER) | {name: row[name] for name in ("account", "perm_id", "side")}
        filled = _total(sizes, fills, row["filled_quantity_e8"])
        bare |= {"live": False, "inexact": False, "filled_quantity_e8": filled if adds_up else None}
        self._place(self._add(bare, target.book), some, labels, row)

    def _filled_of(self, target: Target) -> int | None:
        return None if target.book is None else self._book.orders["filled_quantity_e8"][target.book]

    def _add(self, row: FrameRow, book: int | None) -> int:
        at = self._side.orders.height + len(self._added)
        self._added.append(row)
        if book is not None:
            self._pairs[at] = book
        return at

    def _place(self, at: int, some: list[FlexOrder], labels: dict[str, str], order: FrameRow | None = None) -> None:
        for row in (row for one in some for row in one.rows):
            label = labels[row["statement"]]
            lent = {name: None if order is None else order[name] for name in _LENT}
            self._lent[row["exec_id"]] = lent | {"at": at, "told_by": label}
            self._told[at].add(label)

    def done(self, told: pl.DataFrame) -> tuple[BrokerSide, Matching]:
        """The broker's side and the matching, each with what was added behind what was there."""
        orders = self._orders()
        count = len(self._added)
        seen = pl.concat(
            [self._side.seen, pl.DataFrame({name: [False] * count for name in self._side.seen.columns},
                                           schema=self._side.seen.schema)]
        )  # fmt: skip
        flex = {at: tuple(sorted(labels)) for at, labels in self._told.items()}
        executions, homes = self._executions(told)
        side = replace(
            self._side, orders=orders, seen=seen, executions=executions, statements=flex, statement_homes=homes
        )
        return side, self._matched()

    def _orders(self) -> pl.DataFrame:
        orders = self._side.orders
        if self._filled:
            filled = orders["filled_quantity_e8"].scatter(list(self._filled), list(self._filled.values()))
            whole = (pl.col("live") & (filled >= pl.col("quantity_e8"))).fill_null(value=False)
            orders = orders.with_columns(filled).with_columns(
                pl.when(whole).then(pl.lit(FILLED)).otherwise("status").alias("status"),
                (pl.col("live") & ~whole).alias("live"),
            )
        added = pl.DataFrame([[row[name] for name in ORDER] for row in self._added], schema=dict(ORDER), orient="row")
        return pl.concat([orders, added])

    def _executions(self, told: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
        known = set(self._side.executions["exec_id"].to_list())
        fresh = [row for row in told.iter_rows(named=True) if row["exec_id"] in self._lent]
        rows = [self._whole(row) for row in fresh if row["exec_id"] not in known]
        added = pl.DataFrame([[row[name] for name in EXECUTION] for row in rows], schema=dict(EXECUTION), orient="row")
        told_by = pl.Series("told_by", [self._lent[row["exec_id"]]["told_by"] for row in rows], dtype=pl.String)
        gateway = _with_commissions(self._side.executions.select(list(EXECUTION)), told)
        both = pl.concat([gateway.with_columns(told_by=pl.lit(None, pl.String)), added.with_columns(told_by)])
        return with_revisions(both), {row["exec_id"]: self._lent[row["exec_id"]]["at"] for row in rows}

    def _whole(self, row: FrameRow) -> FrameRow:
        lent = self._lent[row["exec_id"]]
        return row | {name: row[name] if row[name] is not None else lent[name] for name in _LENT}

    def _matched(self) -> Matching:
        old, first = self._matching, self._side.orders.height
        pairs = pl.DataFrame([(at, book, None) for at, book in self._pairs.items()], schema=PAIRS, orient="row")
        alone = [at for at in range(first, first + len(self._added)) if at not in self._pairs]
        return Matching(
            pairs=pl.concat([old.pairs, pairs]),
            broker_only=pl.concat([old.broker_only, pl.Series("broker", alone, dtype=pl.UInt32)]),
            book_only=old.book_only.filter(~old.book_only.is_in([*self._pairs.values(), *self._held])),
            ambiguous=old.ambiguous,
        )


def _with_commissions(gateway: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The gateway's executions, a commission that it has not told taken from the statements."""
    lent = told.select("exec_id", "commission_e8", "commission_currency")
    joined = gateway.join(lent, on="exec_id", how="left", suffix="_lent", maintain_order="left")
    names = ("commission_e8", "commission_currency")
    missing = pl.col("commission_e8").is_null()
    return joined.with_columns(
        *(pl.when(missing).then(f"{name}_lent").otherwise(name).alias(name) for name in names)
    ).select(list(EXECUTION))


def _total(sizes: dict[str, int], fills: list[FrameRow], filled_e8: int | None) -> int:
    """
    What an order has filled, at least: the executions told and those the book has of other days.

    Executions without an id may be the same as told ones, and a book may say more than it lists: then its own word
    is the least.
    """
    active = [fill for fill in fills if fill["listed"]]
    named = {cut(fill["exec_id"])[0]: fill["quantity_e8"] or 0 for fill in active if fill["exec_id"] is not None}
    listed = sum(fill["quantity_e8"] or 0 for fill in active)
    union = sum((named | sizes).values())
    if len(named) < len(active) or (filled_e8 or 0) > listed:
        return max(union, filled_e8 or 0)
    return union


def _waiting(orders: list[FlexOrder], links: Links) -> Iterator[str]:
    reasons: dict[str, list[FlexOrder]] = defaultdict(list)
    for index, why in sorted(links.parked.items()):
        if why:
            reasons[why].append(orders[index])
    for why, some in reasons.items():
        named = ", ".join(one.key for one in some[:_NAMED_MAX])
        more = f" and {len(some) - _NAMED_MAX} more" if len(some) > _NAMED_MAX else ""
        yield f"{len(some)} order(s) of the Flex statements wait ({named}{more}): {why}"
