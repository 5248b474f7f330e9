"""
IB's message codes, as far as a rule hangs on them. An unknown code is a hint.

Source: IB's TWS API message codes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_ID_IN_USE: Final = 326

LINK_LOST: Final = frozenset({1100, 2110})
"""The gateway lost IB: what it answers from now on is what it remembers."""

LINK_BACK: Final = frozenset({1101, 1102})
"""It is back. Nothing that happened meanwhile is told again, so an answer across it has a hole."""

NO_TICKS: Final[Mapping[int, str]] = MappingProxyType({
    101: "the account has no market-data line left",
    200: "the gateway does not know this contract",
    321: "the gateway refuses the request",
    322: "the gateway refuses the request",
    354: "the account is not subscribed to this data",
    420: "the account may not have this data",
    10089: "the account is not subscribed to this data for the API",
    10168: "the account is not subscribed to this data",
    10186: "the account is not subscribed to this data",
    10189: "the gateway refuses tick-by-tick data",
    10190: "the gateway streams tick by tick of no further instrument",
    10197: "another session of this user has the data",
})  # fmt: skip
"""Said of a subscription that brings no ticks, and why."""

NO_TICKS_FOR_NOW: Final = frozenset({101, 10190, 10197})
"""Those that pass by themselves: another program or session lets go of what it has."""

LESS_TICKS: Final = frozenset({10090, 10167})
"""Said of a subscription that brings only some of what was asked for, or delayed prices."""

NOTHING_TO_CANCEL: Final = 300

FARM_BROKEN, FARM_FINE = 2103, 2104
"""A market data farm is gone, or back. Subscriptions live on, by the guide; some were seen to stay silent."""

REFUSED: Final = 321
"""A request that the gateway does not let through; the text says why."""

ORDER_WARNINGS: Final = frozenset({399, 404, 2109, 10349})
"""Said about an order that stays as it is. `BROKER.warning_codes` adds to them, and to the notices."""

FIRST_NOTICE, LAST_NOTICE = 2100, 2199


def is_notice(code: int) -> bool:
    """Whether a code only informs (farm connections, API warnings): no answer is worse for it."""
    return FIRST_NOTICE <= code <= LAST_NOTICE and code not in LINK_LOST


def is_read_only(code: int, text: str) -> bool:
    """
    Whether a request was refused because the gateway's "Read-Only API" is on: 321, "Error validating request.-'bW' :
    cause - The API interface is currently in Read-Only mode." (the two letters vary by build).
    """
    return code == REFUSED and "read-only" in text.lower()


def spoils_answer(code: int, *, req_id: int, own_req_id: int | None) -> bool:
    """
    Whether a message that came while we waited makes the answer incomplete.

    Args:
        req_id: what the message names: our question, an order id, or -1 for the connection as a whole.
        own_req_id: the id of the question; None where IB gives it none.
    """
    if is_notice(code):
        return False
    if code in LINK_LOST or code in LINK_BACK:
        return True
    return req_id < 0 or req_id == own_req_id
