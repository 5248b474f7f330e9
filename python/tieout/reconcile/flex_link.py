"""
Which order a Flex order is. Pure.

1. Proven: one of its executions is known by its id (the API's execId, letter by letter), in the book or at the
   gateway: it is that execution's order.
2. Proven: its order reference stands on exactly one order that it can be (`_fits`).
3. Proven: its id is the perm_id of an order that it can be. (IB does not promise that the two are the same number;
   where they are, with contract and side, it is no accident.)
4. Every execution of it looks like one of exactly one order's executions that have no id (old books): that order.
5. Else the orders that it can be, and that lack fills, are candidates: for the operator, unless `accept_unique` and
   one to one with quantity and placing time. Where only the gateway's own, unknown orders lack fills, it waits.
6. No candidate: an order that the book never saw.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from tieout.clock import NS_PER_S
from tieout.reconcile.flex_look import (
    OPEN_ENDED,
    agree,
    fills_of,
    gateway_owners,
    gateway_sizes,
    may_lack_fills,
    near,
    order_number,
    owners,
    rows_at,
    worth,
)
from tieout.reconcile.flex_orders import FlexOrder, cut

if TYPE_CHECKING:
    from tieout.reconcile.evidence import BrokerSide
    from tieout.reconcile.match import Matching
    from tieout.reconcile.rows import FrameRow
    from tieout.store.reader import Book


@dataclass(frozen=True, slots=True)
class Target:
    """An order on either side by its position: `book`, `broker`, or both where they are paired."""

    book: int | None
    broker: int | None


@dataclass(slots=True)
class Links:
    """
    What became of each Flex order, by its position.

    `target` holds those whose order is known; `candidates` the book's positions that one may be; `parked` those
    that wait, and why. What is in none of them is an order that the book never saw.
    """

    target: dict[int, Target] = field(default_factory=dict)
    candidates: dict[int, list[int]] = field(default_factory=dict)
    parked: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    """Positions of the book's orders that one which waits may be: nothing is concluded of them."""


