"""Numbers and times as the gateway spells them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tieout.clock import NS_PER_S
from tieout.fixed import plain

UNSET_DOUBLE: Final = "1.7976931348623157E308"
UNSET_INTEGER: Final = "2147483647"
UNSET_LONG: Final = "9223372036854775807"


def number(value: Decimal) -> str:
    """A size or price: plain digits, no exponent."""
    return plain(value)


def price(value: Decimal | None) -> str:
    """An order's price; one that its type does not use goes as 0.0, as at IB."""
    return "0.0" if value is None else plain(value)


def stamp(ns: int) -> str:
    """A moment as in executions and completed orders: 20251120 15:04:05 UTC."""
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).strftime("%Y%m%d %H:%M:%S UTC")


def flag(value: bool) -> str:
    """A boolean: 1 or 0."""
    return "1" if value else "0"
