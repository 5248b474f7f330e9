"""Some of what was found, in words."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from tieout.diffing.dedup.deciding import Rule
from tieout.diffing.dedup.result import EXAMPLES_MAX
from tieout.diffing.summary import key_text, value_text

_COLUMNS_SHOWN_MAX = 3
_ORDER_COLUMNS_SHOWN_MAX = 6

Example = tuple[int, str]
"""The row's place in the whole, and what to say."""


def examples_of(
    frame: pl.DataFrame, found: dict[str, pl.DataFrame], rule: Rule, *, places: pl.Series | None
) -> dict[str, list[Example]]:
    """
    The first of each kind.

    Args:
        frame: the rows.
        found: reason -> row and of, in the frame.
        rule: how they are told apart.
        places: the rows' places in the whole; None: the frame is the whole.
    """
    keys = rule.keys if rule.order_columns is None else tuple(rule.order_columns.values())[:_ORDER_COLUMNS_SHOWN_MAX]

    def key(row: int) -> str:
        return key_text(frame.select(keys).row(row, named=True), keys)

    def conflict(row: int, of: int) -> str:
        one, other = (frame.select(rule.compared).row(at, named=True) for at in (of, row))
        names = [name for name in rule.compared if one[name] != other[name]]
        words = [f"{name} {value_text(one[name])} and {value_text(other[name])}" for name in names[:_COLUMNS_SHOWN_MAX]]
        return f"{key(row)}: {', '.join(words)}{', ...' if len(names) > len(words) else ''}"

    says: dict[str, Callable[[int, int], str]] = {
        "duplicate": lambda row, _of: key(row),
        "superseded": lambda row, of: f"{key(row)} by {key(of)}",
        "conflict": conflict,
        "ambiguous": lambda row, of: f"{key(row)} beside {key(of)}",
    }
    return {
        name: [
            (row if places is None else int(places[row]), says[name](row, of))
            for row, of in pairs.sort("row").head(EXAMPLES_MAX).iter_rows()
        ]
        for name, pairs in found.items()
    }
