"""
One canonical form for everything that is hashed: RFC 8785 JSON, decimals as strings.

RFC 8785 numbers are doubles, so an integer that a double cannot hold is written as {"int": "..."}; a float is
refused: money is never one.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

EXACT: Final = 2**53 - 1
"""The greatest size of an integer that is written as one."""
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_bytes(value: Json) -> bytes:
    """
    The value's RFC 8785 form.

    Raises:
        TypeError: the value holds a float or another thing that is not JSON here.
    """
    exact = _exact(value)
    text = _ENCODER.encode(exact)
    # Python sorts keys by code point, RFC 8785 by UTF-16 unit: of ASCII text both are the same, and this is ten times
    # as fast as the library.
    return text.encode() if text.isascii() else rfc8785.dumps(exact)


def digest(value: Json) -> str:
    """SHA-256 of the canonical form, 64 hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def digest_of_set(digests: Iterable[str]) -> str:
    """SHA-256 over digests in sorted order: the same for the same set, however it was found."""
    return digest_of_raw(map(bytes.fromhex, digests))


def digest_of_raw(digests: Iterable[bytes]) -> str:
    """`digest_of_set` of digests of 32 bytes each; sorted so, they are in the order of their hex digits."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _exact(value: Json) -> Json:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= EXACT else {"int": str(value)}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        "".join(value)  # a key that is no text is a TypeError; the encoder would write it as one
        return {key: item if type(item) is str or item is None else _exact(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} has no canonical form here")
