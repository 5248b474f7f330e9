"""
The plain model: an order book and a broker as two dictionaries, and what tying them out makes of the book.

It knows nothing about files, transactions, plans or locks; the state machine holds the real thing against it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

LIVE, CANCELLED, ORPHANED = "Submitted", "Cancelled", "orphaned_deleted"


@dataclass(frozen=True)
class Row:
    """An order in the book. `perm_id` None: placed by hand in the book, and it may be either of two at the broker."""

    perm_id: int | None
    price: str
    status: str = LIVE


@dataclass(frozen=True)
class Held:
    """An order at the broker."""

    price: str
    status: str = LIVE


Book = dict[str, Row]
Broker = dict[int, Held]


@dataclass
class World:
    """
    Both sides, by a name of our own for each order: `o1001` is perm_id 1001, `twin` the row without one.

    `others` counts the bot's orders in another instrument. `look_alikes` are the two orders that the twin may be,
    `decided` the one that the operator says it is.
    """

    book: Book = field(default_factory=dict)
    broker: Broker = field(default_factory=dict)
    others: int = 0
    look_alikes: tuple[int, ...] = ()
    decided: int | None = None

    def undecided(self) -> bool:
        """Whether there is a match that only the operator can decide."""
        twin = self.book.get("twin")
        return twin is not None and twin.perm_id is None and self.decided is None

    def actions(self) -> dict[str, tuple[Row | None, Row]]:
        """What a plan holds: each row that is not as the broker has it, before and after."""
        wanted = self._tied_out()
        return {name: (self.book.get(name), row) for name, row in wanted.items() if self.book.get(name) != row}

    def execute(self, actions: dict[str, tuple[Row | None, Row]]) -> None:
        """Do that."""
        self.book.update({name: after for name, (_, after) in actions.items()})

    def saved(self) -> tuple[Book, int]:
        """What a backup holds."""
        return copy.copy(self.book), self.others

    def rows(self) -> list[tuple[str, ...]]:
        """The book's orders as the real one's are read, sorted."""
        return sorted((str(row.perm_id), row.price, row.status) for row in self.book.values())

    def _tied_out(self) -> Book:
        book = copy.copy(self.book)
        known: set[int] = set()
        for name, row in self.book.items():
            perm_id = self.decided if row.perm_id is None else row.perm_id
            if perm_id is None:
                known |= set(self.look_alikes)
                continue
            known.add(perm_id)
            book[name] = _as_held(replace(row, perm_id=perm_id), self.broker.get(perm_id))
        for perm_id, held in self.broker.items():
            if perm_id not in known and held.status == LIVE:
                book[f"o{perm_id}"] = Row(perm_id, held.price)
        return book


def _as_held(row: Row, held: Held | None) -> Row:
    if held is None:
        return replace(row, status=ORPHANED) if row.status == LIVE else row
    return replace(row, price=held.price, status=held.status)
