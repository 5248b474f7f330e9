"""Flex orders that look like orders of the book and share no id with them: the operator's choices in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.reconcile.ambiguity import Undecided
from tieout.reconcile.rows import describe_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tieout.reconcile.flex_link import Linker, Links
    from tieout.reconcile.settle import Choices
    from tieout.store.reader import Book


def decide(linker: Linker, links: Links, book: Book, *, choices: Choices, accept: bool) -> list[Undecided]:
    """
    Follow the operator's choices, and with `accept` the only possibility, in each group of candidates.

    What is decided gets its target in `links`, or is in none of its lists any more: an order of its own. What is left
    is parked, and answered.
    """
    undecided = []
    orders = linker.orders
    for group in _components(links.candidates):
        rights = sorted({at for index in group for at in links.candidates[index]})
        settled = choices.settle(
            "order",
            orders[group[0]].first["account"],
            broker=[orders[index].describe() for index in group],
            book=[describe_order(book.orders.row(at, named=True)) for at in rights],
        )
        for i, (j, _) in settled.pairs.items():
            links.target[group[i]] = linker.target(book=rights[j])
        rest = [index for i, index in enumerate(group) if i not in settled.pairs]
        if accept and len(group) == len(rights) == len(rest) == 1 and linker.surely(group[0], rights[0]):
            links.target[group[0]] = linker.target(book=rights[0])
            rest = []
        if rest and settled.none is None:
            undecided.append(_undecided(linker, links, book, rest))
            links.parked.update(dict.fromkeys(rest, ""))
            links.held |= {at for index in rest for at in links.candidates[index]}
    links.candidates.clear()
    return undecided


def _undecided(linker: Linker, links: Links, book: Book, group: list[int]) -> Undecided:
    chosen = {one.book for index, one in links.target.items() if index in links.candidates}
    rights = sorted({at for index in group for at in links.candidates[index]} - chosen)
    pairs = [(i, rights.index(at)) for i, index in enumerate(group) for at in links.candidates[index] if at in rights]
    return Undecided(
        entity="order",
        account=linker.orders[group[0]].first["account"],
        tier=4,
        reason="signature_for_review" if len(group) == len(rights) == 1 else "signature_not_unique",
        broker=tuple(linker.orders[index].describe() for index in group),
        book=tuple(describe_order(book.orders.row(at, named=True)) for at in rights),
        candidates=tuple(sorted(pairs)),
        book_rows=tuple(rights),
    )


def _components(candidates: dict[int, list[int]]) -> Iterable[list[int]]:
    """Flex orders that share a candidate, in groups."""
    groups: list[tuple[set[int], list[int]]] = []
    for index in sorted(candidates):
        rights, members = set(candidates[index]), [index]
        for other in [one for one in groups if one[0] & rights]:
            groups.remove(other)
            rights |= other[0]
            members += other[1]
        groups.append((rights, sorted(members)))
    return [members for _, members in groups]
