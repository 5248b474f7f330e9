"""
What an order asks for, in 128 bits: every field of `ContractSpec` and `OrderSpec`, and the account.

The encoding is injective (rust/core, `fingerprint`): the fingerprint finds an equal order, the encoding decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout import _core, fixed
from tieout.errors import OrderInvalid

if TYPE_CHECKING:
    from decimal import Decimal

    from tieout.broker.port import ContractSpec, OrderSpec

WISH: Final[dict[str, pl.DataType]] = {
    **{name: pl.String() for name in _core.FINGERPRINT_TEXTS},
    **{name: pl.Int64() for name in _core.FINGERPRINT_INTS},
    **{name: pl.Boolean() for name in _core.FINGERPRINT_BOOLS},
}
"""The fields, as a frame of orders has them; decimals are counts of 1e-8, booleans are never null."""

TEXT_LENGTH_MAX: Final = 1_000
_SIDES: Final = frozenset({"BUY", "SELL"})


@dataclass(frozen=True, slots=True)
class Print:
    """An order's fingerprint (16 bytes) and the encoding that it is of."""

    fingerprint: bytes
    encoding: bytes


def print_of(account: str, contract: ContractSpec, order: OrderSpec) -> Print:
    """
    The order's fingerprint.

    Raises:
        OrderInvalid: a number that 1e-8 cannot hold.
    """
    row = row_of(account, contract, order)
    texts, ints, bools = (
        [row[name] for name in names]
        for names in (_core.FINGERPRINT_TEXTS, _core.FINGERPRINT_INTS, _core.FINGERPRINT_BOOLS)
    )
    return Print(*_core.order_fingerprint(texts, ints, bools))  # type: ignore[arg-type]  # as `row_of` made them


def prints_of(orders: pl.DataFrame) -> pl.Series:
    """The fingerprints of a frame with the columns of `WISH`: Binary, 16 bytes each, in its order."""
    columns = orders.select(pl.col(name).cast(kind) for name, kind in WISH.items()).rechunk()
    return pl.DataFrame(_core.order_fingerprints(columns))["fingerprint"]


def row_of(account: str, contract: ContractSpec, order: OrderSpec) -> dict[str, str | int | bool | None]:
    """The order as a row with the columns of `WISH`."""
    return {
        "account": account,
        "con_id": contract.con_id,
        "symbol": contract.symbol,
        "sec_type": contract.sec_type,
        "exchange": contract.exchange,
        "currency": contract.currency,
        "expiry": contract.expiry,
        "strike_e8": _e8("strike", contract.strike),
        "right": contract.right,
        "multiplier_e8": _e8("multiplier", contract.multiplier),
        "local_symbol": contract.local_symbol,
        "trading_class": contract.trading_class,
        "side": order.side,
        "quantity_e8": _e8("quantity", order.quantity),
        "order_type": order.order_type,
        "limit_price_e8": _e8("limit_price", order.limit_price),
        "stop_price_e8": _e8("stop_price", order.stop_price),
        "tif": order.tif,
        "order_ref": order.order_ref,
        "parent_id": order.parent_id,
        "oca_group": order.oca_group,
        "outside_rth": order.outside_rth,
        "transmit": order.transmit,
    }


def check(contract: ContractSpec, order: OrderSpec) -> None:
    """
    Refuse what cannot be sent as it stands.

    Raises:
        OrderInvalid: says which field, and what was expected.
    """
    row = row_of("", contract, order)
    if contract.con_id is None and not contract.symbol:
        raise OrderInvalid("the contract has neither con_id nor symbol", hint="name one of them")
    if order.side not in _SIDES:
        raise OrderInvalid(f"the side is {order.side!r}, expected BUY or SELL", hint="correct the order")
    if order.quantity <= 0:
        raise OrderInvalid(f"the quantity is {order.quantity}, expected more than 0", hint="correct the order")
    if not order.order_type or not order.tif:
        raise OrderInvalid("the order has no order_type or no tif", hint="name both, such as LMT and DAY")
    if order.order_ref is not None:
        raise OrderInvalid(
            f"the order brings the order_ref {order.order_ref!r}; the gate gives it one that carries the intent",
            hint="leave order_ref out, and name the intent instead",
        )
    for name, value in row.items():
        if isinstance(value, str) and (len(value) > TEXT_LENGTH_MAX or not value.isprintable()):
            raise OrderInvalid(
                f"{name} is {value[:40]!r}, expected at most {TEXT_LENGTH_MAX} printable characters",
                hint="correct the order",
            )


def _e8(name: str, value: Decimal | None) -> int | None:
    if value is None:
        return None
    exact = fixed.to_e8(value)
    if exact is None:
        raise OrderInvalid(f"{name} is {value}, expected a finite number of at most 8 decimals", hint="round it first")
    return exact
