"""
One canonical form for everything that is hashed: RFC 8785 JSON, decimals as strings.

RFC 8785 numbers are doubles, so an integer that a double cannot hold is written as {"int": "..."}; a float is
refused: money is never one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

_EXACT: Final = 2**53 - 1


def canonical_bytes(value: Json) -> bytes:
    """
    The value's RFC 8785 form.

    Raises:
        TypeError: the value holds a float or another thing that is not JSON here.
    """
    return rfc8785.dumps(_exact(value))


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def digest_of_set(digests: Iterable[str]) -> str:
    """SHA-256 over digests in sorted order: the same for the same set, however it was found."""
    total = hashlib.sha256()
    for one in sorted(digests):
        total.update(bytes.fromhex(one))
    return total.hexdigest()


def _exact(value: Json) -> Json:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else {"int": str(value)}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} has no canonical form here")
