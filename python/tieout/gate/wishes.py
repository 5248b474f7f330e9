"""From the port's specs to what the store and the book keep of them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

from tieout.fixed import plain, to_e8
from tieout.gate.fingerprint import print_of
from tieout.model import uses_limit_price, uses_stop_price
from tieout.store.intent import Wish

if TYPE_CHECKING:
    from tieout.broker.port import ContractSpec, OrderSpec
    from tieout.store.intent import Intent


def wish_of(
    account: str,
    contract: ContractSpec,
    order: OrderSpec,
    *,
    intent_id: str | None,
    strategy: str | None,
    target: Intent | None = None,
    parent: Intent | None = None,
) -> Wish:
    """
    What is to be reserved for this order.

    Args:
        target: the order's own intent, where this is its modification.
        parent: the intent of the order that this one is attached to.
    """
    print_ = print_of(account, contract, order)
    return Wish(
        kind="place" if target is None else "modify",
        intent_id=intent_id,
        strategy=strategy,
        fingerprint=print_.fingerprint,
        encoding=print_.encoding,
        contract=as_json(contract),
        order=as_json(order),
        target=target.row if target is not None else None if parent is None else parent.row,
        order_id=None if target is None else target.order_id,
        order_ref=None if target is None else target.order_ref,
    )


def as_json(spec: ContractSpec | OrderSpec) -> dict[str, object]:
    """Every field that is set, decimals as plain strings."""
    return {name: _plain(value) for name, value in asdict(spec).items() if value is not None}


def contract_of(intent: Intent) -> ContractSpec:
    """The contract that an intent is on."""
    from tieout.broker.port import ContractSpec

    kept = dict(intent.contract)
    for name in ("strike", "multiplier"):
        if name in kept:
            kept[name] = Decimal(str(kept[name]))
    return ContractSpec(**kept)  # type: ignore[arg-type]  # as `as_json` wrote it


def book_columns(contract: ContractSpec, order: OrderSpec) -> dict[str, object]:
    """The order as the table `orders` names its columns; a price that its type does not use is null."""
    names = ("con_id", "sec_type", "expiry", "right", "currency", "local_symbol", "trading_class", "exchange")
    return {
        **{name: getattr(contract, name) for name in names},
        "symbol": contract.symbol or "",
        "strike": _plain(contract.strike),
        "multiplier": _plain(contract.multiplier),
        **terms_columns(order),
        "side": order.side,
        "parent_id": order.parent_id,
        "oca_group": order.oca_group,
    }


def terms_columns(order: OrderSpec) -> dict[str, object]:
    """What a modification can change."""
    return {
        "quantity": plain(order.quantity),
        "order_type": order.order_type,
        "limit_price": _plain(order.limit_price) if uses_limit_price(order.order_type) else None,
        "stop_price": _plain(order.stop_price) if uses_stop_price(order.order_type) else None,
        "tif": order.tif,
    }


def wanted_of(intent: Intent) -> dict[str, object]:
    """What a modification asked for, as a snapshot names it (tieout.gate.settle.COMPARED)."""
    order = intent.order
    kind = str(order["order_type"])
    return {
        "quantity_e8": _e8(order.get("quantity")),
        "order_type": kind,
        "limit_price_e8": _e8(order.get("limit_price")) if uses_limit_price(kind) else None,
        "stop_price_e8": _e8(order.get("stop_price")) if uses_stop_price(kind) else None,
        "tif": order["tif"],
    }


def _e8(value: object) -> int | None:
    return None if value is None else to_e8(str(value))


def _plain(value: object) -> object:
    return plain(value) if isinstance(value, Decimal) else value
