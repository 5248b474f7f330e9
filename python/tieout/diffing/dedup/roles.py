"""Which columns say what of an execution or an order, whatever a file calls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tieout.diffing.kernel import ORDER_FIELDS

FINGERPRINT: Final = "fingerprint"
"""The key that means every order field, where no column has that name."""

_EXECUTION: Final[dict[str, tuple[str, ...]]] = {
    "exec_id": ("exec_id", "execId", "execution_id"),
    "account": ("account", "acctNumber", "acct_number", "account_id", "accountId"),
    "perm_id": ("perm_id", "permId"),
    "symbol": ("symbol",),
    "side": ("side",),
    "cumulative_quantity": (
        "cumulative_quantity_e8", "cumulative_quantity", "cumQty", "cum_qty", "cum_quantity", "cumulative_qty",
    ),
    "con_id": ("con_id", "conId", "conid"),
}  # fmt: skip
_CONTRACT: Final = frozenset({"symbol", "con_id"})
"""Either says which contract it is; where both are there, both do."""
ORDER_NEEDED: Final = ("account", "side", "quantity_e8", "order_type")
"""An order without one of these has no fingerprint worth the name."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """The columns by which one execution may correct another: what they say -> what they are called."""

    columns: dict[str, str]


def corrections_of(keys: tuple[str, ...], columns: Iterable[str]) -> Corrections | tuple[str, ...] | None:
    """
    How corrections are told apart among these columns; what is missing for it; None where the key is no execution id.
    """
    there = set(columns)
    found = {role: next((name for name in names if name in there), None) for role, names in _EXECUTION.items()}
    if found["exec_id"] is None or {found["exec_id"]} != set(keys) - {found["account"]}:
        return None
    named = {role: name for role, name in found.items() if name is not None}
    missing = tuple(role for role in found if role not in named and role not in _CONTRACT)
    missing += () if _CONTRACT & set(named) else ("symbol or con_id",)
    return missing or Corrections(named)


def order_columns(columns: Iterable[str]) -> dict[str, str]:
    """Order field -> the column that has it: by its own name, or without `_e8` as a decimal."""
    there = set(columns)
    found = {}
    for field in ORDER_FIELDS:
        names = (field, field.removesuffix("_e8"))
        if name := next((name for name in names if name in there), None):
            found[field] = name
    return found


def perm_id_of(columns: Iterable[str]) -> str | None:
    """The column of the permanent id, which two orders never share."""
    there = set(columns)
    return next((name for name in _EXECUTION["perm_id"] if name in there), None)
