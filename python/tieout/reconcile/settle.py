"""
The operator's choices, followed: an ambiguous match becomes a pair, or two records of one side only.

1. A choice is followed only between records that are, field by field, what was shown when it was made; otherwise it
   has lapsed, and the plan says so.
2. Only what the matcher left ambiguous is settled; a row that it paired stays paired.
3. "None" settles what is left of a match only where one choice covers all of it: a record that came later was not
   looked at, and may be the one.
4. What a pair leaves of its match stays ambiguous, until it is paired or declared to be none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from tieout.reconcile.match import AMBIGUOUS, PAIRS, Matching
from tieout.reconcile.rows import describe_order
from tieout.store.resolutions import Record, Resolution, fingerprint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tieout.reconcile.ambiguity import Undecided


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What the choices make of one match, by position in its two lists: the pairs, and who chose each; `none` is the
    choice that says of all the rest that they are nobody's.
    """

    pairs: dict[int, tuple[int, Resolution]]
    none: Resolution | None


class Choices:
    """The operator's choices, and which of them were followed so far."""

    def __init__(self, resolutions: Collection[Resolution] = ()) -> None:
        self._all = tuple(resolutions)
        self._pairs = {
            (broker, book): one
            for one in resolutions
            if one.choice == "pair"
            for broker, book in [(one.fingerprints[0][0], one.fingerprints[1][0])]
        }
        self._mates: dict[str, list[str]] = {}
        for broker, book in self._pairs:
            self._mates.setdefault(broker, []).append(book)
        self._nones = [one for one in resolutions if one.choice == "none"]
        self._used: dict[str, Resolution] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def used(self) -> tuple[Resolution, ...]:
        """Those that were followed, by id."""
        return tuple(self._used[key] for key in sorted(self._used))

    def settle(self, entity: str, account: str | None, *, broker: Sequence[Record], book: Sequence[Record]) -> Settled:
        """What the choices make of these records of one match; those followed are remembered."""
        if not self._all:
            return Settled({}, None)
        lefts = [fingerprint(entity, account, record) for record in broker]
        rights = [fingerprint(entity, account, record) for record in book]
        pairs: dict[int, tuple[int, Resolution]] = {}
        taken: set[int] = set()
        places: dict[str, list[int]] = {}
        for j, right in enumerate(rights):
            places.setdefault(right, []).append(j)
        for i, left in enumerate(lefts):
            mates = sorted((j, right) for right in self._mates.get(left, ()) for j in places.get(right, ()))
            free = next(((j, right) for j, right in mates if j not in taken), None)
            if free is not None:
                pairs[i] = (free[0], self._pairs[left, free[1]])
                taken.add(free[0])
        rest = (
            {left for i, left in enumerate(lefts) if i not in pairs},
            {right for j, right in enumerate(rights) if j not in taken},
        )
        covering = (one for one in self._nones if all(map(set.issubset, rest, one.fingerprints)))
        none = next(covering, None) if any(rest) else None
        for one in [*(one for _, one in pairs.values()), *([] if none is None else [none])]:
            self._used[one.resolution_id] = one
        return Settled(pairs, none)

    def lapsed(self, undecided: Iterable[Undecided]) -> list[str]:
        """A note for each choice that was not followed although its records are still, or again, undecided."""
        waiting = [one for one in self._all if one.resolution_id not in self._used]
        if not waiting:
            return []
        now: dict[tuple[object, ...], tuple[str, Record]] = {}
        for match in undecided:
            for record in (*match.broker, *match.book):
                now[(match.entity, match.account, *identity(record))] = (match.match_id, record)
        return [note for one in waiting for note in _lapsed(one, now)]


def identity(record: Record) -> tuple[object, ...]:
    """What a record is found again by, whatever else changed in it: the book's row, or the broker's id."""
    if "row" in record:
        return ("book", record["row"])
    if record.get("exec_id") is not None:
        return ("broker", "exec_id", record["exec_id"])
    if record["perm_id"] is not None:
        return ("broker", "perm_id", record["perm_id"])
    return ("broker", record["client_id"], record["order_id"])


def settle_orders(
    matching: Matching, broker: pl.DataFrame, book: pl.DataFrame, choices: Choices
) -> tuple[Matching, ChosenBy]:
    """
    The matching with the operator's choices followed; pairs that he made have a null tier.

    Args:
        broker, book: the frames that were matched, schema `ORDER`.
    """
    chosen = ChosenBy({}, {})
    if not choices or not matching.ambiguous.height:
        return matching, chosen
    paired = set(matching.pairs["book"].to_list())
    groups = [group for _, group in matching.ambiguous.group_by("group", maintain_order=True)]
    settled = [_settle_group(group, (broker, book), paired=paired, choices=choices) for group in groups]
    mates = {left: right for mine, _ in settled for left, (right, _) in mine.items()}
    edges: list[dict[str, object]] = []
    for group, (mine, none) in zip(groups, settled, strict=True):
        chosen.broker.update({left: one for left, (_, one) in mine.items()})
        doubted = _doubted(group) - set(mates.values())
        if none is None:
            edges.extend(_left_over(group, mates, doubted))
        else:
            chosen.broker.update({left: none for left in group["broker"].to_list() if left not in mates})
            chosen.book.update(dict.fromkeys(doubted, none))
    return _partition(matching, mates, chosen, edges), chosen


