"""
What a correct plan holds: written from the world that was planted, never by reconciling.

Decimals are strings, lists are sorted. What the broker does not report (the quantity of a filled completed
order) is never a change; a book number that 1e-8 cannot hold equals nothing, so the broker's replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tieout.fixed import from_e8, to_e8
from tieout.model import uses_limit_price, uses_stop_price
from tieout.sim.book import BookOrder
from tieout.sim.world import ZERO, Execution, Order

Value = str | int | None
Record = dict[str, object]


@dataclass(slots=True)
class Truth:
    """The plan's five lists as they should be, and what was planted."""

    seed: int | None
    kinds: tuple[str, ...]
    to_update: list[Record] = field(default_factory=list)
    to_insert: list[Record] = field(default_factory=list)
    to_delete: list[Record] = field(default_factory=list)
    ambiguous_matches: list[Record] = field(default_factory=list)
    planted: dict[str, int] = field(default_factory=dict)

    def update(self, row: BookOrder, order: Order) -> None:
        """The book's row and the broker's order are one: what differs becomes a change."""
        changed = changes(row, order)
        if changed:
            self.to_update.append({**_named(row, order.perm_id), "changes": changed})

    def insert_order(self, order: Order) -> None:
        """The broker's order is not in the book."""
        after = {"symbol": order.contract.symbol, "side": order.side, **reported(order)}
        del after["perm_id"]
        self.to_insert.append({"entity": "order", "account": order.account, "perm_id": order.perm_id, "after": after})

    def insert_execution(self, fill: Execution) -> None:
        """The broker's execution is not in the book."""
        after = {
            "side": fill.side,
            "quantity": decimal(fill.quantity),
            "price": decimal(fill.price),
            "commission": decimal(fill.commission),
        }
        named = {"account": fill.account, "exec_id": fill.exec_id, "perm_id": fill.perm_id}
        self.to_insert.append({"entity": "execution", **named, "after": after})

    def delete(self, row: BookOrder) -> None:
        """The book's row is live and nowhere at the broker."""
        self.to_delete.append(_named(row, row.perm_id))

    def ambiguous(self, row: BookOrder, orders: Sequence[Order]) -> None:
        """The book's row may be any of these."""
        book = {"perm_id": row.perm_id, "client_id": row.client_id, "order_id": row.order_id}
        broker = [{"perm_id": order.perm_id} for order in sorted(orders, key=lambda order: order.perm_id)]
        self.ambiguous_matches.append({"book": book, "broker": broker})

    def to_json(self) -> dict[str, object]:
        """The truth file's content."""
        lists = ("to_update", "to_insert", "to_delete", "ambiguous_matches")
        return {
            "seed": self.seed,
            "kinds": list(self.kinds),
            "simulated": True,
            "planted": dict(sorted(self.planted.items())),
            **{name: sorted(getattr(self, name), key=_in_order) for name in lists},
            "spy_futures_actions": [],
        }

    def write(self, path: Path) -> None:
        """
        Write the truth file.

        Raises:
            OSError: it cannot be written.
        """
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")


def reported(order: Order) -> dict[str, Value]:
    """What the broker says about the compared fields; None is "not reported"."""
    kind = order.order_type
    ended_filled = order.ended_ns is not None and order.status == "Filled"
    return {
        "status": order.status,
        "quantity": None if ended_filled else decimal(order.quantity),
        "order_type": kind,
        "limit_price": decimal(order.limit_price or ZERO) if uses_limit_price(kind) else None,
        "stop_price": decimal(order.stop_price or ZERO) if uses_stop_price(kind) else None,
        "tif": order.tif,
        "filled_quantity": decimal(order.filled),
        "perm_id": order.perm_id,
    }


def changes(row: BookOrder, order: Order) -> dict[str, Value]:
    """The compared fields in which the book does not say what the broker says, with the broker's value."""
    booked: dict[str, Value] = {
        "status": row.status,
        "quantity": decimal(row.quantity.exact),
        "order_type": row.order_type,
        "limit_price": decimal(row.limit_price.exact),
        "stop_price": decimal(row.stop_price.exact),
        "tif": row.tif,
        "filled_quantity": decimal(row.filled.exact),
        "perm_id": row.perm_id,
    }
    said = reported(order)
    found: dict[str, Value] = {n: v for n, v in said.items() if v is not None and v != booked[n]}
    if found and row.unnamed:
        found["account"] = row.account
    return found


def decimal(value: Decimal | None) -> str | None:
    """The shortest decimal string."""
    return None if value is None else from_e8(to_e8(value))


def _named(row: BookOrder, perm_id: int | None) -> Record:
    return {
        "entity": "order",
        "account": row.account,
        "perm_id": perm_id,
        "order_id": row.order_id,
        "client_id": row.client_id,
    }


def _in_order(record: Record) -> str:
    return json.dumps(record, sort_keys=True)
