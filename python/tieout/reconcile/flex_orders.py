"""
What Flex statements tell, as orders: executions grouped by the report's own order id.

1. One execution is one, however many statements tell it: the statement that was generated last is believed.
2. A report carries neither permId nor clientId nor what was ordered, only what was executed.
3. Of one execution and its corrections the highest counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from tieout.reconcile.rows import FrameRow, describe_order
from tieout.schema import CONTRACT, FLEX_EXECUTION, ORDER, empty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tieout.canonical import Json
    from tieout.model import Statement


@dataclass(slots=True)
class FlexOrder:
    """
    The executions of one order in the statements; `key` is its id there, or the execution's where it has none.

    `mixed`: its executions are of several contracts or sides (the legs of a combo), so they do not add up.
    """

    key: str
    rows: list[FrameRow] = field(default_factory=list)

    @property
    def first(self) -> FrameRow:
        """Its first execution."""
        return self.rows[0]

    @property
    def side(self) -> str:
        """BUY or SELL; of a mixed one the first execution's."""
        return str(self.first["side"])

    @property
    def mixed(self) -> bool:
        """Whether it is more than one contract or side."""
        return len({(row["con_id"], row["local_symbol"], row["side"]) for row in self.rows}) > 1

    @property
    def sizes(self) -> dict[str, int]:
        """The quantity of each execution, by its id without the correction's suffix; the highest correction's."""
        newest: dict[str, tuple[int, int]] = {}
        for row in self.rows:
            base, revision = cut(row["exec_id"])
            if base not in newest or newest[base][0] < revision:
                newest[base] = (revision, row["quantity_e8"] or 0)
        return {base: size for base, (_, size) in newest.items()}

    @property
    def total_e8(self) -> int:
        """What was executed in all."""
        return sum(self.sizes.values())

    @property
    def last_ns(self) -> int | None:
        """When it was last executed; None where any time is not known."""
        times = [row["executed_ns"] for row in self.rows]
        return None if None in times else max(times)

    def of(self, name: str) -> object:
        """The first value in that column that is not null."""
        return next((row[name] for row in self.rows if row[name] is not None), None)

    def as_order(self) -> FrameRow:
        """A row of schema `ORDER` with what is known: executed quantity, no prices, no ids of the API."""
        row: FrameRow = dict.fromkeys(ORDER)
        row |= {name: self.of(name) for name in CONTRACT}
        row |= {
            "account": self.first["account"],
            "order_ref": self.of("order_ref"),
            "side": self.side,
            "quantity_e8": self.total_e8,
            "filled_quantity_e8": self.total_e8,
            "order_type": self.of("flex_order_type"),
            "placed_ns": self.of("ordered_ns"),
            "live": False,
            "inexact": any(row["inexact"] for row in self.rows),
        }
        return row

    def describe(self) -> dict[str, Json]:
        """As a person compares it with an order of the book; `exec_id` is its first execution's."""
        return {"flex_order": self.key, "exec_id": self.first["exec_id"], **describe_order(self.as_order())}


def cut(exec_id: str) -> tuple[str, int]:
    """The id without the digits after its last period, and those digits: `a.b.c.01` -> (`a.b.c`, 1)."""
    base, _, tail = exec_id.rpartition(".")
    return (base, int(tail)) if base and tail.isdecimal() else (exec_id, 0)


def told_executions(statements: Iterable[Statement]) -> pl.DataFrame:
    """All executions of the statements, schema `FLEX_EXECUTION`, each once; sorted by time and id."""
    frames = [one.executions for one in sorted(statements, key=lambda one: (one.generated_ns, one.statement_id))]
    if not frames:
        return empty(FLEX_EXECUTION)
    once = pl.concat(frames).unique(["account", "exec_id"], keep="last", maintain_order=True)
    return once.sort("executed_ns", "exec_id", nulls_last=True)


def flex_orders(executions: pl.DataFrame) -> list[FlexOrder]:
    """The executions of `told_executions` by order, in the order of their first executions."""
    found: dict[str, FlexOrder] = {}
    for row in executions.iter_rows(named=True):
        key = row["flex_order"] or f"exec {cut(row['exec_id'])[0]}"
        found.setdefault(key, FlexOrder(key)).rows.append(row)
    return list(found.values())
