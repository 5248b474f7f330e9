"""
What an order book leaves open, invented repeatably: each answer hangs on the row alone, through SHA-256,
and so on no run, machine or other row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from tieout.sim.world import Contract

T = TypeVar("T", int, str)

TIFS: Final = ("DAY", "GTC")
EXPIRY: Final = "20261218"
"""Invented futures expire then. A fixed day, since one that follows the clock would not repeat."""
_MONTH_CODE: Final = "Z6"

PERM_ID_FIRST: Final = 1_000_000_000
_PERM_IDS: Final = 10**12
_CON_ID_FIRST: Final = 100_000_000
_CON_IDS: Final = 800_000_000


@dataclass(frozen=True, slots=True)
class _Future:
    multiplier: str
    exchange: str
    min_tick: str


_FUTURES: Final = {
    "ES": _Future("50", "CME", "0.25"),
    "MES": _Future("5", "CME", "0.25"),
    "NQ": _Future("20", "CME", "0.25"),
    "MNQ": _Future("2", "CME", "0.25"),
    "RTY": _Future("50", "CME", "0.1"),
    "M2K": _Future("5", "CME", "0.1"),
    "YM": _Future("5", "CBOT", "1"),
    "MYM": _Future("0.5", "CBOT", "1"),
    "CL": _Future("1000", "NYMEX", "0.01"),
    "MCL": _Future("100", "NYMEX", "0.01"),
    "NG": _Future("10000", "NYMEX", "0.001"),
    "GC": _Future("100", "COMEX", "0.1"),
    "MGC": _Future("10", "COMEX", "0.1"),
    "SI": _Future("5000", "COMEX", "0.005"),
}


def digest(*parts: object) -> int:
    """A number that hangs on the parts alone; parts are kept apart, so ("a", "b") is not ("ab",)."""
    text = "\x1f".join(f"{len(str(part))}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest(), "big")


def perm_id(taken: Container[int], *parts: object) -> int:
    """A permId for these parts that nobody has yet."""
    return _free(lambda turn: PERM_ID_FIRST + digest("perm_id", turn, *parts) % _PERM_IDS, taken)


def tif(*parts: object) -> str:
    """DAY or GTC."""
    return TIFS[digest("tif", *parts) % len(TIFS)]


def exec_id(taken: Container[str], *parts: object) -> str:
    """An exec id in IB's four segments that nobody has yet."""

    def make(turn: int) -> str:
        number = digest("exec_id", turn, *parts)
        return f"0000e0d5.{number % 2**32:08x}.{(number >> 32) % 2**24:08x}.01"

    return _free(make, taken)


def contract(known: dict[str, str | int | None]) -> Contract:
    """
    The contract that a book's columns describe, the missing ones filled in.

    `known` has the book's contract columns; what it says stands, also where it is odd.
    """

    def text(name: str, otherwise: str) -> str:
        value = known.get(name)
        return otherwise if value in {None, ""} else str(value)

    symbol = text("symbol", "")
    future = _FUTURES.get(symbol)
    sec_type = text("sec_type", "FUT" if future else "STK")
    listed = future if sec_type == "FUT" else None
    expiry = text("expiry", EXPIRY if sec_type == "FUT" else "")
    code = _MONTH_CODE if expiry == EXPIRY else expiry
    local_symbol = text("local_symbol", f"{symbol}{code}" if sec_type == "FUT" else symbol)
    strike = Decimal(text("strike", "0"))
    right, multiplier = text("right", ""), text("multiplier", listed.multiplier if listed else "")
    con_id = int(known.get("con_id") or 0)
    if not con_id:
        con_id = _CON_ID_FIRST + digest("con_id", symbol, sec_type, expiry, strike, right, local_symbol) % _CON_IDS
    return Contract(
        con_id=con_id,
        symbol=symbol,
        sec_type=sec_type,
        exchange=text("exchange", listed.exchange if listed else "SMART"),
        currency=text("currency", "USD"),
        expiry=expiry,
        strike=strike,
        right=right,
        multiplier=multiplier,
        local_symbol=local_symbol,
        trading_class=text("trading_class", symbol),
        primary_exchange="NASDAQ" if sec_type == "STK" else "",
        min_tick=Decimal(listed.min_tick) if listed else Decimal("0.01"),
    )


def _free(make: Callable[[int], T], taken: Container[T]) -> T:
    turn = 0
    while (value := make(turn)) in taken:
        turn += 1
    return value
