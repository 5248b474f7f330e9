"""Which of several revisions of an execution is active, by the rule of `tieout.store.corrections`."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import polars as pl

from tieout.diffing.dedup.roles import Corrections
from tieout.diffing.kernel import Differ
from tieout.fixed import to_e8
from tieout.store.corrections import base_of, line_of, suffix_of

REVISIONS_MAX: Final = 99
"""IB counts revisions with two digits; a base that more rows have is none, and all of them are left to the operator."""
_LAST_SEGMENT: Final = r"\.[^.]*$"

Pairs = list[tuple[int, int]]
"""Rows, and the row that each is told beside."""


def revisions(kept: pl.DataFrame, corrections: Corrections, differ: Differ) -> tuple[Pairs, Pairs]:
    """
    The superseded rows, each with the active one, and the ambiguous ones.

    Args:
        kept: one row for each execution, and those that contradict one under its id; column `row` has their numbers.
        corrections: which columns say what.
        differ: finds those of one base.
    """
    names = corrections.columns
    asked = [pl.col(name).alias(role) for role, name in names.items()]
    bases = differ.repeats(kept.select(base_column(corrections).alias("base")), keys=["base"], fields=[]).copies
    several = pl.concat([bases["row"], bases["of"]]).unique().sort()
    found = kept[several].select("row", *asked)
    groups: dict[tuple[str | None, str], list[dict[str, Any]]] = {}
    for row in found.iter_rows(named=True):
        contract = {"symbol": row.get("symbol"), "con_id": row.get("con_id")}
        said = {**row, **contract, "cumulative_quantity_e8": _e8(row["cumulative_quantity"], names)}
        groups.setdefault((row["account"], base_of(str(row["exec_id"]))), []).append(said)
    superseded: Pairs = []
    ambiguous: Pairs = []
    for (name, _), group in groups.items():
        ascending = sorted(group, key=lambda one: (suffix_of(one), one["row"]))
        ids = Counter(one["exec_id"] for one in group)
        known = name is not None and all(one["symbol"] or one["con_id"] for one in group)
        if not known or len(ids) < len(group) or len(group) > REVISIONS_MAX:
            line, odd = ascending[-1:], ascending[:-1]
        else:
            line, odd = line_of(ascending)
        superseded += [(one["row"], line[-1]["row"]) for one in line[:-1]]
        # Two rows of one id contradict one another, which is told already.
        ambiguous += [(one["row"], line[-1]["row"]) for one in odd if one["exec_id"] != line[-1]["exec_id"]]
    return sorted(superseded), sorted(ambiguous)


def base_column(corrections: Corrections) -> pl.Expr:
    """The execution id without its revision, as `base_of` says."""
    exec_id = pl.col(corrections.columns["exec_id"]).cast(pl.String)
    cut = exec_id.str.replace(_LAST_SEGMENT, "")
    return pl.when(cut == "").then(exec_id).otherwise(cut)


def _e8(value: object, names: dict[str, str]) -> int | None:
    """The cumulative quantity as a count of 1e-8; None where it is not known, or no number."""
    scale = 8 if names["cumulative_quantity"].endswith("_e8") else 0
    try:
        return None if value is None else to_e8(Decimal(str(value)).scaleb(-scale))
    except InvalidOperation:
        return None