@dataclass(frozen=True, slots=True)
class ChosenBy:
    """Whose choice decided a row, by its position on its side."""

    broker: dict[int, Resolution]
    book: dict[int, Resolution]

    def of(self, *, broker: int | None = None, book: int | None = None) -> str:
        """What an action's reason says about it; empty where nobody had to choose."""
        one = self.broker.get(broker) if broker is not None else self.book.get(book) if book is not None else None
        return "" if one is None else because_of(one)


def because_of(one: Resolution) -> str:
    """What an action's reason says about the choice that it follows."""
    return f"; {'paired' if one.choice == 'pair' else 'declared to be no match'} by {one.by} ({one.reason})"


def _settle_group(
    group: pl.DataFrame, sides: tuple[pl.DataFrame, pl.DataFrame], *, paired: set[int], choices: Choices
) -> tuple[dict[int, tuple[int, Resolution]], Resolution | None]:
    """The pairs of one group, as broker row -> (book row, whose choice), and the choice that settles its rest."""
    broker, book = sides
    lefts = [int(i) for i in group["broker"].unique().sort()]
    rights = [int(i) for i in group["book"].drop_nulls().unique().sort() if i not in paired]
    settled = choices.settle(
        "order",
        broker["account"][lefts[0]],
        broker=[describe_order(broker.row(i, named=True)) for i in lefts],
        book=[describe_order(book.row(i, named=True)) for i in rights],
    )
    return {lefts[i]: (rights[j], one) for i, (j, one) in settled.pairs.items()}, settled.none


def _doubted(group: pl.DataFrame) -> set[int]:
    """The group's book rows that are ambiguous themselves; a fork only names candidates, decided elsewhere."""
    forked = group["reason"].str.starts_with("forked").all()
    return set() if forked else {int(i) for i in group["book"].drop_nulls()}


def _left_over(group: pl.DataFrame, mates: dict[int, int], doubted: set[int]) -> Iterator[dict[str, object]]:
    """The group's edges without the rows that found their mate; a row that loses its last edge keeps an empty one."""
    taken = set(mates.values())
    first = group.row(0, named=True)
    kept = [e for e in group.iter_rows(named=True) if e["broker"] not in mates and e["book"] not in taken]
    yield from kept
    for left in sorted(set(group["broker"].to_list()) - set(mates) - {edge["broker"] for edge in kept}):
        yield {**first, "broker": left, "book": None, "candidates": 0}
    for right in sorted(doubted - {edge["book"] for edge in kept}):
        yield {**first, "broker": None, "book": right, "candidates": 0}


def _partition(matching: Matching, mates: dict[int, int], chosen: ChosenBy, edges: list[dict[str, object]]) -> Matching:
    added = pl.DataFrame([(left, right, None) for left, right in mates.items()], schema=PAIRS, orient="row")
    broker_only = {row for row, one in chosen.broker.items() if one.choice == "none"}
    free = matching.book_only.filter(~matching.book_only.is_in(list(mates.values())))
    return Matching(
        pairs=pl.concat([matching.pairs, added]).sort("broker"),
        broker_only=pl.concat([matching.broker_only, _rows("broker", broker_only)]).sort(),
        book_only=pl.concat([free, _rows("book", chosen.book)]).sort(),
        ambiguous=pl.DataFrame(edges, schema=AMBIGUOUS),
    )


def _rows(name: str, rows: Iterable[int]) -> pl.Series:
    return pl.Series(name, sorted(rows), dtype=pl.UInt32)


def _lapsed(one: Resolution, now: dict[tuple[object, ...], tuple[str, Record]]) -> Iterator[str]:
    found: dict[str, list[str]] = defaultdict(list)
    for side, records in (("the broker's", one.broker), ("the book's", one.book)):
        for record in records:
            match_id, again = now.get((one.entity, one.account, *identity(record)), ("", record))
            if match_id:
                found[match_id].extend(
                    f"{side} {name} {record.get(name)} -> {value}"
                    for name, value in again.items()
                    if record.get(name) != value
                )
    for match_id, changes in found.items():
        why = ", ".join(changes) or "other records came into the match, or left it"
        yield (
            f"the choice of {one.by} in match {one.match_id} does not hold any more ({why}): "
            f"decide again in match {match_id}"
        )
