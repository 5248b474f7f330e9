"""The broker's truth beside book, ledger and intents; every difference is a line of text."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fuzz_world import copy_of

from cli_support import ACCOUNT
from tieout.store.corrections import base_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli_support import Workplace
    from tieout.sim import RunningSim
    from tieout.sim.world import Execution, Order

ORPHANED: Final = "orphaned_deleted"
GONE: Final = frozenset({"ABSENT", "NOT_SENT"})


def compare(place: Workplace, sim: RunningSim, counts: dict[str, int]) -> list[str]:
    """What is wrong; `counts` learns how much was compared."""
    found: list[tuple[list[Order], list[Execution]]] = []
    sim.call(lambda gateway: found.append(copy_of(gateway)))
    orders, fills = found[0]
    intents = place.ask(
        "SELECT intent_id, kind, order_ref, order_id, state, status, note, perm_id FROM intents ORDER BY id",
        db=place.root / "data" / "intents.db",
    ) if (place.root / "data" / "intents.db").exists() else []  # fmt: skip
    rows = place.ask("SELECT id, perm_id, order_ref, status, coalesce(filled_quantity, '0'), order_id FROM orders")
    ledger = place.ask(
        "SELECT e.exec_id, e.quantity, e.price, e.active, o.perm_id FROM executions e "
        "LEFT JOIN orders o ON o.id = e.order_row"
    )
    counts |= {"orders": len(orders), "fills": len(fills), "intents": len(intents)}
    return [
        *_duplicates(orders, intents),
        *_book(orders, rows),
        *_deleted(orders, rows, intents),
        *_fills(fills, ledger),
        *_intents(orders, intents),
    ]


def _duplicates(orders: list[Order], intents: list[Any]) -> Iterator[str]:
    """An order_ref is one intent's; more orders of it than the gateway forked itself are ours."""
    forks = Counter((o.order_ref, o.order_id) for o in orders if o.client_id == 11)
    for (ref, _), count in forks.items():
        changes = sum(one[2] == ref and one[1] == "modify" and one[4] not in GONE for one in intents)
        if count > 1 + changes:
            yield f"duplicate order: {ref} is at the broker {count} times"
    ids = Counter(ref for ref, _ in forks)
    yield from (f"duplicate order: {ref} under {count} order ids" for ref, count in ids.items() if count > 1)
    known = {one[2] for one in intents}
    yield from (f"order without an intent: {ref}" for ref in ids if ref not in known)


def _book(orders: list[Order], rows: list[Any]) -> Iterator[str]:
    """Every order of the broker's is in the book once, as it stands."""
    for order in orders:
        mine = [row for row in rows if row[1] == order.perm_id]
        if not mine and not order.live and order.filled == 0 and not order.order_ref:
            continue  # it came and went, without a fill, and was nobody's here
        if len(mine) != 1:
            yield f"perm_id {order.perm_id} ({order.status}, {order.order_ref}) has {len(mine)} rows in the book"
            continue
        _, _, ref, status, filled, _ = mine[0]
        if (status, Decimal(filled)) != (order.status, order.filled):
            yield (
                f"perm_id {order.perm_id} is {order.status} with {order.filled} filled, "
                f"the book says {status} with {filled}"
            )
        if order.order_ref and ref != order.order_ref:
            yield f"perm_id {order.perm_id} carries {order.order_ref}, the book says {ref}"


def _deleted(orders: list[Order], rows: list[Any], intents: list[Any]) -> Iterator[str]:
    """A row that is at the broker is never an orphan, one that is not ends."""
    held, refs = {order.perm_id for order in orders}, {order.order_ref for order in orders if order.order_ref}
    for row, perm_id, ref, status, _, _ in rows:
        if perm_id is None and status != ORPHANED and ref not in {one[2] for one in intents if one[4] == "UNKNOWN"}:
            yield f"row {row} ({ref}) is {status}, and the broker never had it"
        if perm_id is None and ref in refs:
            yield f"row {row} ({ref}) is {status}, and the broker's order of that reference has another row"
        if perm_id is not None and perm_id not in held:
            yield f"row {row} has perm_id {perm_id}, which nobody ever gave"


def _fills(fills: list[Execution], ledger: list[Any]) -> Iterator[str]:
    """Every fill is in the ledger once, with its order; of a corrected one the newest counts."""
    newest = {base_of(one.exec_id): one.exec_id for one in fills}
    told = Counter(row[0] for row in ledger)
    yield from (f"fill {exec_id} is in the ledger {count} times" for exec_id, count in told.items() if count > 1)
    known = {row[0]: row for row in ledger}
    for fill in fills:
        row = known.pop(fill.exec_id, None)
        last = newest[base_of(fill.exec_id)] == fill.exec_id
        if row is None:
            yield f"lost fill: {fill.exec_id} of perm_id {fill.perm_id} ({fill.quantity} at {fill.price})"
        elif (Decimal(row[1]), Decimal(row[2]), bool(row[3]), row[4]) != (
            fill.quantity, fill.price, last, fill.perm_id,
        ):  # fmt: skip
            yield f"fill {fill} (active: {last}) is in the ledger as {row}"
    yield from (f"invented fill: {row}" for row in known.values())


def _intents(orders: list[Order], intents: list[Any]) -> Iterator[str]:
    """Every intent says what became of its order, or that nobody knows, and why."""
    for intent_id, kind, ref, _, state, status, note, _perm_id in intents:
        if kind == "modify":
            if state in {"RESERVED", "SENDING"} or (state == "UNKNOWN" and not note):
                yield f"change {intent_id} is {state} ({note})"
            continue
        mine = [order for order in orders if order.order_ref == ref and order.account == ACCOUNT]
        if state == "UNKNOWN":
            if not note:
                yield f"intent {intent_id} is UNKNOWN, and nobody says why"
        elif mine and state in GONE:
            yield f"false absence: intent {intent_id} is {state} ({note}), and perm_id {mine[0].perm_id} is there"
        elif not mine and state not in GONE:
            yield f"intent {intent_id} is {state} ({status}, {note}), and the broker does not have it"
        elif len(mine) == 1 and (state, status) != ("ACKED" if mine[0].live else "DONE", mine[0].status):
            yield f"intent {intent_id} is {state} {status}, its order is {mine[0].status}"
