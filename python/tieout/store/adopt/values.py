"""Single values of an old book: their digits as they stood, their words in today's language."""

from __future__ import annotations

import base64
import json
import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from tieout.fixed import to_e8
from tieout.model import ENDED_STATUSES, INACTIVE, LIVE_STATUSES, ORPHANED_DELETED, SUPERSEDED_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tieout.store.adopt.report import Doubts

Cell = str | int | float | bytes | None
"""What SQLite hands out."""

STATUS_WORDS: Final = {"placed": "PendingSubmit"}
TYPE_WORDS: Final = {"LIMIT": "LMT", "STOP": "STP", "MARKET": "MKT", "STOP_LIMIT": "STP LMT"}
SIDES: Final = frozenset({"BUY", "SELL"})
_STATUSES: Final = LIVE_STATUSES | ENDED_STATUSES | {INACTIVE, ORPHANED_DELETED, SUPERSEDED_UNKNOWN, "PreCancelled"}


def digits(value: Cell) -> str | None:
    """A number's digits as they stood: 3 -> "3", 6648.0 -> "6648.0", a text unchanged."""
    if value is None or isinstance(value, str):
        return value
    return repr(value) if isinstance(value, int | float) else words(value)


def words(value: Cell) -> str:
    """A text cell; a blob's bytes that are not UTF-8 are escaped, NULL is empty."""
    if value is None:
        return ""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def checked(value: Cell, where: str, doubts: Doubts) -> str | None:
    """`digits`, with a doubt where 1e-8 cannot hold the number exactly."""
    text = digits(value)
    if text is not None and (isinstance(value, bytes) or to_e8(text) is None):
        doubts.add("inexact_number", f"{where} = {text}")
    return text


def number(value: Cell) -> Decimal | None:
    """The finite number that a cell holds, or None."""
    if value is None or isinstance(value, bytes):
        return None
    try:
        found = Decimal(digits(value) or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def whole(value: Cell) -> int | None:
    """The cell's integer, or None where it is no integer."""
    return value if isinstance(value, int) else None


def status_word(value: Cell) -> str:
    """An old status in IB's words: Placed -> PendingSubmit; others as they stand."""
    text = words(value)
    return STATUS_WORDS.get(text.strip().lower(), text)


def type_word(value: Cell) -> str:
    """An old order type in IB's words: LIMIT -> LMT; others as they stand."""
    text = words(value)
    return TYPE_WORDS.get(text.strip().upper(), text)


def side_word(value: Cell) -> str:
    """BUY or SELL; others as they stand."""
    text = words(value)
    return text.strip().upper() if text.strip().upper() in SIDES else text


def doubt_words(status: str, side: str, *, where: str, doubts: Doubts) -> None:
    """A doubt for a status or a side that we do not know; an empty side is told as not on record."""
    if status not in _STATUSES:
        doubts.add("unknown_word", f"{where}: status {status!r}")
    if side and side not in SIDES:
        doubts.add("unknown_word", f"{where}: side {side!r}")


def extra_json(pairs: Iterable[tuple[str, Cell]]) -> str | None:
    """
    Further columns as one JSON object, NULLs left out; None where nothing is left.

    Blobs are {"blob_base64": ...}, infinities {"real": "inf"}: JSON has no word for them.
    """
    kept = {name: _tagged(value) for name, value in pairs if value is not None}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None


def _tagged(value: Cell) -> object:
    if isinstance(value, bytes):
        return {"blob_base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"real": repr(value)}
    return value
