"""
Exact numbers: 1e-8 fixed point inside, decimal strings outside.

A price or a quantity is an integer count of 1e-8 ("e8"). What that cannot hold exactly
is not rounded: `to_e8` answers None and the caller says so.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

SCALE = 100_000_000
E8_MAX = 2**63 - 1


def to_e8(value: Decimal | str | int) -> int | None:
    """The value in units of 1e-8, or None where that is not exact, not finite or over 63 bits."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > 12:
        return None
    scaled = number.scaleb(8)
    whole = scaled.to_integral_value()
    if whole != scaled or abs(whole) > E8_MAX:
        return None
    return int(whole)


def round_e8(value: Decimal) -> int | None:
    """The value rounded half-even to 1e-8: for averages and costs, never for a price that is compared."""
    if not value.is_finite() or value.adjusted() > 12:
        return None
    scaled = int(value.scaleb(8).to_integral_value(rounding=ROUND_HALF_EVEN))
    return scaled if abs(scaled) <= E8_MAX else None


def from_e8(value: int | None) -> str | None:
    """The shortest plain decimal string of a count of 1e-8: 660050000000 -> "6600.5"."""
    if value is None:
        return None
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), SCALE)
    tail = f".{part:08d}".rstrip("0").rstrip(".")
    return f"{sign}{whole}{tail}"


def plain(number: Decimal) -> str:
    """A decimal without exponent and without trailing zeros, digits kept: Decimal("1E+2") -> "100"."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
