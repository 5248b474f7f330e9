"""
Frames of the TWS protocol: a 4-byte big-endian length, then NUL-terminated text fields.

Source: the protocol as public clients speak it, with the length prefixes of server version 100 and later.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from typing import Final

FRAME_BYTES_MAX: Final = 1 << 20
"""A client that announces more than this is not speaking the protocol."""

_LENGTH: Final = struct.Struct(">I")


class FrameError(Exception):
    """The bytes are not a frame of this protocol; the client that sent them is cut off."""


def encode(fields: Iterable[str]) -> bytes:
    """One message as it goes over the wire: length prefix and fields, each closed by NUL."""
    body = "".join(f"{field}\0" for field in fields).encode("utf-8")
    return _LENGTH.pack(len(body)) + body


def decode(body: bytes) -> list[str]:
    """
    The fields of a message body.

    Raises:
        FrameError: not closed by NUL, or not UTF-8.
    """
    if not body.endswith(b"\0"):
        raise FrameError("a message ends without NUL")
    try:
        return body[:-1].decode("utf-8").split("\0")
    except UnicodeDecodeError as error:
        raise FrameError("a message is not UTF-8 text") from error


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """
    The body of the next frame, however the bytes were split on the way.

    Raises:
        FrameError: an empty frame, or one longer than `FRAME_BYTES_MAX`.
        asyncio.IncompleteReadError: the client closed the connection.
    """
    (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if not 0 < size <= FRAME_BYTES_MAX:
        raise FrameError(f"a frame announces {size} bytes")
    return await reader.readexactly(size)
