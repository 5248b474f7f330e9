"""
What does not add up and what no action repairs: told in the plan, never executed. Pure.

1. Of an order that the broker told of now, or that the ledger has executions of: the sum of its active executions, the
   largest cumulative quantity among them, and its own filled quantity are one number. What came with an old book was
   told by `tieout adopt`, and is not told again.
2. A position is the sum of the signed executions of its contract; the other way round, executions that leave something
   are held, where the broker's answer is complete. Positions check, they never invent fills.
3. Findings count neither for the plan id nor for staleness, emptiness or exit 3: they change nothing.

Executions of a combination's legs are not counted for the order's quantity; its own are, where they are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tieout.canonical import Json, digest
from tieout.fixed import from_e8
from tieout.reconcile.holding import holding_of
from tieout.reconcile.predicted import BAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tieout.model import Part

FINDINGS_MAX: Final = 200
"""How many of one kind are listed; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up. `told` holds its numbers by name, decimals as strings."""

    kind: str
    account: str
    symbol: str | None
    text: str
    told: dict[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """The entry as `staged_actions.json` carries it."""
        about: dict[str, Json] = {
            "kind": self.kind, "account": self.account, "symbol": self.symbol, "told": dict(self.told),
        }  # fmt: skip
        return {"finding_id": digest(about)[:16], **about, "text": self.text}


def order_findings(orders: pl.DataFrame, ledger: pl.DataFrame, *, told: Iterable[int]) -> list[Finding]:
    """
    Orders whose executions are not what was filled.

    Args:
        orders, ledger: schemas `ORDERS` and `LEDGER` of tieout.reconcile.predicted.
        told: the orders (column `order`) that the broker told of now.
    """
    counted = ledger.filter(pl.col("active") & pl.col("order").is_not_null())
    own = pl.col("combo") | ~pl.col("combo").any().over("order")
    sums = counted.filter(own).group_by("order").agg(
        pl.col("quantity_e8").sum().alias("executed"),
        pl.col("adopted").all(),
        # A Flex statement tells no cumulative quantity; then the largest one is not the last one.
        pl.when(pl.col("cumulative_quantity_e8").is_not_null().all())
        .then(pl.col("cumulative_quantity_e8").max())
        .alias("cumulative"),
    )  # fmt: skip
    both = orders.join(sums, on="order", how="left", maintain_order="left").filter(
        (~pl.col("adopted")).fill_null(value=False)
        | pl.col("order").is_in(list(told))
        | pl.col("action_id").is_not_null()
    )
    with_own = ledger.filter(pl.col("combo") & pl.col("order").is_not_null())["order"].unique().to_list()
    legs_only = (pl.col("sec_type") == BAG) & ~pl.col("order").is_in(with_own)
    executed = pl.col("executed").fill_null(0)
    differs = (executed != pl.col("filled_quantity_e8")) | (executed != pl.col("cumulative"))
    found = both.filter(differs.fill_null(value=False) & ~legs_only.fill_null(value=False))
    return _capped("fills_differ", (_order_finding(row) for row in found.iter_rows(named=True)), found.height)


def position_findings(positions: pl.DataFrame, ledger: pl.DataFrame, *, part: Part | None, today: str) -> list[Finding]:
    """
    Positions that the ledger does not explain, and what it holds that no position shows.

    Args:
        positions: schema `POSITION`.
        ledger: schema `tieout.reconcile.predicted.LEDGER`.
        part: the certificate of the positions.
        today: YYYYMMDD; what expired before it leaves no execution behind, and is not looked for.
    """
    found: list[Finding] = []
    for row in positions.sort("symbol", "local_symbol", "con_id", nulls_last=True).iter_rows(named=True):
        held = holding_of(row, ledger)
        if row["quantity_e8"] is not None and not held.explains(row["quantity_e8"]):
            found.append(_position_finding(row, held.quantity_e8, held.why or ""))
    if part is not None and part.complete:
        found.extend(_unshown(positions, ledger, today))
    return _capped("position_unexplained", found, len(found))


def _order_finding(row: dict[str, Any]) -> Finding:
    executed, filled, cumulative = row["executed"] or 0, row["filled_quantity_e8"], row["cumulative"]
    new = row["order"] < 0
    which = "an order that this plan inserts" if new else f"order row {row['order']}"
    which += "" if row["perm_id"] is None else f" (perm_id {row['perm_id']})"
    what = "fall short of" if executed < max(filled or 0, cumulative or 0) else "exceed"
    return Finding(
        kind="fills_differ",
        account=row["account"],
        symbol=row["symbol"],
        text=(
            f"{which}: its executions {what} what was filled: they come to "
            f"{from_e8(executed)}, the order says {from_e8(filled)}, their largest cumulative quantity is "
            f"{from_e8(cumulative) or 'not told'}"
        ),
        told={
            "order": f"action:{row['action_id']}" if new else f"row:{row['order']}",
            "perm_id": row["perm_id"],
            "executed": from_e8(executed),
            "filled": from_e8(filled),
            "cumulative": from_e8(cumulative),
        },
    )


def _position_finding(row: dict[str, Any], ledger_e8: int | None, why: str) -> Finding:
    name = row["local_symbol"] or row["symbol"]
    says = f"it cannot be told what the executions in the book come to: {why}"
    if ledger_e8 is not None:
        says = f"the executions in the book come to {from_e8(ledger_e8)}"
    return Finding(
        kind="position_unexplained",
        account=row["account"],
        symbol=row["symbol"],
        text=f"{name}: the broker holds {from_e8(row['quantity_e8'])}, {says}",
        told={
            "con_id": row["con_id"],
            "local_symbol": row["local_symbol"],
            "position": from_e8(row["quantity_e8"]),
            "ledger": from_e8(ledger_e8),
        },
    )


def _unshown(positions: pl.DataFrame, ledger: pl.DataFrame, today: str) -> Iterator[Finding]:
    """
    Contracts (by con_id) of which executions leave something that no position shows.

    Not those of a symbol of which other executions do not name their contract: these may be the rest.
    """
    signed = pl.when(pl.col("side") == "BUY").then("quantity_e8").otherwise(-pl.col("quantity_e8"))
    moving = ledger.filter(pl.col("active") & ~pl.col("combo"))
    unclear = moving.filter(pl.col("con_id").is_null()).select("account", "symbol").unique()
    known = moving.filter(pl.col("con_id").is_not_null()).join(unclear, on=["account", "symbol"], how="anti")
    sums = known.group_by("account", "con_id").agg(
        signed.sum().alias("left"), pl.col("symbol").drop_nulls().first(),
        pl.col("local_symbol").drop_nulls().first(), pl.col("expiry").drop_nulls().first(),
    )  # fmt: skip
    shown = positions.select("account", "con_id").unique()
    left = sums.filter((pl.col("left") != 0) & (pl.col("expiry") >= today).fill_null(value=True))
    for row in left.join(shown, on=["account", "con_id"], how="anti").sort("account", "con_id").iter_rows(named=True):
        yield Finding(
            kind="position_unexplained",
            account=row["account"],
            symbol=row["symbol"],
            text=f"{row['local_symbol'] or row['symbol']} (con_id {row['con_id']}): the executions in the book come to "
            f"{from_e8(row['left'])}, the broker holds none",
            told={"con_id": row["con_id"], "local_symbol": row["local_symbol"], "position": "0",
                  "ledger": from_e8(row["left"])},
        )  # fmt: skip


def _capped(kind: str, findings: Iterable[Finding], count: int) -> list[Finding]:
    """The first of them, and how many more there are."""
    kept = [one for _, one in zip(range(FINDINGS_MAX), findings, strict=False)]
    if count > len(kept):
        rest = count - len(kept)
        kept.append(Finding(f"{kind}_more", kept[0].account, None, f"and {rest} more like these", {"count": rest}))
    return kept