class Linker:
    """
    Finds the order of a Flex order.

    Args:
        side, book, matching: what was matched before, without the statements.
        orders: the Flex orders, which decide how much of both sides is looked at.
        window_s: how far apart the times of look-alikes may be.
    """

    def __init__(
        self, side: BrokerSide, book: Book, *, matching: Matching, orders: list[FlexOrder], window_s: int
    ) -> None:
        self.orders = orders
        self._window_ns = window_s * NS_PER_S
        self._doubted = set(matching.ambiguous["book"].drop_nulls().to_list())
        self._doubted_broker = set(matching.ambiguous["broker"].drop_nulls().to_list())
        keys, contract = near(orders)
        self._owner = owners(book, orders)
        owned = pl.col("row").is_in(sorted(set(self._owner.values())))
        self._broker_rows = rows_at(side.orders, keys | contract)
        told = matching.pairs.filter(pl.col("broker").is_in(list(self._broker_rows)))["book"].to_list()
        self._book_rows = rows_at(
            book.orders, owned | keys | pl.col("at").is_in(told) | (contract & may_lack_fills(book))
        )
        self._at = {row["row"]: at for at, row in self._book_rows.items()}
        self._gateway = gateway_owners(side, orders)
        close = pl.col("book").is_in(list(self._book_rows))
        close |= pl.col("broker").is_in([*self._broker_rows, *self._gateway.values()])
        pairs = matching.pairs.filter(close)
        self._book_of = dict(zip(pairs["broker"].to_list(), pairs["book"].to_list(), strict=True))
        self._broker_of = {book: broker for broker, book in self._book_of.items()}
        self._fills_of = fills_of(book, list(self._at))
        self._sizes = gateway_sizes(side, list(self._broker_rows))

    def find(self) -> Links:
        """What becomes of each Flex order."""
        links = Links()
        for index, order in enumerate(self.orders):
            proven = self._by_execution(order) or self._by_key(order) or self._by_look(order)
            if len(proven) > 1:
                links.parked[index] = "its executions are on several orders of the book"
                links.held |= {one.book for one in proven if one.book is not None}
            elif proven:
                self._take(index, next(iter(proven)), links)
            elif order.mixed:
                links.parked[index] = "it is a combo whose order is not known"
            else:
                self._candidates(index, order, links)
        return links

    def _take(self, index: int, target: Target, links: Links) -> None:
        if target.book in self._doubted or (target.book is None and target.broker in self._doubted_broker):
            links.parked[index] = "its order is in an ambiguous match"
        else:
            links.target[index] = target

    def _by_execution(self, order: FlexOrder) -> set[Target]:
        found: set[Target] = set()
        for row in order.rows:
            base = cut(row["exec_id"])[0]
            if (owner := self._owner.get(base)) is not None and owner in self._at:
                found.add(self.target(book=self._at[owner]))
            if (broker := self._gateway.get(base)) is not None:
                found.add(self.target(broker=broker))
        return found

    def _by_key(self, order: FlexOrder) -> set[Target]:
        """Its reference, else its id as a perm_id, where exactly one order has it that it can be."""
        for name, value in (("order_ref", order.of("order_ref")), ("perm_id", order_number(order.key))):
            if value is None:
                continue
            named = {self.target(book=i) for i, row in self._book_rows.items() if row[name] == value}
            named |= {self.target(broker=i) for i, row in self._broker_rows.items() if row[name] == value}
            found = {one for one in named if self._can_be(order, one)}
            if len(found) == 1 and (name == "perm_id" or len(named) == 1):
                return found
        return set()

    def _by_look(self, order: FlexOrder) -> set[Target]:
        """The one order that has an execution without an id like each of these."""
        found: set[int] | None = None
        for row in order.rows:
            alike = {i for i, fills in self._fills_of.items() if any(self._alike(row, fill) for fill in fills)}
            found = alike if found is None else found & alike
        return {self.target(book=i) for i in found} if found is not None and len(found) == 1 else set()

    def _alike(self, row: FrameRow, fill: FrameRow) -> bool:
        if fill["exec_id"] is not None or None in {row["executed_ns"], fill["executed_ns"]}:
            return False
        same = ("side", "quantity_e8", "price_e8", "symbol")
        return (
            all(row[name] == fill[name] for name in same)
            and not fill["inexact"]
            and abs(row["executed_ns"] - fill["executed_ns"]) <= self._window_ns
        )

    def _candidates(self, index: int, order: FlexOrder, links: Links) -> None:
        for i, row in self._broker_rows.items():
            told = row["filled_quantity_e8"] or 0
            if i not in self._book_of and told >= order.total_e8 and agree(order, row) and worth(order, row):
                links.parked[index] = "it may be earlier fills of an order that the gateway holds and the book not yet"
                return
        found = [
            i
            for i, row in self._book_rows.items()
            if self._lacks_fills(i, row, order) and self._can_be(order, self.target(book=i))
        ]
        if self._doubted & set(found):
            links.parked[index] = "an order that it may be is in an ambiguous match"
        elif found:
            links.candidates[index] = found

    def _lacks_fills(self, index: int, row: FrameRow, order: FlexOrder) -> bool:
        """
        Whether fills of that size may be missing: more is filled than is listed, or nobody knows how much is.

        What the gateway says of the order comes before what the book says.
        """
        known = sum(self._known(self.target(book=index)).values())
        nameless = sum(fill["quantity_e8"] or 0 for fill in self._fills_of.get(index, ()) if not fill["exec_id"])
        gateway = self._broker_rows.get(self._broker_of.get(index, -1))
        if gateway is not None and gateway["filled_quantity_e8"] is not None:
            return bool(gateway["filled_quantity_e8"] - known - nameless >= order.total_e8)
        told = row["filled_quantity_e8"]
        open_ended = row["live"] or row["status"] in OPEN_ENDED
        return bool(open_ended or told is None or told - known - nameless >= order.total_e8)

    def _known(self, target: Target) -> dict[str, int]:
        """The sizes of the active executions that book and gateway list, by id without suffix."""
        fills = self._fills_of.get(target.book, ()) if target.book is not None else ()
        sizes = {cut(one["exec_id"])[0]: one["quantity_e8"] or 0 for one in fills if one["exec_id"] and one["listed"]}
        return sizes | (self._sizes.get(target.broker, {}) if target.broker is not None else {})

    def _can_be(self, order: FlexOrder, target: Target) -> bool:
        """Whether contract, side, quantity, time and price of the order do not speak against it."""
        row = self._book_rows.get(target.book) if target.book is not None else self._broker_rows.get(target.broker or 0)
        if row is None or not agree(order, row):
            return False
        sizes = self._known(target) | order.sizes
        if row["quantity_e8"] is not None and sum(sizes.values()) > row["quantity_e8"]:
            return False
        placed, last = row["placed_ns"], order.last_ns
        if target.book is not None and None not in {placed, last} and last < placed - self._window_ns:
            return False
        return worth(order, row)

    def target(self, *, book: int | None = None, broker: int | None = None) -> Target:
        """The order at that position, with the other side's where they are paired."""
        if broker is not None:
            return Target(self._book_of.get(broker), broker)
        return Target(book, None if book is None else self._broker_of.get(book))

    def surely(self, index: int, book: int) -> bool:
        """Whether quantity and placing time agree too: what `accept_unique` asks for."""
        order = self.orders[index]
        row = self._book_rows[book]
        ordered, placed = order.of("ordered_ns"), row["placed_ns"]
        near = isinstance(ordered, int) and placed is not None and abs(ordered - placed) <= self._window_ns
        return near and row["quantity_e8"] == order.total_e8 and not row["inexact"]
