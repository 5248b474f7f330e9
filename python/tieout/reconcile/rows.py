"""Between a frame's row and a table's image: names and digits, one place for both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tieout.clock import to_iso
from tieout.fixed import from_e8
from tieout.model import ORPHANED_DELETED
from tieout.store.tables import RECONCILED_EXECUTION, RECONCILED_ORDER

if TYPE_CHECKING:
    from tieout.canonical import Json
    from tieout.store.reader import Image

FrameRow = dict[str, Any]
"""One row of a frame, by column name."""

_E8: Final = frozenset(
    {
        "strike",
        "multiplier",
        "quantity",
        "limit_price",
        "stop_price",
        "filled_quantity",
        "price",
        "cumulative_quantity",
        "commission",
    }
)


def field(row: FrameRow, name: str) -> Json:
    """The table's value for a column, from a frame's row: decimals as strings, times as ISO-8601 Z."""
    if name in _E8:
        return from_e8(row[f"{name}_e8"])
    value: Json = row[name]
    return value


def order_insert(row: FrameRow) -> Image:
    """The reconciled columns of an order that the broker has and the book has not."""
    image: Image = {name: field(row, name) for name in RECONCILED_ORDER}
    if image["quantity"] is None:
        image["quantity"] = image["filled_quantity"]
    if image["filled_quantity"] is None:
        image["filled_quantity"] = "0"
    return image


def order_update(before: Image, row: FrameRow, names: list[str]) -> Image:
    """The before-image with the broker's value in each of the named fields."""
    return before | {name: field(row, name) for name in names}


def orphan(before: Image, row: FrameRow | None) -> Image:
    """The before-image as a soft-deleted orphan; fills that the broker did report are kept."""
    after = before | {"status": ORPHANED_DELETED}
    if row is not None and row["filled_quantity_e8"] is not None:
        after["filled_quantity"] = from_e8(row["filled_quantity_e8"])
    return after


def execution_insert(row: FrameRow) -> Image:
    """The reconciled columns of an execution that the broker has and the book has not."""
    image: Image = {}
    for name in RECONCILED_EXECUTION:
        if name == "executed_at":
            image[name] = None if row["executed_ns"] is None else to_iso(row["executed_ns"])
        else:
            image[name] = field(row, name)
    return image


def describe_order(row: FrameRow) -> dict[str, Json]:
    """An order as a person compares it with another, side by side."""
    told: dict[str, Json] = {
        name: field(row, name)
        for name in (
            "perm_id", "client_id", "order_id", "order_ref", "symbol", "sec_type", "con_id", "expiry", "strike",
            "right", "multiplier", "currency", "local_symbol", "trading_class", "side", "quantity", "order_type",
            "limit_price", "stop_price", "tif", "status", "filled_quantity",
        )
    }  # fmt: skip
    told["placed_at"] = None if row["placed_ns"] is None else to_iso(row["placed_ns"])
    if row["row"] is not None:
        told = {"row": row["row"], **told}
    return told


def describe_execution(row: FrameRow) -> dict[str, Json]:
    """An execution as a person compares it with another, side by side."""
    names = (
        "exec_id",
        "perm_id",
        "client_id",
        "order_id",
        "order_ref",
        "symbol",
        "side",
        "quantity",
        "price",
        "commission",
    )
    told: dict[str, Json] = {name: field(row, name) for name in names}
    told["executed_at"] = None if row["executed_ns"] is None else to_iso(row["executed_ns"])
    if row["row"] is not None:
        told = {"row": row["row"], "order_row": row["order_row"], **told}
    return told
