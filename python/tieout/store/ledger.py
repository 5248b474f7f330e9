"""An order's average price and commission, from its executions: derived, never compared."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from tieout.fixed import from_e8, plain, round_e8, to_e8
from tieout.store.batches import batched
from tieout.store.tables import executions, orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, RowMapping

COMBINATION: Final = "BAG"
"""IB's sec_type of a combination of contracts."""


def owners_of(connection: Connection, execution_rows: Iterable[int]) -> set[int]:
    """The orders that those executions belong to."""
    found: set[int] = set()
    for some in batched(execution_rows):
        query = select(executions.c.order_row).where(executions.c.id.in_(some))
        found |= {int(owner) for owner in connection.execute(query).scalars() if owner is not None}
    return found


def refresh_averages(connection: Connection, order_rows: Iterable[int]) -> None:
    """
    Write `avg_fill_price` and `commission` of those orders from their active executions.

    Only where the ledger is whole: the executions that count for it add up to the order's filled quantity. A commission
    stays null until every active execution has one, those of a combination's legs too. Inside the caller's transaction.
    """
    for some in batched(order_rows):
        columns = (orders.c.id, orders.c.filled_quantity, orders.c.sec_type, orders.c.con_id)
        known = connection.execute(select(*columns).where(orders.c.id.in_(some))).mappings()
        owners = {order["id"]: order for order in known}
        fills: dict[int, list[RowMapping]] = defaultdict(list)
        query = select(executions).where(executions.c.order_row.in_(some), executions.c.active.is_(True))
        for fill in connection.execute(query).mappings():
            fills[fill["order_row"]].append(fill)
        derived = [(row, _derive(fills[row], owners[row])) for row in some if row in owners]
        rows = [{"row": row, **values} for row, values in derived if values is not None]
        if rows:
            update = orders.update().where(orders.c.id == bindparam("row"))
            connection.execute(
                update.values(avg_fill_price=bindparam("avg_fill_price"), commission=bindparam("commission")), rows
            )


def counted(order: RowMapping, fills: Sequence[RowMapping]) -> list[RowMapping]:
    """
    Those of an order's executions that count for its quantity.

    A combination's own fill is told beside those of its legs, which are of other contracts; only its own count.
    """
    if order["sec_type"] != COMBINATION:
        return list(fills)
    return [
        fill
        for fill in fills
        if fill["sec_type"] == COMBINATION or (fill["con_id"] is not None and fill["con_id"] == order["con_id"])
    ]


def _derive(fills: Sequence[RowMapping], order: RowMapping) -> dict[str, str | None] | None:
    own, filled = counted(order, fills), order["filled_quantity"]
    sizes = [to_e8(str(fill["quantity"])) for fill in own]
    prices = [to_e8(str(fill["price"])) for fill in own]
    if filled is None or not own or None in sizes or None in prices:
        return None
    total = sum(size for size in sizes if size is not None)
    if total == 0 or total != to_e8(filled):
        return None
    value = sum(
        size * price for size, price in zip(sizes, prices, strict=True) if size is not None and price is not None
    )
    average = round_e8(Decimal(value) / Decimal(total) / Decimal(10**8))
    commissions = [fill["commission"] for fill in fills]
    paid = None if None in commissions else plain(sum((Decimal(str(one)) for one in commissions), Decimal(0)))
    return {"avg_fill_price": from_e8(average), "commission": paid}
