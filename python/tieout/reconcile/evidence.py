"""
From what the broker said, part by part, to one row per order.

1. The open order, the completed order and the executions of one (account, perm_id) become one order.
2. Executions lend it client_id, order_id and order_ref, which completed orders do not carry.
3. A completed order's status is later than an open order's: the open orders were asked first.
4. Filled is the largest of what is reported: the order's own word, and the cumulative quantity of its
   active executions. A fill of the whole quantity is proof of Filled.
5. A null says "not reported"; an order known from executions alone has neither status nor quantity.

Source: ib-facts ("What each request returns", "Statuses"), design section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout.model import FILLED
from tieout.schema import CONTRACT, ORDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tieout.model import Snapshot

_KEY: Final = ["account", "perm_id"]
_LENT: Final = ["client_id", "order_id", "order_ref", *CONTRACT, "side"]


@dataclass(frozen=True, slots=True)
class BrokerSide:
    """
    The broker's orders and executions, ready to be matched.

    `orders` has schema `ORDER`. `seen` has the same height: Boolean columns `open`, `completed`, `fills` say
    which parts the row came from. `executions` has schema `EXECUTION` and two more columns, `base` (the exec id
    without its correction suffix) and `active` (no later correction of it is here).
    """

    orders: pl.DataFrame
    seen: pl.DataFrame
    executions: pl.DataFrame
    statements: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Which Flex statements told of an order, by its position; `executions` then has a column `told_by` as well."""
    statement_homes: dict[str, int] = field(default_factory=dict)
    """The position of the order that an execution of a Flex statement belongs to, by its exec_id."""

    def evidence(self, index: int) -> tuple[str, ...]:
        """The parts that an order was seen in, and the statements that told of it."""
        seen = self.seen.row(index, named=True)
        parts = (("open_orders", "open"), ("completed_orders", "completed"), ("executions", "fills"))
        return tuple(part for part, column in parts if seen[column]) + statement_evidence(self.statements.get(index))


def statement_evidence(labels: Sequence[str] | None) -> tuple[str, ...]:
    """Flex statements as an action's evidence names them: the source, and each with its period."""
    return ("flex", *(f"statement {label}" for label in labels)) if labels else ()


def execution_evidence(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What an execution rests on: the gateway's executions, or the Flex statement that tells it."""
    label = row.get("told_by")
    return ("executions",) if label is None else statement_evidence([label])


def broker_side(snapshot: Snapshot) -> BrokerSide:
    """One row per order of the snapshot, in a fixed order: by perm_id, those without one last."""
    executions = with_revisions(snapshot.executions)
    told = pl.concat(
        [
            snapshot.open_orders.with_columns(open=pl.lit(value=True), completed=pl.lit(value=False)),
            snapshot.completed_orders.with_columns(open=pl.lit(value=False), completed=pl.lit(value=True)),
        ]
    )
    named, nameless = told.filter(pl.col("perm_id").is_not_null()), told.filter(pl.col("perm_id").is_null())
    merged = _one_per_order(named)
    lent = _lent(executions)
    joined = merged.join(lent, on=_KEY, how="full", coalesce=True, suffix="_lent")
    joined = joined.with_columns(
        *(pl.coalesce(name, f"{name}_lent").alias(name) for name in _LENT),
        pl.max_horizontal("filled_quantity_e8", "cumulative").alias("filled_quantity_e8"),
        pl.coalesce("first_fill_ns", "placed_ns").alias("placed_ns"),
        pl.col("inexact").fill_null(value=False),
        *(pl.col(name).fill_null(value=False) for name in ("open", "completed", "live")),
        pl.col("cumulative").is_not_null().alias("fills"),
    )
    full = pl.col("quantity_e8").is_not_null() & (pl.col("cumulative") >= pl.col("quantity_e8"))
    whole = (full & pl.col("live")).fill_null(value=False)
    joined = joined.with_columns(
        pl.when(whole).then(pl.lit(FILLED)).otherwise("status").alias("status"),
        (pl.col("live") & ~whole).alias("live"),
    )
    columns = [*ORDER, "open", "completed", "fills"]
    everything = pl.concat(
        [joined.select(columns), nameless.with_columns(fills=pl.lit(value=False)).select(columns)]
    ).sort("account", "perm_id", "client_id", "order_id", "symbol", "side", "quantity_e8", nulls_last=True)
    return BrokerSide(
        orders=everything.select(list(ORDER)),
        seen=everything.select("open", "completed", "fills"),
        executions=executions,
    )


def with_revisions(executions: pl.DataFrame) -> pl.DataFrame:
    """
    The executions with `base` and `active`, each exec_id once, sorted by time and id.

    A correction has the same id but for the digits after the last period; the highest is the active one. IB's
    ids have four segments, combos a fifth for the leg, so only the last is cut.
    """
    once = executions.unique("exec_id", keep="last", maintain_order=True)
    cut = once.with_columns(
        pl.col("exec_id").str.extract(r"^(.*)\.\d+$", 1).fill_null(pl.col("exec_id")).alias("base"),
        pl.col("exec_id").str.extract(r"\.(\d+)$", 1).cast(pl.Int64, strict=False).fill_null(0).alias("revision"),
    )
    newest = pl.col("revision") == pl.col("revision").max().over("account", "perm_id", "base")
    return cut.with_columns(newest.alias("active")).drop("revision").sort("executed_ns", "exec_id", nulls_last=True)


def _one_per_order(named: pl.DataFrame) -> pl.DataFrame:
    """Of one (account, perm_id), open told first: the completed order's last word, the first non-null of the rest."""
    plain = [
        name
        for name in named.columns
        if name not in {*_KEY, "status", "live", "filled_quantity_e8", "open", "completed", "inexact"}
    ]
    return named.group_by(_KEY, maintain_order=True).agg(
        *(pl.col(name).drop_nulls().first() for name in plain),
        pl.col("status").drop_nulls().last(),
        pl.col("live").last(),
        pl.col("filled_quantity_e8").max(),
        *(pl.col(name).any() for name in ("open", "completed", "inexact")),
    )


def _lent(executions: pl.DataFrame) -> pl.DataFrame:
    active = executions.filter(pl.col("active") & pl.col("perm_id").is_not_null())
    combo = pl.col("sec_type") == "BAG"
    # A combination's own fill is told beside those of its legs; only the former is of the order's quantity.
    legs = combo.fill_null(value=False).any().over(_KEY) & ~combo.fill_null(value=False)
    active = active.filter(~legs)
    return active.group_by(_KEY, maintain_order=True).agg(
        *(pl.col(name).drop_nulls().first() for name in _LENT),
        pl.max_horizontal(pl.col("cumulative_quantity_e8").max(), pl.col("quantity_e8").sum()).alias("cumulative"),
        pl.col("executed_ns").min().alias("first_fill_ns"),
    )
